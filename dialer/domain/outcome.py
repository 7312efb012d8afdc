"""How an attempt ended on the line, whose fault it was, and which rule says so.  Pure.

The rules are tables: ``sip_code`` (a code), ``sip_phrase`` (the words beside it), ``no_code`` (an error without one).
Neither the HTTP status nor the Twirp code is looked at when there is a SIP code: LiveKit sends 486 as HTTP 429 and
503 as 412 (before 2025-11: 503 and 503), but the SIP code is the same in both.
"""

import re
from dataclasses import replace
from typing import assert_never

from dialer.domain.line_result import LineResult, Reply
from dialer.domain.no_code import LIVEKIT_FAILED, message_rule
from dialer.domain.outcome_vocabulary import Blame, Counts, InDoubt, Outcome, Ring, Ruling, Verdict
from dialer.domain.sip_code import code_rule
from dialer.domain.sip_phrase import phrase_rule

__all__ = ["RANG_AFTER_SECONDS", "Blame", "InDoubt", "Outcome", "Verdict", "classify"]

RANG_AFTER_SECONDS = 3.0
"""A final answer that takes this long comes, as a rule, from a phone that rang."""

DECLINE = 603
_CODE_IN_TEXT = re.compile(r"sip status:? (\d{3})(?:: *(.*))?", re.IGNORECASE | re.DOTALL)


def classify(result: LineResult) -> Verdict | InDoubt:
    """Judge one dial by what came back.

    Returns:
        ``InDoubt`` for everything that does not surely say that the call is over or was never placed: nobody may
        be dialed again on a guess.
    """
    match result.reply:
        case Reply.ANSWERED:
            return _answered(result)
        case Reply.NOT_SENT:
            return _judge(result, LIVEKIT_FAILED, rule="not_sent")
        case Reply.LOST:
            return InDoubt(rule="reply_lost")
        case Reply.REFUSED:
            code, phrase = _sip_evidence(result)
            return _by_message(result) if code is None else _by_code(result, code, phrase)
        case _:
            assert_never(result.reply)


def rang_decides(result: LineResult) -> bool:
    """Whether an answer would be judged otherwise, did one know that the phone rang, or that it did not.

    Not where only ``rang`` itself would differ: nobody waits for that, but at a decline, which is the network's and not
    the person's when nothing rang (FCC 25-15: US networks answer 603 to what they block).
    """
    if result.reply is not Reply.REFUSED or result.rang is not None:
        return False
    if result.sip_code == DECLINE:
        return True
    return _but_for_rang(replace(result, rang=True)) != _but_for_rang(replace(result, rang=False))


def _but_for_rang(result: LineResult) -> Verdict | InDoubt:
    verdict = classify(result)
    return replace(verdict, rang=False) if isinstance(verdict, Verdict) else verdict


def _rang(result: LineResult, how: Ring) -> bool:
    """Whether the phone rang: as a participant's last status says, else by the time the answer took."""
    match how:
        case Ring.SURELY:
            return True
        case Ring.NEVER:
            return False
        case Ring.KNOWN:
            return result.rang is True
        case Ring.KNOWN_OR_TIME:
            return result.seconds >= RANG_AFTER_SECONDS if result.rang is None else result.rang
        case _:
            assert_never(how)


def _answered(result: LineResult) -> Verdict:
    picked_up = Ruling(
        outcome=Outcome.ANSWERED,
        blame=Blame.CONTACT,
        counts=Counts.ALWAYS,
        ring=Ring.SURELY,
        abandoned=result.marked,
    )
    return _judge(result, picked_up, rule="answered")


def _sip_evidence(result: LineResult) -> tuple[int | None, str | None]:
    """SIP code and phrase, out of the meta; where an old server put none there, out of the message."""
    in_text = _CODE_IN_TEXT.search(result.message or "")
    code, phrase = (int(in_text[1]), in_text[2]) if in_text else (None, None)
    if result.sip_code is None:
        return code, result.sip_status or phrase
    return result.sip_code, result.sip_status or phrase


def _by_code(result: LineResult, code: int, phrase: str | None) -> Verdict | InDoubt:
    said = phrase_rule(phrase, code=code)
    if said is not None:
        return _judge(result, said.ruling, rule=said.name)
    row = code_rule(code)
    if row is None:
        return InDoubt(rule="no_final_code")
    return _judge(result, row[1], rule=row[0])


def _by_message(result: LineResult) -> Verdict | InDoubt:
    rule = message_rule(result)
    ruling = rule.when_marked if result.marked and rule.when_marked else rule.ruling
    if ruling is None:
        return InDoubt(rule=rule.name)
    if result.rang and not ruling.sent:
        return InDoubt(rule="rang_after_all")  # the text says that nothing was dialed, and the phone was seen ringing
    return _judge(result, ruling, rule=rule.name)


def _judge(result: LineResult, ruling: Ruling, *, rule: str) -> Verdict:
    """Turn a row of the tables into the verdict on this call."""
    it_rang = _rang(result, ruling.ring)
    if it_rang and ruling.when_rang is not None:
        ruling = ruling.when_rang
    return Verdict(
        outcome=ruling.outcome,
        blame=ruling.blame,
        counted=ruling.counts is Counts.ALWAYS or (ruling.counts is Counts.IF_RANG and it_rang),
        rule=rule,
        sent=ruling.sent,
        rang=it_rang,
        abandoned=ruling.abandoned,
    )
