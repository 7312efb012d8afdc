"""The server's clock: how far it is off, and how much faster than life the calls go by."""

import time
from email.utils import formatdate


class Clock:
    """Wall time of the simulated server.  Tokens, rooms and ``Date`` headers go by it; the carrier does not."""

    def __init__(self, *, offset_seconds: float, speed: float) -> None:
        self._offset_seconds = offset_seconds
        self._speed = speed
        self._date = ""
        self._date_second = -1

    def now(self) -> float:
        """Unix seconds on this server's clock."""
        return time.time() + self._offset_seconds

    def shorten(self, seconds: float) -> float:
        """How long something that takes ``seconds`` in life takes here."""
        return seconds / self._speed

    def http_date(self) -> str:
        """The ``Date`` header of an answer given now."""
        second = int(self.now())
        if second != self._date_second:
            self._date, self._date_second = formatdate(second, usegmt=True), second
        return self._date
