"""``ecgstream models``: which models a running daemon has, a new one in the shadow, and their exchange."""

from __future__ import annotations

import getpass
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="Show and change the models of a running daemon.")

WAIT_S = 60.0
Url = Annotated[str, typer.Option("--url", help="The daemon's HTTP address; every daemon is asked by itself.")]
Token = Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Holds the token of http.order_token_file.")]
Actor = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who orders it, for the audit log.")]
HERE = "http://127.0.0.1:9464"


@app.command()
def show(url: Url = HERE) -> None:
    """Print which model serves and which runs in its shadow."""
    _tell(urllib.request.Request(f"{url}/models"))


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


def _order(url: str, model: str, actor: str, token_file: Path) -> urllib.request.Request:
    body = json.dumps({"model": model, "actor": actor}).encode()
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}", "Content-Type": "application/json"}
    return urllib.request.Request(url, body, headers)


def _tell(request: urllib.request.Request) -> None:
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            roles: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        _fail(json.load(error)["text"])
    except OSError as error:
        _fail(f"The daemon at {request.full_url} does not answer ({error}); is it running, and is --url its address?")
    typer.echo("\n".join(f"{role}: {version or 'none'}" for role, version in roles.items()))


def _fail(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
