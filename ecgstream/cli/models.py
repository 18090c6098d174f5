"""``ecgstream models``: the models that are here and their cards; those of a running daemon, and their exchange."""

from __future__ import annotations

import getpass
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .console import console, print_table, told

app = typer.Typer(no_args_is_help=True, help="Show models and their cards; show and change those of a running daemon.")

WAIT_S = 60.0
Url = Annotated[str, typer.Option("--url", help="The daemon's HTTP address; every daemon is asked by itself.")]
Token = Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Holds the token of http.order_token_file.")]
Actor = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who orders it, for the audit log.")]
HERE = "http://127.0.0.1:9464"


@app.command("list")
def list_models() -> None:
    """Every model that comes with the package, each loaded and so checked against its sha256."""
    from rich.table import Table

    from ..models.inventory import headline, shipped_models, verified

    with told():
        table = Table("name", "kind", "version", "labels", "parameters", "MB", "card says")
        for entry in map(verified, shipped_models()):
            parameters = f"{entry.n_parameters / 1e6:.2f} M"
            version, size = entry.version.rpartition("@")[2], f"{entry.size_mb:.1f}"
            row = (entry.name, entry.kind, version, str(entry.n_labels), parameters, size, headline(entry.folder))
            table.add_row(*row)
        print_table(table)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped names or model directories; unset: all shipped.")
    ] = None,
) -> None:
    """Load models and check every file against the sha256 that manifests state; exits with 2 where one does not fit."""
    from ..models.inventory import shipped_models, verified

    with told():
        for name in names or shipped_models():
            entry = verified(name)
            console.print(f"{name}: {entry.kind} {entry.version} is whole", highlight=False, soft_wrap=True)


@app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(help="A shipped model or a model directory; unset: the daemon's.")
    ] = None,
    url: Url = HERE,
) -> None:
    """Print a model's card; without a name, which model a running daemon serves and which runs in its shadow."""
    from ..models.inventory import card_text, directory

    if name is None:
        _tell(urllib.request.Request(f"{url}/models"))
        return
    with told():
        console.print(card_text(directory(name)), markup=False, highlight=False, soft_wrap=True)


@app.command()
def precision(
    data: Annotated[Path, typer.Argument(help="Folder with mitdb, vfdb, ptbxl, … in WFDB form.")],
    name: Annotated[
        str, typer.Option("--model", help="A streaming model's directory, or its shipped name.")
    ] = "streaming",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Measure what bf16 changes on records kept from training, and state it in the model's manifest."""
    from ..evaluation.precision import measure_precision, precision_table, state_in_manifest
    from ..models.inventory import directory

    with told():
        folder = directory(name)
        found = measure_precision(folder, data, Path(".cache"), "bf16")
        print_table(precision_table(found))
        state_in_manifest(folder, found)
        if json_file:
            json_file.write_text(json.dumps(found, indent=1) + "\n")


@app.command()
def shadow(
    candidate: Annotated[
        str, typer.Argument(help="A model directory in the daemon's diagnosis.candidates, by name; or none.")
    ],
    token_file: Token,
    actor: Actor,
    url: Url = HERE,
) -> None:
    """Run a model beside the one in service: on the same hops, compared, published as shadow, and not heard."""
    _tell(_order(f"{url}/models/shadow", candidate, actor, token_file))


@app.command()
def swap(
    to: Annotated[str, typer.Argument(help="The shadow's version, name@sha256, as `models show` has it.")],
    token_file: Token,
    actor: Actor,
    url: Url = HERE,
) -> None:
    """Let the shadow serve, without a lost hop, and what served be its shadow; exits with 2, saying why, if it cannot.

    Lasts until the daemon ends: set diagnosis.model, too.
    """
    _tell(_order(f"{url}/models/swap", to, actor, token_file))


@app.command()
def head(
    name: Annotated[str, typer.Argument(help="A head's directory in the daemon's diagnosis.heads, by name.")],
    token_file: Token,
    actor: Actor,
    remove: Annotated[bool, typer.Option(help="Take it out of service instead.")] = False,
    url: Url = HERE,
) -> None:
    """Let a running daemon take a head into service, beside its model, or in place of the head of that name."""
    _tell(_order(f"{url}/models/head{'/remove' if remove else ''}", name, actor, token_file))


def _order(url: str, model: str, actor: str, token_file: Path) -> urllib.request.Request:
    body = json.dumps({"model": model, "actor": actor}).encode()
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}", "Content-Type": "application/json"}
    return urllib.request.Request(url, body, headers)


def _tell(request: urllib.request.Request) -> None:
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            roles: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        _fail(_text(error))
    except OSError as error:
        _fail(f"The daemon at {request.full_url} does not answer ({error}); is it running, and is --url its address?")
    typer.echo("\n".join(f"{role}: {version or 'none'}" for role, version in roles.items()))


def _text(error: urllib.error.HTTPError) -> str:
    """The daemon's sentence; of one that ends while it is asked, or of anything else at that address, what it said."""
    said = error.read().decode(errors="replace")
    try:
        return json.loads(said)["text"]
    except (ValueError, KeyError, TypeError):
        return f"{error.url} answers {error.code}: {said.strip() or error.reason}. See the daemon's log."


def _fail(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
