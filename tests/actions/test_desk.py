"""How long an owner waits to be told whether the phone rang: two seconds, where it decides and webhooks arrive."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.desk import Desk
from dialer.app import Dialer
from dialer.domain.line_result import LineResult, Reply
from tests.fakes import NOT_SENT, PICKED_UP

pytestmark = pytest.mark.ledger

DECLINED = LineResult(
    reply=Reply.REFUSED,
    http_status=429,
    twirp_code="resource_exhausted",
    message="twirp error unknown: INVITE failed: sip status: 603: Decline",
    sip_code=603,
    sip_status="Decline",
    seconds=1.0,
)


@dataclass
class Herald:
    """News that comes after so long, for whoever has the patience."""

    comes_after: timedelta
    webhooks_arrive: bool = True

    async def rang(self, attempt_id: UUID, *, within: timedelta) -> bool | None:
        return True if self.comes_after <= within else None


@pytest.mark.parametrize(
    ("herald", "result", "rang"),
    [
        pytest.param(Herald(timedelta(seconds=1.9)), DECLINED, True, id="told in time"),
        pytest.param(Herald(timedelta(seconds=2.1)), DECLINED, None, id="told too late: time decides"),
        pytest.param(Herald(timedelta(0), webhooks_arrive=False), DECLINED, None, id="no webhooks arrive"),
        pytest.param(Herald(timedelta(0)), NOT_SENT, None, id="nothing was sent"),
        pytest.param(Herald(timedelta(0)), PICKED_UP, None, id="somebody picked up"),
    ],
)
async def test_whether_it_rang(dialer: Dialer, herald: Herald, result: LineResult, rang: bool | None) -> None:
    desk = Desk(dialer, news=herald)  # type: ignore[arg-type]

    assert (await desk.heard(dialer.new_id(), result)).rang is rang
