"""Where campaigns stand in the round robins of their trunks: kept for whichever feeder releases next."""

from collections.abc import Collection, Mapping

from dialer.domain.fair_share import Place
from dialer.ledger.session import Statements

#: A place, by trunk and campaign.
Places = dict[tuple[int, int], Place]


async def read_places(statements: Statements, trunk_ids: Collection[int]) -> Places:
    """Of every campaign that had work left for one of these trunks when it was last released for."""
    rows = await statements.rows(
        "/* read_places */ SELECT * FROM release_turns WHERE trunk_id = ANY (%(trunks)s)", {"trunks": list(trunk_ids)}
    )
    return {(row["trunk_id"], row["campaign_id"]): Place(deficit=row["deficit"], visits=row["visits"]) for row in rows}


async def write_places(
    statements: Statements, before: Mapping[tuple[int, int], Place], after: Mapping[tuple[int, int], Place]
) -> None:
    """Write what has changed, and forget who has no work any more."""
    changed = {key: place for key, place in after.items() if before.get(key) != place}
    if changed:
        await statements.changed(
            """/* write_places */
            INSERT INTO release_turns AS r (trunk_id, campaign_id, deficit, visits)
            SELECT * FROM unnest(%(trunks)s::int[], %(campaigns)s::int[], %(deficits)s::float8[], %(visits)s::bigint[])
            ON CONFLICT (trunk_id, campaign_id) DO UPDATE SET deficit = excluded.deficit, visits = excluded.visits""",
            {
                "trunks": [trunk_id for trunk_id, _ in changed],
                "campaigns": [campaign_id for _, campaign_id in changed],
                "deficits": [float(place.deficit) for place in changed.values()],
                "visits": [place.visits for place in changed.values()],
            },
        )
    if gone := before.keys() - after.keys():
        await statements.changed(
            """/* forget_places */
            DELETE FROM release_turns r
            USING unnest(%(trunks)s::int[], %(campaigns)s::int[]) AS g (trunk_id, campaign_id)
            WHERE r.trunk_id = g.trunk_id AND r.campaign_id = g.campaign_id""",
            {"trunks": [trunk_id for trunk_id, _ in gone], "campaigns": [campaign_id for _, campaign_id in gone]},
        )
