"""``dialer campaign start``."""

import shlex

from console.commands.campaign.rules import Name
from console.open_line import open_line
from console.session import Session, run
from console.terminal import Json, Yes, agree, put_json, say
from console.views.start_plan import plan_lines
from dialer.actions.run_campaign import StartPlan, Verb, check_plan, move, plan_start
from dialer.app import fence_of
from dialer.clock import Clock
from dialer.ledger.workers import count_alive


def start(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Start calling. Says first what will happen, and asks."""
    plan, alive = run(lambda session: _plan(session, name))
    say(plan_lines(plan))
    if not agree("Start calling?", yes=yes):
        return say("Nothing was changed.")
    run(lambda session: move(session.ledger, name, Verb.START))
    say(f"Started {name}. Watch it with: dialer campaign watch {shlex.quote(name)}")
    if not alive.get("caller") or not alive.get("feeder"):
        say("`dialer up` does not run: nothing calls until it does.")
    return put_json({"name": name, "state": Verb.START.after, "people": plan.people}) if as_json else None


async def _plan(session: Session, name: str) -> tuple[StartPlan, dict[str, int]]:
    plan = await plan_start(session.ledger, name)
    async with open_line(session.settings) as line:
        warnings = await check_plan(session.ledger, line, plan, clock=Clock(), fence=fence_of(session.settings))
    for warning in warnings:
        say(f"warning: {warning}")
    return plan, await count_alive(session.ledger, silence=session.silence)
