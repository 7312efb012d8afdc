"""The docs say what the code does: generated pages are fresh, links lead somewhere, quoted commands exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.cli import command
from console.reference import PAGES, stale
from console.reference.__main__ import main
from dialer.config import Settings, variable_of
from dialer.metrics import SPECS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HAND = [path for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md") if path.exists()]
ALL_PAGES = [*HAND, *sorted(DOCS.rglob("*.md"))]

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"^[`$ ]*(?:\.venv/bin/)?dialer ((?:[a-z]+ ?)+)", re.MULTILINE)
_TARGET = re.compile(r"^[`$ ]*make ([a-z-]+)", re.MULTILINE)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands_below(group: Any, name: str = "") -> Iterator[str]:  # Any: Typer's own classes are private to it
    """The words of every command, and of every group."""
    for word, found in group.commands.items():
        whole = f"{name} {word}".strip()
        yield whole
        if hasattr(found, "commands"):
            yield from commands_below(found, whole)


COMMANDS = set(commands_below(command()))
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


# -- generated pages --------------------------------------------------------------------------------------------------


def test_generated_pages_are_what_the_code_says() -> None:
    old = [str(path.relative_to(ROOT)) for path in stale(DOCS)]
    assert not old, f"{', '.join(old)}: stale; run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_so_first(name: str) -> None:
    first = text_of(DOCS / name).splitlines()[0]
    assert "enerated" in first
    assert "make docs" in first


def test_a_check_names_the_stale_page_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for page in DOCS.glob("*.md"):
        (tmp_path / page.name).write_text(text_of(page), encoding="utf-8")
    changed = tmp_path / "settings.md"
    changed.write_text("old\n", encoding="utf-8")

    assert main(["--check", str(tmp_path)]) == 1
    assert "settings.md" in capsys.readouterr().err
    assert text_of(changed) == "old\n"

    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    assert text_of(changed) == text_of(DOCS / "settings.md")


def test_every_setting_is_listed() -> None:
    page = text_of(DOCS / "settings.md")
    assert [name for name in map(variable_of, Settings.model_fields) if f"| `{name}` |" not in page] == []


def test_every_metric_is_listed_by_the_name_it_is_served_under() -> None:
    page = text_of(DOCS / "metrics.md")
    served = [spec.name + "_total" if spec.counter else spec.name for spec in SPECS]
    assert [name for name in served if f"| `{name}` |" not in page] == []


def test_every_command_is_listed_with_its_options() -> None:
    page = text_of(DOCS / "commands.md")
    sections = dict(re.findall(r"^## `dialer (.+?)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == COMMANDS - GROUPS
    for name, section in sections.items():
        found = command()
        for word in name.split():
            found = found.commands[word]
        options = [option for parameter in found.params for option in parameter.opts if option.startswith("-")]
        missing = [option for option in options if option not in {"-h", "--help"} and f"`{option}" not in section]
        assert not missing, f"dialer {name}"


# -- what people wrote ------------------------------------------------------------------------------------------------


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    quoted = {name for page in HAND for name in _TARGET.findall(code_of(text_of(page)))}
    assert quoted
    assert quoted <= targets


def test_every_make_target_is_explained() -> None:
    targets = re.findall(r"^([a-z-]+):.*?##", text_of(ROOT / "Makefile"), re.MULTILINE)
    told = text_of(ROOT / "README.md") + text_of(ROOT / "CONTRIBUTING.md")
    assert [target for target in targets if not re.search(rf"\bmake {target}\b", told)] == []


def test_the_readme_shows_every_step_to_a_first_campaign() -> None:
    shown = text_of(ROOT / "README.md")
    steps = ("demo", "doctor", "up", "trunk add", "call", "campaign create", "campaign import", "campaign start")
    after = ("campaign watch", "campaign results", "campaign show", "contact explain", "audit", "simulator")
    assert [step for step in (*steps, *after) if f"dialer {step}" not in shown] == []


def test_the_readme_fits_a_terminal_where_it_shows_one() -> None:
    blocks = re.findall(r"^```console\n(.*?)^```", text_of(ROOT / "README.md"), re.MULTILINE | re.DOTALL)
    assert blocks
    assert [line for block in blocks for line in block.splitlines() if len(line) > 80] == []


def test_settings_and_metrics_that_pages_name_exist() -> None:
    series = {spec.name + "_total" if spec.counter else spec.name for spec in SPECS}
    known = {variable_of(field) for field in Settings.model_fields} | series
    for page in ALL_PAGES:
        named = re.findall(r"\bDIALER_[A-Z_]*[A-Z]\b|\bdialer_[a-z_]+\b", text_of(page))
        assert [word for word in named if word not in known] == [], page


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_are_there(page: Path) -> None:
    named = re.findall(r"`((?:dialer|jobs|workers|console|simulator|tests|docs|benchmarks)/[\w./]*)`", text_of(page))
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_decisions_are_numbered_without_gaps_and_have_their_four_parts() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = text_of(page)
        assert text.startswith(f"# {int(page.name[:4])}. ")
        parts = ("**Context.**", "**Decision.**", "**Consequences.**", "**Alternatives.**")
        assert [part for part in parts if part not in text] == [], page


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in _LINK.findall(without_code(text_of(page))) if not resolves(page, link)]
    assert not broken


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_quoted_commands_exist(page: Path) -> None:
    unknown = [quoted for quoted in _COMMAND.findall(code_of(text_of(page))) if not is_command(quoted.split())]
    assert not unknown


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_quoted_options_exist(page: Path) -> None:
    code = code_of(text_of(page)).replace("\\\n", " ")
    for line in re.findall(r"^[`$ ]*(dialer .+--.+)$", code, re.MULTILINE):
        words = line.strip("`").partition(" #")[0].split()
        found: Any = command()
        for word in words[1:]:
            found = getattr(found, "commands", {}).get(word, found)
        known = {option for parameter in found.params for option in parameter.opts} | {"--help"}
        assert [word for word in words if word.startswith("--") and word not in known] == [], line


def code_of(text: str) -> str:
    """What a page shows as code: fenced blocks, then code spans, one on a line."""
    return "\n".join([*_FENCE.findall(text), *_CODE.findall(_FENCE.sub("", text))])


def without_code(text: str) -> str:
    return _CODE.sub("", _FENCE.sub("", text))


def resolves(page: Path, link: str) -> bool:
    """Whether a relative link's file is there, and its heading in it; other links are not followed."""
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    target = page if not name else page.parent / name
    if not target.exists():
        return False
    return not anchor or anchor in {anchor_of(heading) for heading in _HEADING.findall(text_of(target))}


def anchor_of(heading: str) -> str:
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def is_command(words: list[str]) -> bool:
    """Whether the words begin with a command; what follows a whole one are its arguments."""
    if words[0] not in GROUPS:
        return words[0] in COMMANDS
    return len(words) == 1 or " ".join(words[:2]) in COMMANDS
