"""Everything the daemon can be told, and what must hold between the sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from .hl7 import Hl7Settings
from .outbound import OutboundSettings
from .sections import (
    AlarmSettings,
    ConditioningSettings,
    ControlSettings,
    DiagnosisSettings,
    ExplanationSettings,
    HttpSettings,
    IntakeSettings,
    KafkaSettings,
    LogSettings,
    SinkSettings,
    SourceSettings,
    StateSettings,
    TraceSettings,
    WebSettings,
)


class Settings(BaseSettings):
    """Everything ``ecgstream run`` can be told."""

    model_config = SettingsConfigDict(env_prefix="ECGSTREAM_", env_nested_delimiter="__", frozen=True, extra="forbid")

    source: SourceSettings = SourceSettings()
    sink: SinkSettings = SinkSettings()
    kafka: KafkaSettings = KafkaSettings()
    hl7: Hl7Settings = Hl7Settings()
    control: ControlSettings = ControlSettings()
    intake: IntakeSettings = IntakeSettings()
    conditioning: ConditioningSettings = ConditioningSettings()
    diagnosis: DiagnosisSettings = DiagnosisSettings()
    alarms: AlarmSettings = AlarmSettings()
    http: HttpSettings = HttpSettings()
    web: WebSettings = WebSettings()
    explanations: ExplanationSettings = ExplanationSettings()
    state: StateSettings = StateSettings()
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    outbound: OutboundSettings = OutboundSettings()
    queue_messages: int = Field(4_096, ge=16, description="messages waiting between source and compute")
    max_wait_s: float = Field(
        0.1, ge=0.01, le=1.0, description="how long a message waits at most for others, so that a pass serves many beds"
    )
    drain_s: float = Field(10.0, gt=0, description="how long a first SIGTERM may take to finish what has arrived")
    clock: Literal["wall", "sample"] = Field("wall", description="'sample' for replays: no wall-clock deadlines")

    @model_validator(mode="after")
    def _ring_holds_the_lateness(self) -> Settings:
        needed_s = self.intake.lateness_s + 2.0
        if self.intake.ring_s < needed_s:
            raise ValueError(f"intake.ring_s is {self.intake.ring_s}; it must be at least lateness_s + 2 = {needed_s}")
        return self

    @model_validator(mode="after")
    def _hl7_needs_its_key(self) -> Settings:
        if self.source.kind == "hl7" and self.hl7.key_file is None:
            raise ValueError(
                "source.kind is hl7; hl7.key_file must name a file with a secret for pseudonyms and the patient table "
                "(openssl rand -base64 32)"
            )
        return self

    @model_validator(mode="after")
    def _exactly_once_needs_kafka_at_both_ends(self) -> Settings:
        kinds = self.source.kind, self.sink.kind
        if self.kafka.delivery == "exactly-once" and kinds != ("kafka", "kafka"):
            raise ValueError(
                f"kafka.delivery is exactly-once; source.kind and sink.kind must both be kafka, they are {kinds[0]} "
                f"and {kinds[1]}"
            )
        return self

    @model_validator(mode="after")
    def _explanations_are_of_a_model(self) -> Settings:
        if self.explanations.enabled and not self.diagnosis.enabled:
            raise ValueError("explanations.enabled needs a model to explain; set diagnosis.enabled, or no explanations")
        return self

    @model_validator(mode="after")
    def _a_page_for_others_is_guarded(self) -> Settings:
        guarded = self.http.tls_certificate_file and self.web.tokens_file
        if self.web.enabled and not self.http.is_loopback and not guarded:
            raise ValueError(
                f"web.enabled with http.host {self.http.host} shows patients to the network; set "
                "http.tls_certificate_file, http.tls_key_file and web.tokens_file, or http.host 127.0.0.1"
            )
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
        """Flags (init arguments) before the environment before the file."""
        file = settings_cls.model_config.get("yaml_file")
        return init_settings, env_settings, *([YamlConfigSettingsSource(settings_cls)] if file else [])
