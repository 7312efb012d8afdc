"""What a campaign looks like, in 80 columns."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from console.views.live import PlainLines, follow, live_table, plain_line
from console.views.report import report
from console.views.standing import standing_json, standing_page
from console.views.trunk_standing import standing_page as trunk_page
from console.views.trunk_standing import standing_table as trunk_table
from dialer.actions.look_at_campaign import Standing
from dialer.actions.look_at_trunk import TrunkStanding
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.campaign import CampaignState
from dialer.domain.outcome import Outcome
from dialer.domain.time_words import span
from dialer.domain.trunk_standing import why_slow
from dialer.ledger.campaigns import Campaign
from dialer.ledger.reports import CampaignReport
from dialer.ledger.trunk_use import TrunkActivity
from dialer.limits.sent_calls import SentLately
from tests.domain.trunk_facts import facts_of, held_by, state_of

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def trunk_standing(name: str) -> TrunkStanding:
    facts = facts_of(state_of(name, calls_per_second=10.0, max_concurrent_calls=100), calls_now=9.8, slots_taken=90)
    activity = TrunkActivity(
        calls_per_second=9.8, open_calls=80, in_doubt=0, queued=20, running=("may",), campaigns=("may",)
    )
    sent = SentLately(calls_per_second=9.7, peak_second=10)
    return TrunkStanding(facts=facts, activity=activity, sent=sent, answer=why_slow(facts))


STANDING = Standing(
    campaign=Campaign(
        id=1,
        name="may-reminders-of-the-northern-region",
        trunk_id=1,
        caller_id=None,
        country="US",
        ringing_timeout=timedelta(seconds=30),
        talk_limit=timedelta(hours=1),
        max_attempts=4,
        policy={},
        agent_name="booking",
        agent_left=timedelta(seconds=5),
        dial_options={},
        reads_columns=False,
        start_at=None,
        end_at=NOON + timedelta(days=30),
        time_zone="America/Argentina/Buenos_Aires",
        calling_hours={"windows": [{"hours": "09:00-20:00", "weekdays": "mon,wed,fri-sat"}]},
        state=CampaignState.RUNNING,
        held_reason=None,
        created_at=NOON,
        started_at=NOON - timedelta(minutes=5),
        finished_at=None,
    ),
    trunks=(trunk_standing("main"),),
    report=CampaignReport(
        rows=120_000,
        rejected=1_200,
        duplicates=800,
        contacts=118_000,
        call_jobs={"waiting": 90_000, "queued": 20, "in_progress": 80, "finished": 27_900},
        finish_reasons={"reached": 20_000, "exhausted": 7_899, "unwanted": 1},
        outcomes={str(outcome): 12_345 for outcome in Outcome},
        attempts=172_910,
        ringing=30,
        talking=45,
        in_doubt=5,
        due=10_000,
        next_due_at=NOON,
        contacts_attempted=60_000,
    ),
    holding_back="trunk main allows 10 calls per second, and that is how fast it calls (9.8 now)",
    now=NOON,
)


def drawn(what: RenderableType, *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("view", [live_table, report, standing_page])
def test_nothing_is_wider_than_the_terminal_and_no_word_is_cut(view: object, width: int) -> None:
    assert callable(view)
    page = drawn(view(STANDING), width=width)
    assert max(map(len, page.splitlines())) <= width
    assert "…" not in page
    for word in ("may-reminders-of-the-northern-region", "trunk failure", "12,345"):
        assert word in page


def test_the_live_table_has_what_is_asked_for() -> None:
    page = " ".join(drawn(live_table(STANDING), width=120).split())
    assert "waiting 90,020 ringing 30 talking 45 in doubt 5" in page
    assert "9.8 of 10 calls per second 80 of 100 calls at once" in page
    assert "holding back trunk main allows 10 calls per second" in page


def test_each_of_several_trunks_has_its_line() -> None:
    several = replace(STANDING, trunks=(trunk_standing("main"), trunk_standing("second")))
    page = drawn(standing_page(several))
    for name in ("main", "second"):
        assert f"{name}: 9.8 of 10 calls per second   80 of 100 calls at once" in page
    assert [trunk["name"] for trunk in standing_json(several)["trunks_now"]] == ["main", "second"]  # type: ignore[attr-defined]
    assert standing_json(several)["trunk"] == "main"


@pytest.mark.parametrize("width", [80, 120])
def test_a_trunk_s_page_and_the_table_of_trunks_fit_the_terminal(width: int) -> None:
    shown = trunk_standing("main-line-of-the-north")
    for page in (drawn(trunk_page(shown), width=width), drawn(trunk_table([shown]), width=width)):
        assert max(map(len, page.splitlines())) <= width
        assert "…" not in page
        assert "main-line-of-the-north" in page


def test_a_trunk_s_page_says_why_first_and_then_what_it_does() -> None:
    page = " ".join(drawn(trunk_page(trunk_standing("main")), width=120).split())
    assert page.startswith(
        "trunk main holding back trunk main allows 10 calls per second, and that is how fast it calls"
    )
    assert "could do now 10 calls per second, 100 calls at once" in page
    assert "10 in the fullest second of the last minute" in page


def test_outcomes_keep_their_places_in_a_plain_line() -> None:
    line = plain_line(STANDING)
    assert [line.index(f"{word} 12,345") for word in ("answered", "busy", "unknown")] == sorted(
        line.index(f"{word} 12,345") for word in ("answered", "busy", "unknown")
    )


def test_a_sentence_that_only_counts_down_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines()
    for seconds in (62, 61, 59):
        lines.show(replace(STANDING, holding_back=f"nobody is due before 12:01, in {span(timedelta(seconds=seconds))}"))
    lines.show(replace(STANDING, holding_back="it is finished: nobody is left to be called"))
    assert capsys.readouterr().out.count("holding back: ") == 2


def test_a_share_that_is_not_nothing_is_not_shown_as_nothing() -> None:
    assert "<1 %" in drawn(report(STANDING))


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        pytest.param({}, True, id="held"),
        pytest.param({"probe_at": NOON}, False, id="held, and a probe was asked for"),
        pytest.param({"openings": 1, "state": BreakerState.OPEN}, False, id="it tries by itself"),
        pytest.param({"state": BreakerState.CLOSED}, False, id="well"),
    ],
)
def test_who_watches_need_not_wait_for_a_campaign_that_waits_for_a_person(
    changes: dict[str, object], waits: bool
) -> None:
    shut = held_by(Breaker(**{"state": BreakerState.HELD, **changes}))  # type: ignore[arg-type]  # a table of any fields
    held = replace(trunk_standing("main"), facts=shut(trunk_standing("main").facts))
    assert replace(STANDING, trunks=(held,)).waits_for_a_person is waits
    assert not replace(STANDING, trunks=(held, trunk_standing("second"))).waits_for_a_person


class Shown:
    """Keeps what it was told to show."""

    def __init__(self) -> None:
        self.states: list[CampaignState] = []

    def show(self, standing: Standing) -> None:
        self.states.append(standing.campaign.state)


def at(state: CampaignState, *, in_progress: int = 0) -> Standing:
    jobs = {**STANDING.report.call_jobs, "in_progress": in_progress}
    return replace(
        STANDING,
        campaign=replace(STANDING.campaign, state=state),
        report=replace(STANDING.report, call_jobs=jobs),
    )


async def test_following_ends_when_the_campaign_is_over_and_its_last_call_too() -> None:
    coming = [at(CampaignState.RUNNING), at(CampaignState.CANCELLED, in_progress=1), at(CampaignState.CANCELLED)]
    shown = Shown()

    async def look() -> Standing:
        return coming.pop(0)

    async def rest(seconds: float) -> bool:
        return False

    last = await follow(look, shown, rest=rest, until_finished=True)
    assert last.report.call_jobs["in_progress"] == 0
    assert shown.states == [CampaignState.RUNNING, CampaignState.CANCELLED, CampaignState.CANCELLED]


async def test_following_ends_when_it_is_asked_to() -> None:
    async def look() -> Standing:
        return at(CampaignState.RUNNING)

    async def rest(seconds: float) -> bool:
        return True

    assert (await follow(look, Shown(), rest=rest, until_finished=True)).campaign.state is CampaignState.RUNNING
