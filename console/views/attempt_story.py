"""One attempt of a contact's story: why it ended so, whom the phone reached, and what the line told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from console.views.words import ENDED_AS, plain
from dialer.domain.rule_words import rule_words
from dialer.domain.time_words import span

#: An attempt as the ledger keeps it.  Any: the columns are of many types, and this is for reading.
Attempt = Mapping[str, Any]

#: Evidence that other lines tell already, or that the campaign's rules tell.
_SAID_ELSEWHERE = {
    "sip_code",
    "sip_status",
    "ringing_timeout_seconds",
    "doubt_since",
    "doubt_rule",
    "report_problems",
    "corrected_from",
}
_ENDED_BY = {
    "callee": "the person hung up",
    "agent": "the agent hung up",
    "dialer": "we hung up",
    "carrier": "the carrier ended it",
    "time_limit": "it was as long as it may be",
    "line": "the line broke",
}
_MARKED = {
    "agent_left": "we hung up: the agent had left the person alone",
    "no_agent": "we hung up: nobody was there to talk to the person",
}


def attempt_began(attempt: Attempt) -> str:
    """``2026-05-04 11:57:00 UTC, busy``."""
    began: datetime = attempt["claimed_at"]
    at = f"{began.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if attempt["outcome"] is None:
        return f"{at}, {'talking' if attempt['state'] == 'answered' else 'on the line'}"
    abandoned = " (abandoned)" if attempt["abandoned"] else ""
    return f"{at}, {plain(attempt['outcome'])}{abandoned}"


def attempt_lines(attempt: Attempt, now: datetime) -> Iterator[tuple[str, str]]:
    """Label and words, line by line."""
    if attempt["outcome"] is not None:
        yield "outcome", ENDED_AS.get(attempt["outcome"], "")
        yield "because", f"{why(attempt)} (rule {attempt['rule']})"
        yield "corrected", _corrected(attempt)
        yield "counted", _counted(attempt)
    yield "through", _through(attempt)
    yield "phone", _phone(attempt)
    if attempt["has_agent"]:
        yield "agent", _agent(attempt)
        yield "but", "; ".join((attempt["evidence"] or {}).get("report_problems", ()))
    if attempt["doubt_since"] is not None:
        yield "in doubt", _doubt(attempt, now)
    yield "evidence", _evidence(attempt)
    yield "attempt id", str(attempt["id"])


def why(attempt: Attempt) -> str:
    """The sentence of the rule that decided."""
    return rule_words(attempt["rule"], sip_code=attempt["sip_code"], sip_status=attempt["sip_status"])


def _corrected(attempt: Attempt) -> str:
    before = (attempt["evidence"] or {}).get("corrected_from")
    phone = "rang" if attempt["rang"] else "did not ring"
    return f"it was {plain(before)} until LiveKit told that the phone {phone}" if before else ""


def _counted(attempt: Attempt) -> str:
    if attempt["given_back_at"]:
        return f"no: given back, as it tells nothing about the person: {rule_words(attempt['given_back_for'])}"
    if attempt["counted"]:
        return "yes: one of its attempts is used up"
    sent = "" if attempt["sent"] else ", nothing was dialed"
    return f"no: it costs the person no attempt{sent}"


def _through(attempt: Attempt) -> str:
    """Which trunk, and why this one."""
    if not attempt["trunk"]:
        return ""
    after = ", as another one had failed before the phone rang" if attempt["try_id"] else ""
    probe = ", to try whether it is well again" if attempt["is_probe"] else ""
    return f"trunk {attempt['trunk']}{after}{probe}"


def _phone(attempt: Attempt) -> str:
    parts = []
    if attempt["ring_seconds"] is not None:
        parts.append(f"rang {attempt['ring_seconds']:.1f} s")
    elif attempt["rang"] is not None:
        parts.append("rang" if attempt["rang"] else "did not ring")
    if attempt["talk_seconds"] is not None:
        parts.append(f"talked {attempt['talk_seconds']:.1f} s")
    if attempt["mark"]:
        parts.append(_MARKED.get(attempt["mark"], f"we hung up ({plain(attempt['mark'])})"))
    elif attempt["ended_by"]:
        parts.append(_ENDED_BY.get(attempt["ended_by"], f"ended by {plain(attempt['ended_by'])}"))
    if attempt["end_reason"]:
        parts.append(f"LiveKit's reason {attempt['end_reason']}")
    return ", ".join(parts)


def _agent(attempt: Attempt) -> str:
    said = ", ".join(f"{plain(key.removeprefix('dialer.'))} {value}" for key, value in attempt["report"].items())
    return f"reported: {said}" if said else "reported nothing"


def _doubt(attempt: Attempt, now: datetime) -> str:
    lasted = (attempt["ended_at"] or now) - attempt["doubt_since"]
    still = f"for {span(lasted)}" if attempt["ended_at"] else f"for {span(lasted)} so far: LiveKit is being asked"
    return f"{still}; {rule_words(attempt['doubt_rule'])}"


def _evidence(attempt: Attempt) -> str:
    found = attempt["evidence"] or {}
    told = {
        name: value for name, value in found.items() if name not in _SAID_ELSEWHERE and value not in (None, "", False)
    }
    return ", ".join(f"{plain(name)} {_short(value)}" for name, value in told.items())


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)
