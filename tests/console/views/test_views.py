"""What a campaign looks like, in 80 columns."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from console.views.live import PlainLines, follow, live_table, plain_line
from console.views.report import report
from console.views.standing import standing_page
from dialer.actions.look_at_campaign import Standing
from dialer.domain.campaign import CampaignState
from dialer.domain.outcome import Outcome
from dialer.domain.time_words import span
from dialer.domain.trunk import Trunk
from dialer.ledger.campaigns import Campaign
from dialer.ledger.reports import CampaignReport
from dialer.ledger.standing import TrunkUse

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
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
    trunk=Trunk(id=1, name="main", livekit_trunk_id="ST_1", calls_per_second=10.0, max_concurrent_calls=100),
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
    use=TrunkUse(calls_per_second=9.8, open_calls=80, now=NOON),
    slots_taken=90,
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
