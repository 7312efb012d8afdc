"""``dialer doctor``: tries everything the dialer needs, one by one, and says what to do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import uuid4

import typer

from console.errors import ExitCode, hint_of
from console.livekit_cloud import ADVICE, REQUESTS_PER_MINUTE, is_cloud
from console.open_line import is_set, open_line
from console.servers import servers
from console.session import Session, open_ledger
from console.terminal import Json, put, put_json
from console.views.findings import findings_json, findings_page
from console.webhook_url import webhook_url
from dialer.actions.check_line import check_livekit
from dialer.actions.check_stores import check_postgres, check_redis, check_workers
from dialer.actions.check_webhook import check_agent, check_room, check_webhook
from dialer.app import fence_of
from dialer.clock import Clock
from dialer.config import Settings, read_settings
from dialer.domain.finding import Finding, Level, error, warning
from dialer.errors import DialerError, StoreUnavailable
from dialer.ledger.installation import read_installation
from dialer.ledger.line_status import read_quota
from dialer.ledger.schema import migrate
from dialer.limits.redis_session import RedisSession
from dialer.logs import set_up_logs
from dialer.telephony.line import Line


def doctor(
    as_json: Json = False,
    agent: Annotated[
        list[str] | None,
        typer.Option("--agent", metavar="NAME", help="Also send for this agent and see whether it comes; repeatable."),
    ] = None,
) -> None:
    """Try everything the dialer needs, and say what to do.

    PostgreSQL, Redis, LiveKit with its trunks and webhooks, all clocks and the processes. The exit code is 1
    when one is an error.
    """
    set_up_logs(process="dialer", level="error")
    settings = read_settings()
    findings = _examine(settings, agent or [])
    if as_json:
        put_json(findings_json(findings, settings.masked()))
    else:
        put(findings_page(findings, settings.masked()))
    is_well = all(finding.level is not Level.ERROR for finding in findings)
    raise typer.Exit(ExitCode.DONE if is_well else ExitCode.UNAVAILABLE)


def _examine(settings: Settings, agents: Sequence[str]) -> list[Finding]:
    try:
        with servers(settings) as urls:
            connected = settings.connected_to(database_url=urls.database_url, redis_url=urls.redis_url)
            migrate(urls.database_url)
            return asyncio.run(_all(connected, agents))
    except DialerError as fault:
        todo = hint_of(fault) if not isinstance(fault, StoreUnavailable) else None
        return [error("PostgreSQL", str(fault), todo or "check DATABASE_URL, and that PostgreSQL runs")]


async def _all(settings: Settings, agents: Sequence[str]) -> list[Finding]:
    clock = Clock()
    ledger = open_ledger(settings)
    await ledger.open()
    try:
        session = Session(settings=settings, ledger=ledger)
        async with _redis(session) as redis:
            return [
                *await check_postgres(ledger, clock=clock),
                *await check_redis(redis, ledger, clock=clock),
                *await _livekit(session, clock, agents),
                *await check_workers(ledger, silence=session.silence),
            ]
    finally:
        await ledger.close()


@asynccontextmanager
async def _redis(session: Session) -> AsyncIterator[RedisSession]:
    assert session.settings.redis_url is not None
    installation = await read_installation(session.ledger)
    redis = RedisSession(session.settings.redis_url.get_secret_value(), installation=installation.word)
    try:
        yield redis
    finally:
        await redis.close()


async def _livekit(session: Session, clock: Clock, agents: Sequence[str]) -> list[Finding]:
    if not is_set(session.settings):
        return [
            warning(
                "LiveKit",
                "LIVEKIT_URL is not set: nobody can be called",
                "set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; `dialer demo` needs none of them",
            )
        ]
    try:
        async with open_line(session.settings) as line:
            found = await check_livekit(line, session.ledger, clock=clock, fence=fence_of(session.settings))
            if found[0].level is Level.ERROR:
                return found
            return [*found, *await _quota(session), *await _news(session, line, clock, agents)]
    except DialerError as fault:
        return [error("LiveKit", str(fault), hint_of(fault) or "")]


async def _quota(session: Session) -> list[Finding]:
    if not is_cloud(session.settings.livekit_url) or await read_quota(session.ledger) is not None:
        return []
    words = f"LiveKit Cloud takes about {REQUESTS_PER_MINUTE} requests a minute for a project, and none is set here"
    return [warning("LiveKit's quota", words, ADVICE)]


async def _news(session: Session, line: Line, clock: Clock, agents: Sequence[str]) -> list[Finding]:
    word = (await read_installation(session.ledger)).word
    webhooks = check_webhook(
        line,
        session.ledger,
        clock=clock,
        room=check_room(word, uuid4()),
        url=webhook_url(session.settings),
        silence=session.silence,
    )
    coming = [check_agent(line, clock=clock, room=check_room(word, uuid4()), agent_name=name) for name in agents]
    return list(await asyncio.gather(webhooks, *coming))
