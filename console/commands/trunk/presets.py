"""``dialer trunk presets``."""

from console.terminal import Json, put, put_json
from console.views.presets import presets_json, presets_page
from dialer.domain.carrier import CARRIERS


def presets(as_json: Json = False) -> None:
    """Show what carriers publish about their limits, each value with its source: what `trunk add --carrier` takes."""
    if as_json:
        return put_json(presets_json(CARRIERS.values()))
    return put(presets_page(CARRIERS.values()))
