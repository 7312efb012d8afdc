"""What a configuration error is, in words, and what to do about it.  Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """``what`` is wrong, as the rest of a sentence; ``todo`` mends it."""

    what: str
    todo: str


_CARRIER = "ask the carrier, with the SIP code and the words that `dialer contact explain` shows"
_WANTS_LOGIN = "the carrier wants a user and password, and the trunk has none or wrong ones"
_GIVE_LOGIN = (
    "set auth_username and auth_password of the trunk in LiveKit; for one that goes with each call, "
    "`dialer trunk edit NAME --user USER --password-file FILE`"
)

BY_RULE: dict[str, Advice] = {
    "carrier_login": Advice(_WANTS_LOGIN, _GIVE_LOGIN),
    "livekit_login": Advice(
        "LiveKit refuses our key", "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET; `dialer doctor` tries them"
    ),
    "trunk_incomplete": Advice(
        "LiveKit does not know the trunk, or it has no number", "compare `dialer trunk show` with `dialer doctor`"
    ),
    "trunk_host_unknown": Advice(
        "the trunk's host is not in DNS",
        "correct the address of the trunk in LiveKit, or `dialer trunk edit NAME --host HOST`",
    ),
    "media_refused": Advice(
        "the call was picked up and codecs or encryption did not fit", "compare media encryption of trunk and carrier"
    ),
    "request_refused": Advice("LiveKit refuses the request itself", "compare the caller ID and trunk with LiveKit's"),
    "sip_402": Advice("the carrier says that the account has no balance", "top up the account at the carrier"),
    "phrase_account": Advice(
        "the carrier says that the account is empty or barred", "top it up, or ask the carrier why it is barred"
    ),
    "phrase_caller_id": Advice(
        "the carrier does not take this caller ID",
        "have the carrier verify it, or show another: `dialer trunk edit NAME --caller-id NUMBER`",
    ),
    "sip_401": Advice(_WANTS_LOGIN, _GIVE_LOGIN),
    "sip_407": Advice(_WANTS_LOGIN, _GIVE_LOGIN),
    "sip_488": Advice("the carrier accepts none of our codecs", "compare media encryption and codecs of the trunk"),
    "sip_428": Advice("the carrier wants calls signed (STIR/SHAKEN)", "ask the carrier to sign for your caller ID"),
}


def advice_for(rule: str) -> Advice:
    """What is known of a rule; for one without a row, that the line refuses calls and whom to ask."""
    return BY_RULE.get(rule, Advice(f"the line refuses calls by its configuration (rule {rule})", _CARRIER))
