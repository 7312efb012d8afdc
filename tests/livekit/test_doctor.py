"""``dialer doctor`` at the real server and at the simulator."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from console.servers import ServerUrls
from tests.livekit.place import Place
from tests.livekit.programs import REPOSITORY
from tests.livekit.servers import API_KEY, API_SECRET

pytestmark = pytest.mark.livekit

WRONG_SECRET = "another secret, long enough for HS256 as well"


async def examine(place: Place, servers: ServerUrls, *, secret: str = API_SECRET) -> dict[str, Any]:
    """What doctor finds, by what it looked at."""
    variables = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "LIVEKIT_URL": place.url,
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": secret,
    }
    doctor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console.cli", "doctor", "--json"),
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await doctor.communicate()
    return {finding["what"]: finding for finding in json.loads(said)["findings"]}


async def test_doctor_is_content_with_a_livekit_that_is_well(place: Place, server_urls: ServerUrls) -> None:
    findings = await examine(place, server_urls)

    assert [findings[what]["level"] for what in ("LiveKit", "LiveKit's clock", "LiveKit SIP")] == ["ok"] * 3


async def test_doctor_says_which_key_to_set_when_livekit_refuses_ours(place: Place, server_urls: ServerUrls) -> None:
    findings = await examine(place, server_urls, secret=WRONG_SECRET)

    assert findings["LiveKit"]["level"] == "error"
    assert "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET" in json.dumps(findings["LiveKit"])
    assert "eyJ" not in json.dumps(findings)
