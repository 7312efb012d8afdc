"""What a start will do, for the operator to agree to."""

from dialer.actions.run_campaign import StartPlan
from dialer.domain.phone_number import mask
from dialer.domain.time_words import span


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
    lines = [
        ("people", f"{plan.people:,}"),
        ("first", first),
        ("caller ID", f"{plan.caller_id} ({of_whom})" if plan.caller_id else "LiveKit's choice for this trunk"),
        ("trunk", f"{trunk.name}: {limits}"),
        ("at most", rings),
        ("takes", f"{span(plan.at_least)} or more to try everybody once"),
    ]
    return "\n".join([f"Campaign {campaign.name} will call:", *(f"  {label:<10}{text}" for label, text in lines)])
