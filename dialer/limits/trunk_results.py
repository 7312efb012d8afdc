"""The last results of each trunk, of all callers together, in Redis: what breakers and storms are judged by.

Lost with Redis: then the next results tell anew.  A number is kept as a short hash only.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from redis.exceptions import RedisError

from dialer.domain.trunk_result import ResultKind, TrunkResult
from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession

KEPT = 50  #: of each trunk
LATELY = timedelta(minutes=5)  #: after so long without a result nothing is known any more


async def note_results(session: RedisSession, trunk_id: int, results: Sequence[TrunkResult]) -> list[TrunkResult]:
    """Add results, and get the last ``KEPT`` of all callers with them, newest last.

    Without results the window is only read.  An attempt that is noted twice is in it twice (``in_order`` sees to it).

    Raises:
        StoreUnavailable: Redis does not answer; whether they were noted is not known.
    """
    key = session.key(f"results:{trunk_id}")
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            if results:
                pipeline.rpush(key, *map(_text, results[-KEPT:]))
                pipeline.ltrim(key, -KEPT, -1)
                pipeline.expire(key, LATELY)
            pipeline.lrange(key, 0, -1)
            answers = await pipeline.execute()
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    window = cast(list[bytes], answers[-1])  # redis-py does not type a pipeline's replies
    return [result for text in window if (result := _result(text)) is not None]


def _text(result: TrunkResult) -> str:
    fields = (
        round(result.begun_at.timestamp() * 1e6),
        result.attempt_id.hex,
        result.number_mark,
        result.kind.value,
        result.rule,
        result.sip_code,
        round(result.seconds, 3),
        result.rang,
    )
    return json.dumps(fields, separators=(",", ":"))


def _result(text: bytes) -> TrunkResult | None:
    """One entry; None for one that another version of this program has written."""
    try:
        fields: list[Any] = json.loads(text)
        begun, attempt_id, mark, kind, rule, sip_code, seconds, rang = fields
        return TrunkResult(
            begun_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=begun),
            attempt_id=UUID(hex=attempt_id),
            number_mark=mark,
            kind=ResultKind(kind),
            rule=rule,
            sip_code=sip_code,
            seconds=seconds,
            rang=rang,
        )
    except (ValueError, TypeError):
        return None
