"""What lies in deploy/ fits the program: settings and metrics that exist, files that are where they are mounted."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions
from typer import Typer
from typer.testing import CliRunner

from ecgstream.cli import app as ecgstream
from ecgstream.settings import KafkaSettings, Settings, load_settings
from simulators.cli import app as simulators

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def _compose() -> list[str]:
    """The command of whichever generation of Docker Compose is here; empty without any."""
    if shutil.which("docker") and not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []


def test_compose_is_valid_to_docker():
    if not (compose := _compose()):
        pytest.skip("neither docker compose nor docker-compose is here")
    told = subprocess.run(
        [*compose, "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"], capture_output=True, text=True
    )
    assert told.returncode == 0 and told.stderr == ""


def test_compose_follows_its_specification():
    text = (DEPLOY / "compose.yaml").read_text()
    reader = PyOptions(apply_merge=True)
    reader.from_yaml(text).validate()
    with pytest.raises(ValueError, match="unknown variant `sometimes`"):
        reader.from_yaml(text.replace("restart: unless-stopped", "restart: sometimes", 1))
    with pytest.raises(ValueError, match="helthcheck"):
        reader.from_yaml(text.replace("healthcheck:", "helthcheck:", 1))


def test_our_own_services_write_nothing_but_their_state(services: dict[str, Any]):
    for name in ("topics", "daemon", "ward", "simulator"):
        service = services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["tmpfs"] == ["/tmp"], name


def test_compose_has_the_whole_ward(services: dict[str, Any]):
    assert set(services) == {"kafka", "topics", "daemon", "ward", "simulator", "prometheus", "grafana"}
    once = {"topics", "simulator"}
    for name, service in services.items():
        assert service["healthcheck"].get("disable", False) == (name in once), name
    for service in services.values():
        for other, needed in service.get("depends_on", {}).items():
            has_check = "test" in services[other]["healthcheck"]
            assert has_check == (needed["condition"] == "service_healthy"), other


def test_everything_mounted_or_built_from_is_there(services: dict[str, Any]):
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    folders = [path for path in mounted if path.startswith(".")]
    assert len(folders) == 4
    for path in folders:
        assert (DEPLOY / path).exists(), path
    assert (DEPLOY / services["daemon"]["build"]["context"] / "Dockerfile").exists()


def test_published_ports_are_for_this_host_alone(services: dict[str, Any]):
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_settings_in_compose_are_settings(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    for name, value in services["daemon"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.source.kind, settings.sink.kind) == ("kafka", "kafka")
    [inside] = settings.kafka.bootstrap
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INSIDE://{inside}," in advertised
    assert services["simulator"]["command"][-1] == f"kafka://{inside}/{settings.kafka.topics.chunks}"


def test_the_ward_page_in_compose_is_for_this_host_alone(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    page = services["ward"]
    assert page["network_mode"] == "host"
    for name, value in page["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.http.is_loopback and f":{settings.http.port}/" in page["healthcheck"]["test"][-1]
    assert f"OUTSIDE://{settings.kafka.bootstrap[0]}" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert settings.source.kind == settings.sink.kind == "kafka"


@pytest.mark.parametrize(
    ("name", "app"), [("topics", ecgstream), ("daemon", ecgstream), ("ward", ecgstream), ("simulator", simulators)]
)
def test_commands_in_compose_are_commands(services: dict[str, Any], name: str, app: Typer):
    told = CliRunner().invoke(app, [*services[name]["command"], "--help"])
    assert told.exit_code == 0, told.output


def test_kafka_is_of_one_version_everywhere(services: dict[str, Any]):
    image = services["kafka"]["image"].split(":")[1]
    assert f"<artifactId>kafka_2.13</artifactId><version>{image}<" in (DEPLOY / "kafka" / "pom.xml").read_text()


def test_every_line_of_the_settings_file_is_the_default():
    assert load_settings(DEPLOY / "ecgstream.yaml").model_dump() == Settings().model_dump()


def test_commented_sections_of_the_settings_file_are_settings(tmp_path: Path):
    text = (DEPLOY / "ecgstream.yaml").read_text()
    (tmp_path / "all.yaml").write_text(re.sub(r"^  # (?=tls:|sasl:| {2}\w|instance)", "  ", text, flags=re.MULTILINE))
    kafka = load_settings(tmp_path / "all.yaml").kafka
    assert kafka.instance and kafka.tls.ca_file and kafka.sasl.username


def test_settings_file_names_every_kafka_setting():
    text = (DEPLOY / "ecgstream.yaml").read_text()
    assert [name for name in KafkaSettings.model_fields if f"{name}:" not in text] == []
