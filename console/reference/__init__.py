"""The pages of ``docs/`` that are generated from the code: ``python -m console.reference docs``."""

from console.reference.pages import PAGES, PARTS, expected, stale

__all__ = ["PAGES", "PARTS", "expected", "stale"]
