"""What the embedded servers are like once they run, and what they say when they do not."""

import os
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from console.servers import data_path, programs, remove_data, servers
from console.servers.os_user import may_enter
from console.servers.places import places_in
from dialer.config import Settings
from dialer.errors import StoreUnavailable

from .conftest import server_processes

pytestmark = [pytest.mark.ledger, pytest.mark.limits]


def test_postgres_is_durable_off_the_network_and_keeps_numbers_out_of_its_log(settings: Settings) -> None:
    expected = {
        "fsync": "on",
        "listen_addresses": "",
        "log_parameter_max_length": "0",
        "max_connections": "200",
        "server_encoding": "UTF8",
        "shared_buffers": "128MB",
        "synchronous_commit": "on",
    }
    with servers(settings) as urls, psycopg.connect(urls.database_url) as ledger:
        rows = ledger.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [[*expected]]
        ).fetchall()
    assert dict(rows) == expected


def test_valkey_writes_every_second_forgets_nothing_and_is_off_the_network(settings: Settings) -> None:
    with servers(settings) as urls:
        known = redis.Redis.from_url(urls.redis_url, decode_responses=True).config_get("*")
    assert known["port"] == "0"
    assert (known["appendonly"], known["appendfsync"]) == ("yes", "everysec")
    assert (known["maxmemory-policy"], known["save"]) == ("noeviction", "")


def test_servers_are_out_of_reach_of_the_terminal(settings: Settings) -> None:
    with servers(settings):
        sessions = {os.getsid(process.pid) for process in server_processes(settings)}
    assert os.getsid(0) not in sessions


def test_nobody_else_can_look_into_the_data_folder(settings: Settings) -> None:
    places = places_in(settings.data_dir)
    with servers(settings):
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (places.data, places.sockets)}
        assert stat.S_IMODE(places.logs.stat().st_mode) == 0o700
        assert stat.S_IMODE(places.valkey_socket.stat().st_mode) == 0o700
    assert modes == {0o711 if os.geteuid() == 0 else 0o700}


def test_servers_that_are_named_are_used_as_they_are() -> None:
    settings = Settings(data=Path("/nowhere"))
    settings = settings.connected_to(database_url="postgresql://db/x", redis_url="redis://r/0")
    with servers(settings) as urls:
        assert (urls.database_url, urls.redis_url) == ("postgresql://db/x", "redis://r/0")
    assert not data_path(settings).exists()


def test_only_what_is_not_named_is_started(settings: Settings) -> None:
    named = settings.connected_to(database_url="postgresql://db/x", redis_url="redis://r/0")
    with servers(named.model_copy(update={"redis_url": None})) as urls:
        assert urls.database_url == "postgresql://db/x"
        assert [process.name() for process in server_processes(settings)] == ["valkey-server"]
    assert server_processes(settings) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a" * 120, id="too long for a socket"),
        pytest.param('it\'s $HOME "here"', id="hostile to a shell"),
    ],
)
def test_any_name_of_a_data_folder_will_do(settings: Settings, name: str) -> None:
    inner = settings.model_copy(update={"data": settings.data_dir / name})
    settings.data_dir.chmod(0o711)
    with servers(inner) as urls, psycopg.connect(urls.database_url):
        assert redis.Redis.from_url(urls.redis_url).ping()
    remove_data(inner)
    assert not places_in(inner.data_dir).sockets.exists()


def test_stale_files_of_a_crash_do_not_matter(settings: Settings) -> None:
    places = places_in(settings.data_dir)
    with servers(settings):
        stale = places.postgres.joinpath("postmaster.pid").read_text()
    reused_pid = stale.replace(stale.split("\n")[0], str(os.getpid()), 1)
    places.postgres.joinpath("postmaster.pid").write_text(reused_pid)
    places.valkey.joinpath("valkey.pid").write_text(f"{os.getpid()}\n")
    places.valkey_socket.touch()
    with servers(settings) as urls, psycopg.connect(urls.database_url):
        assert redis.Redis.from_url(urls.redis_url).ping()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(settings: Settings) -> None:
    places = places_in(settings.data_dir)
    with servers(settings):
        pass
    places.postgres.joinpath("PG_VERSION").write_text("99\n")
    with pytest.raises(StoreUnavailable, match="PostgreSQL does not start") as refused, servers(settings):
        pass
    assert str(places.logs / "postgres.log") in str(refused.value)
    assert "incompatible" in str(refused.value)
    assert server_processes(settings) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another OS user")
def test_programs_that_only_root_can_reach_are_copied(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = programs.postgres_programs()
    monkeypatch.setattr(programs, "may_enter", lambda path: path != wheel and may_enter(path))
    with servers(settings) as urls, psycopg.connect(urls.database_url):
        [head] = [each for each in server_processes(settings) if "-D" in each.cmdline()]
        assert Path(head.exe()).is_relative_to(places_in(settings.data_dir).programs)
