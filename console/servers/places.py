"""Where everything is inside the data folder, and the folders themselves."""

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import InvalidInput

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS
ABOUT = """\
This folder belongs to the dialer: its embedded PostgreSQL (all campaigns and calls) and Valkey, with logs.
Do not change anything in here.  `dialer data remove` stops the servers and deletes the folder.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The paths of one data folder.  None of them need exist."""

    data: Path
    sockets: Path

    @property
    def about(self) -> Path:
        """A note for whoever looks in.  It also says that the whole folder may be deleted."""
        return self.data / "ABOUT.txt"

    @property
    def postgres(self) -> Path:
        """The cluster.  Only ever a whole one: it is built beside and then renamed."""
        return self.data / "postgres"

    @property
    def postgres_sockets(self) -> Path:
        """The folder of PostgreSQL's socket; as root it belongs to another user than the rest."""
        return self.sockets / "postgres"

    @property
    def valkey(self) -> Path:
        """Where Valkey keeps its append-only file."""
        return self.data / "valkey"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's socket."""
        return self.sockets / "valkey.sock"

    @property
    def programs(self) -> Path:
        """Copies of PostgreSQL's programs, if its own OS user cannot reach the installed ones."""
        return self.data / "programs"

    @property
    def logs(self) -> Path:
        """One log for each server."""
        return self.data / "logs"

    @property
    def users_lock(self) -> Path:
        """Held shared by every command that uses the servers."""
        return self.data / "users.lock"

    @property
    def start_lock(self) -> Path:
        """Held while servers are started or stopped."""
        return self.data / "start.lock"

    @property
    def up_lock(self) -> Path:
        """Held by ``dialer up``; its text is the process id."""
        return self.data / "up.lock"


def places_in(data: Path) -> Places:
    """The paths for a data folder.

    Sockets live in it too, unless their paths would be too long for the kernel.  Then they move to a folder in
    /tmp that hangs on the data folder's name alone: TMPDIR and XDG_RUNTIME_DIR may differ from one command to
    the next.
    """
    data = data.resolve()
    inside = Places(data=data, sockets=data / "run")
    if len(os.fsencode(inside.postgres_sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Places(data=data, sockets=Path("/tmp") / f"dialer-{name}")  # noqa: S108  owner and mode are checked


def make_folders(places: Places) -> None:
    """Make the data folder and what the servers expect in it.

    Raises:
        InvalidInput: the folder cannot be made or used, or a stranger has taken the place of the sockets.
    """
    try:
        is_new = not places.data.exists() or not any(places.data.iterdir())
        for folder in (places.data, places.logs, places.valkey, places.sockets):
            folder.mkdir(parents=folder == places.data, exist_ok=True, mode=0o700)
        if is_new:
            places.about.write_text(ABOUT)
    except OSError as error:
        raise InvalidInput(
            f"the data folder {places.data} cannot be used: {error.strerror or error}",
            hint="Set DIALER_DATA to a folder that you may write to.",
        ) from error
    _refuse_foreign(places.sockets)


def _refuse_foreign(folder: Path) -> None:
    """Sockets may have to be in a place that is open to all: somebody may be there already, to listen in."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o066:
        raise InvalidInput(
            f"{folder} is needed for sockets, but it is not a folder that belongs to you alone",
            hint=f"Remove {folder}, or set DIALER_DATA to a folder with a shorter path.",
        )


def delete_folders(places: Places) -> None:
    """Delete the data folder: all of it if it has been ours from the start, else only what the dialer made."""
    if places.about.exists():
        shutil.rmtree(places.data)
    else:
        for path in (places.postgres, places.programs, places.valkey, places.logs, places.sockets):
            shutil.rmtree(path, ignore_errors=True)
        for path in (places.users_lock, places.start_lock, places.up_lock):
            path.unlink(missing_ok=True)
    shutil.rmtree(places.sockets, ignore_errors=True)
