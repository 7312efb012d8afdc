"""JSON as PostgreSQL takes it: a carrier's or an agent's text may hold what jsonb refuses."""

import json
import re

_REFUSED = re.compile("[\\x00\\ud800-\\udfff]")


def json_text(value: object) -> str:
    """The value as JSON, without NUL characters and lone surrogates."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    if "\\u0000" in text or "\\ud" in text:
        return json.dumps(_clean(json.loads(text)), separators=(",", ":"))
    return text


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _REFUSED.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
