"""``dialer simulator``: what it prints is enough to dial through it."""

import signal

import pytest

from tests.console.conftest import Start, invites

pytestmark = pytest.mark.wire


async def test_it_prints_the_variables_and_leaves_with_ctrl_c(start: Start) -> None:
    command = start("simulator", "--port", "0", "--speed", "20", "--everyone", "486")
    await command.has_said("Ctrl-C stops it")
    variables = dict(line.removeprefix("export ").split("=", 1) for line in command.out.splitlines())
    assert variables.keys() == {"LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "DIALER_TIME_SCALE"}
    assert invites(variables["LIVEKIT_URL"]) == []
    command.send(signal.SIGINT)
    assert await command.over() == 0


async def test_a_flag_that_the_simulator_refuses_is_told_in_its_words(start: Start) -> None:
    command = start("simulator", "--port", "0", "--calls-per-second", "-1")
    assert await command.over() == 1
    assert "calls_per_second must be above 0" in command.err
    assert "error: the simulator ended with exit code 2" in command.err
