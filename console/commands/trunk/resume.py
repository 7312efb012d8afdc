"""``dialer trunk resume``."""

from console.commands.trunk.flags import Name
from console.open_slots import open_redis
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.actions.try_trunk import Shut, what_is_shut
from dialer.actions.try_trunk import resume as resume_shut


def resume(name: Name, as_json: Json = False) -> None:
    """Let calls go out through a trunk again that failed or is held. Say so only when you know that it is well.

    What its account is held for is let go with it. `dialer trunk probe` tries it with one call instead.
    """
    resumed = run(lambda session: _resume(session, name))
    for shut in resumed:
        say(f"{shut.whose} lets calls through again, slowly at first. It did not, because: {shut.breaker.reason}")
    if not resumed:
        say(f"trunk {name} is well: nothing is held. `dialer trunk show` says what else holds it back.")
    if as_json:
        put_json({"trunk": name, "resumed": [shut.whose for shut in resumed]})


async def _resume(session: Session, name: str) -> list[Shut]:
    found = await what_is_shut(session.ledger, name)
    async with open_redis(session) as redis:
        for shut in found:
            await resume_shut(session.ledger, redis, shut)
    return found
