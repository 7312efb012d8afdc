"""Locks between processes that the kernel lets go of when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dialer.errors import Conflict


class FileLock:
    """One ``flock`` on one file, not inherited by child processes.  Made by ``lock`` or ``try_lock``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def try_alone(self) -> bool:
        """Turn a shared lock into an exclusive one, if nobody else holds it.  Failing lets go of it."""
        with suppress(BlockingIOError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def write(self, text: str) -> None:
        """Say in the file who holds it.  Only a help for people: the lock is the kernel's."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def release(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def lock(path: Path, *, shared: bool = False) -> FileLock:
    """Wait for the lock and take it."""
    return _acquire(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def try_lock(path: Path) -> FileLock | None:
    """Take the lock alone if nobody holds it, shared or not."""
    try:
        return _acquire(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock alone for a while."""
    held = lock(path)
    try:
        yield
    finally:
        held.release()


def _acquire(path: Path, operation: int) -> FileLock:
    while True:
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, operation)
            if _is_still(path, descriptor):
                return FileLock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        raise Conflict(f"{path.parent} was removed at this very moment", hint="Try again.") from None


def _is_still(path: Path, descriptor: int) -> bool:
    """The data folder may have been removed while we waited: a lock on a file that is gone guards nothing."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
