"""The settings of one process: read from the environment once, in the entry point, and handed down."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dialer.errors import InvalidInput

PREFIX = "DIALER_"
WITHOUT_PREFIX = {"database_url", "redis_url", "livekit_url", "livekit_api_key", "livekit_api_secret"}
DATA_OF_ROOT = Path("/var/lib/dialer")
MASK = "***"


def _url_of(*schemes: str) -> AfterValidator:
    """Check that a text is a URL of one of the schemes.  The message does not show it: passwords are in URLs."""
    starts = tuple(f"{scheme}://" for scheme in schemes)

    def check(value: str | SecretStr | None) -> str | SecretStr | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None and not text.startswith(starts):
            raise ValueError(f"it has to begin with {' or '.join(starts)}")
        return value

    return AfterValidator(check)


def _lower(value: Any) -> Any:  # whatever came in: pydantic checks it next
    return value.lower() if isinstance(value, str) else value


def _absolute(path: Path | None) -> Path | None:
    """Fix the folder now: a child process may have another working directory."""
    return None if path is None else path.expanduser().absolute()


class Settings(BaseSettings):
    """Everything that can be set from outside.  ``variable_of`` names the environment variable of a field."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    database_url: Annotated[SecretStr | None, _url_of("postgresql", "postgres")] = Field(
        default=None,
        description="The PostgreSQL database (15 or later) that is the ledger, "
        "as postgresql://user:password@host/name. "
        "When it is not set, an embedded PostgreSQL is started in the data folder.",
    )
    redis_url: Annotated[SecretStr | None, _url_of("redis", "rediss", "unix")] = Field(
        default=None,
        description="The Redis (6.2 or later) or Valkey that carries the queue and the limits, "
        "as redis://host:6379/0. It needs maxmemory-policy noeviction. "
        "When it is not set, an embedded Valkey is started in the data folder.",
    )
    livekit_url: Annotated[str | None, _url_of("wss", "ws", "https", "http")] = Field(
        default=None,
        description="The LiveKit server that places the calls, as wss://project.livekit.cloud. "
        "When it is not set, nothing can be dialed; imports, reports and the demo work.",
    )
    livekit_api_key: str | None = Field(
        default=None,
        description="The API key of the LiveKit project. It is needed as soon as LIVEKIT_URL is set.",
    )
    livekit_api_secret: SecretStr | None = Field(
        default=None,
        description="The secret that belongs to LIVEKIT_API_KEY. LiveKit signs its webhooks with it, too.",
    )
    data: Annotated[Path | None, AfterValidator(_absolute)] = Field(
        default=None,
        description="The folder of the embedded servers, their logs and the locks; ~ is the home folder. "
        "When it is not set, it is ~/.local/share/dialer, and /var/lib/dialer for root.",
    )
    metrics_port: int = Field(
        default=9464,
        ge=0,
        le=65_535,
        description="The TCP port on which metrics are served. 0 lets the system choose a free one.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address on which metrics are served. 0.0.0.0 opens them to the whole network, unprotected.",
    )
    web_port: int = Field(
        default=8080,
        ge=0,
        le=65_535,
        description="The TCP port on which LiveKit's webhooks are taken. 0 lets the system choose a free one.",
    )
    web_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address on which LiveKit's webhooks are taken. A LiveKit on another machine needs 0.0.0.0 "
        "or a proxy; every webhook's signature is checked.",
    )
    events_keep_days: float = Field(
        default=7.0,
        gt=0,
        description="The days for which what LiveKit's webhooks told is kept after its call.",
    )
    time_scale: float = Field(
        default=1.0,
        gt=0,
        description="For the demo and for tests only: multiplies every time measured on the line "
        "before it is judged and stored, to undo the simulator's haste. 1 is real time.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info",
        description="The least important log lines that are still written: debug, info, warning or error.",
    )
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)] = Field(
        default="auto",
        description="How log lines on stderr look: console is for people, json for machines, "
        "and auto is console on a terminal and json elsewhere.",
    )
    calls_per_caller: int = Field(
        default=4000,
        ge=1,
        le=20_000,
        description="The most calls that one caller process holds at a time. Start more callers for more calls.",
    )
    fence_scale: float = Field(
        default=1.0,
        gt=0,
        description="For tests only: multiplies every bound of the fence and of the leases. "
        "Anything below 1 gives up the guarantee that nobody is called twice.",
    )
    look_seconds: float | None = Field(
        default=None,
        gt=0,
        description="The seconds between two looks into LiveKit for a call in doubt. "
        "When it is not set, the fence decides (10 s); the demo sets 0.5.",
    )
    gone_seconds: float | None = Field(
        default=None,
        gt=0,
        description="The seconds for which a call has to be gone from its room before it counts as over. "
        "When it is not set, the fence decides (5 s); the demo sets 0.5.",
    )

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute.  It need not exist yet."""
        if self.data is not None:
            return self.data
        return DATA_OF_ROOT if os.geteuid() == 0 else Path.home() / ".local" / "share" / "dialer"

    def connected_to(self, *, database_url: str, redis_url: str) -> Self:
        """The same settings with the servers filled in: what a command hands down once its servers are up."""
        return self.model_copy(update={"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)})

    def environment(self) -> dict[str, str]:
        """The variables that give a child process these very settings.  Holds secrets: never log it."""
        values = {variable_of(name): _text(value) for name, value in self if value is not None}
        return values | {variable_of("data"): str(self.data_dir)}

    def masked(self) -> dict[str, str]:
        """Every variable with what it is set to, fit for a screen: no secret, no password."""
        return {variable_of(name): _shown(name, value) for name, value in self} | {
            variable_of("data"): str(self.data_dir)
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: ``read_settings`` is the one place that reads the environment."""
        return (init_settings,)


def variable_of(field: str) -> str:
    """The environment variable that sets a field of ``Settings``."""
    return field.upper() if field in WITHOUT_PREFIX else PREFIX + field.upper()


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (by default the environment of this process).

    A variable that is set to nothing counts as not set.

    Raises:
        InvalidInput: an unknown variable with our prefix, or a value that cannot be used; it names all.
    """
    given = os.environ if environ is None else environ
    fields = {variable_of(field): field for field in Settings.model_fields}
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in fields)
    if unknown:
        raise _unknown_variables(unknown, known=list(fields))
    try:
        return Settings.model_validate({field: given[name] for name, field in fields.items() if given.get(name)})
    except ValidationError as error:
        raise _wrong_values(error.errors(), given) from None  # the original shows the values


def _unknown_variables(unknown: list[str], *, known: list[str]) -> InvalidInput:
    def nearest(name: str) -> str:
        return (difflib.get_close_matches(name, known, n=1, cutoff=0.0) or known)[0]

    names = ", ".join(unknown)
    message = f"unknown setting {names}" if len(unknown) == 1 else f"unknown settings {names}"
    return InvalidInput(
        message,
        hint="; ".join(f"{name}: did you mean {nearest(name)}? Else unset it" for name in unknown) + ".",
    )


def _wrong_values(errors: list[ErrorDetails], given: Mapping[str, str]) -> InvalidInput:
    def lines() -> Iterator[tuple[str, str]]:
        for error in errors:
            field = str(error["loc"][0])
            name = variable_of(field)
            shown = "" if _is_secret(field) else f"={given.get(name, '')}"
            complaint = error["msg"].removeprefix("Value error, ")
            yield f"{name}{shown}: {complaint}", f"{name}: {Settings.model_fields[field].description}"

    messages, hints = zip(*lines(), strict=True)
    return InvalidInput("; ".join(messages), hint="\n".join(dict.fromkeys(hints)))


def _is_secret(field: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[field].annotation)


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _shown(field: str, value: object) -> str:
    if value is None:
        return "not set"
    if not isinstance(value, SecretStr):
        return str(value)
    return without_password(value.get_secret_value()) if field.endswith("_url") else MASK


def without_password(url: str) -> str:
    """The URL with every password in it masked; rather too much is masked than too little."""
    url = re.sub(r"://([^:@/?]*):.*@", rf"://\1:{MASK}@", url)
    return re.sub(r"(password=)[^&]*", rf"\g<1>{MASK}", url)
