"""``dialer trunk probe`` and ``resume``: what a person does when a trunk does not let calls through."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from console.commands.trunk.probe import judge, try_it
from console.session import Session
from dialer.actions.look_at_trunk import TrunkStanding
from dialer.actions.probe_trunk import judge_probe_of, sample_of
from dialer.app import Dialer
from dialer.config import Settings
from dialer.domain.breaker import Breaker, BreakerState, ResultKind, TrunkResult, hold, probe_begun
from dialer.domain.trunk_standing import why_slow
from dialer.domain.trunk_state import WELL, Health
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.line_status import LineState, note_line_status
from dialer.ledger.trunk_use import TrunkActivity
from dialer.ledger.workers import sign_in
from dialer.limits.health_news import CHANNEL
from tests.console.commands.conftest import Cli
from tests.domain.trunk_facts import NOON, facts_of, state_of
from tests.factories import make_trunk


@pytest.fixture
def session(dialer: Dialer, settings: Settings, database_url: str, redis_url: str) -> Session:
    return Session(settings=settings.connected_to(database_url=database_url, redis_url=redis_url), ledger=dialer.ledger)


async def held_trunk(dialer: Dialer) -> Scope:
    trunk = await make_trunk(dialer.ledger)
    breaker = hold(Breaker(), rule="sip_402", reason="no balance: top it up", now=await dialer.ledger.now())
    assert await write_health(dialer.ledger, ("trunk", trunk.id), replace(WELL, breaker=breaker))
    return ("trunk", trunk.id)


async def everything_runs(dialer: Dialer) -> None:
    for kind in ("caller", "feeder", "rescuer"):
        await sign_in(dialer.ledger, worker_id=uuid4(), kind=kind, pid=1, host="here", version="1")
    await note_line_status(dialer.ledger, LineState.OK, detail="")


@asynccontextmanager
async def heard(dialer: Dialer) -> AsyncIterator[asyncio.Event]:
    """Set when callers are told that the health of something has changed."""
    told = asyncio.Event()
    async with dialer.redis.client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(dialer.redis.key(CHANNEL))
        await pubsub.get_message(timeout=1)

        async def listen() -> None:
            while await pubsub.get_message(timeout=5) is None:
                pass
            told.set()

        listening = asyncio.create_task(listen())
        yield told
        listening.cancel()


async def probe_goes_out(dialer: Dialer, scope: Scope) -> UUID:
    """As the feeder lets it."""
    health = (await read_health(dialer.ledger))[scope]
    release = uuid4()
    begun = probe_begun(health.breaker, now=await dialer.ledger.now())
    assert await write_health(dialer.ledger, scope, replace(health, breaker=begun, probe_release=release))
    return release


async def result(dialer: Dialer, kind: ResultKind, rule: str) -> TrunkResult:
    sample = sample_of(uuid4(), "+12125550100", await dialer.ledger.now())
    return replace(sample, kind=kind, rule=rule)


@pytest.mark.ledger
@pytest.mark.parametrize(
    ("kind", "rule", "is_well", "words"),
    [
        pytest.param(ResultKind.OK, "ringing", True, "trunk trunk is well: the call got through", id="it rang"),
        pytest.param(ResultKind.HARD, "sip_402", False, "trunk trunk is not well: no balance: top it up", id="not"),
        pytest.param(None, "", False, "trunk trunk is not well: no balance", id="the probe came to nothing"),
    ],
)
async def test_the_probe_is_followed_until_it_is_judged(
    dialer: Dialer, session: Session, kind: ResultKind | None, rule: str, is_well: bool, words: str
) -> None:
    await everything_runs(dialer)
    scope = await held_trunk(dialer)
    async with heard(dialer) as told:
        probing = asyncio.create_task(try_it(session, "trunk"))
        await asyncio.wait_for(told.wait(), 10)
    release = await probe_goes_out(dialer, scope)
    await judge_probe_of(dialer, release, await result(dialer, kind, rule) if kind else None)
    tried = await asyncio.wait_for(probing, 10)
    assert (tried.is_well, tried.words.startswith(words)) == (is_well, True), tried.words


@pytest.mark.ledger
async def test_who_cannot_be_tried_in_time_is_told_why(
    dialer: Dialer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.commands.trunk.probe.PATIENCE_SECONDS", 0.25)
    await everything_runs(dialer)
    scope = await held_trunk(dialer)
    tried = await try_it(session, "trunk")
    assert not tried.is_well
    assert "no campaign that uses it is running; the probe stays asked for" in tried.words
    health = (await read_health(dialer.ledger))[scope]
    assert (health.breaker.state, health.breaker.probe_at is not None) == (BreakerState.HELD, True)


MAIN = state_of("main")
ASKED = Health(breaker=Breaker(state=BreakerState.HELD, reason="no balance", probe_at=NOON), version=3)
SECONDS = timedelta(seconds=1)


def standing_with(**changes: object) -> TrunkStanding:
    """The breaker that a probe was asked for, as it is now."""
    of_breaker = {key: value for key, value in changes.items() if key != "version"}
    health = replace(ASKED, breaker=replace(ASKED.breaker, **of_breaker), version=changes.get("version", ASKED.version))  # type: ignore[arg-type]
    facts = facts_of(replace(MAIN, trunk_health=health))
    nothing = TrunkActivity(calls_per_second=0, open_calls=0, in_doubt=0, queued=0, running=(), campaigns=())
    return TrunkStanding(facts=facts, activity=nothing, sent=None, answer=why_slow(facts))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "is_well"),
    [
        pytest.param({}, None, id="asked for, and nobody has tried yet"),
        pytest.param({"version": 4}, None, id="something else was learned meanwhile"),
        pytest.param(
            {"version": 4, "state": BreakerState.HALF_OPEN, "probe_at": NOON + 20 * SECONDS}, None, id="being tried"
        ),
        pytest.param({"version": 5, "probe_at": None}, False, id="held again"),
        pytest.param({"version": 5, "state": BreakerState.CLOSED, "probe_at": None}, True, id="closed"),
        pytest.param(
            {"version": 5, "state": BreakerState.OPEN, "probe_at": NOON + 8 * SECONDS}, False, id="it rests again"
        ),
    ],
)
def test_when_a_probe_is_over(changes: dict[str, object], is_well: bool | None) -> None:
    tried = judge(standing_with(**changes), {("trunk", MAIN.trunk.id): ASKED})
    assert (tried.is_well if tried else None) is is_well


# -- as commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def held(cli: Cli, ledger_url: str, trunk: str) -> Iterator[str]:
    with psycopg.connect(ledger_url, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO health (scope, scope_id, state, reason, rule)
            SELECT 'trunk', id, 'held', 'no balance: top it up', 'sip_402' FROM trunks WHERE name = %s""",
            [trunk],
        )
        yield trunk
        connection.execute("DELETE FROM health")


@pytest.mark.journey
def test_a_trunk_that_is_well_needs_neither(cli: Cli, trunk: str) -> None:
    for verb in ("probe", "resume"):
        ran = cli("trunk", verb, trunk)
        assert (ran.code, f"trunk {trunk} is well" in ran.err) == (0, True)
    assert cli("trunk", "probe", "nobody").code == 2


@pytest.mark.journey
def test_a_held_trunk_is_shown_probed_and_resumed(cli: Cli, held: str) -> None:
    shown = cli("trunk", "show", held, "--json").json
    assert shown["breaker"]["state"] == "held"
    assert (shown["lets_calls_through"], shown["holding_back"]["reason"]) == (False, "no_callers")
    page = " ".join(cli("trunk", "show", held).out.split())
    assert f"also trunk {held} is held, and nothing goes out through it: no balance: top it up" in page
    assert "could do now nothing; when it is well again: 5 calls per second, 20 calls at once" in page
    probed = cli("trunk", "probe", held, "--json")
    assert probed.code == 5
    assert probed.json["reason"].startswith("`dialer up` does not run")
    assert cli("trunk", "show", held, "--json").json["breaker"]["probe_at"] is not None
    resumed = cli("trunk", "resume", held, "--json")
    assert (resumed.code, resumed.json) == (0, {"trunk": held, "resumed": [f"trunk {held}"]})
    assert "because: no balance: top it up" in resumed.err
    assert cli("trunk", "show", held, "--json").json["breaker"]["state"] == "closed"


@pytest.mark.journey
def test_without_a_name_every_trunk_has_a_line(cli: Cli, trunk: str) -> None:
    page = cli("trunk", "show")
    assert page.code == 0
    assert page.out.splitlines()[1].split()[0] == trunk
    assert [each["name"] for each in cli("trunk", "show", "--json").json] == [trunk]
