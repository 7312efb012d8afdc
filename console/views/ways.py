"""Through which trunks a campaign calls which numbers, in words."""

from collections.abc import Sequence

from dialer.ledger.routes import CampaignTrunk


def way_lines(ways: Sequence[CampaignTrunk], *, weighted: bool) -> list[str]:
    """A line for each prefix; none when one trunk is for all numbers."""
    if len(ways) == 1 and not ways[0].prefix:
        return []
    by_prefix: dict[str, list[CampaignTrunk]] = {}
    for way in ways:
        by_prefix.setdefault(way.prefix, []).append(way)
    others = "all others" if len(by_prefix) > 1 else "all numbers"
    return [f"{prefix or others}: {_trunks(own, weighted=weighted)}" for prefix, own in by_prefix.items()]


def ways_json(ways: Sequence[CampaignTrunk]) -> list[dict[str, object]]:
    return [{"prefix": way.prefix, "trunk": way.name, "weight": way.weight} for way in ways]


def _trunks(ways: Sequence[CampaignTrunk], *, weighted: bool) -> str:
    if not weighted or len(ways) == 1:
        return ", then ".join(way.name for way in ways)
    whole = sum(way.weight for way in ways)
    return ", ".join(f"{way.name} ({way.weight} of {whole})" for way in ways)
