"""What one simulator is told at its start."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierLimits:
    """How much the carrier takes; None is no limit."""

    calls_per_second: float | None = None
    max_concurrent_calls: int | None = None

    def __post_init__(self) -> None:
        """A limit that lets nothing through is a mistake: ValueError."""
        if self.calls_per_second is not None and not self.calls_per_second > 0:
            raise ValueError(f"calls_per_second must be above 0, not {self.calls_per_second}")
        if self.max_concurrent_calls is not None and self.max_concurrent_calls < 1:
            raise ValueError(f"max_concurrent_calls must be at least 1, not {self.max_concurrent_calls}")


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
    everyone: int | None = None  #: every number does what these three last digits say; None: its own fate
    limits: CarrierLimits = field(default_factory=CarrierLimits)

    def __post_init__(self) -> None:
        """A speed that stops the clock is a mistake: ValueError."""
        if not self.speed > 0:
            raise ValueError(f"speed must be above 0, not {self.speed}")
