"""Call jobs of suppressed people: what waits is finished, a bite at a time.

What is queued is left to the claim, which refuses it; what is on the line goes on.
"""

from collections.abc import Sequence

from dialer.domain.suppression import NewSuppression
from dialer.ledger.session import Ledger, Statements
from dialer.ledger.suppressions import put_suppressions

# The very entry is asked again, in the same snapshot: one that was removed meanwhile finishes nothing.
_OF_NUMBERS = """/* finish_suppressed_numbers */
UPDATE call_jobs j SET state = 'finished', finish_reason = 'suppressed'
FROM (
    SELECT w.id FROM unnest(%(numbers)s::text[]) AS n (number)
    CROSS JOIN campaigns c
    JOIN contacts t ON t.campaign_id = c.id AND t.number = n.number
    JOIN call_jobs w ON w.id = t.id
    WHERE (%(campaign)s::int IS NULL OR c.id = %(campaign)s) AND c.state <> 'cancelled'
      AND w.state = 'waiting' AND is_suppressed(n.number, c.id)
    FOR UPDATE OF w SKIP LOCKED
) AS gone
WHERE j.id = gone.id AND j.state = 'waiting'"""

_OF_PREFIXES = """/* finish_suppressed_prefixes */
UPDATE call_jobs j SET state = 'finished', finish_reason = 'suppressed'
FROM (
    SELECT w.id FROM call_jobs w JOIN campaigns c ON c.id = w.campaign_id
    WHERE w.id > %(after)s AND w.id <= %(upto)s AND w.state = 'waiting'
      AND (%(campaign)s::int IS NULL OR c.id = %(campaign)s) AND c.state <> 'cancelled'
      AND EXISTS (SELECT FROM unnest(%(prefixes)s::text[]) AS p (prefix) WHERE starts_with(w.number, p.prefix))
      AND is_suppressed(w.number, c.id)
    FOR UPDATE OF w SKIP LOCKED
) AS gone
WHERE j.id = gone.id AND j.state = 'waiting'"""


async def finish_suppressed_numbers(statements: Statements, numbers: Sequence[str], *, campaign_id: int | None) -> int:
    """Finish the waiting call jobs of these numbers, in one campaign or (None) in all; says how many.

    A call job that is being released at this moment is passed over: its claim is refused.
    """
    return await statements.changed(_OF_NUMBERS, {"numbers": list(numbers), "campaign": campaign_id})


async def suppress_callees(statements: Statements, entries: Sequence[NewSuppression]) -> None:
    """Put numbers that calls have brought up on the list, and finish at once what waits to call them elsewhere.

    Meant for the transaction that writes how those calls went: neither is lost without the other.  An entry of one
    campaign finishes nothing: there, the number's only call job is the one whose call it was.
    """
    once = {(entry.pattern, entry.campaign_id): entry for entry in entries}
    await put_suppressions(statements, list(once.values()))
    if everywhere := [number for number, campaign_id in once if campaign_id is None]:
        await finish_suppressed_numbers(statements, everywhere, campaign_id=None)


async def finish_suppressed_prefixes(
    ledger: Ledger, prefixes: Sequence[str], *, campaign_id: int | None, after: int, upto: int
) -> int:
    """The same for the numbers that begin so, of the call jobs with ids above ``after`` up to ``upto``."""
    parameters = {"prefixes": list(prefixes), "campaign": campaign_id, "after": after, "upto": upto}
    return await ledger.changed(_OF_PREFIXES, parameters)


async def last_call_job(ledger: Ledger) -> int:
    """The highest id of a call job; 0: there is none."""
    row = await ledger.row("/* last_call_job */ SELECT coalesce(max(id), 0) AS id FROM call_jobs")
    assert row is not None
    return int(row["id"])
