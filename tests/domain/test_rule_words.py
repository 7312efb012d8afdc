"""Every rule that can decide an attempt has a sentence."""

import pytest

from dialer.domain.no_code import MESSAGES
from dialer.domain.rule_words import rule_words
from dialer.domain.sip_code import SIP_CODES
from dialer.domain.sip_phrase import PHRASES
from dialer.domain.storm import PATTERNS

pytestmark = pytest.mark.unit

RULES = sorted({rule.name for rule in MESSAGES} | {rule.name for rule in PHRASES})


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_the_tables_has_words(rule: str) -> None:
    assert rule not in rule_words(rule)


@pytest.mark.parametrize(
    "rule",
    [
        *("news_left", "news_no_answer", "news_no_code", "news_marked", "news_aborted", "news_connection_timeout"),
        *("trunk_not_well", "hours_closed", "no_ringing", "trunk_dead", *(f"storm_{code}" for code in PATTERNS)),
        *("machine_answered", "gone_at_two_looks", "doubt_over", "doubt_over_answered", "doubt_over_marked"),
    ],
)
def test_what_was_learned_without_an_answer_has_words(rule: str) -> None:
    assert rule not in rule_words(rule)


def test_a_sip_code_is_told_with_what_the_carrier_wrote() -> None:
    assert rule_words("sip_486", sip_code=486, sip_status="Busy Here") == "the carrier answered SIP 486 Busy Here"
    assert rule_words("other_5xx", sip_code=599) == "the carrier answered SIP 599"
    assert not [code for code in SIP_CODES if rule_words(f"sip_{code}", sip_code=code).startswith("rule ")]


def test_a_body_in_place_of_a_phrase_is_shortened() -> None:
    told = rule_words("sip_480", sip_code=480, sip_status="v=0\r\n" * 40)
    assert told.endswith("...")
    assert "\n" not in told


def test_a_rule_of_a_later_version_is_named() -> None:
    assert rule_words("something_new") == "rule something_new"
