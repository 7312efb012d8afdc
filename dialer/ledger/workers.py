"""Workers in the ledger: who runs, and who has not been heard of."""

from datetime import timedelta
from uuid import UUID

from dialer.ledger.session import Ledger


async def sign_in(ledger: Ledger, *, worker_id: UUID, kind: str, pid: int, host: str, version: str) -> None:
    await ledger.changed(
        """/* sign_in_worker */
        INSERT INTO workers (id, kind, pid, host, version) VALUES (%(id)s, %(kind)s, %(pid)s, %(host)s, %(version)s)""",
        {"id": worker_id, "kind": kind, "pid": pid, "host": host, "version": version},
    )


async def beat(ledger: Ledger, worker_id: UUID) -> None:
    await ledger.changed(
        "/* worker_heartbeat */ UPDATE workers SET heartbeat_at = now() WHERE id = %(id)s", {"id": worker_id}
    )


async def sign_out(ledger: Ledger, worker_id: UUID) -> None:
    """The process leaves in order; what it left open is the rescuer's from now on."""
    await ledger.changed(
        "/* sign_out_worker */ UPDATE workers SET state = 'left', heartbeat_at = now() WHERE id = %(id)s",
        {"id": worker_id},
    )


async def count_alive(ledger: Ledger, *, silence: timedelta) -> dict[str, int]:
    """Processes with a heartbeat younger than ``silence``, by kind."""
    rows = await ledger.rows(
        """/* workers_alive */
        SELECT kind, count(*) AS alive FROM workers
        WHERE state = 'running' AND heartbeat_at > now() - %(silence)s::interval GROUP BY kind""",
        {"silence": silence},
    )
    return {row["kind"]: row["alive"] for row in rows}
