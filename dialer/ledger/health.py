"""What was learned about trunks, accounts and the LiveKit project: breakers and cuts, kept where all can read them.

Who changes a row names the version it judged by: one that was changed meanwhile is judged anew.
"""

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.congestion import ChannelsCut, Cut
from dialer.domain.trunk_state import Health
from dialer.ledger.session import Row, Statements

Scope = tuple[str, int]  #: ``trunk``, ``account`` or ``livekit``, and its id (0 for livekit)


async def read_health(statements: Statements) -> dict[Scope, Health]:
    """Of everything about which something was learned."""
    rows = await statements.rows("/* read_health */ SELECT * FROM health")
    return {(row["scope"], row["scope_id"]): _health(row) for row in rows}


def _health(row: Row) -> Health:
    return Health(
        breaker=Breaker(
            state=BreakerState(row["state"]),
            reason=row["reason"],
            rule=row["rule"],
            since=row["since"],
            openings=row["openings"],
            opened_at=row["opened_at"],
            probe_at=row["probe_at"],
            closed_at=row["closed_at"],
        ),
        rate_cut=_rate_cut(row),
        channels_cut=_channels_cut(row),
        probe_release=row["probe_release"],
        version=row["version"],
    )


def _rate_cut(row: Row) -> Cut | None:
    if row["rate_cut_at"] is None:
        return None
    return Cut(ceiling=row["rate_ceiling"], rate=row["rate"], at=row["rate_cut_at"], reason=row["rate_reason"] or "")


def _channels_cut(row: Row) -> ChannelsCut | None:
    if row["channels_cut_at"] is None:
        return None
    return ChannelsCut(
        ceiling=row["channels_ceiling"],
        channels=row["channels"],
        at=row["channels_cut_at"],
        reason=row["channels_reason"] or "",
    )


async def write_health(statements: Statements, scope: Scope, health: Health) -> bool:
    """Write what was judged by ``health.version``; False: somebody else was faster, and it is to be judged anew."""
    breaker, rate, channels = health.breaker, health.rate_cut, health.channels_cut
    changed = await statements.changed(
        _WRITE,
        {
            "scope": scope[0],
            "id": scope[1],
            "state": breaker.state.value,
            "reason": breaker.reason,
            "rule": breaker.rule,
            "since": breaker.since,
            "openings": breaker.openings,
            "opened_at": breaker.opened_at,
            "probe_at": breaker.probe_at,
            "probe": health.probe_release,
            "closed_at": breaker.closed_at,
            "rate_ceiling": rate and rate.ceiling,
            "rate": rate and rate.rate,
            "rate_at": rate and rate.at,
            "rate_reason": rate and rate.reason,
            "channels_ceiling": channels and channels.ceiling,
            "channels": channels and channels.channels,
            "channels_at": channels and channels.at,
            "channels_reason": channels and channels.reason,
            "version": health.version,
        },
    )
    return bool(changed)


_WRITE = """/* write_health */
INSERT INTO health AS h (scope, scope_id, state, reason, rule, since, openings, opened_at, probe_at, probe_release,
    closed_at, rate_ceiling, rate, rate_cut_at, rate_reason, channels_ceiling, channels, channels_cut_at,
    channels_reason, version)
VALUES (%(scope)s, %(id)s, %(state)s, %(reason)s, %(rule)s, coalesce(%(since)s, now()), %(openings)s, %(opened_at)s,
    %(probe_at)s, %(probe)s, %(closed_at)s, %(rate_ceiling)s, %(rate)s, %(rate_at)s, %(rate_reason)s,
    %(channels_ceiling)s, %(channels)s, %(channels_at)s, %(channels_reason)s, 1)
ON CONFLICT (scope, scope_id) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, rule = excluded.rule, since = excluded.since,
    openings = excluded.openings, opened_at = excluded.opened_at, probe_at = excluded.probe_at,
    probe_release = excluded.probe_release, closed_at = excluded.closed_at, rate_ceiling = excluded.rate_ceiling,
    rate = excluded.rate, rate_cut_at = excluded.rate_cut_at, rate_reason = excluded.rate_reason,
    channels_ceiling = excluded.channels_ceiling, channels = excluded.channels,
    channels_cut_at = excluded.channels_cut_at, channels_reason = excluded.channels_reason, version = h.version + 1
WHERE h.version = %(version)s"""
