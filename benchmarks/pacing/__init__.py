"""Pacing over several trunks and campaigns, through faults, judged by the carrier's own record.

``python -m benchmarks.pacing`` runs what ``README.md`` tells of it; ``pacing`` is the minute of `make bench`.
"""

from benchmarks.pacing.short import pacing

__all__ = ["pacing"]
