"""Today's rules over the kept evidence of ended attempts: what is told, and what ``apply`` writes."""

from uuid import UUID

import pytest

from dialer.actions.audit_ledger import audit
from dialer.actions.reclassify import Change, reclassify
from dialer.actions.settle_attempt import evidence_of
from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import Blame, Outcome, Verdict, classify
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.settlements import Settlement, settle_attempts
from tests.factories import attempt_row, job_state, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger

BUSY = LineResult(reply=Reply.REFUSED, http_status=429, sip_code=486, sip_status="Busy Here", seconds=1.5)
OLD = Verdict(outcome=Outcome.UNKNOWN, blame=Blame.UNKNOWN, counted=True, rule="of_old")
_NOW = classify(BUSY)
assert isinstance(_NOW, Verdict)
JUDGED: Verdict = _NOW


async def ended(dialer: Dialer, *, name: str, verdicts: list[tuple[Verdict, LineResult | None]]) -> list[UUID]:
    """Attempts of a campaign that ended so."""
    trunk = await make_trunk(dialer.ledger, name=name, livekit_trunk_id=f"ST_{name}")
    start = {"old": 0, "new": 50}.get(name, 0)
    numbers = [f"+1212555{start + count:04d}" for count in range(100, 100 + len(verdicts))]
    campaign = await make_campaign(dialer.ledger, trunk, name=name, numbers=numbers)
    tickets = await make_tickets(dialer, campaign)
    requests = [
        ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60) for ticket in tickets
    ]
    await claim_attempts(dialer.ledger, requests, worker_id=dialer.worker_id)
    settlements = [
        Settlement(
            attempt_id=ticket.attempt_id,
            verdict=verdict,
            due_in=None,
            finish_reason=FinishReason.UNKNOWN,
            evidence=dict(evidence_of(result)) if result else {},
        )
        for ticket, (verdict, result) in zip(tickets, verdicts, strict=True)
    ]
    await settle_attempts(dialer.ledger, settlements)
    return [ticket.attempt_id for ticket in tickets]


async def test_every_ended_attempt_is_judged_and_told_once(dialer: Dialer) -> None:
    lost = LineResult(reply=Reply.LOST)
    await ended(dialer, name="old", verdicts=[(OLD, BUSY), (OLD, BUSY), (JUDGED, BUSY), (OLD, lost), (OLD, None)])

    found = await reclassify(dialer.ledger, campaign_id=None, apply=False)

    assert (found.attempts, found.same, found.undecided, found.no_evidence, found.corrected) == (5, 1, 1, 1, 0)
    assert found.changes == {Change("unknown", "of_old", "busy", JUDGED.rule): 2}
    assert await dialer.ledger.rows("SELECT id FROM corrections") == []


async def test_only_the_campaign_that_was_named_is_judged(dialer: Dialer) -> None:
    await ended(dialer, name="old", verdicts=[(OLD, BUSY)])
    await ended(dialer, name="new", verdicts=[(JUDGED, BUSY), (JUDGED, BUSY)])
    row = await dialer.ledger.row("SELECT id FROM campaigns WHERE name = 'new'")
    assert row is not None

    found = await reclassify(dialer.ledger, campaign_id=row["id"], apply=True)

    assert (found.attempts, found.same, found.corrected) == (2, 2, 0)


async def test_applied_it_corrects_the_attempt_and_moves_nothing_else(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.actions.reclassify.BATCH", 2)
    [first, *_] = await ended(dialer, name="old", verdicts=[(OLD, BUSY), (JUDGED, BUSY), (OLD, BUSY)])
    before = await attempt_row(dialer.ledger, first)
    counters = await dialer.ledger.rows("SELECT * FROM attempt_counters ORDER BY outcome")

    found = await reclassify(dialer.ledger, campaign_id=None, apply=True)

    after = await attempt_row(dialer.ledger, first)
    changed = {name for name in after if after[name] != before[name]}
    assert (found.corrected, changed) == (2, {"outcome", "blame", "rule"})
    assert (after["outcome"], after["rule"]) == ("busy", JUDGED.rule)
    assert await job_state(dialer.ledger, int(str(after["call_job_id"]))) == ("finished", "unknown")
    assert await dialer.ledger.rows("SELECT * FROM attempt_counters ORDER BY outcome") == counters
    told = await dialer.ledger.rows("SELECT outcome_before, outcome, rule_before, rule FROM corrections")
    assert [tuple(row.values()) for row in told] == [("unknown", "busy", "of_old", JUDGED.rule)] * 2
    assert [check.invariant for check in (await audit(dialer.ledger, None)).checked if not check.holds] == []


async def test_applied_again_it_changes_nothing(dialer: Dialer) -> None:
    await ended(dialer, name="old", verdicts=[(OLD, BUSY)])
    assert (await reclassify(dialer.ledger, campaign_id=None, apply=True)).corrected == 1
    again = await reclassify(dialer.ledger, campaign_id=None, apply=True)
    assert (again.same, again.corrected) == (1, 0)
