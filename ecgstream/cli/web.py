"""``ecgstream web-token``: a token for the ward page."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class RoleName(StrEnum):
    """What a token is good for."""

    VIEW = "view"
    ACKNOWLEDGE = "acknowledge"
    CONFIGURE = "configure"


def web_token(
    name: Annotated[str, typer.Argument(help="Whose it is: a person, or a place where persons work.")],
    role: Annotated[RoleName, typer.Option(help="Each may do what those before it may.")] = RoleName.VIEW,
) -> None:
    """Make a token for the ward page, and the lines for `web.tokens_file` that let it in.

    The token is shown once; the file holds only its hash.
    """
    from ..web.access import Role, new_entry

    token, entry = new_entry(name, Role[role.name])
    typer.echo(f"# Append to web.tokens_file; the daemon reads it at start.\n{entry}", nl=False)
    typer.echo(f"# The token, for {name} alone:\n{token}")
