"""Limits that nobody tells: of a trunk, of an account's trunks together, of everybody together."""

import pytest

from simulator import numbers
from simulator.carrier import CHALLENGE_SECONDS, Carrier
from simulator.record import Invite
from simulator.settings import AccountLimits, CarrierLimits, Limits

pytestmark = pytest.mark.unit

RINGS_FOREVER = "+12125550000"


def dial(carrier: Carrier, at: float, trunk: str = "ST_a", *, has_credentials: bool = False) -> str | None:
    """What refused the INVITE of a call that is named by its moment; it rings until somebody hangs up."""
    invite = Invite(at=at, trunk=trunk, number=RINGS_FOREVER, room="room")
    carrier.invite(invite, call=at, has_credentials=has_credentials)
    return invite.refused


def of_trunk_a(**limits: float) -> Carrier:
    return Carrier(seed=1, limits=CarrierLimits(trunks={"ST_a": Limits(**limits)}))  # type: ignore[arg-type]


def of_account(**limits: float) -> Carrier:
    account = AccountLimits(trunks=("ST_a", "ST_b"), **limits)  # type: ignore[arg-type]
    return Carrier(seed=1, limits=CarrierLimits(accounts={"acme": account}))


def test_a_trunks_own_rate_holds_no_other_trunk_back() -> None:
    carrier = of_trunk_a(calls_per_second=1)
    assert [dial(carrier, 0.0), dial(carrier, 0.5), dial(carrier, 0.6, "ST_b"), dial(carrier, 0.7, "ST_b")] == [
        *(None, "cps"),
        *(None, None),
    ]


def test_an_accounts_rate_counts_all_its_trunks_together() -> None:
    carrier = of_account(calls_per_second=2)
    trunks = ("ST_a", "ST_b", "ST_a", "ST_b", "ST_c")
    refused = [dial(carrier, index / 10, trunk) for index, trunk in enumerate(trunks)]
    assert refused == [None, None, "cps", "cps", None]


def test_what_one_limit_refuses_counts_in_no_other() -> None:
    limits = CarrierLimits(calls_per_second=2, trunks={"ST_a": Limits(calls_per_second=1)})
    carrier = Carrier(seed=1, limits=limits)
    refused = [dial(carrier, at, trunk) for at, trunk in ((0.0, "ST_a"), (0.1, "ST_a"), (0.2, "ST_b"), (0.3, "ST_b"))]
    assert refused == [None, "cps", None, "cps"]


@pytest.mark.parametrize(
    ("per_second", "moments", "refused"),
    [
        pytest.param(0.5, [0, 1.5, 2.0], [None, "cps", None], id="one in two seconds"),
        pytest.param(2, [0, 0.5, 1.0, 1.4], [None, None, None, "cps"], id="exactly a second ago does not count"),
    ],
)
def test_a_trunks_second_slides(per_second: float, moments: list[float], refused: list[str | None]) -> None:
    carrier = of_trunk_a(calls_per_second=per_second)
    assert [dial(carrier, at) for at in moments] == refused


@pytest.mark.parametrize("carrier", [of_trunk_a(max_concurrent_calls=1), of_account(max_concurrent_calls=1)])
def test_a_call_holds_its_channel_while_it_rings(carrier: Carrier) -> None:
    assert [dial(carrier, 0), dial(carrier, 90)] == [None, "channels"]
    carrier.hang_up(0)
    assert dial(carrier, 91) is None


def test_new_limits_know_of_the_calls_that_are_up() -> None:
    carrier = Carrier(seed=1, limits=CarrierLimits())
    dial(carrier, 0)
    carrier.limit(CarrierLimits(accounts={"acme": AccountLimits(trunks=("ST_a", "ST_b"), max_concurrent_calls=1)}))
    assert dial(carrier, 10, "ST_b") == "channels"
    carrier.hang_up(0)
    assert dial(carrier, 11, "ST_b") is None


@pytest.mark.parametrize(
    ("style", "too_fast", "no_channel"),
    [
        (None, (503, "Trunk CPS limit exceeded. Region: us1"), (403, "User channel limit exceeded D1")),
        ("twilio", (503, "Trunk CPS limit exceeded. Region: us1"), (500, "Trunk concurrent call limit exceeded")),
        ("telnyx", (503, "CPS Limit reached P05"), (403, "User channel limit exceeded D1")),
        ("plivo", (486, "Busy Here"), (486, "Busy Here")),
        ("bare", (503, "Service Unavailable"), (480, "Temporarily Unavailable")),
    ],
)
def test_each_carrier_has_its_own_words(
    style: str | None, too_fast: tuple[int, str], no_channel: tuple[int, str]
) -> None:
    own = Limits(calls_per_second=1, max_concurrent_calls=1)
    carrier = Carrier(seed=1, limits=CarrierLimits(style=style, trunks={"ST_a": own}))
    _, fast, full = [
        carrier.invite(Invite(at=at, trunk="ST_a", number=RINGS_FOREVER, room="room"), call=at) for at in (0, 0.5, 9)
    ]
    assert [(fate.code, fate.phrase) for fate in (fast, full)] == [too_fast, no_channel]
    assert full.rings_after_seconds is None


def test_a_trunks_style_wins_over_the_carriers() -> None:
    limits = CarrierLimits(style="bare", trunks={"ST_a": Limits(max_concurrent_calls=1, style="telnyx")})
    carrier = Carrier(seed=1, limits=limits)
    dial(carrier, 0)
    fate = carrier.invite(Invite(at=5, trunk="ST_a", number=RINGS_FOREVER, room="room"), call=5)
    assert fate is numbers.CHANNEL_LIMIT


def test_the_record_sums_up_each_trunk_and_account() -> None:
    carrier = of_account(calls_per_second=2)
    for at, trunk in ((0.0, "ST_a"), (0.25, "ST_b"), (0.5, "ST_a"), (3.0, "ST_c")):
        dial(carrier, at, trunk)
    sums = carrier.record.summaries("trunks") | carrier.record.summaries("accounts")
    told = {name: (one.second.most, one.most_calls, one.invites, one.refused.total()) for name, one in sums.items()}
    assert told == {"ST_a": (2, 1, 2, 1), "ST_b": (1, 1, 1, 0), "ST_c": (1, 1, 1, 0), "acme": (3, 2, 3, 1)}
    assert [one.refused for one in carrier.record.invites()] == [None, None, "cps", None]


def test_the_most_calls_of_a_cleared_record_are_those_that_are_up() -> None:
    carrier = Carrier(seed=1, limits=CarrierLimits())
    dial(carrier, 0)
    carrier.record.clear()
    dial(carrier, 1)
    assert carrier.record.summaries("trunks")["ST_a"].most_calls == carrier.record.most_calls == 2


def test_a_trunk_with_credentials_sends_two_invites_where_challenges_count() -> None:
    carrier = Carrier(seed=1, limits=CarrierLimits(calls_per_second=3, counts_challenges=True))
    refused = [dial(carrier, 0.0, has_credentials=True), dial(carrier, 0.5), dial(carrier, 0.6, has_credentials=True)]
    assert refused == [None, None, "cps"]
    seen = [(one.at, one.is_challenged, one.ended_at) for one in carrier.record.invites()]
    assert seen == [(0.0, True, 0.0), (CHALLENGE_SECONDS, False, None), (0.5, False, None), (0.6, False, 0.6)]
    assert (carrier.record.worst_second, carrier.record.most_calls, carrier.calls) == (4, 2, 2)


def test_the_invite_with_the_credentials_may_be_the_one_too_many() -> None:
    carrier = Carrier(seed=1, limits=CarrierLimits(calls_per_second=1, counts_challenges=True))
    assert dial(carrier, 0.0, has_credentials=True) == "cps"
    assert [(one.is_challenged, one.refused) for one in carrier.record.invites()] == [(True, None), (False, "cps")]


def test_challenges_do_not_count_unless_it_is_asked_for() -> None:
    carrier = Carrier(seed=1, limits=CarrierLimits(calls_per_second=1))
    assert dial(carrier, 0.0, has_credentials=True) is None
    assert len(carrier.record.invites()) == 1
