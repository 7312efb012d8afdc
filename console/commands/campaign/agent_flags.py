"""The options that say which voice agent talks."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

import typer

from dialer.errors import InvalidInput
from dialer.ledger.campaigns import CampaignRules

_PANEL = "Who talks"
_LONGEST_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentFlags:
    """What was given on the command line; None: not given."""

    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            metavar="NAME",
            help="The LiveKit agent that is in the room before a phone rings; none: no agent.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    hang_up_after: Annotated[
        int | None,
        typer.Option(
            "--hang-up-after",
            min=1,
            max=600,
            metavar="SECONDS",
            help="Hang up so long after the agent has left somebody alone. 5 if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def apply(self, rules: CampaignRules) -> CampaignRules:
        """The rules with what was given.

        Raises:
            InvalidInput: the name cannot be one.
        """
        left = rules.agent_left if self.hang_up_after is None else timedelta(seconds=self.hang_up_after)
        return replace(rules, agent_name=self._name(rules.agent_name), agent_left=left)

    def _name(self, before: str | None) -> str | None:
        if self.agent is None:
            return before
        name = self.agent.strip()
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidInput(
                f"{self.agent[:40]!r} is not the name of an agent",
                hint="give the agent_name that your worker registers with; none: no agent",
            )
        return None if name.casefold() == "none" else name
