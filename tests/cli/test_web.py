"""``ecgstream web-token`` makes a token that its own lines let in."""

from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.settings import HttpSettings, WebSettings
from ecgstream.web.access import Access, Role


def test_a_token_opens_the_page_by_the_lines_that_come_with_it(tmp_path):
    said = CliRunner().invoke(app, ["web-token", "ward 3 desk", "--role", "acknowledge"]).output
    path = tmp_path / "tokens.yaml"
    path.write_text(said.split("# The token")[0])
    access = Access(WebSettings(tokens_file=path), HttpSettings())
    access.start()
    token = said.splitlines()[-1]
    holder = access.holder_of(token)
    assert (holder.name, holder.role) == ("ward 3 desk", Role.ACKNOWLEDGE)
    assert access.holder_of(token + "x") is None and token not in path.read_text()
