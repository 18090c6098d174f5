"""Settings: file, then environment ``ECGSTREAM_…`` (nested by ``__``), then flags. Frozen; every error is named at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .errors import SettingsError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CurveSettings(_Section):
    """CURVE keys (Z85, 40 characters). A server needs its own pair; a client also the server's public key."""

    public_key: str
    secret_key: SecretStr
    server_key: str | None = Field(None, description="the other side's public key, when this side connects")


class SourceSettings(_Section):
    """Where chunks come from."""

    kind: Literal["zeromq"] = "zeromq"
    socket: Literal["pull", "sub"] = "pull"
    endpoints: tuple[str, ...] = ("tcp://127.0.0.1:5551",)
    bind: bool = Field(True, description="bind the endpoints (monitors connect to us) or connect to them")
    high_water_mark: int = Field(20_000, ge=1, description="messages ZeroMQ holds per peer")
    curve: CurveSettings | None = None


class SinkSettings(_Section):
    """Where alerts, diagnoses and vitals go."""

    kind: Literal["zeromq"] = "zeromq"
    endpoint: str = "tcp://127.0.0.1:5552"
    bind: bool = True
    high_water_mark: int = Field(20_000, ge=1)
    format: Literal["protobuf", "json"] = "protobuf"
    curve: CurveSettings | None = None


class ControlSettings(_Section):
    """Where people and hospital systems acknowledge and pause (a ZeroMQ request socket)."""

    endpoint: str | None = "tcp://127.0.0.1:5553"
    curve: CurveSettings | None = None


class IntakeSettings(_Section):
    """How samples get their place."""

    lateness_s: float = Field(2.0, ge=0, le=10, description="how far behind the newest sample a late one may still slot in")
    clock_step_s: float = Field(0.5, gt=0, description="a confirmed clock step above this is a gap")
    wild_clock_s: float = Field(86_400.0, gt=0, description="a start time further than this from arrival is a wrong clock")
    longest_gap_s: float = Field(30.0, gt=0, description="a longer gap ends the segment instead of being filled")
    stale_s: float = Field(10.0, gt=0, description="wall time without a chunk until the stream-stale alarm")
    evict_s: float = Field(3_600.0, gt=0, description="wall time without a chunk until the stream is forgotten")
    ring_s: float = Field(20.0, ge=10, description="how much of each stream the arena holds")
    max_streams: int = Field(5_000, ge=1)


class ConditioningSettings(_Section):
    """Filters."""

    mains_hz: Literal[0, 50, 60] = Field(50, description="mains frequency to remove; 0 for none")


class DiagnosisSettings(_Section):
    """The encoder."""

    enabled: bool = True
    model: Path | None = Field(None, description="model directory; unset means the one shipped with the package")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(1, ge=1, description="CPU threads of the encoder")
    publish_every_s: float = Field(1.0, ge=0.2, description="how often vitals and diagnoses leave, in sample time")


class AlarmSettings(_Section):
    """Limits that hold for every bed until one is given its own."""

    bradycardia_bpm: float = Field(50.0, ge=20, le=100)
    tachycardia_bpm: float = Field(120.0, ge=80, le=250)
    pause_s: float = Field(2.5, ge=1.5, le=4.0)
    code_vf: int = Field(0, ge=0, description="plain MDC code to state for VF; 0 sends the SNOMED code alone")
    disabled: tuple[str, ...] = Field((), description="conditions switched off; asystole and ventricular_fibrillation cannot be")


class HttpSettings(_Section):
    """Metrics and health."""

    host: str = "127.0.0.1"
    port: int = Field(9464, ge=0, le=65_535)


class StateSettings(_Section):
    """Alarm and timeline state across restarts."""

    path: Path | None = Field(Path("ecgstream-state.sqlite3"), description="unset keeps nothing across restarts")
    save_every_s: float = Field(2.0, gt=0)


class LogSettings(_Section):
    """Logs."""

    format: Literal["json", "console"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(BaseSettings):
    """Everything ``ecgstream run`` can be told."""

    model_config = SettingsConfigDict(env_prefix="ECGSTREAM_", env_nested_delimiter="__", frozen=True, extra="forbid")

    source: SourceSettings = SourceSettings()
    sink: SinkSettings = SinkSettings()
    control: ControlSettings = ControlSettings()
    intake: IntakeSettings = IntakeSettings()
    conditioning: ConditioningSettings = ConditioningSettings()
    diagnosis: DiagnosisSettings = DiagnosisSettings()
    alarms: AlarmSettings = AlarmSettings()
    http: HttpSettings = HttpSettings()
    state: StateSettings = StateSettings()
    log: LogSettings = LogSettings()
    queue_messages: int = Field(4_096, ge=16, description="messages waiting between source and compute")
    drain_s: float = Field(10.0, gt=0, description="how long a first SIGTERM may take to finish what has arrived")
    clock: Literal["wall", "sample"] = Field("wall", description="'sample' for replays: deadlines follow the newest sample")

    @model_validator(mode="after")
    def _ring_holds_the_lateness(self) -> Settings:
        needed_s = self.intake.lateness_s + 2.0
        if self.intake.ring_s < needed_s:
            raise ValueError(f"intake.ring_s ({self.intake.ring_s}) must be at least intake.lateness_s + 2 = {needed_s}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before the file's values, which arrive as init arguments."""
        return env_settings, init_settings


def load_settings(file: Path | None = None, flags: dict[str, Any] | None = None) -> Settings:
    """Settings from a YAML file, then the environment, then ``flags`` (dotted names); raises SettingsError naming every fault."""
    values = _read(file) if file else {}
    try:
        merged = Settings(**values).model_dump() if not flags else _with_flags(values, flags)
        return Settings.model_validate(merged) if flags else Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentences(error)) from error


def _with_flags(values: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    raise NotImplementedError


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(file.read_text()) or {}
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read ({error.strerror}); check its path and permissions.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"The settings file {file} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"The settings file {file} must hold a mapping of sections, not {type(values).__name__}.")
    return values


def _sentences(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"]) or "settings"
        lines.append(f"{name}: {fault['msg']} (found {fault['input']!r})")
    return "\n".join(lines)
