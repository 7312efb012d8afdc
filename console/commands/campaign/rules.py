"""The options that make a campaign's rules, for ``create`` and ``edit``."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from console.commands.campaign.agent_flags import AgentFlags
from console.commands.campaign.dial_flags import DialFlags
from console.commands.campaign.hours_flags import HoursFlags
from console.commands.campaign.share_flags import ShareFlags
from console.commands.campaign.trunk_flags import TrunkFlags
from dialer.domain.phone_number import check_country
from dialer.domain.retry_file import read_retry_file
from dialer.domain.retry_policy import DEFAULT_POLICY, RetryPolicy, policy_from_json, policy_to_json
from dialer.domain.trunk import check_caller_id
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import Campaign, CampaignRules
from dialer.ledger.session import Ledger

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFlags:
    """What was given on the command line; None: not given."""

    country: Annotated[
        str | None, typer.Option("--country", metavar="CC", help="Of numbers without a country code, as US or DE.")
    ] = None
    caller_id: Annotated[
        str | None,
        typer.Option("--caller-id", metavar="NUMBER", help="Shown to people instead of the trunk's caller ID."),
    ] = None
    ringing_timeout: Annotated[
        int | None,
        typer.Option(
            "--ringing-timeout",
            min=5,
            max=65,
            metavar="SECONDS",
            help="Ring a phone this long, at most. 30 if not given.",
        ),
    ] = None
    talk_limit: Annotated[
        int | None,
        typer.Option(
            "--talk-limit", min=1, max=86_400, metavar="SECONDS", help="Talk this long, at most. 3600 if not given."
        ),
    ] = None
    max_attempts: Annotated[
        int | None,
        typer.Option(
            "--max-attempts", min=1, max=20, metavar="N", help="Call one person this often, at most. 4 if not given."
        ),
    ] = None
    retry: Annotated[
        Path | None,
        typer.Option("--retry", metavar="FILE", help="A TOML file with delays and limits of your own."),
    ] = None

    def apply(self, rules: CampaignRules) -> CampaignRules:
        """The rules with what was given.

        Raises:
            InvalidInput: an option or the retry file cannot be used.
        """
        policy = self._policy(rules)
        return replace(
            rules,
            caller_id=check_caller_id(self.caller_id) or rules.caller_id,
            country=check_country(self.country) if self.country else rules.country,
            ringing_timeout=_seconds(self.ringing_timeout) or rules.ringing_timeout,
            talk_limit=_seconds(self.talk_limit) or rules.talk_limit,
            max_attempts=policy.max_attempts,  # the ledger keeps it twice: the claim looks at this one
            policy=policy_to_json(policy),
        )

    def _policy(self, rules: CampaignRules) -> RetryPolicy:
        policy = read_retry_policy(self.retry) if self.retry else policy_from_json(rules.policy)
        return policy if self.max_attempts is None else replace(policy, max_attempts=self.max_attempts)


_DEFAULTS = CampaignRules(
    trunk_id=None,
    caller_id=None,
    country=None,
    ringing_timeout=timedelta(seconds=30),
    talk_limit=timedelta(hours=1),
    max_attempts=DEFAULT_POLICY.max_attempts,
    policy=policy_to_json(DEFAULT_POLICY),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOptions:
    """Everything that ``create`` and ``edit`` can be told about a campaign."""

    calls: CallFlags
    trunks: TrunkFlags
    share: ShareFlags
    hours: HoursFlags
    agent: AgentFlags
    dial: DialFlags

    async def apply(self, ledger: Ledger, to: Campaign | None) -> CampaignRules:
        """The rules of a campaign (None: a new one) with what was given.

        Raises:
            NotFound: there is no such trunk.
            InvalidInput: an option or the retry file cannot be used.
        """
        rules = self.calls.apply(rules_of(to) if to else _DEFAULTS)
        rules = await self.trunks.apply(ledger, self.share.apply(rules), to)
        return self.dial.apply(self.agent.apply(self.hours.apply(rules)))


def rules_of(campaign: Campaign) -> CampaignRules:
    return CampaignRules(
        trunk_id=campaign.trunk_id,
        caller_id=campaign.caller_id,
        country=campaign.country,
        ringing_timeout=campaign.ringing_timeout,
        talk_limit=campaign.talk_limit,
        max_attempts=campaign.max_attempts,
        policy=campaign.policy,
        agent_name=campaign.agent_name,
        agent_left=campaign.agent_left,
        dial_options=campaign.dial_options,
        start_at=campaign.start_at,
        end_at=campaign.end_at,
        time_zone=campaign.time_zone,
        calling_hours=campaign.calling_hours,
        weight=campaign.weight,
        max_concurrent_calls=campaign.max_concurrent_calls,
        retries_first=campaign.retries_first,
        trunk_choice=campaign.trunk_choice,
    )


def read_retry_policy(path: Path) -> RetryPolicy:
    """Read a retry file of this machine.

    Raises:
        InvalidInput: it cannot be read, or what is in it cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", hint="give the path of a TOML file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text", hint="give the path of a TOML file") from error
    return read_retry_file(text, name=path.name)


def _seconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(seconds=number)
