"""What the demo says at its end, and its JSON."""

from rich.console import Group, RenderableType
from rich.text import Text

from console.demo_run import Finding, Wanted
from console.demo_stage import CALLS_PER_SECOND, MAX_CONCURRENT_CALLS
from console.views.layout import details, heading
from console.views.report import report
from dialer.domain.call_job import FinishReason


def demo_json(wanted: Wanted, finding: Finding) -> dict[str, object]:
    """The facts; keys are only ever appended."""
    found, record = finding.standing.report, finding.record
    return {
        "ok": not finding.problems,
        "problems": list(finding.problems),
        "seed": wanted.seed,
        "speed": wanted.speed,
        "seconds": round(finding.seconds, 1),
        "rows": found.rows,
        "rejected": found.rejected,
        "duplicates": found.duplicates,
        "contacts": found.contacts,
        "reached": _reached(finding),
        "finish_reasons": found.finish_reasons,
        "attempts": found.attempts,
        "outcomes": found.outcomes,
        "agents": found.reported,
        "invites": len(record.invites),
        "worst_second": record.worst_second,
        "calls_per_second": CALLS_PER_SECOND,
        "most_calls": record.most_calls,
        "max_concurrent_calls": MAX_CONCURRENT_CALLS,
        "audit": {check.invariant.value: check.holds for check in finding.audit.checked},
        "results": str(finding.results),
    }


def demo_report(finding: Finding) -> RenderableType:
    """The same for people: the campaign's own report, and what the carrier has to say to it."""
    return Group(
        report(finding.standing),
        "",
        *_verdict(finding),
        "",
        Text(f"Everybody's row, with how it ended and why: {finding.results}"),
    )


def _verdict(finding: Finding) -> list[RenderableType]:
    if finding.problems:
        return [heading("This is not as promised"), *(Text(f"  {problem}") for problem in finding.problems)]
    found, record = finding.standing.report, finding.record
    refused = f"{found.duplicates} double + {found.rejected} refused"
    return [
        heading("Compared with the carrier's own record: as promised"),
        details(
            [
                ("nobody twice", _calls(len(record.invites), attempts=found.attempts)),
                ("nobody lost", f"{found.rows:,} rows = {found.contacts:,} people + {refused}; all finished"),
                ("worst second", f"{record.worst_second} calls began, {CALLS_PER_SECOND} allowed"),
                ("most at once", f"{record.most_calls} calls, {MAX_CONCURRENT_CALLS} allowed"),
                ("audit", f"{len(finding.audit.checked)} of {len(finding.audit.checked)} invariants hold"),
            ]
        ),
    ]


def _calls(calls: int, *, attempts: int) -> str:
    never = f"; {attempts - calls:,} called off before" if attempts > calls else ""
    return f"{attempts:,} attempts, {calls:,} calls: one for each that was dialed{never}"


def _reached(finding: Finding) -> int:
    return finding.standing.report.finish_reasons.get(FinishReason.REACHED, 0)
