"""What the exporter shows of trunks, out of the real ledger and the real Redis."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from dialer.app import Dialer
from dialer.domain.breaker import Breaker, hold
from dialer.domain.congestion import ChannelsCut, Cut
from dialer.domain.trunk_holds import Hold, HoldReason
from dialer.domain.trunk_state import WELL
from dialer.ledger.accounts import add_account
from dialer.ledger.health import write_health
from dialer.ledger.line_status import LineState, note_line_status, set_quota
from dialer.ledger.trunk_holds import write_holds
from dialer.ledger.trunks import edit_trunk
from dialer.ledger.workers import sign_in
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession
from dialer.limits.requests import note_requests
from dialer.limits.sent_calls import SentCalls
from dialer.metrics import SPECS
from jobs.broker import make_broker
from tests.factories import make_campaign, make_tickets, make_trunk
from workers.exporter import Exporter

pytestmark = pytest.mark.ledger

Figure = Callable[..., float | None]


async def scraped(dialer: Dialer, redis_url: str) -> Figure:
    """One scrape: a figure by its name and labels; None: it is not there."""
    exporter = Exporter(dialer, make_broker(redis_url, installation=dialer.installation))
    answer = await exporter.serve(make_mocked_request("GET", "/metrics"))
    assert isinstance(answer.body, bytes)
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }
    return lambda name, **labels: found.get((f"dialer_{name}", frozenset(labels.items())))


async def test_limits_learned_limits_and_what_is_used(dialer: Dialer, redis_url: str) -> None:
    trunk = await make_trunk(dialer.ledger, calls_per_second=20.0, max_concurrent_calls=50)
    now = await dialer.ledger.now()
    learned = replace(
        WELL,
        rate_cut=Cut(ceiling=7.5, rate=7.0, at=now, reason="503"),
        channels_cut=ChannelsCut(ceiling=10, channels=9, at=now, reason="486"),
    )
    assert await write_health(dialer.ledger, ("trunk", trunk.id), learned)
    await make_tickets(dialer, await make_campaign(dialer.ledger, trunk, numbers=4))
    await dialer.ledger.changed("UPDATE call_jobs SET trunk_id = %(id)s WHERE state = 'queued'", {"id": trunk.id})
    calls = SentCalls(dialer.redis, dialer.clock)
    for _ in range(3):
        calls.note(trunk.id, uuid4())
    await calls.flush()
    figure = await scraped(dialer, redis_url)
    assert figure("trunk_calls_per_second_limit", trunk="trunk") == 20
    assert figure("trunk_calls_per_second_learned", trunk="trunk") == pytest.approx(7.0, abs=0.2)
    assert figure("trunk_peak_second", trunk="trunk") == 3
    assert figure("trunk_call_jobs_waiting", trunk="trunk") == 4
    assert figure("trunk_calls_per_second", trunk="trunk") == 0
    assert figure("channels_limit", trunk="trunk") == 50
    assert figure("channels_learned", trunk="trunk") == 9
    assert figure("channels_in_use", trunk="trunk") == 0
    assert figure("trunk_refused_total", trunk="trunk") == 0


async def test_refusals_are_counted(dialer: Dialer, redis_url: str) -> None:
    trunk = await make_trunk(dialer.ledger)
    await dialer.ledger.changed(
        "INSERT INTO attempt_counters (trunk_id, outcome, value) VALUES (%(id)s, 'congestion', 5)", {"id": trunk.id}
    )
    assert (await scraped(dialer, redis_url))("trunk_refused_total", trunk="trunk") == 5


async def test_breakers_and_what_holds_back_are_one_of_their_words(dialer: Dialer, redis_url: str) -> None:
    for kind in ("caller", "feeder", "rescuer"):
        await sign_in(dialer.ledger, worker_id=uuid4(), kind=kind, pid=1, host="here", version="1")
    await note_line_status(dialer.ledger, LineState.OK, detail="")
    held = await make_trunk(dialer.ledger, name="held", livekit_trunk_id="ST_1")
    well = await make_trunk(dialer.ledger, name="well", livekit_trunk_id="ST_2")
    breaker = hold(Breaker(), rule="sip_402", reason="no balance", now=await dialer.ledger.now())
    assert await write_health(dialer.ledger, ("trunk", held.id), replace(WELL, breaker=breaker))
    await write_holds(dialer.ledger, {held.id: Hold(HoldReason.BREAKER), well.id: Hold(HoldReason.AGENTS)})
    figure = await scraped(dialer, redis_url)
    assert [figure("trunk_breaker", trunk="held", state=state) for state in ("closed", "held")] == [0, 1]
    assert [figure("trunk_breaker", trunk="well", state=state) for state in ("closed", "held")] == [1, 0]
    for trunk, true in (("held", "breaker"), ("well", "agents")):
        reasons = [reason for reason in HoldReason if figure("trunk_held_back", trunk=trunk, reason=reason.value)]
        assert reasons == [true]


async def test_accounts_and_livekits_quota(dialer: Dialer, redis_url: str) -> None:
    trunk = await make_trunk(dialer.ledger)
    account = await add_account(dialer.ledger, "acme", calls_per_second=8.0, max_concurrent_calls=None)
    await edit_trunk(dialer.ledger, replace(trunk, account_id=account.id))
    await set_quota(dialer.ledger, 1000.0)
    await note_requests(dialer.redis, 12)
    figure = await scraped(dialer, redis_url)
    assert figure("account_calls_per_second_limit", account="acme") == 8
    assert figure("account_channels_limit", account="acme") is None
    assert figure("account_channels_in_use", account="acme") == 0
    assert figure("account_breaker", account="acme", state="closed") == 1
    assert figure("livekit_requests_per_minute") == 12
    assert figure("livekit_requests_per_minute_limit") == 1000
    assert figure("livekit_requests_per_minute_learned") == 1000


async def test_no_limit_is_no_figure(dialer: Dialer, redis_url: str) -> None:
    await make_trunk(dialer.ledger)
    figure = await scraped(dialer, redis_url)
    assert figure("livekit_requests_per_minute_limit") is None
    assert figure("livekit_requests_per_minute") == 0


async def test_every_metric_with_samples_is_listed(dialer: Dialer, redis_url: str) -> None:
    await make_trunk(dialer.ledger)
    exporter = Exporter(dialer, make_broker(redis_url, installation=dialer.installation))
    assert set(await exporter.snapshot()) <= set(SPECS)


async def test_while_redis_is_away_there_is_a_gap_and_no_zero(dialer: Dialer, redis_url: str) -> None:
    await make_trunk(dialer.ledger)
    away = CallSlots(RedisSession("redis://127.0.0.1:1/0", installation="test"))
    exporter = Exporter(replace(dialer, slots=away), make_broker(redis_url, installation=dialer.installation))
    with pytest.raises(web.HTTPServiceUnavailable):
        await exporter.serve(make_mocked_request("GET", "/metrics"))
