"""The exporter: ``/metrics`` for Prometheus, read from the ledger, Redis and the broker at each scrape."""

import asyncio

import structlog
from aiohttp import web
from dramatiq.brokers.redis import RedisBroker
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from dialer import metrics
from dialer.actions.look_at_trunk import look_at_trunks
from dialer.app import Dialer
from dialer.config import Settings
from dialer.domain.outcome import Outcome
from dialer.domain.webhook import WebhookFate
from dialer.errors import OperatorError, StoreUnavailable
from dialer.ledger.figures import Figures, read_figures
from dialer.ledger.workers import count_alive
from jobs.queues import Queue
from workers.pacing_figures import pacing_figures
from workers.process import Stop, open_broker, run_worker

log = structlog.get_logger()


class Exporter:
    """Takes one snapshot for each scrape."""

    def __init__(self, dialer: Dialer, broker: RedisBroker) -> None:
        self._dialer = dialer
        self._broker = broker
        self._collector = metrics.LedgerCollector()
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)

    async def serve(self, _request: web.Request) -> web.Response:
        """503 when ledger or Redis is away: a gap in the graphs is true, a zero would not be."""
        try:
            self._collector.snapshot = await self.snapshot()
        except (StoreUnavailable, RedisError, OSError) as error:
            log.warning("scrape_failed", error=str(error))
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def snapshot(self) -> dict[metrics.MetricSpec, metrics.Samples]:
        """Every sample as it is now.

        Raises:
            StoreUnavailable, RedisError, OSError: the ledger or Redis does not answer.
        """
        figures = await read_figures(self._dialer.ledger)
        trunks = await look_at_trunks(self._dialer.ledger, self._dialer.slots, silence=self._dialer.leases.owner)
        alive = await count_alive(self._dialer.ledger, silence=self._dialer.leases.owner)
        return {
            metrics.CALL_ATTEMPTS: _every_outcome(figures, [trunk.name for trunk in trunks]),
            metrics.CALL_CORRECTIONS: figures.corrections,
            metrics.CALL_JOBS: figures.call_jobs,
            metrics.CALL_JOBS_DUE: {(): figures.due},
            metrics.DUE_LAG: {(): figures.due_lag_seconds},
            metrics.ATTEMPTS_OPEN: figures.attempts_open,
            metrics.BROKER_MESSAGES: await asyncio.to_thread(_messages, self._broker),
            metrics.WORKERS: {(kind,): count for kind, count in alive.items()},
            metrics.LINE_UP: {(): float(figures.line_up)},
            metrics.WEBHOOKS: {(fate.value,): 0 for fate in WebhookFate} | figures.webhooks,
            metrics.NEWS_UNHANDLED: {(): figures.news_unhandled},
            metrics.WEBHOOKS_ARRIVE: {(): float(figures.webhooks_arrive)},
            **pacing_figures(trunks, figures.attempts_ended),
        }


def _every_outcome(figures: Figures, trunk_names: list[str]) -> dict[tuple[str, ...], float]:
    """A counter that was not counted yet is 0 and there: a rate over it then starts with the first one."""
    zeros: dict[tuple[str, ...], float] = {(name, outcome.value): 0.0 for name in trunk_names for outcome in Outcome}
    return zeros | figures.attempts_ended


def _messages(broker: RedisBroker) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    client, namespace = broker.client, broker.namespace
    fetched = list(client.scan_iter(match=f"{namespace}:__acks__.*"))
    for queue in Queue:
        found[queue.value, "waiting"] = float(client.llen(f"{namespace}:{queue.value}"))
        found[queue.value, "fetched"] = float(
            sum(client.scard(key) for key in fetched if key.decode().endswith(f".{queue.value}"))
        )
        found[queue.value, "dead"] = float(client.zcard(f"{namespace}:{queue.value}.XQ"))
    return found


async def export(dialer: Dialer, stop: Stop, settings: Settings) -> None:
    """Serve ``/metrics`` until told to stop."""
    exporter = Exporter(dialer, open_broker(settings, dialer))
    app = web.Application()
    app.router.add_get("/metrics", exporter.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, settings.metrics_host, settings.metrics_port)
    try:
        await site.start()
    except OSError as error:
        raise OperatorError(
            f"metrics cannot be served on {settings.metrics_host}:{settings.metrics_port}: {error.strerror}",
            hint="another process has the port; set DIALER_METRICS_PORT to a free one",
        ) from error
    log.info("metrics_served", host=settings.metrics_host, port=settings.metrics_port)
    await stop.asked.wait()
    await runner.cleanup()


if __name__ == "__main__":
    run_worker("exporter", export)
