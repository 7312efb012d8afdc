"""The embedded Valkey: queue and limits, with an append-only file, on a socket only."""

import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from psutil import Process

from console.servers import processes
from console.servers.places import Places
from console.servers.programs import valkey_program

NAME = "Valkey"
START_SECONDS = 60.0  # 0.1 s, unless there is much to read
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class EmbeddedValkey:
    """The Valkey of one data folder.  ``start`` and ``stop`` need the start lock."""

    places: Places

    @property
    def url(self) -> str:
        """Where queue and limits are."""
        return f"unix://{quote(str(self.places.valkey_socket))}"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.places.logs / "valkey.log"

    def answers(self) -> bool:
        """Whether a server answers on the socket and has read its file."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self.places.valkey_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False

    def start(self) -> None:
        """Make sure that the server runs.

        Raises:
            StoreUnavailable: it does not come up.
        """
        if self.answers():
            return
        if not any(self.places.valkey.iterdir()):
            processes.end(self._processes(), seconds=2)  # of a folder that was deleted under its feet
        if not self._is_alive():
            self._launch()
        if not processes.wait_until(lambda: self.answers() or not self._is_alive(), seconds=START_SECONDS):
            raise processes.not_started(NAME, self.log, why="runs, but does not answer")
        if not self.answers():
            raise processes.not_started(NAME, self.log, why="does not start")

    def stop(self) -> None:
        """Stop the server, if there is one, with everything written."""
        processes.end(self._processes(), seconds=STOP_SECONDS)

    def _launch(self) -> None:
        """Start it as a daemon: in a session of its own, so that neither our end nor Ctrl-C ends it."""
        processes.shorten_log(self.log)
        options = {
            "port": "0",
            "unixsocket": str(self.places.valkey_socket),
            "unixsocketperm": "700",
            "dir": str(self.places.valkey),
            "pidfile": str(self.places.valkey / "valkey.pid"),  # else in /var/run, for all of them the same
            "daemonize": "yes",
            "logfile": str(self.log),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
        with self.log.open("ab") as log:
            subprocess.run(  # noqa: S603  our own program
                [valkey_program(), *arguments], check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _processes(self) -> list[Process]:
        return processes.working_in(self.places.valkey, name="valkey-server")

    def _is_alive(self) -> bool:
        return bool(self._processes())
