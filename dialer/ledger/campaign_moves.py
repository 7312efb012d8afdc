"""Campaigns move from one state to another: by an operator, because all is done, or because agents do not come."""

from collections.abc import Sequence

from dialer.domain.campaign import CampaignState
from dialer.ledger.session import Ledger


async def move_campaign(
    ledger: Ledger, campaign_id: int, *, before: Sequence[CampaignState], after: CampaignState
) -> bool:
    """Change the state if it is still one of ``before``; says whether it did."""
    return bool(
        await ledger.changed(
            """/* move_campaign */
            UPDATE campaigns SET state = %(after)s, held_reason = NULL, config_error_numbers = '{}',
                agents_missed = '{}',
                started_at = CASE WHEN %(after)s = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
                finished_at = CASE WHEN %(after)s IN ('finished', 'cancelled') THEN now() END
            WHERE id = %(id)s AND state = ANY (%(before)s)""",
            {"id": campaign_id, "before": [state.value for state in before], "after": after.value},
        )
    )


_FIND_FINISHED = """/* find_finished */
SELECT c.id FROM campaigns c
WHERE c.state = 'running'
  AND NOT EXISTS (SELECT FROM call_jobs WHERE campaign_id = c.id AND state = 'waiting')
  AND NOT EXISTS (SELECT FROM call_jobs WHERE campaign_id = c.id AND state = 'queued')
  AND NOT EXISTS (SELECT FROM attempts WHERE campaign_id = c.id AND state <> 'ended')
ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED"""


async def finish_campaigns(ledger: Ledger) -> list[str]:
    """Running campaigns whose call jobs are all finished become finished; returns their names."""
    async with ledger.transaction() as transaction:
        if not await transaction.rows(_FIND_FINISHED):
            return []
        # Now that they are locked, once more: a call back that was promised late may have come in between.
        rows = await transaction.rows(_FIND_FINISHED)
        finished = await transaction.rows(
            """/* finish_campaigns */
            UPDATE campaigns SET state = 'finished', finished_at = now() WHERE id = ANY (%(ids)s) RETURNING name""",
            {"ids": [row["id"] for row in rows]},
        )
    return [row["name"] for row in finished]


async def note_agent_missed(ledger: Ledger, campaign_id: int, *, number: str, reason: str, most: int) -> bool:
    """Remember a number for which no agent came; ``most`` different ones in a row hold the campaign.

    Not while one of its agents is with somebody: then the others are busy, and come when a call ends.

    Returns whether the campaign is held by this one.
    """
    return bool(
        await ledger.changed(
            """/* note_agent_missed */
            WITH missed AS (
                UPDATE campaigns
                SET agents_missed =
                    (array_prepend(%(number)s::text, array_remove(agents_missed, %(number)s)))[:%(most)s]
                WHERE id = %(id)s
                RETURNING id, state, cardinality(agents_missed) AS numbers
            )
            SELECT id FROM missed
            WHERE numbers >= %(most)s AND state = 'running'
              AND NOT EXISTS (SELECT FROM attempts WHERE campaign_id = %(id)s AND state <> 'ended' AND has_agent
                                AND alone_since IS NULL AND doubt_since IS NULL)""",
            {"id": campaign_id, "number": number, "most": most},
        )
        and await ledger.changed(
            """/* hold_campaign */
            UPDATE campaigns SET state = 'held', held_reason = %(reason)s WHERE id = %(id)s AND state = 'running'""",
            {"id": campaign_id, "reason": reason},
        )
    )


async def note_agent_came(ledger: Ledger, campaign_id: int) -> None:
    """The row of missed agents is broken."""
    await ledger.changed(
        "/* note_agent_came */ UPDATE campaigns SET agents_missed = '{}' WHERE id = %(id)s AND agents_missed <> '{}'",
        {"id": campaign_id},
    )
