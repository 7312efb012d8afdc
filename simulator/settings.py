"""What one simulator is told at its start."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from simulator.outages import Outage

#: how a carrier words its limits; see ``carrier_limits``
STYLES: Final = ("mixed", "twilio", "telnyx", "plivo", "bare")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much is taken of a trunk, of an account's trunks together or of everybody; None is no limit."""

    calls_per_second: float | None = None
    max_concurrent_calls: int | None = None
    style: str | None = None  #: None: the whole carrier's, which is ``mixed`` by default

    def __post_init__(self) -> None:
        """A limit that lets nothing through is a mistake: ValueError."""
        if self.calls_per_second is not None and not 0 < self.calls_per_second < math.inf:
            raise ValueError(f"calls_per_second must be above 0, not {self.calls_per_second}")
        if self.max_concurrent_calls is not None and self.max_concurrent_calls < 1:
            raise ValueError(f"max_concurrent_calls must be at least 1, not {self.max_concurrent_calls}")
        if self.style is not None and self.style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, not {self.style}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLimits(Limits):
    """The limits of some trunks together."""

    trunks: tuple[str, ...] = ()  #: their ids; ``inline:`` and the host for one that comes with the request


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierLimits(Limits):
    """Every limit of the carrier: its own are those of everybody together."""

    trunks: Mapping[str, Limits] = field(default_factory=dict)  #: by the trunk's id
    accounts: Mapping[str, AccountLimits] = field(default_factory=dict)  #: by a name
    counts_challenges: bool = False  #: a trunk with credentials sends two INVITEs: one is asked for them, one has them


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What people who answer ask for, as shares of them; everybody else asks for nothing."""

    callbacks: float = 0.05  #: to be called back
    do_not_calls: float = 0.03  #: never to be called again
    callback_after_seconds: float = 3600.0  #: real seconds from the report to the wished moment

    def __post_init__(self) -> None:
        """Shares that are none are a mistake: ValueError."""
        if self.callbacks < 0 or self.do_not_calls < 0 or self.callbacks + self.do_not_calls > 1:
            raise ValueError("callbacks and do_not_calls must be shares: from 0 to 1 together")


DEFAULT_WISHES: Final = Wishes()


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatorSettings:
    """Every setting of a simulator, as the command line names them."""

    host: str = "127.0.0.1"
    port: int = 0  #: 0: any free port
    api_key: str = "devkey"
    api_secret: str = "secret"  # noqa: S105 - LiveKit's own public development secret
    seed: int = 42  #: the same seed gives every number the same fates again
    speed: float = 1.0  #: 20: what a call takes is 20 times shorter
    token_leeway_seconds: float = 60.0
    clock_offset_seconds: float = 0.0  #: how far this server's clock is ahead of the machine's
    everyone: tuple[int, ...] = ()  #: three last digits each, through which all numbers cycle; none: their own fates
    limits: CarrierLimits = field(default_factory=CarrierLimits)
    outages: tuple[Outage, ...] = ()  #: counted from the start
    requests_per_minute: int | None = None  #: LiveKit's own quota; None: as many as come
    trunks: int = 0  #: how many more there are, ST_trunk_1 and on
    wishes: Wishes = DEFAULT_WISHES
    join_delay_seconds: float = (
        0.003  #: real seconds until a DeleteRoom finds a dial's room; the INVITE takes twice as long
    )
    webhook_urls: tuple[str, ...] = ()  #: who is told of everything that happens in a room

    def __post_init__(self) -> None:
        """A speed that stops the clock is a mistake, a negative delay and a URL that is none, too: ValueError."""
        if not self.speed > 0:
            raise ValueError(f"speed must be above 0, not {self.speed}")
        if self.join_delay_seconds < 0:
            raise ValueError(f"join_delay must be at least 0, not {self.join_delay_seconds}")
        if self.requests_per_minute is not None and self.requests_per_minute < 1:
            raise ValueError(f"requests_per_minute must be at least 1, not {self.requests_per_minute}")
        if self.trunks < 0:
            raise ValueError(f"trunks must be at least 0, not {self.trunks}")
        for url in self.webhook_urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"webhook_url must start with http:// or https://, not {url}")
