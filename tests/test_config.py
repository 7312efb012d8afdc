"""Settings: what is read, what is refused, what is shown and what is handed to a child process."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from dialer.config import Settings, read_settings, variable_of, without_password
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


def refusal(**environ: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        read_settings(environ)
    return refused.value


def test_nothing_set_is_fine_and_gives_the_defaults() -> None:
    settings = read_settings({})
    assert settings.database_url is None
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9464)
    assert (settings.time_scale, settings.fence_scale) == (1.0, 1.0)
    assert (settings.look_seconds, settings.gone_seconds) == (None, None)
    assert (settings.log_level, settings.log_format, settings.calls_per_caller) == ("info", "auto", 4000)


def test_the_environment_is_read_by_read_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALER_METRICS_PORT", "1234")
    assert read_settings().metrics_port == 1234
    assert read_settings({}).metrics_port == 9464
    assert Settings().metrics_port == 9464


def test_our_variables_have_the_prefix_and_those_of_others_have_not() -> None:
    assert {variable_of(field) for field in Settings.model_fields} == {
        "DATABASE_URL",
        "REDIS_URL",
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "DIALER_DATA",
        "DIALER_METRICS_PORT",
        "DIALER_METRICS_HOST",
        "DIALER_TIME_SCALE",
        "DIALER_LOG_LEVEL",
        "DIALER_LOG_FORMAT",
        "DIALER_CALLS_PER_CALLER",
        "DIALER_FENCE_SCALE",
        "DIALER_WEB_PORT",
        "DIALER_WEB_HOST",
        "DIALER_EVENTS_KEEP_DAYS",
        "DIALER_LOOK_SECONDS",
        "DIALER_GONE_SECONDS",
    }


def test_every_field_has_a_description_of_whole_sentences() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_a_variable_set_to_nothing_is_not_set() -> None:
    assert read_settings({"DATABASE_URL": "", "DIALER_METRICS_PORT": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        pytest.param("DATABASE_URL", "mysql://u:hush@h/db", "has to begin with postgresql://", id="not PostgreSQL"),
        pytest.param("REDIS_URL", "http://:hush@h", "has to begin with redis://", id="not Redis"),
        pytest.param("LIVEKIT_URL", "livekit.example.com", "has to begin with wss://", id="no scheme"),
        pytest.param("DIALER_METRICS_PORT", "http", "valid integer", id="port is no number"),
        pytest.param("DIALER_METRICS_PORT", "65536", "less than or equal to 65535", id="no such port"),
        pytest.param("DIALER_TIME_SCALE", "0", "greater than 0", id="time cannot stand still"),
        pytest.param("DIALER_FENCE_SCALE", "nan", "finite", id="not a number"),
        pytest.param("DIALER_LOG_LEVEL", "loud", "'debug', 'info'", id="no such level"),
        pytest.param("DIALER_CALLS_PER_CALLER", "0", "greater than or equal to 1", id="no calls at all"),
        pytest.param("DIALER_LOOK_SECONDS", "-1", "greater than 0", id="looks cannot be in the past"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_a_hint(variable: str, value: str, complaint: str) -> None:
    refused = refusal(**{variable: value})
    assert variable in refused.message
    assert complaint in refused.message
    assert variable in (refused.hint or "")
    assert "hush" not in f"{refused.message} {refused.hint}"


def test_all_wrong_values_are_named_at_once() -> None:
    refused = refusal(DIALER_METRICS_PORT="x", DIALER_LOG_LEVEL="y")
    assert "DIALER_METRICS_PORT=x" in refused.message
    assert "DIALER_LOG_LEVEL=y" in refused.message


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    refused = refusal(DIALER_METRICS_PROT="9464")
    assert "DIALER_METRICS_PROT" in refused.message
    assert "DIALER_METRICS_PORT" in (refused.hint or "")


def test_variables_of_others_are_none_of_our_business() -> None:
    assert read_settings({"LIVEKIT_REGION": "eu", "PGPORT": "1", "dialer_x": "y"}) == read_settings({})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        read_settings({}).metrics_port = 1


def test_data_of_root_and_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert read_settings({}).data_dir == Path("/var/lib/dialer")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert read_settings({}).data_dir == Path("/home/ann/.local/share/dialer")


def test_a_data_folder_is_absolute_from_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    assert read_settings({"DIALER_DATA": "~/calls"}).data_dir == Path("/home/ann/calls")
    assert read_settings({"DIALER_DATA": "calls"}).data_dir == tmp_path / "calls"


def test_a_child_process_gets_the_same_settings() -> None:
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql://u:hush@h/db",
            "LIVEKIT_API_SECRET": "hush",
            "DIALER_DATA": "/srv/dialer",
            "DIALER_LOOK_SECONDS": "0.5",
            "DIALER_LOG_LEVEL": "DEBUG",
        }
    )
    assert read_settings(settings.environment()) == settings
    assert settings.environment()["DATABASE_URL"] == "postgresql://u:hush@h/db"
    assert "REDIS_URL" not in settings.environment()


def test_connected_settings_name_the_servers() -> None:
    settings = read_settings({}).connected_to(database_url="postgresql:///x", redis_url="unix:///y")
    assert settings.environment()["DATABASE_URL"] == "postgresql:///x"
    assert settings.environment()["REDIS_URL"] == "unix:///y"


def test_what_is_shown_has_no_secret_in_it() -> None:
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql://ann:hush@db/calls",
            "REDIS_URL": "redis://:hush@r/0",
            "LIVEKIT_API_KEY": "APIabc",
            "LIVEKIT_API_SECRET": "hush",
        }
    )
    shown = settings.masked()
    assert shown["DATABASE_URL"] == "postgresql://ann:***@db/calls"
    assert shown["REDIS_URL"] == "redis://:***@r/0"
    assert (shown["LIVEKIT_API_KEY"], shown["LIVEKIT_API_SECRET"]) == ("APIabc", "***")
    assert shown["LIVEKIT_URL"] == "not set"
    assert set(shown) == {variable_of(field) for field in Settings.model_fields}
    assert "hush" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("postgresql://ann@db/x", "postgresql://ann@db/x", id="no password"),
        pytest.param("postgresql:///x?host=/run", "postgresql:///x?host=/run", id="socket"),
        pytest.param("postgresql://ann:p@ss/w:rd@db/x", "postgresql://ann:***@db/x", id="not escaped"),
        pytest.param("postgresql://db/x?password=hush&a=b", "postgresql://db/x?password=***&a=b", id="in the query"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, shown: str) -> None:
    assert without_password(url) == shown
