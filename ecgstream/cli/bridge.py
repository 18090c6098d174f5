"""``ecgstream bridge``: the edges to the hospital, each a process of its own."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingsError
from ..settings import Settings, load_settings
from .console import told

app = typer.Typer(no_args_is_help=True, help="The edges to the hospital: HL7, FHIR and webhooks. docs/integration.md")

ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML; deploy/ecgstream.yaml explains it.")]


@app.command()
def alerts(config: ConfigFile = None) -> None:
    """Send alerts on: PCD-04 to alarm managers, FHIR to an EHR, signed JSON to a webhook.

    They are read where the daemon publishes them (`sink.kind`: ecg.alerts in Kafka, or the ZeroMQ sink) and kept on
    disk until each of `outbound.destinations` has confirmed them. Runs until SIGTERM.
    """
    from .. import logs

    with told():
        settings = load_settings(config)
        logs.configure(settings.log)
        asyncio.run(_run(settings))


class Carrier(StrEnum):
    """What carries chunks to the daemons."""

    KAFKA = "kafka"
    ZEROMQ = "zeromq"


@app.command()
def mllp(
    config: ConfigFile = None,
    to: Annotated[Carrier, typer.Option(help="What carries chunks and orders to the daemons.")] = Carrier.KAFKA,
) -> None:
    """Take HL7 in: waveforms, the monitors' own alarms and ADT, by MLLP.

    They go to ecg.chunks and ecg.control in Kafka, or to the ZeroMQ sockets of one daemon (`source.endpoints`,
    `control.endpoint`). A message is answered once it is safe there. Runs until SIGTERM; /metrics is at `http.port`.
    """
    from .. import logs
    from ..hl7 import bridge

    with told():
        settings = load_settings(config)
        logs.configure(settings.log)
        asyncio.run(bridge.run(settings, to.value))


async def _run(settings: Settings) -> None:
    try:
        from ..outbound.bridge import Bridge
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The bridge needs {error.name}, which is not installed; run: pip install 'ecgstream[hospital]'"
        ) from error
    await Bridge(settings).run()
