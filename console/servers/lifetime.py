"""Who uses the embedded servers, who starts them and who stops them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.servers.locks import FileLock, lock, locked, try_lock
from console.servers.os_user import refuse_closed
from console.servers.places import Places, delete_folders, make_folders, places_in
from console.servers.postgres import EmbeddedPostgres
from console.servers.valkey import EmbeddedValkey
from dialer.config import Settings
from dialer.errors import Conflict


@dataclass(frozen=True)
class ServerUrls:
    """Where the ledger and the queue are."""

    database_url: str
    redis_url: str


@contextmanager
def servers(settings: Settings) -> Iterator[ServerUrls]:
    """Have a PostgreSQL and a Valkey or Redis for as long as the block lasts.

    What the settings name is used as it is.  Else the embedded server is used, started when it does not run,
    and stopped at the end unless another command still uses it.

    Raises:
        InvalidInput: the data folder cannot be used.
        StoreUnavailable: an embedded server does not come up.
    """
    if settings.database_url and settings.redis_url:
        yield _urls(settings, places_in(settings.data_dir))
        return
    places = places_in(settings.data_dir)
    use = _enter(settings, places)
    try:
        yield _urls(settings, places)
    finally:
        _leave(places, use)


def data_path(settings: Settings) -> Path:
    """The data folder, whether it exists or not."""
    return places_in(settings.data_dir).data


def remove_data(settings: Settings) -> None:
    """Stop what still runs in the data folder and delete it with everything in it.  Cannot be undone.

    Raises:
        Conflict: a command is using it.
    """
    places = places_in(settings.data_dir)
    if not places.data.exists():
        return
    with locked(places.start_lock), ExitStack() as alone:
        for path in (places.up_lock, places.users_lock):
            alone.callback(_alone(path, places).release)
        _stop(places)
        delete_folders(places)


@contextmanager
def up_lock(settings: Settings) -> Iterator[None]:
    """Be the one supervisor of the data folder for as long as the block lasts.

    Raises:
        Conflict: there is one already; the message names its process.
    """
    places = places_in(settings.data_dir)
    make_folders(places)
    held = try_lock(places.up_lock)
    if held is None:
        pid = places.up_lock.read_text().strip()
        raise Conflict(
            f"`dialer up` is already running for {places.data} (process {pid})",
            hint=f"Use that one, or stop it with `kill {pid}`, or set DIALER_DATA to another folder.",
        )
    held.write(f"{os.getpid()}\n")
    try:
        yield
    finally:
        held.release()


def _enter(settings: Settings, places: Places) -> FileLock:
    """Become a user of the servers; they run when this returns."""
    if settings.database_url is None:
        refuse_closed(places.data)
    make_folders(places)
    with locked(places.start_lock):
        use = lock(places.users_lock, shared=True)
        try:
            if settings.database_url is None:
                EmbeddedPostgres(places).start()
            if settings.redis_url is None:
                EmbeddedValkey(places).start()
        except BaseException:
            _let_go(places, use)
            raise
    return use


def _leave(places: Places, use: FileLock) -> None:
    """Stop being a user; the last one stops the servers."""
    if not places.data.exists():  # deleted under our feet, with the locks
        return _let_go(places, use)
    with locked(places.start_lock):
        return _let_go(places, use)


def _let_go(places: Places, use: FileLock) -> None:
    if use.try_alone():
        _stop(places)
    use.release()


def _stop(places: Places) -> None:
    EmbeddedValkey(places).stop()
    EmbeddedPostgres(places).stop()


def _urls(settings: Settings, places: Places) -> ServerUrls:
    database, redis = settings.database_url, settings.redis_url
    return ServerUrls(
        database_url=database.get_secret_value() if database else EmbeddedPostgres(places).url,
        redis_url=redis.get_secret_value() if redis else EmbeddedValkey(places).url,
    )


def _alone(path: Path, places: Places) -> FileLock:
    held = try_lock(path)
    if held is not None:
        return held
    if path == places.users_lock:
        raise Conflict(
            f"the data folder {places.data} is in use by another command",
            hint="Wait for it to end, or stop it, and try again.",
        )
    pid = path.read_text().strip()
    raise Conflict(
        f"the data folder {places.data} is in use by `dialer up` (process {pid})",
        hint=f"Stop it with `kill {pid}`, and try again.",
    )
