"""What today's rules say of calls that are over, in a terminal and as JSON."""

from rich.console import Group, RenderableType

from console.views.layout import details, heading, table
from console.views.words import plain
from dialer.actions.reclassify import Change, Reclassified
from dialer.domain.reclassification import Difference


def reclassified_page(found: Reclassified) -> RenderableType:
    """The figures, and every change with the first attempts it is about."""
    parts: list[RenderableType] = [heading(f"{found.attempts:,} attempts have ended"), details(_figures(found))]
    if found.changes:
        columns = ("attempts", "judged as", "by rule", "now", "by rule", "for example")
        parts += ["", table(columns, [_row(found, *item) for item in found.changes.most_common()], right=(0,))]
    return Group(*parts)


def _figures(found: Reclassified) -> list[tuple[str, str]]:
    return [
        ("judged the same", f"{found.same:,}"),
        ("judged otherwise", f"{sum(found.changes.values()):,}"),
        ("not judged by the answer", f"{found.undecided:,} (LiveKit's rooms or webhooks decided)"),
        ("no evidence", f"{found.no_evidence:,}"),
        (
            "would count otherwise",
            f"{found.counts_otherwise:,} (never corrected: it has decided what came next)"
            if found.counts_otherwise
            else "",
        ),
    ]


def _row(found: Reclassified, change: Change, count: int) -> tuple[str, ...]:
    return (
        f"{count:,}",
        plain(change.outcome_before),
        change.rule_before,
        plain(change.outcome),
        change.rule,
        found.examples[change][0].attempt.number,
    )


def reclassified_json(found: Reclassified) -> dict[str, object]:
    return {
        "attempts": found.attempts,
        "same": found.same,
        "different": sum(found.changes.values()),
        "undecided": found.undecided,
        "no_evidence": found.no_evidence,
        "counts_otherwise": found.counts_otherwise,
        "corrected": found.corrected,
        "changes": [
            {
                "outcome_before": change.outcome_before,
                "rule_before": change.rule_before,
                "outcome": change.outcome,
                "rule": change.rule,
                "attempts": count,
                "examples": [_example(difference) for difference in found.examples[change]],
            }
            for change, count in found.changes.most_common()
        ],
    }


def _example(difference: Difference) -> dict[str, object]:
    attempt = difference.attempt
    return {"attempt_id": str(attempt.id), "number": attempt.number, "evidence": dict(attempt.evidence)}
