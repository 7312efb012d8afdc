"""Every metric, with its sentence.  One exporter shows them, from the ledger and Redis: no process counts by itself.

So a killed process loses nothing, nothing is counted twice, and no number of a person is ever a label.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSpec:
    """Name, sentence and labels of one metric, as the docs list them."""

    name: str
    sentence: str
    labels: tuple[str, ...] = ()
    counter: bool = False


CALL_ATTEMPTS = MetricSpec(
    name="dialer_call_attempts",
    sentence="Attempts that ended, by trunk and by outcome on the line (counted once, with the settlement).",
    labels=("trunk", "outcome"),
    counter=True,
)
CALL_CORRECTIONS = MetricSpec(
    name="dialer_call_corrections",
    sentence="Ended attempts whose outcome was corrected, by late news or by `dialer reclassify --apply`; "
    "`dialer_call_attempts_total` keeps the outcome before.",
    labels=("trunk", "before", "outcome"),
    counter=True,
)
CALL_JOBS = MetricSpec(
    name="dialer_call_jobs",
    sentence="Call jobs of campaigns that are not over, by state.",
    labels=("campaign", "state"),
)
CALL_JOBS_DUE = MetricSpec(
    name="dialer_call_jobs_due", sentence="Call jobs of running campaigns that wait and could be called now."
)
ATTEMPTS_OPEN = MetricSpec(
    name="dialer_attempts_open",
    sentence="Attempts that are open: dialing, answered, or in doubt (in_doubt counts in no other state).",
    labels=("trunk", "state"),
)
CHANNELS_IN_USE = MetricSpec(
    name="dialer_channels_in_use", sentence="Call slots taken, ringing included.", labels=("trunk",)
)
CHANNELS_LIMIT = MetricSpec(
    name="dialer_channels_limit", sentence="Call slots of the trunk, as configured.", labels=("trunk",)
)
DUE_LAG = MetricSpec(
    name="dialer_due_lag_seconds",
    sentence="How long the oldest call job that is due has waited, in seconds; 0 when none is due.",
)
BROKER_MESSAGES = MetricSpec(
    name="dialer_broker_messages",
    sentence="Messages in the broker: waiting, fetched and not acknowledged, or dead.",
    labels=("queue", "kind"),
)
WORKERS = MetricSpec(name="dialer_workers", sentence="Processes with a fresh heartbeat, by kind.", labels=("kind",))
LINE_UP = MetricSpec(
    name="dialer_line_up",
    sentence="1 when LiveKit can be dialed through, 0 when it is away, refuses us or its clock is off.",
)

WEBHOOKS = MetricSpec(
    name="dialer_webhooks",
    sentence="Requests to the webhook address, by what they were: accepted, doubled, ignored, foreign, or refused "
    "(forged, stale, bad_hash, too_large, broken).",
    labels=("fate",),
    counter=True,
)
NEWS_UNHANDLED = MetricSpec(
    name="dialer_news_unhandled", sentence="LiveKit's events kept for more than 5 s that nothing has followed from yet."
)
WEBHOOKS_ARRIVE = MetricSpec(
    name="dialer_webhooks_arrive", sentence="1 when a valid webhook came within the last 60 s, else 0."
)


def _of_trunk(name: str, sentence: str, *more: str) -> MetricSpec:
    return MetricSpec(name=f"dialer_trunk_{name}", sentence=sentence, labels=("trunk", *more))


TRUNK_RATE_LIMIT = _of_trunk(
    "calls_per_second_limit",
    "Calls per second of the trunk, as configured (INVITEs per call and safety factor included).",
)
TRUNK_RATE_LEARNED = _of_trunk(
    "calls_per_second_learned",
    "Calls per second that may go out now: less than configured where the carrier refused more, and while a trunk "
    "starts slowly after an outage. An open breaker does not show here.",
)
TRUNK_RATE = _of_trunk("calls_per_second", "Calls that were let go per second, over the last 10 s or more.")
TRUNK_PEAK_SECOND = _of_trunk(
    "peak_second", "Most calls that were let go in one sliding second of the last minute, of all callers."
)
TRUNK_WAITING = _of_trunk(
    "call_jobs_waiting", "Call jobs that were released for the trunk and wait for a channel or for their turn."
)
TRUNK_BREAKER = _of_trunk(
    "breaker", "1 for the state in which the trunk's breaker is (closed, open, half_open, held), 0 for others.", "state"
)
TRUNK_REFUSED = MetricSpec(
    name="dialer_trunk_refused",
    sentence="Attempts that were refused as too many: by the carrier, per second or at once, or by LiveKit's quota "
    "(`dialer_trunk_held_back` tells them apart).",
    labels=("trunk",),
    counter=True,
)
TRUNK_HELD_BACK = _of_trunk(
    "held_back", "1 for what holds the trunk back, as `dialer trunk show` says it, 0 for others.", "reason"
)
CHANNELS_LEARNED = MetricSpec(
    name="dialer_channels_learned",
    sentence="Call slots that an ordinary call may take now: what is kept free is taken off, and what was learned.",
    labels=("trunk",),
)
ACCOUNT_RATE_LIMIT = MetricSpec(
    name="dialer_account_calls_per_second_limit",
    sentence="Calls per second of all trunks of the account together, as configured; an account without it has none.",
    labels=("account",),
)
ACCOUNT_CHANNELS_LIMIT = MetricSpec(
    name="dialer_account_channels_limit",
    sentence="Call slots of all trunks of the account together; an account without such a limit has none.",
    labels=("account",),
)
ACCOUNT_CHANNELS = MetricSpec(
    name="dialer_account_channels_in_use",
    sentence="Call slots taken by all trunks of the account.",
    labels=("account",),
)
ACCOUNT_BREAKER = MetricSpec(
    name="dialer_account_breaker",
    sentence="1 for the state in which the account's breaker is, 0 for others.",
    labels=("account", "state"),
)
REQUESTS = MetricSpec(
    name="dialer_livekit_requests_per_minute", sentence="Requests to LiveKit in the last minute, of all processes."
)
REQUESTS_LIMIT = MetricSpec(
    name="dialer_livekit_requests_per_minute_limit",
    sentence="LiveKit's quota of requests, as configured; none when no limit is known.",
)
REQUESTS_LEARNED = MetricSpec(
    name="dialer_livekit_requests_per_minute_learned",
    sentence="Requests that may be made per minute now: less than configured where LiveKit refused more.",
)

SPECS: tuple[MetricSpec, ...] = (
    CALL_ATTEMPTS,
    CALL_CORRECTIONS,
    CALL_JOBS,
    CALL_JOBS_DUE,
    ATTEMPTS_OPEN,
    CHANNELS_IN_USE,
    CHANNELS_LIMIT,
    DUE_LAG,
    BROKER_MESSAGES,
    WORKERS,
    LINE_UP,
    WEBHOOKS,
    NEWS_UNHANDLED,
    WEBHOOKS_ARRIVE,
    TRUNK_RATE_LIMIT,
    TRUNK_RATE_LEARNED,
    TRUNK_RATE,
    TRUNK_PEAK_SECOND,
    TRUNK_WAITING,
    TRUNK_REFUSED,
    TRUNK_BREAKER,
    TRUNK_HELD_BACK,
    CHANNELS_LEARNED,
    ACCOUNT_RATE_LIMIT,
    ACCOUNT_CHANNELS_LIMIT,
    ACCOUNT_CHANNELS,
    ACCOUNT_BREAKER,
    REQUESTS,
    REQUESTS_LIMIT,
    REQUESTS_LEARNED,
)

#: Values of one metric: label values in the order of the spec, and the number.
Samples = Mapping[Any, float]  # Any: a Mapping's keys are invariant, and these are tuples of one or two words


@dataclass(slots=True, eq=False)  # a registry wants it hashable
class LedgerCollector(Collector):
    """Shows the snapshot it was last given; without one it shows nothing, rather than zeros."""

    snapshot: Mapping[MetricSpec, Samples] = field(default_factory=dict)

    def collect(self) -> Iterable[Metric]:
        for spec, samples in self.snapshot.items():
            family: CounterMetricFamily | GaugeMetricFamily = (
                CounterMetricFamily(spec.name, spec.sentence, labels=spec.labels)
                if spec.counter
                else GaugeMetricFamily(spec.name, spec.sentence, labels=spec.labels)
            )
            for labels, value in samples.items():
                family.add_metric(list(labels), value)
            yield family
