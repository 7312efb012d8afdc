"""What a final SIP code means for one call.  Find the code in ``SIP_CODES``.  Pure.

Sources: RFC 3261 (21.3 to 21.6) and IANA's registry of SIP response codes; RFC 3398 7.2.4.1, how gateways turn a cause
of the telephone network into a code; RFC 8197 (607), RFC 8688 (608).  Phrases (``sip_phrase``) are tried first.
One call is judged alone, and mildly: what needs several numbers in a row (a dead account behind 603, a wrong
trunk behind 404 or 403) shows only over many calls; one call alone is judged mildly.
"""

from dialer.domain.outcome_vocabulary import Blame, Counts, Outcome, Ruling

BUSY = Ruling(outcome=Outcome.BUSY, blame=Blame.CONTACT, counts=Counts.ALWAYS)
NO_ANSWER = Ruling(outcome=Outcome.NO_ANSWER, blame=Blame.CONTACT, counts=Counts.ALWAYS)
REJECTED = Ruling(outcome=Outcome.REJECTED, blame=Blame.CONTACT, counts=Counts.ALWAYS)
UNWANTED = Ruling(outcome=Outcome.UNWANTED, blame=Blame.CONTACT, counts=Counts.ALWAYS)
BLOCKED = Ruling(outcome=Outcome.BLOCKED, blame=Blame.CALLER_ID, counts=Counts.NEVER)
CONFIG_ERROR = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CONFIG, counts=Counts.IF_RANG)
TRUNK_FAILURE = Ruling(outcome=Outcome.TRUNK_FAILURE, blame=Blame.TRUNK, counts=Counts.IF_RANG)

INVALID_FOR_SURE = Ruling(outcome=Outcome.INVALID_NUMBER, blame=Blame.NUMBER, counts=Counts.ALWAYS)
"""Ends the call job at once."""

INVALID_PERHAPS = Ruling(outcome=Outcome.INVALID_NUMBER, blame=Blame.NUMBER, counts=Counts.NEVER)
"""404 is also "no route" and "account inactive": not counted, asked once more, and then believed."""

TIMED_OUT = Ruling(outcome=Outcome.TRUNK_FAILURE, blame=Blame.TRUNK, counts=Counts.NEVER, when_rang=NO_ANSWER)
"""408: nobody answered a phone that rang, or nothing behind the trunk answered at all."""

UNREACHABLE = Ruling(outcome=Outcome.UNAVAILABLE, blame=Blame.CONTACT, counts=Counts.ALWAYS, when_rang=NO_ANSWER)
"""480: switched off or out of coverage; after ringing it is the network's own ring timer."""

FORBIDDEN = Ruling(outcome=Outcome.REJECTED, blame=Blame.UNKNOWN, counts=Counts.NEVER, when_rang=REJECTED)
"""403 without a telling phrase: the network refused, and one call cannot say whether for the number, the caller
ID or the account.  So it is not held against the contact, and not against the configuration either: three numbers
in a row would be needed for that.  After ringing it is the person (Q.850 21) who declined."""

REDIRECTED = Ruling(outcome=Outcome.UNAVAILABLE, blame=Blame.TRUNK, counts=Counts.IF_RANG)
"""302: LiveKit follows no redirect; the number may be forwarded just now."""

UNSIGNED = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CALLER_ID, counts=Counts.IF_RANG)
"""428: the other side wants the caller ID signed (STIR/SHAKEN)."""

SIP_CODES: dict[int, Ruling] = {
    300: CONFIG_ERROR,  # Multiple Choices: LiveKit follows no redirect
    301: INVALID_FOR_SURE,  # Moved Permanently: the number has changed
    302: REDIRECTED,  # Moved Temporarily
    305: CONFIG_ERROR,  # Use Proxy: wrong ingress
    380: CONFIG_ERROR,  # Alternative Service
    400: CONFIG_ERROR,  # Bad Request: malformed headers, SDP or number
    401: CONFIG_ERROR,  # Unauthorized: LiveKit mostly says it without a code, see no_code
    402: CONFIG_ERROR,  # Payment Required: no balance
    403: FORBIDDEN,  # Forbidden
    404: INVALID_PERHAPS,  # Not Found
    405: CONFIG_ERROR,  # Method Not Allowed
    406: CONFIG_ERROR,  # Not Acceptable
    407: CONFIG_ERROR,  # Proxy Authentication Required
    408: TIMED_OUT,  # Request Timeout
    409: TRUNK_FAILURE,  # Conflict: obsolete, proprietary use
    410: INVALID_FOR_SURE,  # Gone: the number has changed
    411: TRUNK_FAILURE,  # Length Required: obsolete, proprietary use
    412: TRUNK_FAILURE,  # Conditional Request Failed: never for an INVITE
    413: CONFIG_ERROR,  # Request Entity Too Large: too many headers
    414: CONFIG_ERROR,  # Request-URI Too Long
    415: CONFIG_ERROR,  # Unsupported Media Type: codec or body
    416: CONFIG_ERROR,  # Unsupported URI Scheme
    417: CONFIG_ERROR,  # Unknown Resource-Priority
    420: CONFIG_ERROR,  # Bad Extension
    421: CONFIG_ERROR,  # Extension Required
    422: CONFIG_ERROR,  # Session Interval Too Small
    423: CONFIG_ERROR,  # Interval Too Brief
    424: CONFIG_ERROR,  # Bad Location Information
    425: CONFIG_ERROR,  # Bad Alert Message
    428: UNSIGNED,  # Use Identity Header
    429: CONFIG_ERROR,  # Provide Referrer Identity, not "Too Many Requests": that is told by its phrase
    430: TRUNK_FAILURE,  # Flow Failed
    433: BLOCKED,  # Anonymity Disallowed: the callee takes no hidden caller ID
    436: CONFIG_ERROR,  # Bad Identity Info (STIR)
    437: CONFIG_ERROR,  # Unsupported Credential (STIR)
    438: CONFIG_ERROR,  # Invalid Identity Header (STIR)
    439: TRUNK_FAILURE,  # First Hop Lacks Outbound Support
    440: TRUNK_FAILURE,  # Max-Breadth Exceeded
    469: CONFIG_ERROR,  # Bad Info Package
    470: CONFIG_ERROR,  # Consent Needed
    480: UNREACHABLE,  # Temporarily Unavailable
    481: TRUNK_FAILURE,  # Call/Transaction Does Not Exist: a SIP element was restarted
    482: TRUNK_FAILURE,  # Loop Detected
    483: TRUNK_FAILURE,  # Too Many Hops
    484: INVALID_FOR_SURE,  # Address Incomplete: too short or wrong format
    485: INVALID_FOR_SURE,  # Ambiguous
    486: BUSY,  # Busy Here: also the decline button of many mobile networks
    487: NO_ANSWER,  # Request Terminated: a carrier on the way gave up ringing
    488: CONFIG_ERROR,  # Not Acceptable Here: codec or SRTP
    489: CONFIG_ERROR,  # Bad Event
    491: TRUNK_FAILURE,  # Request Pending
    493: CONFIG_ERROR,  # Undecipherable
    494: CONFIG_ERROR,  # Security Agreement Required
    500: TRUNK_FAILURE,  # Server Internal Error
    501: TRUNK_FAILURE,  # Not Implemented
    502: TRUNK_FAILURE,  # Bad Gateway: also "destination out of order", which one call cannot tell
    503: TRUNK_FAILURE,  # Service Unavailable
    504: TRUNK_FAILURE,  # Server Time-out
    505: CONFIG_ERROR,  # Version Not Supported
    513: CONFIG_ERROR,  # Message Too Large: use TCP or TLS, send fewer headers
    555: CONFIG_ERROR,  # Push Notification Service Not Supported
    580: TRUNK_FAILURE,  # Precondition Failure
    600: BUSY,  # Busy Everywhere
    603: REJECTED,  # Decline: fast or slow; a block is told by its phrase
    604: INVALID_FOR_SURE,  # Does Not Exist Anywhere
    606: CONFIG_ERROR,  # Not Acceptable: media or bandwidth
    607: UNWANTED,  # Unwanted: the person marked our call; never call again
    608: BLOCKED,  # Rejected: an intermediary's analytics
}

OTHER_CODES: dict[int, Ruling] = {
    2: TRUNK_FAILURE,  # a success that is not 200: LiveKit does not take it for an answer
    3: CONFIG_ERROR,  # a redirect nobody follows
    4: TRUNK_FAILURE,
    5: TRUNK_FAILURE,
    6: REJECTED,  # 6xx speaks for the person
}
"""By class, for a code that is in no table."""


def code_rule(code: int) -> tuple[str, Ruling] | None:
    """The rule's name and row for a SIP code; None for a number that is no final SIP code."""
    if code in SIP_CODES:
        return f"sip_{code}", SIP_CODES[code]
    if code // 100 in OTHER_CODES:
        return f"other_{code // 100}xx", OTHER_CODES[code // 100]
    return None
