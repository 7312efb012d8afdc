"""Puts numbers and prefixes on the suppression list, and finishes at once what waits to call them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from dialer.actions.read_file import read_blocks
from dialer.domain.csv_lines import decode_lines
from dialer.domain.rejected_rows import RejectedRow
from dialer.domain.suppression import NewSuppression
from dialer.domain.suppression_file import Defaults, read_suppressions
from dialer.errors import InvalidInput
from dialer.ledger.session import Ledger
from dialer.ledger.suppressed_jobs import finish_suppressed_numbers, finish_suppressed_prefixes, last_call_job
from dialer.ledger.suppressions import Put, Suppression, find_suppression, put_suppressions

#: So many rows of a file go in with one transaction.
CHUNK_ROWS = 5000
#: So many call jobs are looked at for a prefix with one statement.
BITE_JOBS = 5000

OnProgress = Callable[[int], None]


def _silent(count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """What became of one entry.

    Attributes:
        before: the entry that stood already; None: it is new.
        after: the entry as it stands; None: somebody has removed it meanwhile.
        finished: so many waiting call jobs were finished.
    """

    before: Suppression | None
    after: Suppression | None
    finished: int


@dataclass(kw_only=True, slots=True)
class SuppressionImport:
    """What became of a file's rows: ``rows`` = ``rejected`` + ``added`` + ``changed`` + ``unchanged``."""

    rows: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    finished: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionFile:
    """A file on this machine and how to read it."""

    path: Path
    phone_column: str | None
    defaults: Defaults

    def rows(self) -> Iterator[NewSuppression | RejectedRow]:
        """Its rows, read as they are asked for.  InvalidInput when the file as a whole cannot be used."""
        lines = decode_lines(read_blocks(self.path), self.path.name)
        return read_suppressions(lines, phone_column=self.phone_column, name=self.path.name, defaults=self.defaults)


async def suppress_number(ledger: Ledger, entry: NewSuppression, *, on_finished: OnProgress = _silent) -> Suppressed:
    """Put one entry on the list; from its commit on, no claim opens an attempt to its numbers.

    Waiting call jobs of its numbers are finished, queued ones are refused in the claim, calls on the line go on.  Safe
    to repeat: one that was cut after the commit is completed by the next.

    Args:
        on_finished: called with the waiting call jobs finished so far.
    """
    before = await _find(ledger, entry)
    await put_suppressions(ledger, [entry])
    finished = await finish_waiting(ledger, [entry], campaign_id=entry.campaign_id, on_finished=on_finished)
    return Suppressed(before=before, after=await _find(ledger, entry), finished=finished)


async def _find(ledger: Ledger, entry: NewSuppression) -> Suppression | None:
    return await find_suppression(ledger, entry.pattern, is_prefix=entry.is_prefix, campaign_id=entry.campaign_id)


async def finish_waiting(
    ledger: Ledger,
    entries: Sequence[NewSuppression],
    *,
    campaign_id: int | None,
    on_finished: OnProgress = _silent,
) -> int:
    """Finish the waiting call jobs that these entries cover, all of one campaign or (None) of all; says how many."""
    numbers = [entry.pattern for entry in entries if not entry.is_prefix]
    prefixes = [entry.pattern for entry in entries if entry.is_prefix]
    finished = await finish_suppressed_numbers(ledger, numbers, campaign_id=campaign_id) if numbers else 0
    last = await last_call_job(ledger) if prefixes else 0
    for after in range(0, last, BITE_JOBS):
        finished += await finish_suppressed_prefixes(
            ledger, prefixes, campaign_id=campaign_id, after=after, upto=after + BITE_JOBS
        )
        on_finished(finished)
    return finished


async def import_suppressions(
    ledger: Ledger,
    file: SuppressionFile,
    *,
    on_rejected: Callable[[RejectedRow], None] = lambda row: None,
    on_progress: OnProgress = _silent,
) -> SuppressionImport:
    """Put a file's entries on the list, chunk by chunk; a bad row is handed to ``on_rejected`` and the rest goes on.

    Importing a file again changes nothing; an import that was cut is completed by the next.

    Args:
        on_progress: called with the rows done so far.

    Raises:
        InvalidInput: the file cannot be read, or has no phone column or no rows.
    """
    report = SuppressionImport()
    prefixes: dict[str, NewSuppression] = {}
    for chunk in _chunks(file.rows()):
        entries = _merge(row for row in chunk if isinstance(row, NewSuppression))
        rejected = [row for row in chunk if isinstance(row, RejectedRow)]
        for row in rejected:
            on_rejected(row)
        _count(report, len(chunk), len(rejected), len(entries), await put_suppressions(ledger, entries))
        numbers = [entry for entry in entries if not entry.is_prefix]
        prefixes |= {entry.pattern: entry for entry in entries if entry.is_prefix}
        report.finished += await finish_waiting(ledger, numbers, campaign_id=file.defaults.campaign_id)
        on_progress(report.rows)
    if not report.rows:
        raise InvalidInput(f"{file.path.name} has a header and no rows", hint="is it the right file?")
    report.finished += await finish_waiting(ledger, list(prefixes.values()), campaign_id=file.defaults.campaign_id)
    return report


def _chunks(rows: Iterator[NewSuppression | RejectedRow]) -> Iterator[list[NewSuppression | RejectedRow]]:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def _count(report: SuppressionImport, rows: int, rejected: int, entries: int, put: Put) -> None:
    report.rows += rows
    report.rejected += rejected
    report.added += put.added
    report.changed += put.changed
    report.unchanged += put.unchanged + rows - rejected - entries


def _merge(entries: Iterable[NewSuppression]) -> list[NewSuppression]:
    """One entry for each pattern: the first reason that says something, the end furthest away."""
    merged: dict[tuple[str, bool], NewSuppression] = {}
    for entry in entries:
        key = entry.pattern, entry.is_prefix
        merged[key] = _both(merged[key], entry) if key in merged else entry
    return list(merged.values())


def _both(first: NewSuppression, second: NewSuppression) -> NewSuppression:
    ends = [first.ends_at, second.ends_at]
    known = [end for end in ends if end is not None]
    return replace(first, reason=first.reason or second.reason, ends_at=max(known) if len(known) == len(ends) else None)
