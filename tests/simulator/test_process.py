"""``python -m simulator`` as a process."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from livekit import api

pytestmark = pytest.mark.wire

REPOSITORY = Path(__file__).parents[2]
GIVE_UP_SECONDS = 20


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--speed", "0"], "speed must be above 0"),
        (["--webhook-url", "localhost:8080"], "webhook_url must start with http:// or https://"),
        (["--callbacks", "0.7", "--do-not-calls", "0.7"], "callbacks and do_not_calls must be shares"),
        (["--join-delay", "-1"], "join_delay must be at least 0"),
        (["--everyone", "486,busy"], "argument --everyone"),
        (["--trunks", "-1"], "trunks must be at least 0"),
        (["--requests-per-minute", "0"], "requests_per_minute must be at least 1"),
        (["--outages", "/nowhere.json"], "No such file"),
        (["--limits", "pyproject.toml"], "Expecting value"),
        (["--limits", "any.json", "--calls-per-second", "1"], "leave --calls-per-second"),
    ],
)
async def test_what_makes_no_sense_is_refused(arguments: list[str], problem: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", *arguments), stderr=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert problem in errors.decode()


async def test_limits_and_outages_come_from_files(tmp_path: Path) -> None:
    limits, outages = tmp_path / "limits.json", tmp_path / "outages.json"
    limits.write_text('{"trunks": {"ST_trunk_2": {"calls_per_second": 7}}}')
    outages.write_text('[{"kind": "silence", "at_seconds": 60, "for_seconds": 60}]')
    files = ["--limits", str(limits), "--outages", str(outages)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--port", "0", "--trunks", "2", *files),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    async with asyncio.timeout(GIVE_UP_SECONDS), aiohttp.ClientSession() as session:
        url = json.loads(await process.stdout.readline())["url"]
        async with session.get(f"{url}/carrier/limits") as answer:
            assert (await answer.json())["trunks"]["ST_trunk_2"]["calls_per_second"] == 7
        async with session.get(f"{url}/carrier/outages") as answer:
            [outage] = (await answer.json())["outages"]
    process.terminate()
    await process.wait()
    assert (outage["kind"], outage["is_on"], outage["ends_at"] - outage["begins_at"]) == ("silence", False, 60)


async def ring(session: aiohttp.ClientSession, url: str) -> None:
    """Dial a number that rings until somebody gives up."""
    token = api.AccessToken("devkey", "secret").with_sip_grants(api.SIPGrants(call=True)).to_jwt()
    dial = {"sip_trunk_id": "ST_simulated", "sip_call_to": "+12125550000", "room_name": "room"}
    await session.post(
        f"{url}/twirp/livekit.SIP/CreateSIPParticipant",
        json=dial | {"wait_until_answered": True},
        headers={"Authorization": f"Bearer {token}"},
    )


async def invited(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until the carrier saw an INVITE."""
    while True:
        async with session.get(f"{url}/carrier/record") as answer:
            if (await answer.json())["invites"]:
                return


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_listens_and_ends_cleanly(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    async with asyncio.timeout(GIVE_UP_SECONDS), aiohttp.ClientSession() as session:
        url = json.loads(await process.stdout.readline())["url"]
        async with session.get(url) as answer:
            assert (answer.status, await answer.text()) == (200, "OK")
        ringing = asyncio.create_task(ring(session, url))
        await invited(session, url)
        process.send_signal(number)
        _, errors = await process.communicate()
        with pytest.raises(aiohttp.ClientError):
            await ringing
    assert (process.returncode, errors) == (0, b"")
