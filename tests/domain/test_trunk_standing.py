"""Why is a trunk so slow?  The answer for each limit, as an operator reads it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.domain.breaker import Breaker
from dialer.domain.congestion import ChannelsCut, Cut
from dialer.domain.hold_words import HOLD_WORDS, TrunkFacts
from dialer.domain.trunk_holds import HoldReason
from dialer.domain.trunk_limits_now import rate_words
from dialer.domain.trunk_standing import why_slow
from dialer.domain.trunk_state import Health
from tests.domain.trunk_facts import A_WHILE, ACME, MAIN, NOON, OF_ACME, facts_of, learned, noted, state_of

pytestmark = pytest.mark.unit

LIVEKITS = replace(MAIN, state=replace(MAIN.state, requests_per_minute=1000.0), requests=985)
TOO_FAST = Cut(ceiling=2.0, rate=1.8, at=NOON - A_WHILE, reason="503 Trunk CPS limit exceeded")
TOO_MANY = ChannelsCut(
    ceiling=10, channels=9, at=NOON - A_WHILE, reason="the carrier wrote that too many calls were up"
)
QUOTA = Cut(ceiling=9.0, rate=8.1, at=NOON - A_WHILE, reason="LiveKit answered that its quota of requests is used up")
R = HoldReason
CASES = [
    pytest.param(
        noted(learned(MAIN, rate_cut=TOO_FAST), R.CONGESTION),
        R.CONGESTION,
        "the carrier of trunk main takes less than is configured: 1.97 calls per second now of 5, as at "
        "11:59:40 UTC it refused more than 2 (503 Trunk CPS limit exceeded)",
        "it tries for more by itself, slowly; if this is the carrier's limit, `dialer trunk edit main "
        "--calls-per-second N`",
        id="fewer calls per second than configured",
    ),
    pytest.param(
        noted(replace(learned(MAIN, channels_cut=TOO_MANY), slots_taken=9), R.CONGESTION),
        R.CONGESTION,
        "all channels that the carrier of trunk main takes are taken: 9 of 20, as at 11:59:40 UTC it refused "
        "more (the carrier wrote that too many calls were up)",
        "it tries for more by itself, slowly; if this is the carrier's limit, `dialer trunk edit main --max-"
        "concurrent-calls N`",
        id="fewer channels than configured",
    ),
    pytest.param(
        noted(MAIN, R.CONGESTION, "learned: 2 calls a second"),
        R.CONGESTION,
        "the carrier of trunk main takes less than is configured: learned: 2 calls a second",
        "it tries for more by itself, slowly; if this is the carrier's limit, `dialer trunk edit main "
        "--calls-per-second N`",
        id="what was learned has just been outgrown",
    ),
    pytest.param(
        noted(MAIN, R.RATE),
        R.RATE,
        "trunk main allows 5 calls per second, and that is how fast it calls (2.0 now)",
        "if the carrier allows more: `dialer trunk edit main --calls-per-second N`",
        id="rate",
    ),
    pytest.param(
        noted(replace(MAIN, campaigns=("may", "june")), R.RATE),
        R.RATE,
        "trunk main allows 5 calls per second, and that is how fast it calls (2.0 now), for 2 campaigns together",
        "if the carrier allows more: `dialer trunk edit main --calls-per-second N`",
        id="rate of two campaigns",
    ),
    pytest.param(
        noted(learned(MAIN, breaker=Breaker(closed_at=NOON - timedelta(seconds=4))), R.RATE),
        R.RATE,
        "trunk main allows 1.9 calls per second, and that is how fast it calls (2.0 now); starting slowly "
        "since 11:59:56 UTC, at full rate at 12:00:06 UTC",
        "`dialer trunk edit main --ramp SECONDS` shortens that",
        id="it starts slowly",
    ),
    pytest.param(
        noted(facts_of(state_of("main", calls_per_second=7, invites_per_call=2, safety_factor=0.9)), R.RATE),
        R.RATE,
        "trunk main allows 3 calls per second, and that is how fast it calls (2.0 now); its limit of 7 makes "
        "3 calls per second (2 INVITEs per call, safety factor 0.9)",
        "if the carrier allows more: `dialer trunk edit main --calls-per-second N`",
        id="two INVITEs per call",
    ),
    pytest.param(
        noted(replace(MAIN, slots_taken=20, in_doubt=3), R.CHANNELS),
        R.CHANNELS,
        "all 20 channels of trunk main are taken, 3 of them by calls in doubt: a call begins when another one ends",
        "if the carrier has more: `dialer trunk edit main --max-concurrent-calls N`",
        id="channels, some in doubt",
    ),
    pytest.param(
        noted(facts_of(state_of("main", reserved_channels=3, callback_channels=2)), R.CHANNELS),
        R.CHANNELS,
        "all 15 channels that trunk main may dial on are taken (5 of its 20 are kept free): a call begins "
        "when another one ends",
        "if the carrier has more: `dialer trunk edit main --max-concurrent-calls N`",
        id="channels, some kept free",
    ),
    pytest.param(
        noted(OF_ACME, R.ACCOUNT_RATE),
        R.ACCOUNT_RATE,
        "account acme allows 8 calls per second for all its trunks together, and they use them (trunk main 2.0)",
        "if the carrier allows more: `dialer account edit acme --calls-per-second N`",
        id="rate of the account",
    ),
    pytest.param(
        noted(OF_ACME, R.ACCOUNT_CHANNELS),
        R.ACCOUNT_CHANNELS,
        "all 30 channels of account acme are taken by its trunks: a call begins when another one ends",
        "if the carrier has more: `dialer account edit acme --max-concurrent-calls N`",
        id="channels of the account",
    ),
    pytest.param(
        noted(LIVEKITS, R.LIVEKIT_QUOTA),
        R.LIVEKIT_QUOTA,
        "LiveKit takes 1000 requests a minute of all trunks together, and 985 were sent in the last minute",
        "if your plan of LiveKit allows more: `dialer livekit edit --requests-per-minute N`",
        id="LiveKit's quota",
    ),
    pytest.param(
        noted(
            replace(LIVEKITS, state=replace(LIVEKITS.state, livekit_health=Health(breaker=Breaker(), rate_cut=QUOTA))),
            R.LIVEKIT_QUOTA,
        ),
        R.LIVEKIT_QUOTA,
        "LiveKit takes 538 requests a minute of all trunks together, and 985 were sent in the last minute; at"
        " 11:59:40 UTC it took no more (LiveKit answered that its quota of requests is used up)",
        "if your plan of LiveKit allows more: `dialer livekit edit --requests-per-minute N`",
        id="LiveKit's quota, learned",
    ),
    pytest.param(
        noted(MAIN, R.LIVEKIT_QUOTA),
        R.LIVEKIT_QUOTA,
        "LiveKit's quota of requests is used up",
        "if your plan of LiveKit allows more: `dialer livekit edit --requests-per-minute N`",
        id="LiveKit's quota, not known",
    ),
    pytest.param(
        noted(MAIN, R.AGENTS, "40 of 40 queued calls wait for their agents"),
        R.AGENTS,
        "calls wait for their agents, and nobody is called without one (40 of 40 queued calls wait for their agents)",
        "start more workers of the agent of may",
        id="agents",
    ),
    pytest.param(
        noted(MAIN, R.HOURS, "the first at 14:00:00 UTC, in 2 h"),
        R.HOURS,
        "people wait, and none of them is due now: hours are closed, or the time of a next attempt is to come"
        " (the first at 14:00:00 UTC, in 2 h)",
        "`dialer campaign show may` says more",
        id="hours",
    ),
    pytest.param(
        noted(MAIN, R.CAMPAIGN_CHANNELS),
        R.CAMPAIGN_CHANNELS,
        "its campaigns have as many calls up as they are allowed themselves (may)",
        "`dialer campaign edit may --max-concurrent-calls N` allows more",
        id="channels of its campaign",
    ),
    pytest.param(
        noted(facts_of(state_of("main", serves=("+44", "+33")), campaigns=("may",)), R.NO_ROUTE),
        R.NO_ROUTE,
        "people are due, and none of them may be called through trunk main (it carries +44, +33): their "
        "numbers go through other trunks, or it has just failed for them",
        "`dialer campaign show may` shows the routes",
        id="no route",
    ),
    pytest.param(
        noted(MAIN, R.NO_WORK, "nobody waits to be called"),
        R.NO_WORK,
        "trunk main has nothing to do: nobody waits to be called",
        "",
        id="no work",
    ),
    pytest.param(
        replace(MAIN, slots_taken=20),
        R.CHANNELS,
        "all 20 channels of trunk main are taken: a call begins when another one ends",
        "if the carrier has more: `dialer trunk edit main --max-concurrent-calls N`",
        id="without the feeder's word: channels",
    ),
    pytest.param(
        replace(MAIN, slots_taken=18, calls_now=1.0),
        R.CHANNELS,
        "all 20 channels of trunk main are taken: a call begins when another one ends",
        "if the carrier has more: `dialer trunk edit main --max-concurrent-calls N`",
        id="without the feeder's word: nearly all channels",
    ),
    pytest.param(
        replace(learned(MAIN, channels_cut=TOO_MANY), slots_taken=9),
        R.CONGESTION,
        "all channels that the carrier of trunk main takes are taken: 9 of 20, as at 11:59:40 UTC it refused "
        "more (the carrier wrote that too many calls were up)",
        "it tries for more by itself, slowly; if this is the carrier's limit, `dialer trunk edit main --max-"
        "concurrent-calls N`",
        id="without the feeder's word: channels, learned",
    ),
    pytest.param(
        replace(MAIN, calls_now=4.9),
        R.RATE,
        "trunk main allows 5 calls per second, and that is how fast it calls (4.9 now)",
        "if the carrier allows more: `dialer trunk edit main --calls-per-second N`",
        id="without the feeder's word: rate",
    ),
    pytest.param(
        replace(learned(MAIN, rate_cut=TOO_FAST), calls_now=1.9),
        R.CONGESTION,
        "the carrier of trunk main takes less than is configured: 1.97 calls per second now of 5, as at "
        "11:59:40 UTC it refused more than 2 (503 Trunk CPS limit exceeded)",
        "it tries for more by itself, slowly; if this is the carrier's limit, `dialer trunk edit main "
        "--calls-per-second N`",
        id="without the feeder's word: rate, learned",
    ),
    pytest.param(
        OF_ACME,
        R.ACCOUNT_CHANNELS,
        "all 30 channels of account acme are taken by its trunks: a call begins when another one ends",
        "if the carrier has more: `dialer account edit acme --max-concurrent-calls N`",
        id="without the feeder's word: channels of the account",
    ),
    pytest.param(
        facts_of(state_of("main", calls_per_second=20, account=ACME), calls_now=7.9),
        R.ACCOUNT_RATE,
        "account acme allows 8 calls per second for all its trunks together, and they use them (trunk main 7.9)",
        "if the carrier allows more: `dialer account edit acme --calls-per-second N`",
        id="without the feeder's word: rate of the account",
    ),
    pytest.param(MAIN, None, "nothing: it is calling, 2.0 of 5 calls per second now", "", id="nothing: it calls"),
    pytest.param(
        facts_of(state_of("main"), calls_now=0.0, slots_taken=0),
        R.NO_WORK,
        "trunk main has nothing to do: no campaign that uses it is running",
        "",
        id="no campaign",
    ),
    pytest.param(
        replace(MAIN, calls_now=0.0, slots_taken=0),
        None,
        "nothing that is known, and nobody is being called through it now",
        "",
        id="nothing that is known",
    ),
]


@pytest.mark.parametrize(("facts", "reason", "what", "todo"), CASES)
def test_the_answer_for_each_reason(facts: TrunkFacts, reason: HoldReason | None, what: str, todo: str) -> None:
    answer = why_slow(facts)
    assert (answer.reason, answer.what, answer.todo) == (reason, what, todo)


def test_every_reason_of_the_feeder_has_its_words_and_stands_here() -> None:
    assert set(HOLD_WORDS) == set(HoldReason)
    here = {case.values[1] for case in CASES}
    shut = {HoldReason.LIVEKIT, HoldReason.NO_CALLERS, HoldReason.BREAKER, HoldReason.ACCOUNT_BREAKER}
    assert here >= set(HoldReason) - shut


@pytest.mark.parametrize(
    ("rate", "words"), [(0.5, "0.5"), (1.9688, "1.97"), (20.0, "20"), (1234.4, "1234"), (10_000, "10000")]
)
def test_a_rate_is_told_in_figures_that_people_read(rate: float, words: str) -> None:
    assert rate_words(rate) == words
