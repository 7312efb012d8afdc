"""Which requests are webhooks of our LiveKit, and what is read from them."""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from dialer.domain.webhook import WebhookFate, sort_webhook
from dialer.telephony.livekit_webhooks import WebhookReader, WebhookRefused

pytestmark = pytest.mark.unit

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "simulator" / "recorded" / "samples.json").read_text(encoding="utf-8")
)
BODY = json.dumps(SAMPLES["participant_left"]).encode()
READER = WebhookReader(KEY, SECRET)


def token(body: bytes = BODY, *, key: str = KEY, secret: str = SECRET, ends_in: float = 3600, **more: Any) -> str:
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": key, "nbf": now, "exp": int(now + ends_in), "sha256": digest} | more
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm="HS256")


def test_a_recorded_webhook_is_read() -> None:
    webhook = READER.read(BODY, token())
    assert (webhook.event, webhook.kind, webhook.identity) == ("participant_left", "SIP", "callee")
    assert (webhook.reason, webhook.call_status) == ("USER_UNAVAILABLE", "ringing")
    assert webhook.created_at.timestamp() == int(SAMPLES["participant_left"]["createdAt"])
    assert "turnPassword" not in json.dumps(webhook.body)


def test_a_clock_that_is_a_little_off_is_no_forgery() -> None:
    now = int(time.time())
    assert READER.read(BODY, token(nbf=now + 50, ends_in=300)).event == "participant_left"
    assert READER.read(BODY, token(ends_in=-50)).event == "participant_left"


@pytest.mark.parametrize(
    ("authorization", "fate"),
    [
        pytest.param(None, WebhookFate.FORGED, id="no header"),
        pytest.param("", WebhookFate.FORGED, id="empty header"),
        pytest.param("Bearer " + token(), WebhookFate.FORGED, id="Bearer before it"),
        pytest.param("a.b.c", WebhookFate.FORGED, id="no token"),
        pytest.param("ü.ü.ü", WebhookFate.FORGED, id="no ASCII"),
        pytest.param(token(secret="another secret, long enough for HS256"), WebhookFate.FORGED, id="other secret"),
        pytest.param(token(key="otherkey"), WebhookFate.FORGED, id="other key"),
        pytest.param(token(iss=None), WebhookFate.FORGED, id="no key"),
        pytest.param(token(exp=None), WebhookFate.FORGED, id="no end"),
        pytest.param(jwt.encode({"iss": KEY}, None, algorithm="none"), WebhookFate.FORGED, id="not signed at all"),
        pytest.param(token(ends_in=-90), WebhookFate.STALE, id="over"),
        pytest.param(token(nbf=int(time.time()) + 900, ends_in=1200), WebhookFate.STALE, id="not yet"),
        pytest.param(token(b"another body"), WebhookFate.BAD_HASH, id="hash of another body"),
        pytest.param(token(sha256=None), WebhookFate.BAD_HASH, id="no hash"),
        pytest.param(token(sha256="ü"), WebhookFate.BAD_HASH, id="no base64"),
    ],
)
def test_what_is_refused(authorization: str | None, fate: WebhookFate) -> None:
    with pytest.raises(WebhookRefused) as refused:
        READER.read(BODY, authorization)
    assert refused.value.fate is fate
    assert "callee" not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"event": "room_started", "createdAt": "1"}',
        b'{"event": "room_started", "id": "EV_1", "createdAt": "later"}',
        b'{"event": "room_started", "id": "EV_1", "createdAt": "99999999999999999"}',
        b'{"event": 7, "id": "EV_1", "createdAt": "1"}',
        b'{"event": "room_started", "id": "EV_1", "createdAt": "1", "room": []}',
        b'{"event": "room_started", "id": "EV_1", "createdAt": "1", "room": {"name": NaN}}',
    ],
)
def test_a_signed_body_that_is_broken(body: bytes) -> None:
    try:
        READER.read(body, token(body))
    except WebhookRefused as refused:
        assert refused.fate is WebhookFate.BROKEN  # noqa: PT017
    else:
        assert b'"room": []' in body  # an empty room is a room without a name


def test_a_body_beyond_the_limit_is_not_looked_at() -> None:
    with pytest.raises(WebhookRefused) as refused:
        READER.read(b"x" * (2 << 20), token())
    assert refused.value.fate is WebhookFate.TOO_LARGE


def test_what_postgresql_refuses_is_taken_out_of_texts() -> None:
    told = {"event": "room_started", "id": "EV_\0_1", "createdAt": "1", "room": {"name": "a\ud800b"}}
    body = json.dumps(told).encode()
    webhook = READER.read(body, token(body))
    assert (webhook.event_id, webhook.room) == ("EV__1", "a?b")


@pytest.mark.parametrize(
    ("room", "event", "fate"),
    [
        ("abc-01938000-0000-7000-8000-000000000001", "track_published", WebhookFate.IGNORED),
        ("abc-sentinel", "room_started", WebhookFate.IGNORED),
        ("abc-01938000000070008000000000000001", "room_started", WebhookFate.IGNORED),
        ("xyz-01938000-0000-7000-8000-000000000001", "room_started", WebhookFate.FOREIGN),
        ("abc", "room_started", WebhookFate.FOREIGN),
        ("", "room_started", WebhookFate.FOREIGN),
        ("somebody's room", "room_started", WebhookFate.FOREIGN),
    ],
)
def test_which_rooms_are_ours(room: str, event: str, fate: WebhookFate) -> None:
    body = json.dumps({"event": event, "id": "EV_1", "createdAt": "1", "room": {"name": room}}).encode()
    assert sort_webhook(READER.read(body, token(body)), installation="abc") is fate
