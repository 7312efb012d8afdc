"""What operators ask the ledger: how a campaign stands, every row of its results, one contact's story."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dialer.ledger.session import Ledger, Row


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignReport:
    """How a campaign stands.  ``rows`` = rejected + duplicates + contacts; contacts = the sum of ``call_jobs``."""

    rows: int
    rejected: int
    duplicates: int
    contacts: int
    call_jobs: dict[str, int]
    finish_reasons: dict[str, int]
    outcomes: dict[str, int]
    attempts: int
    ringing: int
    talking: int
    in_doubt: int
    due: int
    next_due_at: datetime | None
    contacts_attempted: int
    reported: dict[str, int] = field(default_factory=dict)  #: attempts whose agent reported it: machine, callback, …


_REPORTED = """/* report_agents */
SELECT count(*) FILTER (WHERE report ->> 'dialer.amd' = 'human') AS human,
       count(*) FILTER (WHERE report ->> 'dialer.amd' LIKE 'machine-%%') AS machine,
       count(*) FILTER (WHERE report ? 'dialer.callback_at') AS callback,
       count(*) FILTER (WHERE report ->> 'dialer.do_not_call' = 'true') AS do_not_call
FROM attempts WHERE campaign_id = %(id)s AND has_agent AND report <> '{}'"""


async def report_campaign(ledger: Ledger, campaign_id: int) -> CampaignReport:
    """Count a campaign, in one snapshot."""
    async with ledger.transaction() as transaction:
        await transaction.rows("/* report_campaign */ SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        parameters = {"id": campaign_id}
        imports = await transaction.row(
            """/* report_imports */
            SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(rejected), 0) AS rejected,
                   coalesce(sum(duplicates), 0) AS duplicates FROM imports WHERE campaign_id = %(id)s""",
            parameters,
        )
        jobs = await transaction.rows(
            """/* report_call_jobs */
            SELECT state, finish_reason, count(*) AS jobs,
                   count(*) FILTER (WHERE state = 'waiting' AND due_at <= now()
                                      AND (open_until IS NULL OR open_until > now())) AS due,
                   min(due_at) FILTER (WHERE state = 'waiting') AS next_due_at
            FROM call_jobs WHERE campaign_id = %(id)s GROUP BY state, finish_reason""",
            parameters,
        )
        attempts = await transaction.rows(
            """/* report_attempts */
            SELECT state, outcome, count(*) AS attempts, count(*) FILTER (WHERE doubt_since IS NOT NULL) AS in_doubt
            FROM attempts WHERE campaign_id = %(id)s GROUP BY state, outcome""",
            parameters,
        )
        reported = await transaction.row(_REPORTED, parameters)
        attempted = await transaction.row(
            "/* report_attempted */ SELECT count(DISTINCT call_job_id) AS n FROM attempts WHERE campaign_id = %(id)s",
            parameters,
        )
    assert imports is not None
    assert attempted is not None
    assert reported is not None
    return _report(imports, jobs, attempts, attempted["n"], reported)


def _report(imports: Row, jobs: list[Row], attempts: list[Row], attempted: int, reported: Row) -> CampaignReport:
    states = {"waiting": 0, "queued": 0, "in_progress": 0, "finished": 0}
    for row in jobs:
        states[row["state"]] += row["jobs"]
    open_attempts = [row for row in attempts if row["state"] != "ended"]
    return CampaignReport(
        rows=imports["rows"],
        rejected=imports["rejected"],
        duplicates=imports["duplicates"],
        contacts=sum(states.values()),
        call_jobs=states,
        finish_reasons={row["finish_reason"]: row["jobs"] for row in jobs if row["finish_reason"]},
        outcomes={row["outcome"]: row["attempts"] for row in attempts if row["outcome"]},
        attempts=sum(row["attempts"] for row in attempts),
        ringing=sum(row["attempts"] - row["in_doubt"] for row in open_attempts if row["state"] == "dialing"),
        talking=sum(row["attempts"] for row in open_attempts if row["state"] == "answered"),
        in_doubt=sum(row["in_doubt"] for row in open_attempts),
        due=sum(row["due"] for row in jobs),
        next_due_at=min((row["next_due_at"] for row in jobs if row["next_due_at"]), default=None),
        contacts_attempted=attempted,
        reported={word: count for word, count in reported.items() if count},
    )


_RESULTS = """/* results */
SELECT c.number, j.state, j.finish_reason, c.data, j.due_at,
       a.attempts, a.first_attempt_at, l.*
FROM contacts c
JOIN call_jobs j ON j.id = c.id
CROSS JOIN LATERAL (
    SELECT count(*) AS attempts, min(claimed_at) AS first_attempt_at FROM attempts WHERE call_job_id = j.id) AS a
LEFT JOIN LATERAL (
    SELECT outcome AS last_outcome, sip_code, sip_status, rule, rang, ring_seconds, talk_seconds,
           claimed_at AS last_attempt_at, ended_by, report ->> 'dialer.disposition' AS disposition,
           report ->> 'dialer.amd' AS amd, report ->> 'dialer.callback_at' AS callback_at,
           report ->> 'dialer.do_not_call' AS do_not_call
    FROM attempts WHERE call_job_id = j.id ORDER BY claimed_at DESC LIMIT 1) AS l ON true
WHERE c.campaign_id = %(id)s
ORDER BY c.id"""

#: The columns of the results, before the contact's own.
RESULT_COLUMNS = (
    "number",
    "state",
    "finish_reason",
    "attempts",
    "last_outcome",
    "sip_code",
    "sip_status",
    "rule",
    "rang",
    "ring_seconds",
    "talk_seconds",
    "first_attempt_at",
    "last_attempt_at",
    "next_attempt_at",
    "disposition",
    "amd",
    "callback_at",
    "do_not_call",
    "ended_by",
)


async def stream_results(
    ledger: Ledger, campaign_id: int
) -> AsyncGenerator[tuple[dict[str, object], dict[str, str]], None]:
    """Every contact's row, as it stands in one snapshot, and the contact's own columns; in the order of the import."""
    async with (
        ledger.transaction() as transaction,
        transaction.connection.cursor(name="results") as cursor,
    ):
        cursor.itersize = 2000
        await cursor.execute(_RESULTS, {"id": campaign_id})
        async for row in cursor:
            yield _result(row), row["data"]


def _result(row: Row) -> dict[str, object]:
    row["next_attempt_at"] = row["due_at"] if row["state"] == "waiting" else None
    return {column: row[column] for column in RESULT_COLUMNS}


async def own_columns(ledger: Ledger, campaign_id: int) -> list[str]:
    """The names of the contacts' own columns, over the campaign's imports, in the order of the files."""
    rows = await ledger.rows(
        """/* own_columns */
        SELECT DISTINCT ON (c.import_id, c.data ->> 'extension' IS NULL) c.data
        FROM contacts c WHERE c.campaign_id = %(id)s
        ORDER BY c.import_id, c.data ->> 'extension' IS NULL DESC, c.id""",
        {"id": campaign_id},
    )
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(row["data"]))
    return list(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactStory:
    """Everything that is known of one contact.  ``attempts`` are the ledger's rows, oldest first.

    Attributes:
        zones: where the contact may live, joined by commas; empty: not known, the campaign's.
        not_before: when it would be due were it not for the hours; None: they did not move it.
        promised: the next attempt is a call back that was promised.
    """

    number: str
    line: int | None
    file_name: str | None
    data: dict[str, str]
    state: str
    finish_reason: str | None
    due_at: datetime
    not_before: datetime | None
    promised: bool
    zones: str
    attempts_counted: int
    faults: int
    attempts: list[dict[str, Any]]  # columns of `attempts` as they are: this is for reading


async def tell_contact(ledger: Ledger, campaign_id: int, number: str) -> ContactStory | None:
    """The story of one number in one campaign; None when it is not in it."""
    row = await ledger.row(
        """/* tell_contact */
        SELECT c.id, c.number, c.line, i.file_name, c.data, j.state, j.finish_reason, j.due_at, j.not_before,
               j.promised, j.zones, j.attempts_counted, j.faults
        FROM contacts c JOIN call_jobs j ON j.id = c.id LEFT JOIN imports i ON i.id = c.import_id
        WHERE c.campaign_id = %(id)s AND c.number = %(number)s""",
        {"id": campaign_id, "number": number},
    )
    if row is None:
        return None
    attempts = await ledger.rows(
        """/* tell_attempts */
        SELECT a.*, t.name AS trunk FROM attempts a LEFT JOIN trunks t ON t.id = a.trunk_id
        WHERE a.call_job_id = %(job)s ORDER BY a.claimed_at""",
        {"job": row.pop("id")},
    )
    return ContactStory(**row, attempts=attempts)


async def first_numbers(ledger: Ledger, campaign_id: int, *, most: int) -> list[str]:
    """The first numbers a campaign will dial."""
    rows = await ledger.rows(
        """/* first_numbers */ SELECT number FROM call_jobs WHERE campaign_id = %(id)s AND state = 'waiting'
        ORDER BY due_at, id LIMIT %(most)s""",
        {"id": campaign_id, "most": most},
    )
    return [row["number"] for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptTrace:
    """What somebody else's record of our calls is compared with.  ``sent`` is None while the attempt is open."""

    id: UUID
    number: str
    sent: bool | None


async def trace_attempts(ledger: Ledger, campaign_id: int) -> list[AttemptTrace]:
    """Every attempt of a campaign."""
    rows = await ledger.rows(
        "/* trace_attempts */ SELECT id, number, sent FROM attempts WHERE campaign_id = %(id)s", {"id": campaign_id}
    )
    return [AttemptTrace(**row) for row in rows]


async def is_number_open(ledger: Ledger, number: str) -> bool:
    """Whether an attempt of this number, in any campaign, is not over: until it is, nobody may dial it again."""
    row = await ledger.row(
        "/* is_number_open */ SELECT 1 FROM attempts WHERE number = %(number)s AND state <> 'ended'", {"number": number}
    )
    return row is not None
