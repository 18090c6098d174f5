"""The sections of the settings, each with what holds where nothing is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from ..limits import BOUNDS, PRESETS, fault_of
from ..waveform import Condition


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CurveSettings(_Section):
    """CURVE keys (Z85, 40 characters). A server needs its own pair; a client also the server's public key."""

    public_key: str
    secret_key: SecretStr
    server_key: str | None = Field(None, description="the other side's public key, when this side connects")


class SourceSettings(_Section):
    """Where chunks come from; with Kafka and HL7 the section of that name says where that is."""

    kind: Literal["zeromq", "kafka", "hl7"] = "zeromq"
    socket: Literal["pull", "sub"] = "pull"
    endpoints: tuple[str, ...] = ("tcp://127.0.0.1:5551",)
    bind: bool = Field(True, description="bind the endpoints (monitors connect to us) or connect to them")
    high_water_mark: int = Field(20_000, ge=1, description="messages ZeroMQ holds per peer")
    curve: CurveSettings | None = None


class SinkSettings(_Section):
    """Where alerts, diagnoses and vitals go; with Kafka the section ``kafka`` says where that is."""

    kind: Literal["zeromq", "kafka"] = "zeromq"
    endpoint: str = "tcp://127.0.0.1:5552"
    bind: bool = True
    high_water_mark: int = Field(20_000, ge=1)
    format: Literal["protobuf", "json"] = "protobuf"
    chunks: bool = Field(False, description="publish chunks as they came, too (ZeroMQ), for `ecgstream web`")
    curve: CurveSettings | None = None

    @model_validator(mode="after")
    def _chunks_are_in_kafka_already(self) -> SinkSettings:
        if self.chunks and self.kind == "kafka":
            raise ValueError("chunks is for kind zeromq; with kafka, `ecgstream web` reads the topic of chunks")
        return self


class TopicSettings(_Section):
    """Names of the Kafka topics."""

    chunks: str = "ecg.chunks"
    control: str = "ecg.control"
    state: str = "ecg.state"
    alerts: str = "ecg.alerts"
    diagnoses: str = "ecg.diagnoses"
    vitals: str = "ecg.vitals"
    verdicts: str = "ecg.verdicts"
    shadow: str = "ecg.shadow"
    dead_letters: str = "ecg.chunks.dlt"

    @model_validator(mode="after")
    def _each_its_own(self) -> TopicSettings:
        names = list(self.model_dump().values())
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each topic needs a name of its own; given twice: {', '.join(twice)}")
        return self


class TlsSettings(_Section):
    """TLS to the Kafka brokers; with a certificate and its key, mutual."""

    ca_file: Path | None = Field(None, description="PEM; unset trusts the system's authorities")
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None


class SaslSettings(_Section):
    """Who we are to the Kafka brokers."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str
    password: SecretStr | None = None
    password_file: Path | None = Field(None, description="read at start; its first line is the password")

    @model_validator(mode="after")
    def _one_password(self) -> SaslSettings:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("set one of password and password_file")
        return self


class KafkaSettings(_Section):
    """The Kafka cluster, for a source or sink of kind ``kafka``."""

    bootstrap: tuple[str, ...] = ("127.0.0.1:9092",)
    group: str = Field("ecgstream", description="consumer group; daemons of one group share the beds")
    instance: str | None = Field(None, description="static member name, unique in the group; survives restarts")
    delivery: Literal["at-least-once", "exactly-once"] = "at-least-once"
    topics: TopicSettings = TopicSettings()
    tls: TlsSettings | None = None
    sasl: SaslSettings | None = None
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "snappy"
    session_timeout_s: float = Field(10.0, ge=1, description="silence after which a member's beds go to others")
    request_timeout_s: float = Field(10.0, ge=1, description="longest wait for one answer of a broker")
    largest_message_bytes: int = Field(1_000_000, ge=10_000)


class ControlSettings(_Section):
    """Where people and hospital systems acknowledge and pause (a ZeroMQ request socket)."""

    endpoint: str | None = "tcp://127.0.0.1:5553"
    curve: CurveSettings | None = None


class IntakeSettings(_Section):
    """How samples get their place."""

    lateness_s: float = Field(2.0, ge=0, le=10, description="how far behind the newest sample a late one may be")
    clock_step_s: float = Field(0.5, gt=0, description="a confirmed clock step above this is a gap")
    wild_clock_s: float = Field(86_400.0, gt=0, description="a start time this far from arrival is a wrong clock")
    longest_gap_s: float = Field(30.0, gt=0, description="a longer gap ends the segment instead of being filled")
    stale_s: float = Field(10.0, gt=0, description="wall time without a chunk until the stream-stale alarm")
    evict_s: float = Field(3_600.0, gt=0, description="wall time without a chunk until the stream is forgotten")
    ring_s: float = Field(4.0, ge=4, description="signal that may wait to be looked at; 26 s behind it are kept")
    max_streams: int = Field(5_000, ge=1)


class ConditioningSettings(_Section):
    """Filters."""

    mains_hz: Literal[0, 50, 60] = Field(50, description="mains frequency to remove; 0 for none")


class DiagnosisSettings(_Section):
    """The encoder."""

    enabled: bool = True
    model: Path | None = Field(None, description="model directory; unset means the one shipped with the package")
    shadow: Path | None = Field(None, description="directory of a model that runs beside, compared and not heard")
    candidates: Path | None = Field(None, description="folder of model directories that orders may run in the shadow")
    heads: Path | None = Field(
        None, description="folder of heads that say more of the last 10 s; loaded at start, or by order"
    )
    heads_every_s: float = Field(10.0, ge=1, description="how often heads are asked about a bed, in sample time")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="of the encoder's large products; bf16 is for CUDA: on a CPU it has no compiled form"
    )
    threads: int = Field(1, ge=1, description="CPU threads of the encoder")
    publish_every_s: float = Field(1.0, ge=0.2, description="how often vitals and diagnoses leave, in sample time")


def _limit(name: str) -> Any:
    low, high = BOUNDS[name]
    return Field(None, ge=low, le=high, description="unset: the preset's")


class AlarmSettings(_Section):
    """What holds for every bed until one is given its own."""

    preset: Literal["adult", "child", "neonate", "icu", "ambulatory"] = "adult"
    bradycardia_bpm: float | None = _limit("bradycardia_bpm")
    tachycardia_bpm: float | None = _limit("tachycardia_bpm")
    extreme_bradycardia_bpm: float | None = _limit("extreme_bradycardia_bpm")
    extreme_tachycardia_bpm: float | None = _limit("extreme_tachycardia_bpm")
    ventricular_tachycardia_bpm: float | None = _limit("ventricular_tachycardia_bpm")
    pause_s: float | None = _limit("pause_s")
    asystole_s: float | None = _limit("asystole_s")
    pvc_per_min: float | None = _limit("pvc_per_min")
    escalate_s: float = Field(
        60.0, ge=0, description="a high-priority alert unseen for so long is told again; 0: never"
    )
    code_vf: int = Field(0, ge=0, description="plain MDC code to state for VF; 0 sends the SNOMED code alone")
    disabled: tuple[str, ...] = Field((), description="conditions switched off; asystole and VF cannot be")
    always_on: tuple[str, ...] = Field((), description="conditions no order may switch off or pause, beside those two")

    @field_validator("disabled")
    @classmethod
    def _may_be_disabled(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = {condition.name.lower() for condition in Condition} - {"asystole", "ventricular_fibrillation"}
        if wrong := sorted(set(names) - known):
            raise ValueError(f"{', '.join(wrong)} cannot be switched off; these can: {', '.join(sorted(known))}")
        return names

    @field_validator("always_on")
    @classmethod
    def _are_conditions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = {condition.name.lower() for condition in Condition}
        if wrong := sorted(set(names) - known):
            raise ValueError(f"{', '.join(wrong)}: no such condition; there are {', '.join(sorted(known))}")
        return names

    @model_validator(mode="after")
    def _hold_together(self) -> AlarmSettings:
        if both := sorted(set(self.disabled) & set(self.always_on)):
            raise ValueError(f"{', '.join(both)} cannot be both disabled and always_on")
        if fault := fault_of(PRESETS[self.preset] | self.limits):
            raise ValueError(fault)
        return self

    @property
    def limits(self) -> dict[str, float]:
        """Those that differ from the preset's."""
        return {name: value for name in BOUNDS if (value := getattr(self, name)) is not None}


class HttpSettings(_Section):
    """Metrics, health, orders and the ward page."""

    host: str = "127.0.0.1"
    port: int = Field(9464, ge=0, le=65_535)
    bed_metrics: bool = Field(False, description="per-bed metrics, which name beds by their stream id")
    tls_certificate_file: Path | None = Field(None, description="PEM; with its key, the whole port speaks TLS")
    tls_key_file: Path | None = None
    order_token_file: Path | None = Field(None, description="its token is for orders and strips; unset: nobody")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> HttpSettings:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("set both tls_certificate_file and tls_key_file, or neither")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the port."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class WebSettings(_Section):
    """The ward page, on the HTTP port."""

    enabled: bool = False
    tokens_file: Path | None = Field(None, description="who may view, acknowledge, configure; unset: all may view")
    host_names: tuple[str, ...] = Field((), description="names browsers reach the page by, beside http.host")
    banner: Literal["", "demo", "replay"] = Field("", description="say that these are no patients of today")
    curve: CurveSettings | None = Field(None, description="keys of `ecgstream web`, for sink and control by ZeroMQ")
    most_pages: int = Field(50, ge=1, description="browsers at once; further ones are turned away")


class ExplanationSettings(_Section):
    """What the model looked at when an alert of high priority was raised, or a diagnosis came up to its threshold; of
    the extra ``explain``."""

    enabled: bool = False
    diagnosis_threshold: float | None = Field(
        None, gt=0, lt=1, description="explain diagnoses from this probability on, or the model's own; unset: none"
    )
    most_waiting: int = Field(32, ge=1, description="alerts that wait to be explained; then the oldest is not")


class StateSettings(_Section):
    """Alarm and timeline state across restarts."""

    path: Path | None = Field(Path("ecgstream-state.sqlite3"), description="unset keeps nothing across restarts")
    save_every_s: float = Field(
        2.0, gt=0, description="all beds; to a file less often where that would take over a fiftieth of the time"
    )
    warmup_s: float = Field(30.0, ge=25, le=300, description="most of the log read again after a move (Kafka)")


class TraceSettings(_Section):
    """OpenTelemetry traces, of the extra ``traces``."""

    endpoint: str | None = Field(None, description="an OTLP collector, http://host:4318; unset: no traces")
    share: float = Field(0.01, gt=0, le=1, description="of all passes")


class LogSettings(_Section):
    """Logs."""

    format: Literal["json", "console"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    audit_path: Path | None = Field(None, description="every order as a line of JSON; unset: in the log alone")
