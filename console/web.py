"""``python -m console.web``: the web process.  It takes LiveKit's webhooks; it grows into the console."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

import psycopg
import structlog
import uvicorn
import uvloop

from console.app import make_app
from console.supervisor import CANNOT_START, raise_open_files_limit
from dialer.actions.sign_in import signed_in
from dialer.actions.take_webhooks import WebhookIntake
from dialer.app import Dialer, open_dialer
from dialer.config import Settings, read_settings
from dialer.errors import OperatorError, StoreUnavailable
from dialer.logs import set_up_logs
from dialer.telephony.livekit_webhooks import WebhookReader
from jobs.broker import make_broker
from jobs.read_news import enqueue_news

log = structlog.get_logger()

KIND = "web"
COUNT_EVERY_SECONDS = 1.0
GRACE_SECONDS = 3
#: Longer than a Go client keeps an idle connection (90 s): none is closed that LiveKit is about to use.
KEEP_ALIVE_SECONDS = 120


class _Server(uvicorn.Server):
    """uvicorn would take the signals and raise them again at its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)
        yield

    def _leave(self) -> None:
        self.should_exit = True


def main() -> None:
    """Serve until told to stop; exits with ``CANNOT_START`` when a setting or the port cannot be used."""
    raise_open_files_limit()
    try:
        settings = read_settings()
        set_up_logs(process=KIND, level=settings.log_level, form=settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except OperatorError as error:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"{KIND} cannot start: {error}{hint}\n")
        sys.exit(CANNOT_START)
    except StoreUnavailable as error:
        log.warning("web_gave_up", error=str(error))  # its supervisor tries again
        sys.exit(1)


async def _run(settings: Settings) -> None:
    if settings.database_url is None or settings.redis_url is None:
        raise OperatorError("DATABASE_URL and REDIS_URL are not set; `dialer up` sets them for its processes")
    database_url, redis_url = settings.database_url.get_secret_value(), settings.redis_url.get_secret_value()
    opening = open_dialer(settings, database_url=database_url, redis_url=redis_url, name=KIND)
    with _listen(settings.web_host, settings.web_port) as listener:
        async with opening as dialer, signed_in(dialer, KIND), _intake(dialer, redis_url) as intake:
            await _serve(dialer, settings, intake, listener)


async def _serve(dialer: Dialer, settings: Settings, intake: WebhookIntake, listener: socket.socket) -> None:
    assert settings.livekit_api_key is not None
    assert settings.livekit_api_secret is not None
    reader = WebhookReader(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
    config = uvicorn.Config(
        make_app(dialer, reader=reader, intake=intake),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http="httptools",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    log.info("web_served", host=host, port=port)
    await _Server(config).serve(sockets=[listener])


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise OperatorError(
            f"webhooks cannot be taken on {host}:{port}: {error.strerror}",
            hint="another process has the port; set DIALER_WEB_PORT to a free one",
        ) from error
    with listener:
        yield listener


@asynccontextmanager
async def _intake(dialer: Dialer, redis_url: str) -> AsyncIterator[WebhookIntake]:
    """The intake with its queue; what it has counted is written about once a second, and at the end."""
    broker = make_broker(redis_url, installation=dialer.installation)

    async def enqueue(attempt_ids: Sequence[UUID]) -> None:
        await asyncio.to_thread(enqueue_news, broker, attempt_ids)

    intake = WebhookIntake(dialer, enqueue)
    counting = asyncio.create_task(_write_counts(intake))
    try:
        yield intake
    finally:
        counting.cancel()
        await asyncio.wait([counting])
        with suppress(StoreUnavailable, psycopg.Error):
            await intake.close()
        broker.close()


async def _write_counts(intake: WebhookIntake) -> None:
    while True:
        await asyncio.sleep(COUNT_EVERY_SECONDS)
        try:
            await intake.write_counts()
        except (StoreUnavailable, psycopg.Error) as error:
            log.warning("counts_not_written", error=str(error))


if __name__ == "__main__":
    main()
