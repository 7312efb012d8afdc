"""What a start will do, for the operator to agree to."""

from dialer.actions.run_campaign import StartPlan
from dialer.domain.phone_number import mask
from dialer.domain.time_words import local, span


def plan_lines(plan: StartPlan) -> str:
    """The plan, line by line."""
    trunk, campaign = plan.trunk, plan.campaign
    shown = ", ".join(mask(number) for number in plan.first_numbers)
    first = shown if plan.people <= len(plan.first_numbers) else f"{shown}, ..."
    of_whom = "of the campaign" if campaign.caller_id else "of the trunk"
    limits = f"{trunk.calls_per_second:g} calls per second, {trunk.max_concurrent_calls:,} at once"
    rings = (
        f"rings {span(campaign.ringing_timeout)}, talks {span(campaign.talk_limit)}, {campaign.max_attempts} attempts"
    )
    hours = campaign.hours
    own_clock = " (on each one's own clock, where it is known)" if hours.windows else ""
    lines = [
        ("people", f"{plan.people:,}"),
        ("first", first),
        ("caller ID", f"{plan.caller_id} ({of_whom})" if plan.caller_id else "LiveKit's choice for this trunk"),
        ("trunk", f"{trunk.name}: {limits}"),
        ("at most", rings),
        ("agent", campaign.agent_name or "none: nobody speaks to whoever answers"),
        ("hours", f"{hours.text_at(plan.now)}{own_clock}"),
        ("begins", local(hours.start_at, hours.time_zone) if hours.start_at else ""),
        ("ends", local(hours.end_at, hours.time_zone) if hours.end_at else ""),
        ("takes", f"{span(plan.at_least)} or more to try everybody once"),
    ]
    shown_lines = [f"  {label:<10}{text}" for label, text in lines if text]
    return "\n".join([f"Campaign {campaign.name} will call:", *shown_lines])
