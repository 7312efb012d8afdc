"""The evidence of ended attempts, to be judged again, and what a new judgement corrects."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from dialer.domain.reclassification import Difference, KeptAttempt
from dialer.ledger.session import Ledger

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Ended attempts in the order of their ids; ``last`` is where the next batch begins behind."""

    attempts: tuple[KeptAttempt, ...]
    last: UUID


async def ended_attempts(ledger: Ledger, *, campaign_id: int | None, after: UUID | None, most: int) -> Batch | None:
    """The next ended attempts behind ``after`` (None: the first), of one campaign or (None) of all; None: no more."""
    rows = await ledger.rows(
        """/* ended_attempts */
        SELECT id, number, outcome, blame, rule, counted, evidence FROM attempts
        WHERE id > %(after)s AND state = 'ended' AND (%(campaign)s::int IS NULL OR campaign_id = %(campaign)s)
        ORDER BY id LIMIT %(most)s""",
        {"after": after or _FIRST, "campaign": campaign_id, "most": most},
    )
    if not rows:
        return None
    return Batch(tuple(KeptAttempt(**{**row, "evidence": row["evidence"] or {}}) for row in rows), rows[-1]["id"])


_CORRECT = """/* correct_attempts */
WITH s AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(rules_before)s::text[], %(outcomes)s::text[], %(blames)s::text[],
                         %(rules)s::text[]) AS s (id, rule_before, outcome, blame, rule)
), before AS MATERIALIZED (
    SELECT a.id, a.trunk_id, a.outcome, a.blame, a.rule FROM attempts a JOIN s ON s.id = a.id
    WHERE a.state = 'ended' AND a.rule IS NOT DISTINCT FROM s.rule_before
    ORDER BY a.id FOR NO KEY UPDATE OF a
), corrected AS (
    UPDATE attempts a SET outcome = s.outcome, blame = s.blame, rule = s.rule
    FROM s JOIN before USING (id) WHERE a.id = s.id
    RETURNING a.id
)
INSERT INTO corrections (attempt_id, trunk_id, outcome_before, outcome, blame_before, blame, rule_before, rule)
SELECT s.id, b.trunk_id, b.outcome, s.outcome, b.blame, s.blame, b.rule, s.rule
FROM corrected JOIN s USING (id) JOIN before b USING (id)"""


async def correct_attempts(ledger: Ledger, differences: Sequence[Difference]) -> int:
    """Write new outcomes, blames and rules of ended attempts, each with a row of its own in ``corrections``.

    No call job moves, and no counter of outcomes goes back: ``corrections`` is the counter of what was corrected.  One
    that has been judged anew meanwhile is left alone.  Says how many were written.
    """
    parameters: dict[str, object] = {
        "ids": [difference.attempt.id for difference in differences],
        "rules_before": [difference.attempt.rule for difference in differences],
        "outcomes": [difference.verdict.outcome.value for difference in differences],
        "blames": [difference.verdict.blame.value for difference in differences],
        "rules": [difference.verdict.rule for difference in differences],
    }
    return await ledger.changed(_CORRECT, parameters)
