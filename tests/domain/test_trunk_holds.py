"""The one reason that is named for a trunk, and that it does not flicker."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.domain.trunk_holds import Hold, HoldMemory, HoldReason, RateBucket, TrunkLook, what_holds

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)
#: Work is left, and there are channels.
BUSY = TrunkLook(due=50, due_here=50, left_here=40, queued=10, channels=99, free_channels=60)
PACED = replace(BUSY, ahead={RateBucket.TRUNK: SECOND})


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        pytest.param(replace(PACED, breaker="down"), "breaker", id="its breaker before all"),
        pytest.param(replace(PACED, account_breaker="no funds"), "account_breaker", id="its account's breaker"),
        pytest.param(replace(BUSY, free_channels=0), "channels", id="no channel is free"),
        pytest.param(replace(PACED, free_channels=0), "channels", id="full although turns are given out ahead"),
        pytest.param(replace(BUSY, free_channels=10), "channels", id="as many free as are queued already"),
        pytest.param(replace(PACED, free_channels=10), "rate", id="the same at the rate: it is the rate"),
        pytest.param(replace(BUSY, free_channels=0, learned_channels="9"), "congestion", id="learned channels"),
        pytest.param(replace(BUSY, account_free_channels=0), "account_channels", id="its account is full"),
        pytest.param(PACED, "rate", id="turns are given out ahead"),
        pytest.param(replace(PACED, learned_rate="7 a second"), "congestion", id="the carrier takes less"),
        pytest.param(replace(BUSY, learned_rate="7 a second"), None, id="learned, and not used up"),
        pytest.param(
            replace(PACED, ahead={RateBucket.TRUNK: SECOND, RateBucket.ACCOUNT: 2 * SECOND}),
            "account_rate",
            id="the account's next turn is further away",
        ),
        pytest.param(
            replace(PACED, ahead={RateBucket.TRUNK: SECOND, RateBucket.LIVEKIT: 2 * SECOND}),
            "livekit_quota",
            id="LiveKit's quota is",
        ),
        pytest.param(replace(BUSY, left_here=0, capped=True), "campaign_channels", id="its campaigns are full"),
        pytest.param(replace(BUSY, with_agents=8), "agents", id="neither full nor at its rate: agents"),
        pytest.param(replace(PACED, with_agents=8), "rate", id="agents come, and it is at its rate"),
        pytest.param(replace(BUSY, ahead={RateBucket.TRUNK: SECOND / 10}), None, id="about to dial"),
        pytest.param(replace(BUSY, left_here=0), "no_work", id="all is on its way"),
        pytest.param(TrunkLook(campaigns=0), "no_work", id="no campaign"),
        pytest.param(TrunkLook(capped=True, due=1, due_here=1), "campaign_channels", id="its campaigns may no more"),
        pytest.param(TrunkLook(due=9, due_here=9), "no_work", id="other trunks take it"),
        pytest.param(TrunkLook(due=9), "no_route", id="due, and not for this trunk"),
        pytest.param(TrunkLook(waits=True), "hours", id="they wait, and none is due"),
        pytest.param(TrunkLook(), "no_work", id="nobody is left"),
    ],
)
def test_what_holds_a_trunk_back(look: TrunkLook, reason: str | None) -> None:
    hold = what_holds(look)
    assert (hold and hold.reason) == reason


@pytest.mark.parametrize(
    ("look", "detail"),
    [
        (replace(BUSY, breaker="the password is wrong"), "the password is wrong"),
        (replace(PACED, ramping=True), "it starts slowly"),
        (replace(PACED, learned_rate="7 a second"), "7 a second"),
        (replace(BUSY, free_channels=0), "all 99 channels are in use"),
        (TrunkLook(waits=True, next_due="nobody is due before 14:00:00 UTC"), "nobody is due before 14:00:00 UTC"),
        (replace(BUSY, left_here=0), "all that is due is on its way"),
    ],
)
def test_a_few_words_are_beside_it(look: TrunkLook, detail: str) -> None:
    hold = what_holds(look)
    assert hold is not None
    assert hold.detail == detail


RATE, FULL = Hold(HoldReason.RATE), Hold(HoldReason.CHANNELS)


def written(*looks: Hold | None, again_after: float = 5) -> list[bool]:
    """Whether each look, a second apart, was written."""
    memory = HoldMemory()
    return [bool(memory.to_write({1: look}, now=at, again_after=again_after)) for at, look in enumerate(looks)]


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        pytest.param([RATE, RATE], [False, True], id="at the second look"),
        pytest.param([RATE, RATE, FULL, RATE, FULL, FULL], [False, True, False, False, False, True], id="no flicker"),
        pytest.param([RATE, None, RATE], [False, False, True], id="nothing named is no other reason"),
        pytest.param([RATE] * 8, [False, True, False, False, False, False, True, False], id="again every 5 s"),
        pytest.param(
            [RATE, RATE, Hold(HoldReason.RATE, "it starts slowly")], [False, True, True], id="other words at once"
        ),
    ],
)
def test_what_is_written(looks: list[Hold | None], found: list[bool]) -> None:
    assert written(*looks) == found
