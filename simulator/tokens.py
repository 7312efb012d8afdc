"""Who may do what: LiveKit's access tokens, verified as livekit-server does it, with its error texts."""

import base64
import hashlib
import hmac
import json
import math
from dataclasses import dataclass
from typing import Any, Final

from simulator.clock import Clock
from simulator.twirp import Refused, refused

_INVALID: Final = "invalid authorization token"
_CACHE_SIZE: Final = 20_000


class Unauthorized(Exception):
    """The token itself is not accepted.  Answered with plain text, not with a Twirp error."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a verified token allows.  Without a token: nothing."""

    starts_at: float = 0.0
    ends_at: float = 0.0
    sip_call: bool = False
    sip_admin: bool = False
    room_create: bool = False
    room_list: bool = False
    admin_of: str | None = None  #: the one room the token administers

    def need_sip_call(self) -> None:
        """Refuse whoever may not dial."""
        _need(self.sip_call)

    def need_sip_admin(self) -> None:
        """Refuse whoever may not touch trunks."""
        _need(self.sip_admin)

    def need_room_create(self) -> None:
        """Refuse whoever may not make and delete rooms."""
        _need(self.room_create)

    def need_room_list(self) -> None:
        """Refuse whoever may not list rooms."""
        _need(self.room_list)

    def need_room_admin(self, room: str) -> None:
        """Refuse whoever does not administer this very room."""
        _need(self.admin_of is not None and self.admin_of == room)


NO_GRANTS: Final = Grants()


def _need(allowed: bool) -> None:
    if not allowed:
        raise permission_denied()


def permission_denied() -> Refused:
    """LiveKit's answer to a missing grant: 401, although the token is good."""
    return refused("unauthenticated", "permissions denied")


class TokenVerifier:
    """Verifies HS256 tokens of one API key.  A token seen before costs a look-up."""

    def __init__(self, *, api_key: str, api_secret: str, leeway_seconds: float, clock: Clock) -> None:
        self._api_key = api_key
        self._secret = api_secret.encode()
        self._leeway_seconds = leeway_seconds
        self._clock = clock
        self._verified: dict[str, Grants] = {}

    def grants(self, token: str) -> Grants:
        """The grants of ``token``, or Unauthorized."""
        grants = self._verified.get(token)
        if grants is None:
            grants = self._verify(token)
            if len(self._verified) >= _CACHE_SIZE:
                self._verified.clear()
            self._verified[token] = grants
        self._check_times(grants)
        return grants

    def _verify(self, token: str) -> Grants:
        signed, _, signature = token.rpartition(".")
        header, claims = _unpack(signed)
        if claims.get("iss") != self._api_key:
            raise Unauthorized("invalid API key")
        if header.get("alg") != "HS256":
            raise Unauthorized(f"{_INVALID}: token signature is invalid: signing method {header.get('alg')} is invalid")
        expected = hmac.digest(self._secret, signed.encode(), hashlib.sha256)
        if not hmac.compare_digest(expected, _decode(signature)):
            raise Unauthorized(f"{_INVALID}: token signature is invalid: signature is invalid")
        return _read_grants(claims)

    def _check_times(self, grants: Grants) -> None:
        # golang-jwt, which LiveKit uses: a token is dead from the very second of its end on.
        now = self._clock.now()
        if now >= grants.ends_at + self._leeway_seconds:
            raise Unauthorized(f"{_INVALID}: token has invalid claims: token is expired")
        if now < grants.starts_at - self._leeway_seconds:
            raise Unauthorized(f"{_INVALID}: token has invalid claims: token is not valid yet")


def _unpack(signed: str) -> tuple[dict[str, Any], dict[str, Any]]:  # Any: JSON from outside
    try:
        header, claims = (json.loads(_decode(part)) for part in signed.split("."))
    except ValueError:
        raise Unauthorized(_INVALID) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unauthorized(_INVALID)
    return header, claims


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Unauthorized(_INVALID) from None


def _read_grants(claims: dict[str, Any]) -> Grants:
    starts_at, ends_at = claims.get("nbf"), claims.get("exp")
    video, sip = claims.get("video") or {}, claims.get("sip") or {}
    return Grants(
        starts_at=float(starts_at) if isinstance(starts_at, int | float) else 0.0,
        ends_at=float(ends_at) if isinstance(ends_at, int | float) else math.inf,
        sip_call=bool(sip.get("call")),
        sip_admin=bool(sip.get("admin")),
        room_create=bool(video.get("roomCreate")),
        room_list=bool(video.get("roomList")),
        admin_of=str(video.get("room", "")) if video.get("roomAdmin") else None,
    )
