"""Reads LiveKit's webhooks: signature, hash and shape.  A webhook that passes was written by who has our secret.

``Authorization`` is a bare JWT (HS256, ``iss`` our key, ``sha256`` the base64 hash of the raw body).  livekit-api's own
receiver raises plain exceptions and takes decoded text, so PyJWT, which it brings along, is used itself.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from dialer.domain.webhook import Webhook, WebhookFate

LEEWAY: Final = timedelta(seconds=60)  #: LiveKit's clock and ours may be apart by this much
MOST_BYTES: Final = 1 << 20  #: of a body
#: Of the body, what is large and says nothing, or is nobody's business.
_DROPPED: Final = ("enabledCodecs", "turnPassword")


class WebhookRefused(Exception):
    """A request that is no webhook of our LiveKit; ``fate`` is why.  The message never shows the body."""

    def __init__(self, fate: WebhookFate, message: str) -> None:
        super().__init__(message)
        self.fate = fate


class WebhookReader:
    """Reads the webhooks signed with one key."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._api_key = api_key
        self._api_secret = api_secret

    def read(self, body: bytes, authorization: str | None) -> Webhook:
        """Check the token against the raw body, then parse it.

        Raises:
            WebhookRefused: forged, stale, bad_hash, too_large or broken.
        """
        if len(body) > MOST_BYTES:
            raise WebhookRefused(WebhookFate.TOO_LARGE, f"the body is larger than {MOST_BYTES} bytes")
        self._verify(body, authorization)
        return _parse(body)

    def _verify(self, body: bytes, authorization: str | None) -> None:
        if not authorization:
            raise WebhookRefused(WebhookFate.FORGED, "there is no Authorization header")
        try:
            claims = jwt.decode(
                authorization,
                key=self._api_secret,
                issuer=self._api_key,
                algorithms=["HS256"],
                leeway=LEEWAY,
                options={"require": ["exp", "iss"], "verify_aud": False, "verify_iat": False},
            )
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise WebhookRefused(WebhookFate.STALE, f"its token is over or not valid yet: {error}") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise WebhookRefused(WebhookFate.FORGED, f"not signed with our key and secret: {error}") from error
        if not hmac.compare_digest(hashlib.sha256(body).digest(), _hash_of(claims)):
            raise WebhookRefused(WebhookFate.BAD_HASH, "its token was made for another body")


def _hash_of(claims: dict[str, Any]) -> bytes:  # Any: claims are JSON
    try:
        return base64.b64decode(str(claims.get("sha256", "")), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _parse(body: bytes) -> Webhook:
    try:
        return _webhook(json.loads(body, parse_constant=_no_number))
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, OverflowError, OSError) as error:
        raise WebhookRefused(WebhookFate.BROKEN, f"it cannot be understood: {type(error).__name__}") from error


def _webhook(told: dict[str, Any]) -> Webhook:  # Any: JSON of LiveKit's shape
    room, person = told.get("room") or {}, told.get("participant") or {}
    attributes = person.get("attributes") or {}
    return Webhook(
        event_id=_text(told["id"]),
        event=_text(told["event"]),
        room=_storable(str(room.get("name", ""))),
        created_at=datetime.fromtimestamp(int(told["createdAt"]), tz=UTC),
        kind=_or_none(person.get("kind", "STANDARD" if person else None)),
        identity=_or_none(person.get("identity")),
        reason=_or_none(person.get("disconnectReason")),
        call_status=_or_none(attributes.get("sip.callStatus")),
        body={**told, "room": {key: value for key, value in room.items() if key not in _DROPPED}},
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is missing")
    return _storable(value)


def _or_none(value: object) -> str | None:
    return None if value is None else _storable(str(value))


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses and an agent can send."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
