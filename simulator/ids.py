"""Ids in LiveKit's form: a prefix and twelve characters."""

import random
from typing import Final

_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# Ids are not part of what a seed repeats: two simulators must not hand out the same ones.
_random = random.Random()  # noqa: S311


def new_id(prefix: str) -> str:
    """A fresh id, such as ``RM_xSaGJPrJKS6g`` for ``RM``."""
    return f"{prefix}_{''.join(_random.choices(_ALPHABET, k=12))}"
