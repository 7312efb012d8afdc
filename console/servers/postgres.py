"""The embedded PostgreSQL: one cluster in the data folder, one socket, no network."""

import shlex
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg
from psutil import Error, Process

from console.servers import processes
from console.servers.os_user import OsUser, open_to_pass, user_for_postgres
from console.servers.places import Places
from console.servers.programs import postgres_programs, postgres_programs_for_others

NAME = "PostgreSQL"
DATABASE = "dialer"
PORT = 5432  # only names the socket
START_SECONDS = 60.0  # recovery after a crash is part of the start
STOP_SECONDS = 20.0

# Parameters never go into the log: they are people's numbers.  So `terse`: no "Key (number)=(…) already exists".
PARAMETERS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_duration_statement": "500ms",
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The PostgreSQL of one data folder.  ``start`` and ``stop`` need the start lock."""

    places: Places

    @property
    def url(self) -> str:
        """Where the ledger is."""
        return self._url_of(DATABASE)

    @property
    def log(self) -> Path:
        """What the server and its tools say."""
        return self.places.logs / "postgres.log"

    def answers(self) -> bool:
        """Whether a server takes connections on the socket."""
        with suppress(psycopg.OperationalError), psycopg.connect(self._url_of("postgres"), connect_timeout=3):
            return True
        return False

    def start(self) -> None:
        """Make sure that the server runs and that its database is there.

        Raises:
            InvalidInput: root chose a folder that PostgreSQL cannot reach.
            StoreUnavailable: it does not come up.
        """
        if not self._database_is_there():
            if not self.answers():
                self._come_up()
            self._create_database()

    def stop(self) -> None:
        """Stop the server, if there is one; clients that are still connected are cut off."""
        if not self._is_alive():
            return
        if self.places.postgres.exists():
            seconds = str(round(STOP_SECONDS))
            self._run("pg_ctl", "stop", "-D", self.places.postgres.name, "-m", "fast", "-t", seconds)
        processes.end(self._processes(), seconds=2)

    def _come_up(self) -> None:
        if self._user is not None:
            open_to_pass(self.places.data)
            open_to_pass(self.places.sockets)
        if not self.places.postgres.exists():
            processes.end(self._processes(), seconds=2)  # of a folder that was deleted under its feet
            self._make_cluster()
        elif self._outlast_leftovers():
            return
        self._launch()

    def _outlast_leftovers(self) -> bool:
        """Wait for a server that is starting or stopping, end one without a head.  True: it is up after all."""
        if all(_is_backend(process) for process in self._processes()):
            processes.end(self._processes(), seconds=5)  # they would keep the shared memory of the old server
        if not processes.wait_until(lambda: self.answers() or not self._is_alive(), seconds=START_SECONDS):
            raise processes.not_started(NAME, self.log, why="runs, but does not answer")
        return self.answers()

    def _make_cluster(self) -> None:
        """Build the cluster beside its place and rename it: a kill leaves nothing that looks whole."""
        for leftover in self.places.data.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.places.data))
        self._give(new)
        done = self._run(
            "initdb", "-D", new.name, "--username", DATABASE, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
        )  # fmt: skip
        if not done:
            raise processes.not_started(NAME, self.log, why="could not make its files")
        new.rename(self.places.postgres)

    def _launch(self) -> None:
        processes.shorten_log(self.log)
        self._clear_lock_files()
        parameters = PARAMETERS | {"unix_socket_directories": str(self.places.postgres_sockets)}
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in parameters.items())
        done = self._run(
            "pg_ctl", "start", "-D", self.places.postgres.name, "-t", str(round(START_SECONDS)), "-o", options
        )
        if not done or not self.answers():
            raise processes.not_started(NAME, self.log, why="does not start")

    def _clear_lock_files(self) -> None:
        """Make the socket's folder anew and remove the pid file: the server they speak of is gone, we have looked.

        PostgreSQL believes a number in them as long as any process has it, be it a zombie or a stranger.
        """
        (self.places.postgres / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self.places.postgres_sockets, ignore_errors=True)
        self.places.postgres_sockets.mkdir(mode=0o700)
        self._give(self.places.postgres_sockets)

    def _database_is_there(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=3):
            return True
        return False

    def _create_database(self) -> None:
        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _run(self, program: str, *arguments: str) -> bool:
        """Run one of the programs as the right user, in a session of its own, out of reach of Ctrl-C.

        It runs in the data folder and takes names relative to it: ``pg_ctl`` does not quote them for its shell.
        """
        user = self._user
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  our own program
                [self._programs / program, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.places.data,
                env={
                    "PATH": "/usr/bin:/bin",
                    "LC_ALL": "C",
                },  # no PGPORT, PGDATA or PGOPTIONS of the operator
                start_new_session=True,
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else [],
            )
        return done.returncode == 0

    def _give(self, folder: Path) -> None:
        if self._user is not None:
            self._user.own(folder)

    def _processes(self) -> list[Process]:
        return processes.working_in(self.places.postgres, name="postgres")

    def _is_alive(self) -> bool:
        return bool(self._processes())

    def _url_of(self, database: str) -> str:
        folder = quote(str(self.places.postgres_sockets), safe="")
        return f"postgresql://{DATABASE}@/{database}?host={folder}&port={PORT}"

    @cached_property
    def _user(self) -> OsUser | None:
        return user_for_postgres()

    @cached_property
    def _programs(self) -> Path:
        if self._user is None:
            return postgres_programs()
        return postgres_programs_for_others(self.places.programs)


def _is_backend(process: Process) -> bool:
    """Whether it is a child of the server: those have a title of their own."""
    with suppress(Error):
        return process.cmdline()[0].startswith("postgres: ")
    return True
