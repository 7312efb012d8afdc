"""Who is with the callee: a person whose agent has left is not left alone on a paid call.  Pure.

LiveKit tells nobody that an agent has left, and keeps the call up in silence (``livekit-recorded`` 17).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from dialer.domain.attempt import AttemptState
from dialer.domain.doubt import OpenAttempt

AGENT_LEFT: Final = "agent_left"  #: the mark of a call that we end because its agent has left
NO_AGENT: Final = "no_agent"  #: of one that was found live, and no agent ever was with the callee


def judge_company(
    attempt: OpenAttempt, *, present: bool, agents: int, others: bool, left: timedelta
) -> tuple[OpenAttempt, str | None]:
    """What a look into the room of a call with an agent means for the person in it.

    Args:
        others: somebody else is there: a person who took the call over, a second callee.
        left: how long the person may be alone.

    Returns:
        The attempt with what is now known, and the mark under which the call is to be ended, or None.
    """
    if not attempt.has_agent or not present or attempt.state is not AttemptState.ANSWERED:
        return attempt, None
    if agents or others:
        return replace(attempt, agent_at=attempt.now, alone_since=None), None
    alone = replace(attempt, alone_since=attempt.alone_since or attempt.now)
    assert alone.alone_since is not None
    if alone.mark is not None or alone.now - alone.alone_since < left:
        return alone, None
    mark = AGENT_LEFT if alone.agent_at else NO_AGENT
    return replace(alone, mark=mark), mark
