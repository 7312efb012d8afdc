"""What a start will do, for the operator to agree to."""

from console.views.unserved import unserved_words
from console.views.ways import way_lines
from dialer.actions.run_campaign import StartPlan
from dialer.domain.phone_number import mask
from dialer.domain.time_words import local, span
from dialer.domain.trunk import Trunk


def plan_lines(plan: StartPlan) -> str:
    """The plan, line by line."""
    campaign = plan.campaign
    shown = ", ".join(mask(number) for number in plan.first_numbers)
    first = shown if plan.people <= len(plan.first_numbers) else f"{shown}, ..."
    rings = (
        f"rings {span(campaign.ringing_timeout)}, talks {span(campaign.talk_limit)}, {campaign.max_attempts} attempts"
    )
    hours = campaign.hours
    own_clock = " (on each one's own clock, where it is known)" if hours.windows else ""
    lines = [
        ("people", f"{plan.people:,}"),
        ("first", first),
        ("caller ID", _caller_id(plan)),
        *(("trunk", _trunk(plan, trunk)) for trunk in plan.trunks),
        *(("route", line) for line in way_lines(plan.ways, weighted=campaign.trunk_choice == "weighted")),
        *(("no trunk", line) for line in unserved_words(plan.unserved)),
        ("at most", rings),
        ("agent", campaign.agent_name or "none: nobody speaks to whoever answers"),
        ("hours", f"{hours.text_at(plan.now)}{own_clock}"),
        ("begins", local(hours.start_at, hours.time_zone) if hours.start_at else ""),
        ("ends", local(hours.end_at, hours.time_zone) if hours.end_at else ""),
        ("takes", f"{span(plan.at_least)} or more to try everybody once"),
    ]
    shown_lines = [f"  {label:<10}{text}" for label, text in lines if text]
    return "\n".join([f"Campaign {campaign.name} will call:", *shown_lines])


def _caller_id(plan: StartPlan) -> str:
    if plan.campaign.caller_id:
        return f"{plan.campaign.caller_id} (of the campaign)"
    if len(plan.trunks) > 1:
        return ""  # each trunk's line shows its own
    [trunk] = plan.trunks
    return f"{trunk.caller_id} (of the trunk)" if trunk.caller_id else "LiveKit's choice for this trunk"


def _trunk(plan: StartPlan, trunk: Trunk) -> str:
    limits = f"{trunk.configured_calls_per_second:g} calls per second, {trunk.max_concurrent_calls:,} at once"
    own_id = f", from {trunk.caller_id or 'its own number'}"
    shown = own_id if len(plan.trunks) > 1 and not plan.campaign.caller_id else ""
    asked = (
        "" if trunk.inline is None else f"; goes with each call, to {trunk.address}: LiveKit cannot be asked about it"
    )
    return f"{trunk.name}: {limits}{shown}{asked}"
