"""``outcomes.md``: the classifier's tables and the default ladder."""

from collections.abc import Iterator

from console.reference.comments import comments_on_keys
from console.reference.markdown import duration, page, page_head, table
from console.views.words import ENDED_AS
from dialer.domain import sip_code
from dialer.domain.no_code import MESSAGES, MessageRule
from dialer.domain.outcome import RANG_AFTER_SECONDS, Outcome
from dialer.domain.outcome_vocabulary import Counts, Ruling
from dialer.domain.retry import UNCOUNTED_LIMIT
from dialer.domain.retry_policy import DEFAULT_POLICY, NEVER_AGAIN
from dialer.domain.sip_code import OTHER_CODES, SIP_CODES
from dialer.domain.sip_phrase import PHRASES

COUNTS = {Counts.ALWAYS: "yes", Counts.IF_RANG: "if it rang", Counts.NEVER: "no"}
RULING_HEAD = ("code", "rule", "outcome", "blame", "counted", "when it rang")


def outcomes() -> str:
    """What each answer of a carrier or of LiveKit means, and what follows."""
    return page(
        [
            page_head(
                "Outcomes", "What each answer of a carrier or of LiveKit means, and when the contact is called again."
            ),
            "An outcome is how an attempt ended on the line. **Counted** says whether it uses up one of the contact's "
            "attempts. The **rule** that decided is stored with the attempt; `dialer contact explain` shows it.",
            table(("outcome", "meaning"), [(f"`{outcome}`", words) for outcome, words in ENDED_AS.items()]),
            "Rules are tried in this order: the words beside a SIP code, the SIP code, and for an answer without a SIP "
            "code LiveKit's own words. HTTP status and Twirp code are not looked at when there is a SIP code. Whether "
            "the phone rang is known from LiveKit where it says so; else an answer that took "
            f"{RANG_AFTER_SECONDS:g} s or more comes from a phone that rang.",
            "## SIP codes",
            table(RULING_HEAD, code_rows()),
            "## Words beside a SIP code",
            "Regular expressions, upper and lower case alike. The first rule that fits wins. They are not tried for "
            '607, which is a person\'s own "never again".',
            table(("rule", "words", *RULING_HEAD[2:]), phrase_rows()),
            "## Answers without a SIP code",
            "The first rule that fits wins. Where the outcome is *in doubt*, the answer does not say what became of "
            "the call: the attempt stays open until LiveKit has been asked ([protocol](protocol.md)).",
            table(("rule", "fits", *RULING_HEAD[2:]), message_rows()),
            "## When the contact is called again",
            *retrying(),
        ]
    )


def code_rows() -> Iterator[tuple[str, ...]]:
    words = comments_on_keys(sip_code, "SIP_CODES")
    for code, ruling in SIP_CODES.items():
        yield f"{code} {words[code]}", f"`sip_{code}`", *ruling_cells(ruling)
    for kind, ruling in OTHER_CODES.items():
        yield f"any other {kind}xx", f"`other_{kind}xx`", *ruling_cells(ruling)


def phrase_rows() -> Iterator[tuple[str, ...]]:
    for rule in PHRASES:
        besides = f" (not beside {', '.join(map(str, sorted(rule.but_not)))})" if rule.but_not else ""
        yield f"`{rule.name}`", code(rule.pattern.pattern) + besides, *ruling_cells(rule.ruling)


def message_rows() -> Iterator[tuple[str, ...]]:
    for rule in MESSAGES:
        if rule.ruling is None:
            yield f"`{rule.name}`", fits(rule), "*in doubt*", "", "", ""
        else:
            yield f"`{rule.name}`", fits(rule), *ruling_cells(rule.ruling)
        if rule.when_marked is not None:
            yield f"`{rule.name}`", "the same, after we hung up ourselves", *ruling_cells(rule.when_marked)


def fits(rule: MessageRule) -> str:
    conditions = [
        code(rule.text.pattern) if rule.text else "",
        f"Twirp {', '.join(sorted(rule.twirp))}" if rule.twirp else "",
        f"HTTP {', '.join(map(str, sorted(rule.http)))}" if rule.http else "",
    ]
    return ", with ".join(condition for condition in conditions if condition) or "everything else"


def ruling_cells(ruling: Ruling) -> tuple[str, str, str, str]:
    """Outcome, blame, counted, and what differs when the phone rang."""
    rang = ruling.when_rang
    return (
        outcome_cell(ruling),
        str(ruling.blame),
        COUNTS[ruling.counts],
        f"{outcome_cell(rang)}, counted: {COUNTS[rang.counts]}" if rang else "",
    )


def outcome_cell(ruling: Ruling) -> str:
    notes = ["abandoned"] * ruling.abandoned + ["not sent"] * (not ruling.sent)
    return f"`{ruling.outcome}`" + (f" ({', '.join(notes)})" if notes else "")


def retrying() -> Iterator[str]:
    """The default ladder, in words and as a table."""
    policy = DEFAULT_POLICY
    yield (
        f"A contact is called with at most {policy.max_attempts} counted attempts, {policy.max_per_24h} in any 24 "
        f"hours and {policy.max_per_7d} in any 7 days. The delays below are spread by {policy.jitter:.0%} either way. "
        f"Those of {', '.join(f'`{outcome}`' for outcome in sorted(policy.full_jitter))} lie between a fifth and the "
        "whole. "
        "The last delay repeats, except for `rejected` and `invalid_number`, which are asked again as often as there "
        "are delays. `answered` finishes the call job; it has a delay for the case that we had already hung up. "
        "A counted attempt that ended by the trunk's, LiveKit's or our own fault after it rang waits as long as "
        f"`no_answer`. {UNCOUNTED_LIMIT} uncounted attempts that were sent within 24 hours finish the call job as "
        "`failed`."
    )
    yield (
        "A retry file (`dialer campaign create --retry FILE`) sets `max_attempts`, `max_per_24h`, `max_per_7d` (0: no "
        'cap) and, under `[delays]`, the delays of an outcome, as `busy = ["10m", "1h30m"]`. A file that sets delays '
        "has only the caps that it sets itself."
    )
    yield table(("outcome", "delays"), [(f"`{outcome}`", ladder(outcome)) for outcome in Outcome])


def ladder(outcome: Outcome) -> str:
    if outcome in NEVER_AGAIN:
        return "never again"
    if outcome not in DEFAULT_POLICY.delays:
        return "the longest of `busy`, `no_answer` and `unavailable`"
    return ", ".join(map(duration, DEFAULT_POLICY.delays[outcome]))


def code(pattern: str) -> str:
    """Each alternative of a regular expression, as code."""
    return f"`{pattern}`"
