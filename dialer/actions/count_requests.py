"""Counts this process's requests to LiveKit where all processes see them, and takes their part of LiveKit's quota.

A dial has waited for its turn and has taken its part; whatever else is asked (rooms, agents, looks) goes out at once
and before any dial, and its part is taken here afterwards.
"""

from dialer.actions.call_terms import TermsBook
from dialer.app import Dialer
from dialer.limits.buckets import LIVEKIT, request_interval
from dialer.limits.requests import note_requests

EVERY_SECONDS = 0.25


async def count_requests(dialer: Dialer, terms: TermsBook) -> None:
    """Count what was asked since the last time.

    Raises:
        StoreUnavailable: Redis or the ledger does not answer.
    """
    dials, others = dialer.line.requests.take()
    if dials + others:
        await note_requests(dialer.redis, dials + others)
    quota = await terms.requests_per_minute()
    if others and quota:
        await dialer.rate.spend(LIVEKIT, request_interval(quota), others)
