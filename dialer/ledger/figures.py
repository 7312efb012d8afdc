"""The figures that metrics show, counted in the ledger."""

from dataclasses import dataclass

from dialer.ledger.session import Ledger, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One snapshot.  Trunks and campaigns are named, not numbered."""

    attempts_ended: dict[tuple[str, str], int]
    corrections: dict[tuple[str, str, str], int]
    call_jobs: dict[tuple[str, str], int]
    due: int
    due_lag_seconds: float
    attempts_open: dict[tuple[str, str], int]
    line_up: bool
    webhooks: dict[tuple[str], int]
    news_unhandled: int
    webhooks_arrive: bool


async def read_figures(ledger: Ledger) -> Figures:
    async with ledger.transaction() as transaction:
        await transaction.rows("/* figures */ SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ended = await transaction.rows(
            """/* figures_ended */
            SELECT t.name, c.outcome, sum(c.value) AS attempts
            FROM attempt_counters c JOIN trunks t ON t.id = c.trunk_id GROUP BY t.name, c.outcome"""
        )
        corrections = await _corrections(transaction)
        jobs = await transaction.rows(
            """/* figures_call_jobs */
            SELECT c.name, j.state, count(*) AS jobs FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id
            WHERE c.state NOT IN ('finished', 'cancelled') GROUP BY c.name, j.state"""
        )
        due = await transaction.row(
            """/* figures_due */
            SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(j.due_at)), 0) AS lag
            FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id
            WHERE j.state = 'waiting' AND j.due_at <= now() AND c.state = 'running'"""
        )
        open_now = await transaction.rows(
            """/* figures_open */
            SELECT t.name, CASE WHEN a.doubt_since IS NOT NULL THEN 'in_doubt' ELSE a.state END AS state,
                   count(*) AS attempts
            FROM attempts a JOIN trunks t ON t.id = a.trunk_id WHERE a.state <> 'ended' GROUP BY 1, 2"""
        )
        line = await transaction.row(
            """/* figures_line */
            SELECT state, coalesce(webhook_at > now() - interval '60 s', false) AS arrive,
                   (SELECT count(*) FROM events WHERE handled_at IS NULL AND received_at < now() - interval '5 s')
                   AS unhandled
            FROM line_status"""
        )
        webhooks = await transaction.rows("/* figures_webhooks */ SELECT kind, value FROM event_counters")
    assert due is not None
    assert line is not None
    return Figures(
        attempts_ended={(row["name"], row["outcome"]): int(row["attempts"]) for row in ended},
        corrections=corrections,
        call_jobs={(row["name"], row["state"]): row["jobs"] for row in jobs},
        due=due["due"],
        due_lag_seconds=float(due["lag"]),
        attempts_open={(row["name"], row["state"]): row["attempts"] for row in open_now},
        line_up=line["state"] == "ok",
        webhooks={(row["kind"],): row["value"] for row in webhooks},
        news_unhandled=line["unhandled"],
        webhooks_arrive=line["arrive"],
    )


async def _corrections(transaction: Transaction) -> dict[tuple[str, str, str], int]:
    rows = await transaction.rows(
        """/* figures_corrections */
        SELECT t.name, c.outcome_before, c.outcome, count(*) AS attempts
        FROM corrections c JOIN trunks t ON t.id = c.trunk_id GROUP BY 1, 2, 3"""
    )
    return {(row["name"], row["outcome_before"], row["outcome"]): row["attempts"] for row in rows}
