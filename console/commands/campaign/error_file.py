"""The file that an import writes rows into that cannot be called: the row, and what is wrong with it."""

import os
from pathlib import Path
from typing import IO

from dialer.domain.rejected_rows import RejectedRow, write_rejected
from dialer.errors import InvalidInput


class ErrorFile:
    """Made with the first row it gets; without one, there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._columns: list[str] = []
        self._file: IO[str] | None = None

    def add(self, row: RejectedRow) -> None:
        """Write one row.

        Raises:
            InvalidInput: the file cannot be written.
        """
        try:
            if self._file is None:
                self._columns = list(row.data)
                self._file = self.path.open("w", encoding="utf-8", newline="")
                self._file.write(next(write_rejected([], self._columns)))
            header_and_row = list(write_rejected([row], self._columns))
            self._file.write(header_and_row[1])
        except OSError as error:
            raise InvalidInput(
                f"{self.path} cannot be written: {error.strerror}", hint="name another file: --errors FILE"
            ) from error
        self.rows += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def place_for_errors(contact_file: Path) -> Path:
    """Beside the contact file, or in the working directory when that folder is not ours to write."""
    name = f"{contact_file.name}.errors.csv"
    return contact_file.with_name(name) if os.access(contact_file.parent, os.W_OK) else Path(name)
