"""``dialer demo`` as an operator runs it, and the judge that it ends with."""

import json
import os
import signal
import tempfile
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from console.demo_judge import CarrierRecord, compare
from console.demo_people import AREA_CODES, MOST_PEOPLE, contact_file, invent_people
from console.demo_stage import demo_folder
from dialer.domain.phone_number import PhoneNumber, parse_number
from dialer.ledger.reports import AttemptTrace
from tests.console.conftest import Start
from tests.console.running import until

#: Whatever the demo would do with these, it would fail.
GARBAGE = {
    "DATABASE_URL": "postgresql://nobody@192.0.2.1/nothing",
    "REDIS_URL": "redis://192.0.2.1:6379/0",
    "LIVEKIT_URL": "wss://192.0.2.1",
    "LIVEKIT_API_KEY": "somebody's",
    "LIVEKIT_API_SECRET": "somebody's",
    "DIALER_DATA": "/nowhere",
    "DIALER_TIME_SCALE": "0.001",
}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def lines_of(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def left_in(folder: Path) -> list[psutil.Process]:
    """Processes that have to do with a folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if any(str(folder) in part for part in [*(process.info["cmdline"] or []), process.info["cwd"] or ""])
    ]


@pytest.mark.journey
async def test_everybody_is_called_the_carrier_agrees_and_nothing_is_left(start: Start, folder: Path) -> None:
    command = start(
        "demo", "--contacts", "30", "--speed", "50", "--json", environment={**GARBAGE, "TMPDIR": str(folder)}
    )
    assert await command.over(seconds=60) == 0, command.err
    facts = json.loads(command.out)
    assert facts["ok"]
    assert (facts["rows"], facts["rejected"], facts["duplicates"], facts["contacts"]) == (33, 2, 1, 30)
    assert sum(facts["finish_reasons"].values()) == 30
    assert facts["reached"] == facts["finish_reasons"]["reached"] > 0
    assert facts["attempts"] == sum(facts["outcomes"].values()) >= facts["invites"] >= 30
    assert facts["worst_second"] <= facts["calls_per_second"] == 10
    assert facts["most_calls"] <= facts["max_concurrent_calls"] == 100
    assert set(facts["audit"].values()) == {True}
    assert len(lines_of(facts["results"])) == 31
    assert names_in(folder) == ["dialer-demo-results.csv"]
    assert left_in(folder) == []


@pytest.mark.fault
async def test_ctrl_c_leaves_nothing_behind(start: Start, folder: Path) -> None:
    command = start("demo", environment={"TMPDIR": str(folder)})
    await command.has_said("answered ")
    assert left_in(folder) != []
    command.send(signal.SIGINT)
    assert await command.over() == 130
    assert "nothing behind" in command.err
    assert names_in(folder) == []
    await until(lambda: left_in(folder) == [])


@pytest.mark.fault
async def test_what_a_killed_demo_left_is_removed_by_the_next_one(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = start("demo", environment={"TMPDIR": str(folder)})
    await killed.has_said("Calling 300 people")
    children = killed.children()
    killed.kill()
    await until(lambda: not any(child.is_running() for child in children.values()))
    assert children.keys() >= {"simulator"}
    (left,) = names_in(folder)
    assert left_in(folder / left) != []
    os.utime(folder / left, (0, 0))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with demo_folder():
        assert left not in names_in(folder)
        assert left_in(folder / left) == []
    assert names_in(folder) == []


@pytest.mark.unit
def test_the_people_can_be_imported_and_do_not_exist() -> None:
    people = invent_people(2000, seed=1)
    assert len({person.number for person in people}) == 2000
    for person in people:
        assert isinstance(parse_number(person.number, country=None), PhoneNumber)
        assert 100 <= int(person.number[-4:]) <= 199
        assert person.number[5:8] == "555"


@pytest.mark.unit
def test_there_are_people_enough_and_every_area_code_is_there_once() -> None:
    assert MOST_PEOPLE >= 20_000
    assert len({code for code, _ in AREA_CODES}) == len(AREA_CODES)


@pytest.mark.unit
def test_the_same_seed_gives_the_same_file() -> None:
    assert list(contact_file(invent_people(50, seed=7))) == list(contact_file(invent_people(50, seed=7)))
    assert invent_people(50, seed=7) != invent_people(50, seed=8)


FIRST = AttemptTrace(id=UUID(int=1), number="+12125550101", sent=True)
SECOND = AttemptTrace(id=UUID(int=2), number="+12125550102", sent=True)
UNSENT = AttemptTrace(id=UUID(int=3), number="+12125550103", sent=False)


def room(attempt: AttemptTrace) -> str:
    return f"word-{attempt.id}"


def seen(*invites: tuple[str, str], worst_second: int = 10, most_calls: int = 100) -> CarrierRecord:
    return CarrierRecord(invites=invites, worst_second=worst_second, most_calls=most_calls)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        pytest.param(seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number)), None, id="all is well"),
        pytest.param(seen((room(FIRST), FIRST.number)), "disagree", id="one was never dialed"),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number), (room(FIRST), FIRST.number)),
            "more than once",
            id="one was dialed twice",
        ),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number), ("word-x", "+12125550104")),
            "no attempt",
            id="one is a stranger",
        ),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), FIRST.number)), "another number", id="wrong number"
        ),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number), (room(UNSENT), UNSENT.number)),
            "disagree",
            id="one was dialed that the ledger says was not",
        ),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number), worst_second=11), "11 calls", id="too fast"
        ),
        pytest.param(
            seen((room(FIRST), FIRST.number), (room(SECOND), SECOND.number), most_calls=101), "101 calls", id="too many"
        ),
    ],
)
def test_the_judge(record: CarrierRecord, complaint: str | None) -> None:
    found = compare([FIRST, SECOND, UNSENT], record, installation="word", calls_per_second=10, max_concurrent_calls=100)
    assert len(found) == (0 if complaint is None else 1)
    assert complaint is None or complaint in found[0]
