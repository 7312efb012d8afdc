"""The suppression list in the ledger: entries come and go, and their rows stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.domain.suppression import NewSuppression
from dialer.ledger.session import Ledger, Statements


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """One entry of the list.

    Attributes:
        campaign: the name of the only campaign it is for; None: for all.
        removed_at: when it was taken away; of one that ended by itself and was written anew, its end.
        stands: it is in force now.
    """

    id: int
    pattern: str
    is_prefix: bool
    campaign: str | None
    reason: str
    source: str
    created_at: datetime
    ends_at: datetime | None
    removed_at: datetime | None
    stands: bool


@dataclass(frozen=True, slots=True)
class Put:
    """What became of entries that were put on the list: ``added`` + ``changed`` + ``unchanged`` are all of them."""

    added: int
    changed: int
    unchanged: int


_COLUMNS = """s.id, s.pattern, s.is_prefix, c.name AS campaign, s.reason, s.source, s.created_at, s.ends_at,
    s.removed_at, s.removed_at IS NULL AND (s.ends_at IS NULL OR s.ends_at > now()) AS stands"""
_FROM = "suppressions s LEFT JOIN campaigns c ON c.id = s.campaign_id"

# An entry whose end has passed keeps its own history: it is retired first, and what is put on the list is a new one.
# An operator's word replaces reason and end.  Everybody else's only adds: it never shortens what stands.
_PUT = """/* put_suppressions */
WITH new AS MATERIALIZED (
    SELECT * FROM unnest(%(patterns)s::text[], %(prefixes)s::bool[], %(campaigns)s::int[], %(reasons)s::text[],
                         %(sources)s::text[], %(ends)s::timestamptz[], %(attempts)s::uuid[])
        AS n (pattern, is_prefix, campaign_id, reason, source, ends_at, attempt_id)
), ended AS MATERIALIZED (
    SELECT s.id FROM new n
    JOIN suppressions s ON s.pattern = n.pattern AND s.is_prefix = n.is_prefix
                       AND coalesce(s.campaign_id, 0) = coalesce(n.campaign_id, 0)
    WHERE s.removed_at IS NULL AND s.ends_at <= now() ORDER BY s.id FOR UPDATE OF s
), retired AS (
    UPDATE suppressions s SET removed_at = s.ends_at FROM ended WHERE s.id = ended.id RETURNING s.id
)
INSERT INTO suppressions AS s (pattern, is_prefix, campaign_id, reason, source, ends_at, attempt_id)
SELECT * FROM new WHERE (SELECT count(*) FROM retired) >= 0
ORDER BY pattern, is_prefix, campaign_id
ON CONFLICT (pattern, is_prefix, coalesce(campaign_id, 0)) WHERE removed_at IS NULL DO UPDATE
SET reason = CASE WHEN excluded.reason <> '' AND (excluded.source = 'operator' OR s.reason = '')
                  THEN excluded.reason ELSE s.reason END,
    ends_at = CASE WHEN excluded.source = 'operator' THEN excluded.ends_at
                   WHEN s.ends_at IS NOT NULL AND excluded.ends_at IS NOT NULL
                   THEN greatest(s.ends_at, excluded.ends_at) END,
    attempt_id = coalesce(s.attempt_id, excluded.attempt_id)
WHERE (CASE WHEN excluded.source = 'operator'
            THEN s.ends_at IS DISTINCT FROM excluded.ends_at OR excluded.reason NOT IN ('', s.reason)
            ELSE (s.ends_at IS NOT NULL AND (excluded.ends_at IS NULL OR excluded.ends_at > s.ends_at))
                 OR (s.reason = '' AND excluded.reason <> '') END)
RETURNING s.xmax = 0 AS added"""


async def put_suppressions(statements: Statements, entries: Sequence[NewSuppression]) -> Put:
    """Put entries on the list, in one statement; each pattern at most once for a campaign.

    The one rule for whoever writes an entry: one that stands already stays.  An operator's word replaces its reason and
    end, every other only adds a reason where there was none and moves its end further away.
    """
    rows = await statements.rows(
        _PUT,
        {
            "patterns": [entry.pattern for entry in entries],
            "prefixes": [entry.is_prefix for entry in entries],
            "campaigns": [entry.campaign_id for entry in entries],
            "reasons": [entry.reason for entry in entries],
            "sources": [entry.source.value for entry in entries],
            "ends": [entry.ends_at for entry in entries],
            "attempts": [entry.attempt_id for entry in entries],
        },
    )
    added = sum(row["added"] for row in rows)
    return Put(added, len(rows) - added, len(entries) - len(rows))


async def remove_suppression(
    ledger: Ledger, pattern: str, *, is_prefix: bool, campaign_id: int | None
) -> Suppression | None:
    """Take an entry off the list; its row stays.  Returns it as it was; None: there is none in force."""
    row = await ledger.row(
        f"""/* remove_suppression */
        WITH removed AS (
            UPDATE suppressions SET removed_at = now()
            WHERE pattern = %(pattern)s AND is_prefix = %(prefix)s AND campaign_id IS NOT DISTINCT FROM %(campaign)s
              AND removed_at IS NULL AND (ends_at IS NULL OR ends_at > now())
            RETURNING id
        )
        SELECT {_COLUMNS} FROM {_FROM} WHERE s.id IN (SELECT id FROM removed)""",  # noqa: S608 - constants
        {"pattern": pattern, "prefix": is_prefix, "campaign": campaign_id},
    )
    return Suppression(**row) if row else None


async def find_suppression(
    ledger: Ledger, pattern: str, *, is_prefix: bool, campaign_id: int | None
) -> Suppression | None:
    """The entry in force with this very pattern, for this campaign or (None) for all."""
    row = await ledger.row(
        f"""/* find_suppression */
        SELECT {_COLUMNS} FROM {_FROM}
        WHERE s.pattern = %(pattern)s AND s.is_prefix = %(prefix)s AND s.campaign_id IS NOT DISTINCT FROM %(campaign)s
          AND s.removed_at IS NULL AND (s.ends_at IS NULL OR s.ends_at > now())""",  # noqa: S608 - constants
        {"pattern": pattern, "prefix": is_prefix, "campaign": campaign_id},
    )
    return Suppression(**row) if row else None


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """Whether a number may not be called, as the claim itself tests it, and every entry in force that covers it."""

    suppressed: bool
    entries: tuple[Suppression, ...]


async def check_number(ledger: Ledger, number: str, *, campaign_id: int | None) -> NumberCheck:
    """Look a number up; the entries: its own before prefixes, the longest prefix first.

    Args:
        campaign_id: the campaign that would call; None: any, and then ``suppressed`` means for all campaigns, while the
            entries are those of every campaign.
    """
    parameters = {"number": number, "campaign": campaign_id}
    rows = await ledger.rows(
        f"""/* check_number */
        SELECT {_COLUMNS} FROM {_FROM}
        WHERE s.removed_at IS NULL AND (s.ends_at IS NULL OR s.ends_at > now())
          AND s.pattern = ANY (ARRAY(SELECT left(%(number)s, n) FROM generate_series(2, length(%(number)s)) AS n))
          AND (s.is_prefix OR s.pattern = %(number)s)
          AND (%(campaign)s::int IS NULL OR s.campaign_id IS NULL OR s.campaign_id = %(campaign)s)
        ORDER BY s.is_prefix, length(s.pattern) DESC, s.campaign_id NULLS FIRST""",  # noqa: S608 - constants
        parameters,
    )
    judged = await ledger.row(
        "/* check_number */ SELECT is_suppressed(%(number)s, coalesce(%(campaign)s, 0)) AS suppressed", parameters
    )
    assert judged is not None
    return NumberCheck(judged["suppressed"], tuple(Suppression(**row) for row in rows))


async def list_suppressions(
    ledger: Ledger, *, campaign_id: int | None, with_past: bool, most: int
) -> tuple[list[Suppression], int]:
    """The newest ``most`` entries, and how many there are.

    Args:
        campaign_id: those of this campaign alone; None: every entry.
        with_past: also those that were removed or have ended.
    """
    chosen = """(%(campaign)s::int IS NULL OR s.campaign_id = %(campaign)s)
          AND (%(past)s OR s.removed_at IS NULL AND (s.ends_at IS NULL OR s.ends_at > now()))"""
    parameters: dict[str, object] = {"campaign": campaign_id, "past": with_past, "most": most}
    rows = await ledger.rows(
        f"/* list_suppressions */ SELECT {_COLUMNS} FROM {_FROM} WHERE {chosen} "  # noqa: S608 - constants
        "ORDER BY s.id DESC LIMIT %(most)s",
        parameters,
    )
    count = await ledger.row(
        f"/* count_suppressions */ SELECT count(*) AS n FROM suppressions s WHERE {chosen}",  # noqa: S608 - constants
        parameters,
    )
    assert count is not None
    return [Suppression(**row) for row in rows], count["n"]
