"""One webhook of LiveKit, and what becomes of the requests to our webhook address.  Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

#: The events that say something about a call; the others (``track_…`` and what is to come) are ignored.
KEPT_EVENTS: Final = frozenset(
    {"room_started", "participant_joined", "participant_left", "participant_connection_aborted", "room_finished"}
)
#: A room of ours that only tests whether webhooks come, or an agent: ``<installation>-doctor-<random>``.
CHECK_ROOM: Final = "doctor"


class WebhookFate(StrEnum):
    """What a request to the webhook address turned out to be.  Stored as counters: never rename one."""

    ACCEPTED = "accepted"  #: kept as an event
    DOUBLED = "doubled"  #: an event that was kept before
    IGNORED = "ignored"  #: of a kind, or about a room of ours, that says nothing about a call
    FOREIGN = "foreign"  #: about a room that is not ours
    FORGED = "forged"  #: no token, or not signed with our key and secret
    STALE = "stale"  #: its token is over, or not valid yet
    BAD_HASH = "bad_hash"  #: the token was made for another body
    TOO_LARGE = "too_large"
    BROKEN = "broken"  #: signed by us, and not to be understood


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A webhook whose signature is good.

    Attributes:
        kind: of the participant, as LiveKit names it: SIP, AGENT, STANDARD.
        reason: the participant's DisconnectReason.
        call_status: the participant's ``sip.callStatus``.
        created_at: by LiveKit's clock, whole seconds.
        body: as it came, without what can be no text in the ledger.
    """

    event_id: str
    event: str
    room: str
    created_at: datetime
    body: dict[str, Any]  # JSON of LiveKit's shape
    kind: str | None = None
    identity: str | None = None
    reason: str | None = None
    call_status: str | None = None


@dataclass(frozen=True, slots=True)
class OurRoom:
    """What a room's name says: ``attempt_id`` is None for a room of ``dialer doctor``."""

    attempt_id: UUID | None


def sort_webhook(webhook: Webhook, *, installation: str) -> OurRoom | WebhookFate:
    """Whether a webhook is to be kept, and for which attempt; else ``IGNORED`` or ``FOREIGN``."""
    word, dash, rest = webhook.room.partition("-")
    if word != installation or not dash:
        return WebhookFate.FOREIGN
    if webhook.event not in KEPT_EVENTS:
        return WebhookFate.IGNORED
    if rest.startswith(f"{CHECK_ROOM}-"):
        return OurRoom(None)
    attempt_id = _uuid(rest)
    return OurRoom(attempt_id) if attempt_id else WebhookFate.IGNORED


def _uuid(text: str) -> UUID | None:
    """Only as we write it: a UUID in other clothes is no name of ours."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
