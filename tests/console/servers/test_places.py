"""Where the data may be, and where it may not."""

import os
from pathlib import Path

import pytest

from console.servers import os_user, servers
from console.servers.places import LONGEST_SOCKET_PATH, make_folders, places_in
from dialer.config import Settings
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


def test_sockets_are_in_the_data_folder() -> None:
    assert places_in(Path("/srv/dialer")).sockets == Path("/srv/dialer/run")


def test_sockets_of_a_long_path_are_elsewhere_and_always_at_the_same_place() -> None:
    long = Path("/srv") / ("a" * 100)
    assert places_in(long) == places_in(long)
    assert places_in(long).sockets != places_in(long.with_name("b" * 100)).sockets
    assert len(str(places_in(long).postgres_sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH


def test_sockets_are_not_put_into_a_folder_of_somebody_else(tmp_path: Path) -> None:
    places = places_in(tmp_path / "data")
    places.sockets.mkdir(parents=True)
    places.sockets.chmod(0o777)
    with pytest.raises(InvalidInput, match="belongs to you alone"):
        make_folders(places)


def test_a_data_folder_that_cannot_be_made_is_refused_with_a_way_out(tmp_path: Path) -> None:
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be used") as refused:
        make_folders(places_in(tmp_path / "file" / "data"))
    assert "DIALER_DATA" in (refused.value.hint or "")


def test_root_is_refused_a_folder_in_its_closed_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    home = tmp_path / "root"
    home.mkdir(mode=0o700)
    with pytest.raises(InvalidInput, match="is closed to other users") as refused:
        os_user.refuse_closed(home / ".local" / "share" / "dialer")
    assert "/var/lib/dialer" in (refused.value.hint or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_a_refused_folder_is_not_even_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = Settings(data=tmp_path / "data")
    with pytest.raises(InvalidInput, match="is closed to other users"), servers(settings):
        pass
    assert not settings.data_dir.exists()


def test_an_ordinary_user_may_keep_data_in_a_closed_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    tmp_path.chmod(0o700)
    os_user.refuse_closed(tmp_path / "data")
