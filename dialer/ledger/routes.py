"""Which trunks the campaigns may take for which numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from dialer.domain.number_prefix import calling_code
from dialer.domain.route import CampaignWays, Route, prefixes_of, ways_of
from dialer.errors import Conflict
from dialer.ledger.session import Row, Statements

#: SQL: the key of an advisory lock.  Whoever writes call jobs of a campaign shares it, whoever changes what its numbers
#: are told apart by takes it alone.
CLASSES_LOCK = "hashtextextended('dialer/classes', %(campaign)s)"


async def read_ways(statements: Statements, campaign_ids: Collection[int]) -> dict[int, CampaignWays]:
    """The trunks of these campaigns by class of numbers; a campaign that is not there is left out."""
    rows = await statements.rows(
        """/* read_ways */
        SELECT c.id, c.trunk_choice, c.prefixes, r.trunk_id, r.prefix, r.place, r.weight, t.serves
        FROM campaigns c
        LEFT JOIN (routes r JOIN trunks t ON t.id = r.trunk_id AND t.removed_at IS NULL) ON r.campaign_id = c.id
        WHERE c.id = ANY (%(ids)s)""",
        {"ids": list(campaign_ids)},
    )
    of_campaign: dict[int, list[Row]] = {}
    for row in rows:
        of_campaign.setdefault(row["id"], []).append(row)
    return {campaign_id: _ways(campaign_id, own) for campaign_id, own in of_campaign.items()}


def _ways(campaign_id: int, rows: list[Row]) -> CampaignWays:
    routes = [_route(row) for row in rows if row["trunk_id"] is not None]
    return CampaignWays(
        campaign_id=campaign_id,
        weighted=rows[0]["trunk_choice"] == "weighted",
        ways=ways_of(routes, rows[0]["prefixes"]),
    )


def _route(row: Row) -> Route:
    return Route(
        trunk_id=row["trunk_id"],
        prefix=row["prefix"],
        place=row["place"],
        weight=row["weight"],
        serves=tuple(row["serves"]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignTrunk:
    """A trunk that an operator gave to a campaign.

    Attributes:
        prefix: what the numbers begin with that go through it; '': all others.
        name: the trunk's, where it was read.
    """

    trunk_id: int
    prefix: str = ""
    weight: int = 1
    name: str = field(default="", compare=False)


async def read_campaign_trunks(statements: Statements, campaign_id: int) -> tuple[CampaignTrunk, ...]:
    """The trunks of a campaign that were not removed, by prefix and place, as they were given."""
    rows = await statements.rows(
        """/* read_campaign_trunks */
        SELECT r.trunk_id, r.prefix, r.weight, t.name FROM routes r JOIN trunks t ON t.id = r.trunk_id
        WHERE r.campaign_id = %(id)s AND t.removed_at IS NULL ORDER BY r.prefix, r.place, r.trunk_id""",
        {"id": campaign_id},
    )
    return tuple(CampaignTrunk(**row) for row in rows)


async def set_campaign_trunks(statements: Statements, campaign_id: int, trunks: Sequence[CampaignTrunk]) -> None:
    """Give a campaign these trunks, in this order, instead of those it has; its call jobs follow.

    Raises:
        Conflict: one of them was removed.
    """
    await _keep_trunks(statements, [trunk.trunk_id for trunk in trunks])
    await statements.changed(
        "/* set_campaign_trunks */ DELETE FROM campaign_trunks WHERE campaign_id = %(id)s", {"id": campaign_id}
    )
    if len(trunks) > 1 or any(trunk.prefix for trunk in trunks):
        await statements.changed(
            """/* set_campaign_trunks */
            INSERT INTO campaign_trunks (campaign_id, trunk_id, prefix, place, weight)
            SELECT %(id)s, trunk_id, prefix, place, weight
            FROM unnest(%(trunks)s::int[], %(prefixes)s::text[], %(weights)s::int[])
                WITH ORDINALITY AS t (trunk_id, prefix, weight, place)""",
            {
                "id": campaign_id,
                "trunks": [trunk.trunk_id for trunk in trunks],
                "prefixes": [trunk.prefix for trunk in trunks],
                "weights": [trunk.weight for trunk in trunks],
            },
        )
    await renew_routes(statements, [campaign_id])


async def _keep_trunks(statements: Statements, trunk_ids: Sequence[int]) -> None:
    """Nobody removes these trunks before this transaction is over."""
    rows = await statements.rows(
        """/* keep_trunks */
        SELECT id FROM trunks WHERE id = ANY (%(ids)s) AND removed_at IS NULL ORDER BY id FOR KEY SHARE""",
        {"ids": list(trunk_ids)},
    )
    if len(rows) < len(set(trunk_ids)):
        raise Conflict("a trunk of this campaign was removed", hint="`dialer trunk list` shows which are there")


async def renew_routes_of_trunk(statements: Statements, trunk_id: int) -> None:
    """What a trunk serves was changed: the campaigns that have it follow."""
    rows = await statements.rows(
        """/* routes_of_trunk */
        SELECT DISTINCT campaign_id AS id FROM routes WHERE trunk_id = %(id)s ORDER BY campaign_id""",
        {"id": trunk_id},
    )
    await renew_routes(statements, [row["id"] for row in rows])


async def renew_routes(statements: Statements, campaign_ids: Sequence[int]) -> None:
    """Tell apart what these campaigns' routes and trunks tell apart now, and give their call jobs their classes.

    All in the caller's transaction: no call job is ever of a class that its campaign does not have.  An import that
    runs meanwhile waits, and reads the new prefixes.
    """
    for campaign_id in sorted(campaign_ids):
        rows = await statements.rows(
            """/* renew_routes */
            SELECT r.trunk_id, r.prefix, r.place, r.weight, t.serves FROM routes r JOIN trunks t ON t.id = r.trunk_id
            WHERE r.campaign_id = %(id)s AND t.removed_at IS NULL""",
            {"id": campaign_id},
        )
        prefixes = list(prefixes_of(map(_route, rows)))
        changed = await statements.changed(
            """/* renew_routes */
            UPDATE campaigns SET prefixes = %(prefixes)s
            WHERE id = %(id)s AND state <> 'cancelled' AND prefixes <> %(prefixes)s::text[]""",
            {"id": campaign_id, "prefixes": prefixes},
        )
        if changed:
            await _reclass(statements, campaign_id)


async def _reclass(statements: Statements, campaign_id: int) -> None:
    """Finished call jobs too: a correction or a promised call back may let one wait again."""
    await statements.rows("/* reclass */ SET LOCAL lock_timeout = '20s'")
    await statements.rows(
        f"/* reclass */ SELECT pg_advisory_xact_lock({CLASSES_LOCK})",
        {"campaign": campaign_id},
    )
    on_the_line = await statements.rows(
        "/* reclass */ SELECT id FROM call_jobs WHERE campaign_id = %(id)s AND state = 'in_progress'",
        {"id": campaign_id},
    )
    parameters = {"id": campaign_id, "on_the_line": [row["id"] for row in on_the_line]}
    for which in ("<> ALL", "= ANY"):  # those on the line last: who settles their calls waits for the end of this
        await statements.changed(
            f"""/* reclass */
            UPDATE call_jobs j SET route = route_of(j.number, c.prefixes) FROM campaigns c
            WHERE c.id = %(id)s AND j.campaign_id = c.id AND j.id {which} (%(on_the_line)s::bigint[])
              AND j.route <> route_of(j.number, c.prefixes)""",  # noqa: S608 - two constants
            parameters,
        )


async def count_unserved(statements: Statements, campaign_id: int) -> dict[str, int]:
    """How many people wait whose numbers no trunk of the campaign carries, by what the numbers begin with.

    That is a prefix of the campaign's routes, or else a country's calling code.  Empty for a campaign without trunks.
    """
    ways = (await read_ways(statements, [campaign_id]))[campaign_id]
    unserved = [number_class for number_class, trunks in ways.ways.items() if not trunks]
    if not unserved or not ways.trunk_ids:
        return {}
    rows = await statements.rows(
        """/* count_unserved */
        SELECT CASE route WHEN '' THEN left(number, 4) ELSE route END AS beginning, route = '' AS is_rest,
               count(*) AS people
        FROM call_jobs WHERE campaign_id = %(id)s AND state = 'waiting' AND route = ANY (%(classes)s)
        GROUP BY 1, 2""",
        {"id": campaign_id, "classes": unserved},
    )
    counted: dict[str, int] = {}
    for row in rows:
        beginning = calling_code(row["beginning"]) if row["is_rest"] else row["beginning"]
        counted[beginning] = counted.get(beginning, 0) + row["people"]
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


async def campaigns_of_trunk(statements: Statements, trunk_id: int) -> dict[int, str]:
    """The names of the campaigns that are not over and may dial through a trunk, by id."""
    rows = await statements.rows(
        """/* campaigns_of_trunk */
        SELECT id, name FROM campaigns c WHERE state NOT IN ('finished', 'cancelled')
           AND EXISTS (SELECT FROM routes r WHERE r.campaign_id = c.id AND r.trunk_id = %(id)s) ORDER BY name""",
        {"id": trunk_id},
    )
    return {row["id"]: row["name"] for row in rows}
