"""The invariants in a terminal and as JSON."""

from rich.console import Group, RenderableType
from rich.text import Text

from console.views.layout import table
from dialer.domain.invariants import Audit, Checked


def audit_json(audit: Audit) -> dict[str, object]:
    return {
        "clean": audit.clean,
        "invariants": [
            {
                "name": checked.invariant,
                "holds": checked.holds,
                "sentence": checked.sentence,
                "left": checked.left,
                "right": checked.right,
                "broken": list(checked.broken),
            }
            for checked in audit.checked
        ],
    }


def audit_page(audit: Audit) -> RenderableType:
    """One line for each, and below the table whatever breaks one."""
    rows = [("holds" if checked.holds else "BROKEN", _sides(checked), checked.sentence) for checked in audit.checked]
    broken = [Text(f"  {what}") for checked in audit.checked for what in checked.broken]
    verdict = "Everything is accounted for." if audit.clean else "This must not happen: please report it."
    return Group(table(("", "counted", "what must hold"), rows), *broken, "", Text(verdict))


def _sides(checked: Checked) -> str:
    return f"{checked.left:,}" if checked.left == checked.right else f"{checked.left:,} / {checked.right:,}"
