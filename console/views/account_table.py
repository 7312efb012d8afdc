"""Carriers' accounts in a terminal and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType

from console.views.layout import table
from dialer.domain.trunk import Account


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account and the names of its trunks."""

    account: Account
    trunks: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.account.name,
            "calls_per_second": self.account.calls_per_second,
            "max_concurrent_calls": self.account.max_concurrent_calls,
            "trunks": list(self.trunks),
        }


def account_table(lines: Sequence[AccountLine]) -> RenderableType:
    rows = [
        (
            line.account.name,
            "no limit" if line.account.calls_per_second is None else f"{line.account.calls_per_second:g}",
            "no limit" if line.account.max_concurrent_calls is None else f"{line.account.max_concurrent_calls:,}",
            ", ".join(line.trunks) or "none yet",
        )
        for line in lines
    ]
    return table(("account", "calls/s", "at once", "trunks"), rows, right=(1, 2))
