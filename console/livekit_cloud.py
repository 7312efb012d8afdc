"""LiveKit Cloud, and the quota that it has for a project."""

from urllib.parse import urlsplit

#: Requests to its API that LiveKit Cloud takes of a project in a minute, about.
REQUESTS_PER_MINUTE = 1000
_CLOUD = ".livekit.cloud"

ADVICE = f"`dialer livekit edit --requests-per-minute {REQUESTS_PER_MINUTE}` keeps calls and looks below it"


def is_cloud(url: str | None) -> bool:
    """Whether this address is LiveKit Cloud's."""
    return (urlsplit(url or "").hostname or "").endswith(_CLOUD)
