"""A carrier that takes less than it is said to: the limit is found, and nobody loses an attempt to that."""

from collections.abc import Sequence

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import Seen, Span, count_in
from benchmarks.pacing.play import (
    MANY_CHANNELS,
    counted_amiss,
    finished_unreached,
    let_run,
    livekit_id,
    make_trunks,
    read_seen,
)
from benchmarks.report import Report, percent
from benchmarks.stage import BUSY_AT_ONCE, open_stage

CONFIGURED, UNTOLD = 20.0, 7
FIND_SECONDS = 60.0
SECONDS, QUICK_SECONDS = 240.0, 60.0
CALLERS = 2
LEAST_SHARE, MOST_SHARE, MOST_REJECTED = 0.85, 1.0, 0.03
TENTH_SECONDS = 10.0


async def untold(*, quick: bool) -> Report:
    """Configured 20 calls a second; the carrier takes 7 and says so only by refusing."""
    seconds = QUICK_SECONDS if quick else SECONDS
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "1"]) as stage:
        limits = {"calls_per_second": UNTOLD, "style": "twilio"}
        await stage.put("limits", {"trunks": {livekit_id(1): limits}})
        (trunk,) = await make_trunks(stage.ledger, [(CONFIGURED, MANY_CHANNELS)])
        calls = round(CONFIGURED * FIND_SECONDS + 2 * UNTOLD * seconds)
        campaign = await make_campaign(stage.ledger, trunk, "untold", numbers(calls))
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=CALLERS)
        await start(stage.ledger, campaign)
        await let_run(stage, FIND_SECONDS + seconds + 5, "untold")
        seen = await read_seen(stage)
        amiss, unreached = await counted_amiss(stage.ledger), await finished_unreached(stage.ledger)
    report = _judged(seen, seconds)
    report.bound(not amiss, f"no attempt counts that the carrier refused for its limit ({amiss or 'none'})")
    report.bound(not unreached, f"nobody is finished without having been reached ({unreached})")
    return report


def _judged(seen: Sequence[Seen], seconds: float) -> Report:
    begun = seen[0].at + FIND_SECONDS
    span = (begun, begun + seconds)
    report = Report(
        title=f"untold: configured {CONFIGURED:g}/s, the carrier takes {UNTOLD}/s, told to nobody",
        columns=("INVITEs", "refused", "taken", "of the limit"),
    )
    for name, part in (*_first_parts(seen), (f"the {seconds:.0f} s after", span)):
        _row(report, name, seen, part)
    taken, refused = _counts(seen, span)
    share, rejected = taken / (seconds * UNTOLD), refused / max(1, taken + refused)
    report.bound(LEAST_SHARE <= share <= MOST_SHARE, f"from 60 s on, {percent(LEAST_SHARE)} to 100 % of the limit")
    report.bound(
        rejected < MOST_REJECTED, f"from 60 s on, under {percent(MOST_REJECTED)} refused ({percent(rejected)})"
    )
    return report


def _first_parts(seen: Sequence[Seen]) -> list[tuple[str, Span]]:
    first = seen[0].at
    starts = [TENTH_SECONDS * place for place in range(round(FIND_SECONDS / TENTH_SECONDS))]
    return [
        (f"second {start:.0f} to {start + TENTH_SECONDS:.0f}", (first + start, first + start + TENTH_SECONDS))
        for start in starts
    ]


def _row(report: Report, name: str, seen: Sequence[Seen], span: Span) -> None:
    taken, refused = _counts(seen, span)
    share = taken / ((span[1] - span[0]) * UNTOLD)
    report.row(name, str(taken + refused), percent(refused / max(1, taken + refused)), str(taken), percent(share))


def _counts(seen: Sequence[Seen], span: Span) -> tuple[int, int]:
    taken = [each.at for each in seen if each.refused is None]
    refused = [each.at for each in seen if each.refused is not None]
    return count_in(taken, span), count_in(refused, span)
