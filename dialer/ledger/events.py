"""Events in the ledger: LiveKit's webhooks as they came, and what became of the requests that brought them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dialer.domain.news import NewsItem
from dialer.domain.webhook import Webhook, WebhookFate
from dialer.ledger.json_text import json_text
from dialer.ledger.session import Ledger, Row


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A webhook to be kept, of this attempt; None: of a room of ``dialer doctor``."""

    webhook: Webhook
    attempt_id: UUID | None


_KEEP = """/* keep_events */
WITH kept AS (
    INSERT INTO events (id, event, room, attempt_id, kind, identity, reason, call_status, created_at, handled_at, body)
    SELECT n.id, n.event, n.room, n.attempt_id, n.kind, n.identity, n.reason, n.call_status, n.created_at,
           CASE WHEN n.attempt_id IS NULL THEN now() END, n.body::jsonb
    FROM unnest(%(ids)s::text[], %(events)s::text[], %(rooms)s::text[], %(attempts)s::uuid[], %(kinds)s::text[],
                %(identities)s::text[], %(reasons)s::text[], %(statuses)s::text[], %(created)s::timestamptz[],
                %(bodies)s::text[])
         AS n (id, event, room, attempt_id, kind, identity, reason, call_status, created_at, body)
    ORDER BY n.id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), counted AS (
    INSERT INTO event_counters (kind, value)
    SELECT kind, value FROM (VALUES ('accepted', (SELECT count(*) FROM kept)),
                                    ('doubled', %(count)s - (SELECT count(*) FROM kept))) AS c (kind, value)
    WHERE value > 0
    ON CONFLICT (kind) DO UPDATE SET value = event_counters.value + excluded.value
), arrived AS (
    UPDATE line_status SET webhook_at = now() WHERE webhook_at IS NULL OR webhook_at < now() - interval '1 s'
)
SELECT id FROM kept"""


async def keep_events(ledger: Ledger, news: Sequence[NewEvent]) -> list[bool]:
    """Keep events, committed when this returns; for each, whether it is new.

    Raises:
        StoreUnavailable: the ledger does not answer; nothing is known to be kept.
    """
    webhooks = [item.webhook for item in news]
    parameters = {
        "ids": [webhook.event_id for webhook in webhooks],
        "events": [webhook.event for webhook in webhooks],
        "rooms": [webhook.room for webhook in webhooks],
        "attempts": [item.attempt_id for item in news],
        "kinds": [webhook.kind for webhook in webhooks],
        "identities": [webhook.identity for webhook in webhooks],
        "reasons": [webhook.reason for webhook in webhooks],
        "statuses": [webhook.call_status for webhook in webhooks],
        "created": [webhook.created_at for webhook in webhooks],
        "bodies": [json_text(webhook.body) for webhook in webhooks],
        "count": len(news),
    }
    kept = {row["id"] for row in await ledger.rows(_KEEP, parameters)}
    return [webhook.event_id in kept for webhook in webhooks]


async def count_webhooks(ledger: Ledger, counts: Mapping[WebhookFate, int], *, is_valid: bool) -> None:
    """Add to the counters of requests that were not kept; ``is_valid``: LiveKit was among those who sent them."""
    await ledger.changed(
        """/* count_webhooks */
        WITH arrived AS (
            UPDATE line_status SET webhook_at = now()
            WHERE %(valid)s AND (webhook_at IS NULL OR webhook_at < now() - interval '1 s')
        )
        INSERT INTO event_counters (kind, value)
        SELECT * FROM unnest(%(kinds)s::text[], %(values)s::bigint[]) AS c (kind, value) ORDER BY kind
        ON CONFLICT (kind) DO UPDATE SET value = event_counters.value + excluded.value""",
        {
            "kinds": [kind.value for kind in counts],
            "values": list(counts.values()),
            "valid": is_valid,
        },
    )


async def count_of_webhooks(ledger: Ledger, fates: Collection[WebhookFate]) -> int:
    """How many requests of these kinds have come so far."""
    row = await ledger.row(
        """/* count_of_webhooks */
        SELECT coalesce(sum(value), 0)::int8 AS n FROM event_counters WHERE kind = ANY (%(kinds)s)""",
        {"kinds": [fate.value for fate in fates]},
    )
    assert row is not None
    count: int = row["n"]
    return count


_ITEMS = """/* events_of_attempts */
SELECT e.attempt_id, e.id, e.event, e.kind, e.identity, e.reason, e.call_status, e.received_at,
       -- where LiveKit's clock is known to differ by more than its own whole seconds, it is set right
       e.created_at - make_interval(secs => CASE WHEN abs(l.clock_offset_seconds) >= 2
                                                 THEN l.clock_offset_seconds ELSE 0 END) AS created_at,
       CASE WHEN e.kind = 'AGENT' THEN (
           SELECT jsonb_object_agg(key, left(value, 1024))
           FROM jsonb_each_text(e.body #> '{participant,attributes}') WHERE starts_with(key, 'dialer.')
       ) END AS attributes,
       CASE WHEN strpos(e.body #>> '{room,metadata}', 'dialer.') > 0
            THEN left(e.body #>> '{room,metadata}', 65536) END AS metadata
FROM events e CROSS JOIN line_status l
WHERE e.attempt_id = ANY (%(ids)s)
ORDER BY e.created_at, e.received_at"""


@dataclass(frozen=True, slots=True)
class KeptNews:
    """An event as it is judged, and the id under which it is marked as handled."""

    event_id: str
    item: NewsItem


async def events_of(ledger: Ledger, attempt_ids: Collection[UUID]) -> dict[UUID, list[KeptNews]]:
    """Every kept event of these attempts, by attempt."""
    found: dict[UUID, list[KeptNews]] = {attempt_id: [] for attempt_id in attempt_ids}
    for row in await ledger.rows(_ITEMS, {"ids": list(attempt_ids)}):
        found[row["attempt_id"]].append(KeptNews(row["id"], _item(row)))
    return found


def _item(row: Row) -> NewsItem:
    return NewsItem(
        event=row["event"],
        kind=row["kind"],
        identity=row["identity"],
        reason=row["reason"],
        call_status=row["call_status"],
        created_at=row["created_at"],
        received_at=row["received_at"],
        attributes=row["attributes"] or {},
        room_metadata=row["metadata"] or "",
    )


async def mark_handled(ledger: Ledger, event_ids: Sequence[str]) -> None:
    """What followed from these events has been written."""
    await ledger.changed(
        """/* mark_handled */
        UPDATE events SET handled_at = now() WHERE id = ANY (%(ids)s) AND handled_at IS NULL""",
        {"ids": list(event_ids)},
    )


async def attempts_with_old_news(
    ledger: Ledger, *, older_than: timedelta, most: int, without: Collection[UUID] = ()
) -> list[UUID]:
    """Attempts with events that nobody has handled for so long: their job was lost, or their owner decides."""
    rows = await ledger.rows(
        """/* old_news */
        SELECT attempt_id FROM events
        WHERE handled_at IS NULL AND attempt_id IS NOT NULL AND received_at < now() - %(old)s::interval
          AND attempt_id <> ALL (%(without)s::uuid[])
        GROUP BY attempt_id ORDER BY min(received_at) LIMIT %(most)s""",
        {"old": older_than, "most": most, "without": list(without)},
    )
    return [row["attempt_id"] for row in rows]


async def forget_old_events(ledger: Ledger, *, keep: timedelta, most: int) -> int:
    """Delete at most ``most`` handled events older than ``keep`` whose attempt is over; returns how many."""
    return await ledger.changed(
        """/* forget_old_events */
        DELETE FROM events WHERE id IN (
            SELECT e.id FROM events e
            WHERE e.handled_at IS NOT NULL AND e.received_at < now() - %(keep)s::interval
              AND NOT EXISTS (SELECT FROM attempts a WHERE a.id = e.attempt_id AND a.state <> 'ended')
            LIMIT %(most)s FOR UPDATE SKIP LOCKED)""",
        {"keep": keep, "most": most},
    )


async def has_come(ledger: Ledger, *, room: str, event: str, kind: str | None = None) -> bool:
    """Whether an event of this room is there; ``kind``: of a participant of this kind."""
    row = await ledger.row(
        """/* event_has_come */
        SELECT 1 AS here FROM events
        WHERE room = %(room)s AND event = %(event)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
          AND received_at > now() - interval '5 minutes' LIMIT 1""",
        {"room": room, "event": event, "kind": kind},
    )
    return row is not None
