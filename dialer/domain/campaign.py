"""The campaign: a batch of contacts called under one set of rules.  Its states and who may move it.  Pure."""

from enum import StrEnum

from dialer.errors import InvariantBroken


class CampaignState(StrEnum):
    """Where a campaign stands.  Values are stored in the ledger: never rename one."""

    DRAFT = "draft"  #: contacts are imported; nothing is called
    RUNNING = "running"  #: the feeder releases what is due
    PAUSED = "paused"  #: the operator stopped it; calls under way go on
    HELD = "held"  #: the system stopped it and says why and what to do
    FINISHED = "finished"  #: every call job is finished
    CANCELLED = "cancelled"  #: the operator ended it; what waited is finished as cancelled


MOVES: dict[CampaignState, dict[CampaignState, str]] = {
    CampaignState.DRAFT: {
        CampaignState.RUNNING: "`dialer campaign start`",
        CampaignState.CANCELLED: "`dialer campaign cancel`",
    },
    CampaignState.RUNNING: {
        CampaignState.PAUSED: "`dialer campaign pause`",
        CampaignState.HELD: "the system: three numbers in a row failed by configuration, or no agent came for them",
        CampaignState.FINISHED: "the feeder: every call job is finished",
        CampaignState.CANCELLED: "`dialer campaign cancel`",
    },
    CampaignState.PAUSED: {
        CampaignState.RUNNING: "`dialer campaign resume`",
        CampaignState.CANCELLED: "`dialer campaign cancel`",
    },
    CampaignState.HELD: {
        CampaignState.RUNNING: "`dialer campaign resume`, once its reason is mended",
        CampaignState.CANCELLED: "`dialer campaign cancel`",
    },
    CampaignState.FINISHED: {
        CampaignState.RUNNING: "`dialer campaign start`, after more contacts were imported; or its last call's agent "
        "reports a call back after the call was settled",
    },
    CampaignState.CANCELLED: {},
}


def may_move(before: CampaignState, after: CampaignState) -> bool:
    """Whether a campaign may go from ``before`` to ``after``."""
    return after in MOVES[before]


def check_move(before: CampaignState, after: CampaignState) -> None:
    """Raise ``InvariantBroken`` unless a campaign may go from ``before`` to ``after``."""
    if not may_move(before, after):
        raise InvariantBroken(f"a campaign cannot go from {before} to {after}")
