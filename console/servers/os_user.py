"""PostgreSQL refuses to run as root.  So for root it runs as an OS user of its own.

No folder that is not ours is opened to others: what is closed is refused, or worked around.
"""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import InvalidInput

NAME = "dialer-postgres"


@dataclass(frozen=True, kw_only=True, slots=True)
class OsUser:
    """Who PostgreSQL runs as when it is not ourselves."""

    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        """Give the folder (not what is in it) to this user."""
        os.chown(folder, self.uid, self.gid)


def user_for_postgres() -> OsUser | None:
    """None when we are not root: then PostgreSQL runs as we do.  As root, the user is made if it is missing."""
    if os.geteuid() != 0:
        return None
    entry = _entry() or _made()
    return OsUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    options = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/bin/false",
    ]
    if useradd is not None:
        # another command may be making it at this moment: what counts is that it is there afterwards
        subprocess.run([useradd, *options, NAME], check=False, capture_output=True)  # noqa: S603
    entry = _entry()
    if entry is None:
        raise InvalidInput(
            f"PostgreSQL does not run as root, and the OS user {NAME} for it could not be made",
            hint="Run the dialer as an ordinary user, or set DATABASE_URL to a PostgreSQL server.",
        )
    return entry


def refuse_closed(folder: Path) -> None:
    """Refuse a data folder that root alone can reach, such as one in root's home: it is not for us to open that.

    The folder itself may be closed, or not there yet.

    Raises:
        InvalidInput: we are root, and PostgreSQL's user cannot come to the folder.
    """
    closed = [parent for parent in folder.parents if parent.exists() and not may_enter(parent)]
    if os.geteuid() == 0 and closed:
        raise InvalidInput(
            f"the data folder {folder} cannot be used by root: PostgreSQL does not run as root, "
            f"and {closed[-1]} is closed to other users",
            hint="Set DIALER_DATA to a folder that others may enter, such as /var/lib/dialer; "
            "or run the dialer as an ordinary user; or set DATABASE_URL to a PostgreSQL server.",
        )


def open_to_pass(folder: Path) -> None:
    """Let others pass through one of our own folders, without seeing what is in it."""
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXGRP | stat.S_IXOTH)


def may_enter(folder: Path) -> bool:
    """Whether every user of this machine may pass through the folder."""
    return bool(folder.stat().st_mode & stat.S_IXOTH)
