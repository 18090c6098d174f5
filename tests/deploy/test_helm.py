"""The Helm chart: rendered by Helm's own engine, checked against Kubernetes' schemas and the daemon's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.settings import Settings, load_settings

from .conftest import ROOT
from .test_prometheus import RULES

helm = pytest.importorskip("helm_python", reason="Helm's engine is not here: the extra ops has it for Linux on x86-64")
CHART = ROOT / "deploy" / "helm" / "ecgstream"
EVERYTHING = {
    "replicas": 3,
    "gpu": {"enabled": True, "runtimeClassName": "nvidia"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "runbookUrl": "https://runbooks.example/ecgstream"},
    "keda": {"enabled": True, "authenticationRef": "kafka"},
    "settings": {
        "kafka": {"bootstrap": ["a:9093", "b:9093"], "sasl": {"username": "ecgstream"}},
        "outbound": {
            "destinations": [
                {"kind": "pcd04", "name": "icu", "host": "icu.example"},
                {
                    "kind": "fhir",
                    "name": "ehr",
                    "url": "https://ehr.example",
                    "token_file": "/run/secrets/outbound/ehr",
                },
            ]
        },
    },
    "secrets": {
        "kafkaTls": {"name": "kafka-tls"},
        "kafkaPassword": {"name": "kafka-user", "key": "secret"},
        "orderToken": {"name": "orders"},
        "hl7Key": {"name": "hl7", "key": "secret"},
        "mllpTls": {"name": "mllp-tls"},
        "outbound": {"name": "receivers"},
        "wardTls": {"name": "ward-tls"},
        "wardTokens": {"name": "ward-tokens", "key": "desks"},
    },
    "ward": {"enabled": True, "hostNames": ["ward.hospital.example"]},
    "edge": {"mllp": True, "alerts": True, "clientsShowCertificates": True, "storage": {"className": "fast"}},
    "imagePullSecrets": [{"name": "registry"}],
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "nodeSelector": {"pool": "icu"},
    "priorityClassName": "system-cluster-critical",
    "podAnnotations": {"backup": "no"},
}
KUBERNETES = ("1.27", "1.37")
"""The oldest the chart states, and the newest whose schemas are at hand."""


def rendered(values: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Manifests by kind, those of the edge and of the ward page with ``edge`` or ``ward`` before it."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render(values or {}, name="ward", namespace="icu")
    manifests = [made for text in texts.values() for made in yaml.safe_load_all(text) if made]
    parts = [made["metadata"]["name"].removeprefix("ward").removeprefix("-") for made in manifests]
    kinds = [f"{part} {made['kind']}".strip() for part, made in zip(parts, manifests, strict=True)]
    assert len(kinds) == len(set(kinds))
    return dict(zip(kinds, manifests, strict=True))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it comes", "everything"])
def test_manifests_follow_kubernetes_schemas(values: dict[str, Any], version: str):
    own = {
        kind: made
        for kind, made in rendered(values).items()
        if "." not in made["apiVersion"] or "policy/" in made["apiVersion"]
    }
    asked = {"edge StatefulSet", "edge Service", "edge ConfigMap", "ward Deployment", "ward Service", "ward ConfigMap"}
    always = {"StatefulSet", "Service", "ConfigMap", "PodDisruptionBudget", "ServiceAccount"}
    assert set(own) == (always | asked if values else always)
    for made in own.values():
        kubernetes_validate.validate(made, version, strict=True)


def test_the_schemas_would_find_a_fault():
    made = rendered()["StatefulSet"]
    made["spec"]["template"]["spec"]["containers"][0]["livenessProbes"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it comes", "everything"])
def test_the_settings_it_writes_are_settings_and_every_file_they_name_is_mounted(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = rendered(values)
    (tmp_path / "ecgstream.yaml").write_text(made["ConfigMap"]["data"]["ecgstream.yaml"])
    pod = made["StatefulSet"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [instance] = container["env"]
    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    monkeypatch.setenv(instance["name"], "ward-0")
    settings = load_settings(tmp_path / "ecgstream.yaml")
    assert settings.kafka.instance == "ward-0" and settings.source.kind == settings.sink.kind == "kafka"
    assert settings.http.port == container["ports"][0]["containerPort"]
    kafka = settings.kafka
    files = [settings.http.order_token_file, kafka.sasl and kafka.sasl.password_file]
    files += [kafka.tls.ca_file, kafka.tls.certificate_file, kafka.tls.key_file] if kafka.tls else []
    mounted = {Path(mount["mountPath"]) for mount in container["volumeMounts"]}
    assert all(file.parent in mounted for file in files if file)
    assert sum(file is not None for file in files) == (5 if values else 0)
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_edge_is_one_pod_whose_settings_are_settings_and_whose_files_are_mounted(tmp_path: Path):
    made = rendered(EVERYTHING)
    (tmp_path / "ecgstream.yaml").write_text(made["edge ConfigMap"]["data"]["ecgstream.yaml"])
    settings = load_settings(tmp_path / "ecgstream.yaml")
    edge = made["edge StatefulSet"]["spec"]
    pod = edge["template"]["spec"]
    assert edge["replicas"] == 1, "the table of patients has one writer"
    kafka, hl7, outbound = settings.kafka, settings.hl7, settings.outbound
    files = [kafka.sasl.password_file, kafka.tls.ca_file, kafka.tls.certificate_file, kafka.tls.key_file, hl7.key_file]
    files += [hl7.tls.certificate_file, hl7.tls.key_file, hl7.tls.client_ca_file, outbound.destinations[1].token_file]
    files += [hl7.patients_file, outbound.queue]
    volumes = {
        volume["name"] for volume in [*pod["volumes"], *(one["metadata"] for one in edge["volumeClaimTemplates"])]
    }
    ports = {}
    for container in pod["containers"]:
        mounts = {mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"]}
        assert mounts.keys() == volumes
        assert all(file.parent in mounts.values() for file in files)
        command = [
            argument for argument in container["args"] if argument not in ("--config", "/etc/ecgstream/ecgstream.yaml")
        ]
        assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0
        ports |= {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"mllp": hl7.port, "http-mllp": settings.http.port, "http-alerts": outbound.http_port}
    assert (hl7.host, settings.http.host, outbound.http_host) == ("0.0.0.0",) * 3
    service = made["edge Service"]["spec"]
    assert service["selector"].items() <= edge["template"]["metadata"]["labels"].items()
    assert not made["Service"]["spec"]["selector"].items() <= edge["template"]["metadata"]["labels"].items()
    assert {port["targetPort"] for port in service["ports"]} == ports.keys()
    scraped = {endpoint["port"] for endpoint in made["edge ServiceMonitor"]["spec"]["endpoints"]}
    assert scraped == ports.keys() - {"mllp"}


def test_the_ward_page_speaks_tls_to_whoever_has_a_token_and_owns_no_bed(tmp_path: Path):
    made = rendered(EVERYTHING)
    (tmp_path / "ecgstream.yaml").write_text(made["ward ConfigMap"]["data"]["ecgstream.yaml"])
    settings = load_settings(tmp_path / "ecgstream.yaml")
    assert settings.web.enabled and settings.web.host_names == ("ward.hospital.example",)
    page = made["ward Deployment"]["spec"]
    [container] = page["template"]["spec"]["containers"]
    mounted = {mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"]}
    assert mounted.keys() == {volume["name"] for volume in page["template"]["spec"]["volumes"]}
    kafka, http = settings.kafka, settings.http
    files = [http.tls_certificate_file, http.tls_key_file, settings.web.tokens_file, kafka.sasl.password_file]
    assert all(file.parent in mounted.values() for file in [*files, kafka.tls.ca_file])
    assert kafka.instance is None, "a member of the group would be given beds"
    assert CliRunner().invoke(app, [container["args"][0], "--help"]).exit_code == 0
    assert container["ports"] == [{"name": "https", "containerPort": http.port}]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {(probe["scheme"], probe["port"]) for probe in probes} == {("HTTPS", "https")}
    labels = page["template"]["metadata"]["labels"]
    assert made["ward Service"]["spec"]["selector"].items() <= labels.items()
    assert not made["Service"]["spec"]["selector"].items() <= labels.items()
    [scraped] = made["ward ServiceMonitor"]["spec"]["endpoints"]
    assert (scraped["port"], scraped["scheme"]) == ("https", "https")
    assert not settings_of(made).web.enabled, "daemons have no page of their own"


def settings_of(made: dict[str, dict[str, Any]]) -> Settings:
    return Settings.model_validate(yaml.safe_load(made["ConfigMap"]["data"]["ecgstream.yaml"]))


@pytest.mark.parametrize("secret", ["wardTls", "wardTokens"])
def test_without_certificate_or_tokens_there_is_no_ward_page(secret: str):
    secrets = {name: {"name": "there"} for name in ("wardTls", "wardTokens") if name != secret}
    with pytest.raises(helm.HelmError, match=secret):
        rendered({"ward": {"enabled": True}, "secrets": secrets})


def test_half_an_edge_is_half_of_it_and_without_its_key_it_is_refused():
    half = rendered({"edge": {"alerts": True}, "secrets": {"hl7Key": {"name": "hl7"}}})
    assert [one["name"] for one in half["edge StatefulSet"]["spec"]["template"]["spec"]["containers"]] == ["alerts"]
    with pytest.raises(helm.HelmError, match="hl7Key"):
        rendered({"edge": {"mllp": True}})


@pytest.mark.parametrize("kind", ["StatefulSet", "edge StatefulSet", "ward Deployment"])
def test_it_may_do_nothing_it_need_not(kind: str):
    pod = rendered(EVERYTHING)[kind]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] and not confined["allowPrivilegeEscalation"]
        assert confined["capabilities"] == {"drop": ["ALL"]}


def test_what_is_optional_is_there_when_asked_for_and_fits_the_rest():
    assert not {"ServiceMonitor", "PrometheusRule", "ScaledObject"} & rendered().keys()
    made = rendered(EVERYTHING)
    service, monitor = made["Service"], made["ServiceMonitor"]
    chosen = monitor["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    pod = made["StatefulSet"]["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    scaled = made["ScaledObject"]["spec"]
    assert scaled["scaleTargetRef"]["name"] == made["StatefulSet"]["metadata"]["name"]
    assert "replicas" not in made["StatefulSet"]["spec"]  # two who set it would undo each other's work
    assert scaled["triggers"][0]["metadata"]["bootstrapServers"] == "a:9093,b:9093"


def test_its_rules_are_the_rules():
    spec = rendered(EVERYTHING)["PrometheusRule"]["spec"]
    rules = [rule for group in spec["groups"] for rule in group["rules"]]
    assert [rule["expr"] for rule in rules] == [rule["expr"] for rule in RULES]
    alerts = [rule for rule in rules if "alert" in rule]
    assert all(
        alert["annotations"]["runbook_url"].startswith("https://runbooks.example/ecgstream#") for alert in alerts
    )


def test_a_change_of_settings_restarts_the_daemons():
    before, after = rendered(), rendered({"settings": {"kafka": {"bootstrap": ["other:9092"]}}})
    sums = [made["StatefulSet"]["spec"]["template"]["metadata"]["annotations"] for made in (before, after)]
    assert sums[0] != sums[1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"replica": 3}, "replica"),
        ({"gpu": {"count": 0}}, "count"),
        ({"settings": {"kafka": {"bootstrap": []}}}, "bootstrap"),
    ],
)
def test_values_that_are_wrong_are_refused_by_name(wrong: dict[str, Any], named: str):
    with pytest.raises(helm.HelmError, match=named):
        rendered(wrong)
