"""One call, followed step by step in the ledger while it happens."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from console.views.words import ENDED_AS, plain
from dialer.actions.import_contacts import ContactFile, import_contacts
from dialer.domain.advice import advice_for
from dialer.domain.campaign import CampaignState
from dialer.domain.fence import Leases
from dialer.domain.outcome import Outcome
from dialer.domain.retry_policy import RetryPolicy, policy_to_json
from dialer.domain.rule_words import rule_words
from dialer.domain.trunk import Trunk
from dialer.errors import DialerError
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign, CampaignRules, create_campaign, running_by_trunk
from dialer.ledger.installation import read_installation
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.reports import ContactStory, is_number_open, tell_contact
from dialer.ledger.session import Ledger
from dialer.ledger.workers import count_alive

LOOK_EVERY_SECONDS = 0.2
#: After so long without an attempt, the operator is told why; after so long again, the call is given up.
SAY_WHY_AFTER_SECONDS = 5.0
GIVE_UP_AFTER_SECONDS = 60.0
#: No process of the dialer for so long: nobody will tell how the call ends.
UNMANNED_SECONDS = 10.0


class NotDialed(DialerError):
    """Nothing was dialed in good time, and nothing will be."""

    code = "not_dialed"


class LeftAlone(DialerError):
    """A call is up and nobody follows it."""

    code = "left_alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class OneCall:
    """What is to be dialed and how."""

    number: str
    trunk: Trunk
    caller_id: str | None
    ringing_timeout: timedelta
    talk_limit: timedelta


#: Given the name of a step and what there is to say about it.
Tell = Callable[[str, str], None]


async def make_one_call(ledger: Ledger, call: OneCall, tell: Tell) -> bool:
    """Put one call on its way, tell each step, and return whether it was answered.

    However this ends, the number is not dialed again: the campaign made for it is over.

    Raises:
        NotDialed: nobody took it up, and why.
        LeftAlone: those who made it have stopped while it was up.
    """
    campaign = await _make_campaign(ledger, call)
    try:
        await move_campaign(ledger, campaign.id, before=[CampaignState.DRAFT], after=CampaignState.RUNNING)
        tell("queued", f"as campaign {campaign.name!r}")
        attempt = await _follow(ledger, campaign, call, tell)
    finally:
        await asyncio.shield(_close(ledger, campaign, call.number))
    return bool(attempt["outcome"] == Outcome.ANSWERED)


async def running_campaigns(ledger: Ledger) -> int:
    """How many campaigns would be dialed by whoever starts a feeder."""
    return sum(map(len, (await running_by_trunk(ledger)).values()))


async def _make_campaign(ledger: Ledger, call: OneCall) -> Campaign:
    policy = RetryPolicy(max_attempts=1, max_per_24h=0, max_per_7d=0)
    rules = CampaignRules(
        trunk_id=call.trunk.id,
        caller_id=call.caller_id,
        country=None,
        ringing_timeout=call.ringing_timeout,
        talk_limit=call.talk_limit,
        max_attempts=1,
        policy=policy_to_json(policy),
    )
    name = f"call {call.number} {await ledger.now():%Y-%m-%d %H:%M:%S}"
    campaign = await create_campaign(ledger, name, rules)
    with TemporaryDirectory(prefix="dialer-call-") as folder:
        path = Path(folder) / "call.csv"
        path.write_text(f"phone\n{call.number}\n")
        await import_contacts(ledger, campaign, ContactFile(path=path, country=None, phone_column="phone"))
    return campaign


async def _close(ledger: Ledger, campaign: Campaign, number: str) -> None:
    """Some outcomes do not count and would be tried again; this is one call."""
    story = await tell_contact(ledger, campaign.id, number)
    is_finished = story is not None and story.state == "finished"
    await move_campaign(
        ledger,
        campaign.id,
        before=[CampaignState.RUNNING, CampaignState.HELD],
        after=CampaignState.FINISHED if is_finished else CampaignState.CANCELLED,
    )


async def _follow(ledger: Ledger, campaign: Campaign, call: OneCall, tell: Tell) -> dict[str, Any]:
    """Tell what happens until an attempt is over that was sent, and return it.  Any: a row of ``attempts``."""
    told: set[tuple[str, str]] = set()
    patience = _Patience(ledger, tell)
    installation = (await read_installation(ledger)).word
    while True:
        story = await tell_contact(ledger, campaign.id, call.number)
        assert story is not None
        for attempt in story.attempts:
            for step, words in _steps(attempt, installation):
                if (key := (str(attempt["id"]), step)) not in told:
                    told.add(key)
                    tell(step, words)
            if attempt["state"] == "ended" and attempt["sent"]:
                return attempt
        await patience.wait(story)


def _steps(attempt: dict[str, Any], installation: str) -> list[tuple[str, str]]:
    """What is known of an attempt so far, oldest first."""
    steps = [("dialing", f"room {installation}-{attempt['id']}")]
    if attempt["answered_at"] is not None:
        steps.append(("answered", f"after {attempt['ring_seconds'] or 0:.1f} s of ringing"))
    if attempt["doubt_since"] is not None and attempt["state"] != "ended":
        steps.append(("in doubt", "LiveKit gave no usable answer; it is asked until it is known, 6 minutes at most"))
    if attempt["state"] != "ended":
        return steps
    if not attempt["sent"]:
        return [*steps, ("not sent", f"{rule_words(attempt['rule'])}; it is tried again")]
    if attempt["talk_seconds"] is not None:
        steps.append(("over", f"after {attempt['talk_seconds']:.1f} s of talk"))
    return [*steps, *_ending(attempt)]


def _ending(attempt: dict[str, Any]) -> Iterator[tuple[str, str]]:
    outcome, rule = Outcome(attempt["outcome"]), attempt["rule"]
    yield "outcome", f"{plain(outcome)}: {ENDED_AS[outcome]}"
    yield "because", rule_words(rule, sip_code=attempt["sip_code"], sip_status=attempt["sip_status"])
    if outcome is Outcome.CONFIG_ERROR:
        yield "to do", advice_for(rule).todo


class _Patience:
    """Waits a little each time; says why nothing happens, and gives up in the end."""

    def __init__(self, ledger: Ledger, tell: Tell) -> None:
        self._ledger, self._tell = ledger, tell
        self._loop = asyncio.get_running_loop()
        self._idle_since = self._manned_at = self._loop.time()
        self._said = False

    async def wait(self, story: ContactStory) -> None:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        if await count_alive(self._ledger, silence=Leases().owner):
            self._manned_at = self._loop.time()
        if any(attempt["state"] != "ended" for attempt in story.attempts):
            self._idle_since = self._loop.time()
            if self._loop.time() - self._manned_at > UNMANNED_SECONDS:
                raise LeftAlone("the processes that made this call have stopped; the next `dialer up` follows it")
        elif story.state == "finished":
            raise NotDialed(f"the call job is finished ({story.finish_reason}) and nothing was dialed")
        else:
            await self._wait_for_a_caller(story.number, idle=self._loop.time() - self._idle_since)

    async def _wait_for_a_caller(self, number: str, *, idle: float) -> None:
        if idle > GIVE_UP_AFTER_SECONDS:
            raise NotDialed(f"not dialed within {GIVE_UP_AFTER_SECONDS:.0f} s: {await self._why(number)}")
        if idle > SAY_WHY_AFTER_SECONDS and not self._said:
            self._said = True
            self._tell("waiting", await self._why(number))

    async def _why(self, number: str) -> str:
        if await is_number_open(self._ledger, number):
            return "nobody knows yet whether an earlier call to this number is over; LiveKit is asked for some minutes"
        status = await read_line_status(self._ledger)
        if status.state is LineState.OK:
            return "no caller has taken it up; calls of other campaigns on the trunk may come first"
        return status.detail or "nobody has heard from LiveKit yet"
