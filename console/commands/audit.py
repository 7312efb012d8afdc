"""``dialer audit``: proves what must always hold."""

import typer

from console.errors import ExitCode
from console.open_slots import open_slots
from console.session import Session, run
from console.terminal import Json, put, put_json
from console.views.audit_table import audit_json, audit_page
from dialer.actions.audit_ledger import audit as prove
from dialer.domain.invariants import Audit


def audit(as_json: Json = False) -> None:
    """Check that every row and every call is accounted for. The exit code is 1 when one is not."""
    found = run(_prove)
    if as_json:
        put_json(audit_json(found))
    else:
        put(audit_page(found))
    raise typer.Exit(ExitCode.DONE if found.clean else ExitCode.UNAVAILABLE)


async def _prove(session: Session) -> Audit:
    async with open_slots(session) as slots:
        return await prove(session.ledger, slots)
