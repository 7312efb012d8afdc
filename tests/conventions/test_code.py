"""House rules that no linter knows.  An exception stands in a table here, with its reason."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PACKAGES = ("dialer", "jobs", "workers", "console", "simulator")
MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_FILE = 400

SQL_ELSEWHERE = {
    "console/servers/postgres.py": "makes the database in an embedded server: there is no ledger yet",
}
CLOCKS_ELSEWHERE = {
    "dialer/telephony/livekit_line.py": "loop.time: the clock on which asyncio's own deadline is set",
}
HTTP_SPEAKERS = {
    "dialer/telephony/livekit_line.py": "speaks to LiveKit",
    "dialer/telephony/dial_trace.py": "sees a dial on its socket",
    "workers/exporter.py": "answers Prometheus",
}
HOMES_OF_NOBODY = {
    "ann": "invented in tests",
    "operator": "invented in tests",
    "me": "the README's example of `dialer up`",
}

_SQL = re.compile(r"\bSELECT\s|\bINSERT INTO\b|\bUPDATE\s[^;]*?\sSET\s|\bDELETE FROM\b")
_NAMED = re.compile(r"\s*/\* [a-z0-9_]+ \*/")
_CLOCK = re.compile(
    r"\btime\.(?:time|monotonic|perf_counter|process_time)(?:_ns)?$|\bdatetime\.(?:now|utcnow|today)$|\bdate\.today$"
    r"|(?:loop|get_running_loop\(\)|get_event_loop\(\))\.time$"
)
_HTTP = {"aiohttp", "http", "httpx", "requests", "urllib", "fastapi", "starlette"}
_MACHINE = re.compile(r"/(?:work|root)/|/home/(\w+)")
_NOTES = re.compile(r"(?<![\w/.-])(?:facts|shared)/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def at(path: Path, node: ast.expr | ast.stmt) -> str:
    return f"{name_of(path)}:{node.lineno}"


def texts(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Every string of a module that is no docstring; of an f-string, what stands in it."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in statements | inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def sql_of(path: Path) -> Iterator[tuple[ast.expr, str]]:
    return ((node, text) for node, text in texts(tree_of(path)) if _SQL.search(text))


# -- SQL --------------------------------------------------------------------------------------------------------------


def test_sql_is_in_the_ledger_only() -> None:
    found = [
        at(path, node)
        for path in modules(*PACKAGES)
        if (ROOT / "dialer" / "ledger") not in path.parents and name_of(path) not in SQL_ELSEWHERE
        for node, _ in sql_of(path)
    ]
    assert not found


def test_every_statement_opens_with_its_name() -> None:
    """A log of slow statements then says which one it was."""
    statements = [(path, *found) for path in sorted((ROOT / "dialer/ledger").glob("*.py")) for found in sql_of(path)]
    assert len(statements) > 20
    assert [at(path, node) for path, node, text in statements if not _NAMED.match(text)] == []


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT 1", True),
        ("/* name */\nUPDATE jobs\nSET a = 1", True),
        ("WITH x AS (DELETE FROM y) ...", True),
        ("INSERT INTO x", True),
        ("Select a campaign, update it and set a limit", False),
    ],
)
def test_what_counts_as_sql(text: str, is_sql: bool) -> None:
    assert bool(_SQL.search(text)) is is_sql


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_the_dialer_reads_one_clock() -> None:
    found = [
        f"{at(path, node)} {ast.unparse(node)}"
        for path in modules("dialer")
        if path != ROOT / "dialer/clock.py" and name_of(path) not in CLOCKS_ELSEWHERE
        for node in clock_readings(tree_of(path))
    ]
    assert not found


def clock_readings(tree: ast.Module) -> Iterator[ast.expr]:
    """Every mention of a clock, called or handed on; what is imported by name counts where it is imported from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _CLOCK.search(ast.unparse(node)):
            yield node
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (ast.Name(id=alias.name, lineno=node.lineno) for alias in node.names if alias.name != "sleep")


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("time.time()", True),
        ("key=time.monotonic_ns", True),
        ("datetime.datetime.now(UTC)", True),
        ("datetime.utcnow()", True),
        ("asyncio.get_running_loop().time()", True),
        ("from time import monotonic", True),
        ("ledger.now()", False),
        ("redis.client.time()", False),
    ],
)
def test_what_counts_as_reading_a_clock(source: str, reads: bool) -> None:
    assert bool(list(clock_readings(ast.parse(source)))) is reads


# -- HTTP -------------------------------------------------------------------------------------------------------------


def test_below_the_console_http_is_spoken_at_the_edges_only() -> None:
    found = [
        f"{at(path, node)} imports {module}"
        for path in modules("dialer", "jobs", "workers")
        if name_of(path) not in HTTP_SPEAKERS
        for node, module in imports(tree_of(path))
        if module.partition(".")[0] in _HTTP
    ]
    assert not found


def imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every module that is imported, anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def test_every_exception_to_a_rule_is_about_a_file_that_is_there() -> None:
    for table in (SQL_ELSEWHERE, CLOCKS_ELSEWHERE, HTTP_SPEAKERS):
        assert [name for name in table if not (ROOT / name).exists()] == []


# -- shape ------------------------------------------------------------------------------------------------------------


def test_every_module_says_what_it_is() -> None:
    """So there is no empty placeholder either."""
    assert [name_of(path) for path in modules(*PACKAGES) if not ast.get_docstring(tree_of(path))] == []


def test_only_a_package_may_hold_nothing_but_a_docstring() -> None:
    hollow = [path for path in modules(*PACKAGES) if len(tree_of(path).body) <= 1 and path.name != "__init__.py"]
    assert [name_of(path) for path in hollow] == []


def test_no_package_is_empty() -> None:
    folders = [path.parent for path in modules(*PACKAGES) if path.name == "__init__.py"]
    assert [name_of(folder) for folder in folders if sum(1 for _ in folder.rglob("*.py")) < 2] == []


def test_long_running_code_does_not_print() -> None:
    found = [
        at(path, node)
        for path in modules("dialer", "jobs", "workers")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not found


def test_functions_are_short() -> None:
    functions = [
        (path, node) for path in modules(*PACKAGES) for node in ast.walk(tree_of(path)) if isinstance(node, Function)
    ]
    lengths = {f"{at(path, node)} {node.name}": lines_of(node) for path, node in functions}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def lines_of(function: Function) -> int:
    """Its lines without decorators and docstring."""
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    spared = (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - spared


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(*PACKAGES)}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


# -- the lock file ----------------------------------------------------------------------------------------------------


def test_every_requirement_is_locked_by_hash() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(requirements) > 20
    assert [
        line for line in requirements if not re.match(r"[\w.\-\[\]]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []


def test_the_lock_file_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.findall(r"^.*(?:://|--(?:extra-)?index|--find-links|--trusted-host).*$", text, re.MULTILINE)


# -- what may not leave this machine ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """Every text file that is in git, or would be with the next ``git add``."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in told.split("\0") if name]
    return {name_of(path): text for path in paths if path.is_file() and (text := read_text(path)) is not None}


def read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_no_file_names_a_folder_of_one_machine(sources: dict[str, str]) -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in sources.items()
        for match in _MACHINE.finditer(text)
        if match[1] not in HOMES_OF_NOBODY
    ]
    assert not found


def test_no_file_leans_on_notes_that_are_not_in_the_repository(sources: dict[str, str]) -> None:
    assert [f"{name}: {match[0]}" for name, text in sources.items() for match in _NOTES.finditer(text)] == []
