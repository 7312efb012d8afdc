"""``dialer livekit``: the LiveKit project and its quota of requests."""

from typing import Annotated

import typer

from console.livekit_cloud import ADVICE, REQUESTS_PER_MINUTE, is_cloud
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.layout import details
from dialer.domain.trunk import check_rate
from dialer.errors import InvalidInput
from dialer.ledger.line_status import read_quota, set_quota


def show(as_json: Json = False) -> None:
    """Show the LiveKit project and how many requests a minute it is sent at most."""
    quota, url = run(_read)
    if as_json:
        return put_json({"url": url, "requests_per_minute": quota})
    shown = "no limit is known" if quota is None else f"{quota:g} at most"
    put(details([("LIVEKIT_URL", url or "not set"), ("requests per minute", shown)]))
    return _recommend(url) if quota is None else None


def edit(
    requests_per_minute: Annotated[
        str,
        typer.Option(
            "--requests-per-minute",
            metavar="N",
            help="Requests a minute, at most, of the whole project: LiveKit Cloud takes about 1000; "
            "none: no limit, as with a server of your own.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Set the project's quota of requests. Calls and looks keep below it together; in force within 2 seconds."""
    quota = _quota(requests_per_minute)
    run(lambda session: set_quota(session.ledger, quota))
    say(
        "LiveKit is sent as many requests as are needed."
        if quota is None
        else f"LiveKit is sent {quota:g} requests a minute at most."
    )
    if as_json:
        put_json({"requests_per_minute": quota})


async def _read(session: Session) -> tuple[float | None, str | None]:
    return await read_quota(session.ledger), session.settings.livekit_url or None


def _recommend(url: str | None) -> None:
    if is_cloud(url):
        say(
            f"This is LiveKit Cloud, which takes about {REQUESTS_PER_MINUTE} requests a minute for a project: {ADVICE}."
        )


def _quota(text: str) -> float | None:
    if text.strip().casefold() == "none":
        return None
    try:
        quota = float(text)
    except ValueError:
        raise InvalidInput(f"--requests-per-minute {text!r} is not a number", hint="as 1000; none: no limit") from None
    check_rate(quota / 60, what="requests per minute, divided by 60,", hint="as 1000; none: no limit")
    return quota
