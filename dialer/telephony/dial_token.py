"""The token a dial carries.  Its end is the fence against a POST that arrives late.

LiveKit refuses a token 60 s after its end.  The end hangs on the ledger's time of the claim, not on any clock of the
caller's, so whatever stood still in between, a POST is refused from a known moment on.
"""

from datetime import datetime

import jwt


class DialTokens:
    """Signs dial tokens; calls claimed in the same second share one."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self._signed: tuple[tuple[int, int], str] | None = None

    def token(self, *, not_before: datetime, end: int) -> str:
        """A token for CreateSIPParticipant only, from the claim's second until ``end`` (Unix seconds)."""
        span = (int(not_before.timestamp()), end)
        if self._signed is None or self._signed[0] != span:
            claims = {"iss": self._api_key, "nbf": span[0], "exp": span[1], "sip": {"call": True}}
            self._signed = (span, jwt.encode(claims, self._api_secret, algorithm="HS256"))
        return self._signed[1]
