"""Reads a file of this machine, block by block."""

from collections.abc import Iterator
from pathlib import Path

from dialer.errors import InvalidInput

_READ_BYTES = 1 << 20


def read_blocks(path: Path) -> Iterator[bytes]:
    """What is in the file, a MiB at a time.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                yield block
    except OSError as error:
        raise InvalidInput(
            f"{path}: {error.strerror or error}", hint="give the path of a CSV file this user may read"
        ) from error
