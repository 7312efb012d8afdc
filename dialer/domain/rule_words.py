"""The rules that decide an attempt, in words: each a sentence that says what was seen and what it means.  Pure."""

import re

from dialer.domain.advice import BY_RULE, advice_for

_SIP = re.compile(r"(?:sip|other)_\w+")

_WORDS = {
    "answered": "LiveKit reported that the call was picked up",
    # What the answer of LiveKit said, without a SIP code.
    "ring_timeout": "LiveKit rang as long as it was told to, and nobody picked up",
    "transaction_silent": "the carrier did not react to the call at all",
    "transaction_unfinished": "the carrier took the call and then said nothing more",
    "room_join_failed": "LiveKit could not make the room, so nothing was dialed",
    "livekit_failed": "LiveKit had no working SIP service at that moment, so nothing was dialed",
    "token_expired": "our permission to dial had run out before LiveKit read it, so nothing was dialed",
    "trunk_unreachable": "the carrier's address refuses connections",
    "trunk_network": "the connection to the carrier broke while the call was being set up; it may have rung",
    "answered_at_timeout": "it was picked up at the very moment when we gave up: the person heard nothing",
    "livekit_stopping": "LiveKit's SIP service was shut down during the call",
    "livekit_quota": "LiveKit's own limit was reached, so nothing was dialed",
    # What the carrier wrote beside the SIP code.
    "phrase_cps_limit": "the carrier wrote that too many calls were begun in one second",
    "phrase_channel_limit": "the carrier wrote that too many calls were up at once",
    "phrase_blocked": "the carrier wrote that the call was blocked as unwanted: it is about our number",
    "phrase_caller_id": "the carrier wrote that it does not take this caller ID",
    "phrase_account": "the carrier wrote that the account is empty or barred",
    "phrase_invalid_number": "the carrier wrote that this number is not in use",
    "phrase_destination": "the carrier wrote that the account may not call this country or number",
    # We did not let it go.
    "not_sent": "no connection to LiveKit, so nothing was dialed",
    "slot_not_confirmed": "its call slot could not be confirmed, so nothing was dialed",
    "campaign_not_running": "the campaign was paused or ended before the phone rang, so nothing was dialed",
    "caller_stopping": "the caller was being stopped, so nothing was dialed",
    "claim_too_old": "it came too late to be dialed safely, so nothing was dialed",
    "limits_unreadable": "Redis did not answer, so the limits could not be read and nothing was dialed",
    "turn_missed": "its turn was missed and there was no other in time, so nothing was dialed",
    "trunk_not_well": "its trunk had just failed or was held, so nothing was dialed",
    "hours_closed": "its hours closed before its turn came, so nothing was dialed",
    "claim_reply_lost": "PostgreSQL did not confirm the attempt, so it was never dialed",
    # How the rescuer learned it.
    "gone_at_two_looks": "the call was picked up, and is over: the person is gone from its room",
    "doubt_over_answered": "the call was picked up, and is over; LiveKit was away, so nobody knows since when",
    "doubt_over_marked": "we hung up ourselves, and the room has stayed empty since",
    "doubt_over": "no answer came, LiveKit was asked for minutes and the room stayed empty: it may have rung",
    "machine_answered": "a machine picked up, as the agent reported",
    # What LiveKit's webhooks told.
    "news_answered_after_all": "LiveKit told afterwards that somebody had answered, whatever its answer had said",
    "news_left": "the call was picked up, and is over: LiveKit told that the person left",
    "news_no_answer": "LiveKit told that the phone rang and nobody picked up; its answer never came",
    "news_no_code": "LiveKit told that the call failed, but not why; its answer with the code never came",
    "news_marked": "we hung up ourselves, and LiveKit told that the call has ended",
    # Why an attempt was given back: it says nothing about the person.
    "no_ringing": "the carrier took the call, and no phone rang for seconds",
    "trunk_dead": "the trunk was dead at that time, so the attempt does not count",
    "storm_603": "the carrier declined every call at that time, whoever was called, so the attempt does not count",
    "storm_403": "the carrier refused every call at that time, whoever was called, so the attempt does not count",
    "storm_404": "the carrier had no route for any call at that time, so the attempt does not count",
    "storm_480": "the channels were full at that time, so the attempt does not count",
    "storm_486": "the channels were full at that time, so the attempt does not count",
    # Why an attempt is in doubt.
    "reply_lost": "LiveKit's answer did not arrive: the phone may have rung",
    "gateway_gave_up": "a proxy before LiveKit gave up waiting: the phone may have rung",
    "rpc_deadline": "LiveKit gave up waiting for its SIP service: the phone may have rung",
    "no_final_code": "LiveKit's answer holds no final SIP code: the phone may have rung",
    "rang_after_all": "LiveKit wrote that nothing was dialed, and yet the phone was seen ringing",
    "unlisted_answer": "LiveKit's answer is one we do not know: the phone may have rung",
    "no_answer_read": "the process that made the call was gone before it read an answer: the phone may have rung",
    "livekit_forgot": "LiveKit was restarted during the call and knows nothing of it",
    "livekit_was_away": "LiveKit did not answer during the call, so an empty room proves nothing",
    "news_aborted": "LiveKit told that the person's connection to the room broke off: the phone may still be on",
}
#: The rest of the rule is LiveKit's reason in small letters.
_TOLD = re.compile(r"news_(\w+)")


def rule_words(rule: str, *, sip_code: int | None = None, sip_status: str | None = None) -> str:
    """The sentence of a rule; for a SIP code, the code with what the carrier wrote beside it."""
    if known := _WORDS.get(rule):
        return f"{known} (SIP {_said(sip_code, sip_status)})" if sip_code else known
    if rule in BY_RULE:
        return advice_for(rule).what
    if _SIP.fullmatch(rule):
        return f"the carrier answered SIP {_said(sip_code, sip_status)}"
    if told := _TOLD.fullmatch(rule):
        return f"LiveKit told that the call is gone ({told[1].upper()}), which proves nothing: it may go on"
    return f"rule {rule}"


def _said(code: int | None, status: str | None) -> str:
    words = " ".join((status or "").split())
    return f"{code or ''} {words if len(words) <= 60 else words[:57] + '...'}".strip()
