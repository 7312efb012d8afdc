"""``dialer data``: the folder of the embedded servers."""

import sys

from console.servers import data_path, remove_data
from console.terminal import Json, Yes, agree, put_json, say
from dialer.config import read_settings


def path(as_json: Json = False) -> None:
    """Print where the data folder is. It need not exist yet."""
    place = data_path(read_settings())
    if as_json:
        return put_json({"path": str(place), "exists": place.exists()})
    sys.stdout.write(f"{place}\n")
    return None


def remove(yes: Yes = False) -> None:
    """Stop the embedded servers and delete the data folder: every campaign, contact and result. Cannot be undone."""
    settings = read_settings()
    place = data_path(settings)
    if not place.exists():
        return say(f"There is no data folder at {place}.")
    if not agree(f"Delete {place} with every campaign in it? This cannot be undone.", yes=yes):
        return say("Nothing was changed.")
    remove_data(settings)
    return say(f"Deleted {place}.")
