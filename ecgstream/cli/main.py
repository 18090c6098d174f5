"""``ecgstream``: the daemon, the demo, and the tools around them."""

from __future__ import annotations

import gc
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from ..errors import EcgstreamError, ModelError, SettingsError
from . import (
    analyse,
    bench,
    bridge,
    evaluate,
    explain,
    export,
    finetune,
    heads,
    models,
    pretrain,
    strip,
    topics,
    train_foundation,
    web,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Continuous multi-lead ECG from bedside monitors to rhythm, diagnoses and alarms, streaming. "
    "**Not a medical device.**",
)
app.add_typer(bench.app, name="bench")
app.add_typer(bridge.app, name="bridge")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(heads.app, name="heads")
app.add_typer(models.app, name="models")
app.add_typer(topics.app, name="topics")
app.command()(analyse.analyse)
app.command()(explain.explain)
app.command()(export.export)
app.command()(finetune.finetune)
app.command()(pretrain.pretrain)
app.command("train-foundation")(train_foundation.train_foundation)
app.command("train-phenotypes")(train_foundation.train_phenotypes)
app.command()(strip.strip)
app.command("web-token")(web.web_token)

ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML; deploy/ecgstream.yaml explains it.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="One setting, such as http.port=9000; wins over all."),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result here as JSON.")]


@app.command()
def run(
    config: ConfigFile = None,
    sets: Sets = None,
    require_model: Annotated[bool, typer.Option(help="Exit with 2 instead of running on rules alone.")] = False,
) -> None:
    """Run the daemon until SIGTERM, which drains; a second signal forces.

    Settings come from the file, then the environment (`ECGSTREAM_HTTP__PORT=9000`), then `--set`.
    """
    settings = _settings(config, sets)
    gc.disable()  # until it is ready: to look for garbage among all the modules takes half a second

    from .. import daemon, logs

    logs.configure(settings.log)
    try:
        code = daemon.run(settings, require_model)
    except EcgstreamError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command("web")
def serve_web(config: ConfigFile = None, sets: Sets = None) -> None:
    """Serve the ward page of every bed of the group, as a process of its own, until SIGTERM.

    It takes the daemons' settings file: what they publish (`sink.kind`, `kafka`) is what it reads, orders go to
    `ecg.control` or `control.endpoint`. By ZeroMQ the daemon needs `sink.chunks: true` for waves.
    """
    settings = _settings(config, [*(sets or []), "web.enabled=true"])

    from .. import logs, web_process

    logs.configure(settings.log)
    try:
        code = web_process.run(settings)
    except EcgstreamError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command("check-config")
def check_config(config: ConfigFile = None, sets: Sets = None) -> None:
    """Print the settings in effect, or every fault in them at once (exit code 2); the model file is checked, too."""
    from ..diagnosis.loader import load_model

    settings = _settings(config, sets)
    try:
        chosen = settings.diagnosis
        model = load_model(chosen.model, "cpu", chosen.precision) if chosen.enabled else None
    except ModelError as error:
        _fail(error)
    typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), nl=False)
    typer.echo(f"# model: {model.version if model else 'off'}")


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(help="How long; 0 runs until Ctrl-C.")] = 0.0,
    beds: Annotated[int, typer.Option(min=1, max=64, help="Simulated beds.")] = 8,
    json_file: JsonFile = None,
    seed: Annotated[int, typer.Option(help="Another ward for another seed.")] = 1,
) -> None:
    """A simulated ward, the daemon and a live table of what it says.

    Exits with 1 if a scripted lethal rhythm was missed.
    """
    from ..demo import run_demo

    raise typer.Exit(run_demo(seconds, beds, seed, json_file))


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder with mitdb, vfdb, ptbxl, … in WFDB form.")],
    out: Annotated[Path, typer.Option(help="Where the model directory is written.")] = Path("runs/encoder"),
    steps: Annotated[int, typer.Option(min=1, help="Some 0.6 s each on one core.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed, data and steps give the same weights.")] = 1,
) -> None:
    """Train the streaming encoder and its heads, calibrate them, export TorchScript and write the model card."""
    from ..training import train as run_training

    try:
        run_training(data, out, steps=steps, seed=seed)
    except EcgstreamError as error:
        _fail(error)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"ecgstream {package_version('ecgstream')} (not a medical device)")


def _settings(config: Path | None, sets: list[str] | None):
    from ..settings import load_settings

    try:
        return load_settings(config, dict(_flag(text) for text in sets or []))
    except SettingsError as error:
        _fail(error)


def _flag(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"--set needs NAME=VALUE; found {text!r}.")
    return name, yaml.safe_load(value)


def _fail(error: Exception) -> None:
    Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
    raise typer.Exit(2)
