"""Who starts the embedded servers and who stops them, also when somebody is killed."""

import shutil
from collections.abc import Callable

import psycopg
import pytest
import redis

from console.servers import ServerUrls, remove_data, servers, up_lock
from console.servers.places import places_in
from dialer.config import Settings
from dialer.errors import Conflict, StoreUnavailable

from .conftest import Command, server_pids, server_processes

pytestmark = pytest.mark.fault

StartCommand = Callable[..., Command]


def valkey(urls: ServerUrls) -> redis.Redis:
    return redis.Redis.from_url(urls.redis_url, decode_responses=True)


def test_two_commands_that_start_at_once_share_one_server_of_each_kind(
    settings: Settings, command: StartCommand
) -> None:
    both = [command(), command()]
    for each in both:
        each.wait_ready()
    assert len(server_pids(settings)) == 2


def test_only_the_last_command_stops_the_servers(settings: Settings, command: StartCommand) -> None:
    first, second = command().wait_ready(), command().wait_ready()
    used = server_pids(settings)
    first.leave()
    assert server_pids(settings) == used
    second.leave()
    assert server_processes(settings) == []


def test_servers_left_by_a_killed_command_are_used_and_then_stopped(settings: Settings, command: StartCommand) -> None:
    only = command().wait_ready()
    left = server_pids(settings)
    only.kill()
    assert server_pids(settings) == left
    with servers(settings):
        assert server_pids(settings) == left
    assert server_processes(settings) == []


def test_data_outlives_a_kill_of_everything(settings: Settings, command: StartCommand) -> None:
    only = command().wait_ready()
    with servers(settings) as urls:
        with psycopg.connect(urls.database_url) as ledger:
            ledger.execute("CREATE TABLE kept AS SELECT 4711 AS number")
        valkey(urls).set("kept", "4711")
        for process in server_processes(settings):
            process.kill()
    only.kill()
    with servers(settings) as urls, psycopg.connect(urls.database_url) as ledger:
        assert ledger.execute("SELECT number FROM kept").fetchone() == (4711,)
        assert valkey(urls).get("kept") == "4711"


def test_a_start_that_fails_half_way_leaves_no_server_behind(settings: Settings) -> None:
    with servers(settings):
        pass
    for manifest in places_in(settings.data_dir).valkey.rglob("*.manifest"):
        manifest.write_text("garbage\n")
    with pytest.raises(StoreUnavailable, match="Valkey does not start"), servers(settings):
        pass
    assert server_processes(settings) == []


def test_data_in_use_is_not_removed(settings: Settings, command: StartCommand) -> None:
    user = command().wait_ready()
    with pytest.raises(Conflict, match="in use by another command"):
        remove_data(settings)
    user.leave()
    remove_data(settings)
    assert not settings.data_dir.exists()


def test_data_of_a_supervisor_is_not_removed_and_it_is_named(settings: Settings, command: StartCommand) -> None:
    supervisor = command("up").wait_ready()
    with pytest.raises(Conflict, match=f"process {supervisor.pid}"):
        remove_data(settings)


def test_removing_data_ends_what_a_killed_command_left(settings: Settings, command: StartCommand) -> None:
    command().wait_ready().kill()
    assert server_processes(settings) != []
    remove_data(settings)
    assert server_processes(settings) == []
    assert not settings.data_dir.exists()


def test_removing_data_twice_is_harmless(settings: Settings) -> None:
    remove_data(settings)
    remove_data(settings)

    assert list(settings.data_dir.iterdir()) == []


def test_a_second_supervisor_is_refused_and_told_of_the_first(settings: Settings, command: StartCommand) -> None:
    first = command("up").wait_ready()
    with pytest.raises(Conflict, match=f"process {first.pid}") as refused, up_lock(settings):
        pass
    assert f"kill {first.pid}" in (refused.value.hint or "")
    first.kill()
    with up_lock(settings):
        pass


def test_a_folder_with_other_peoples_files_keeps_them(settings: Settings) -> None:
    settings.data_dir.joinpath("thesis.txt").write_text("years of work")
    with up_lock(settings):
        pass
    remove_data(settings)
    assert [path.name for path in settings.data_dir.iterdir()] == ["thesis.txt"]


def test_servers_of_a_folder_that_was_deleted_are_ended(settings: Settings, command: StartCommand) -> None:
    only = command().wait_ready()
    before = {process.pid for process in server_processes(settings)}
    shutil.rmtree(settings.data_dir)
    only.kill()
    with servers(settings):
        assert before.isdisjoint(process.pid for process in server_processes(settings))
    assert server_processes(settings) == []


def test_the_last_command_stops_the_servers_of_a_folder_that_was_deleted(
    settings: Settings, command: StartCommand
) -> None:
    only = command().wait_ready()
    shutil.rmtree(settings.data_dir)
    only.leave()
    assert server_processes(settings) == []
