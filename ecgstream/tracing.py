"""Traces by OpenTelemetry (extra ``traces``): one per pass, with its stages and its delivery. No bed is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .errors import SettingsError
from .settings import TraceSettings

FLUSH_S = 5.0
"""How long spans may still leave after the end."""


class Tracing:
    """Spans to an OTLP collector over HTTP; where none is set, nothing. A collector that is away costs spans alone: the
    exporter keeps 2,048 of them and drops what comes on top."""

    def __init__(self, settings: TraceSettings):
        self._provider: Any = None
        self._tracer: Any = None
        if settings.endpoint is not None:
            self._start(settings.endpoint, settings.share)

    def _start(self, endpoint: str, share: float) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        except ImportError as error:
            raise SettingsError(
                f"traces.endpoint is set and {error.name} is not installed; pip install 'ecgstream[traces]'."
            ) from error
        resource = Resource.create({"service.name": "ecgstream"})
        self._provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        self._tracer = self._provider.get_tracer("ecgstream")

    def span(self, name: str) -> AbstractContextManager[Any]:
        """A span around what is done inside, within the one that is open in this thread."""
        return self._tracer.start_as_current_span(name) if self._tracer else nullcontext()

    def here(self) -> Any:
        """Where this thread is, for ``following``."""
        if self._tracer is None:
            return None
        from opentelemetry.context import get_current

        return get_current()

    @contextmanager
    def following(self, place: Any, name: str) -> Iterator[None]:
        """A span within what was open at ``place``, in another thread."""
        if self._tracer is None or place is None:
            yield
            return
        with self._tracer.start_as_current_span(name, context=place):
            yield

    def close(self) -> None:
        """Let spans leave, for a while."""
        if self._provider is not None:
            self._provider.force_flush(round(FLUSH_S * 1000))
            self._provider.shutdown()
