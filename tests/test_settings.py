"""Settings: layering, and every fault named at once."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from ecgstream.errors import SettingsError
from ecgstream.settings import CurveSettings, load_settings

ROOT = Path(__file__).parent.parent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ecgstream.yaml"
    path.write_text("http: {host: 0.0.0.0, port: 7001}\nintake: {stale_s: 5}\n")
    return path


def test_defaults_hold_when_nothing_is_said():
    settings = load_settings()
    assert settings.http.host == "127.0.0.1"
    assert settings.source.kind == "zeromq"


def test_environment_wins_over_file_and_flags_over_both(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ECGSTREAM_HTTP__PORT", "7002")
    settings = load_settings(file)
    assert (settings.http.host, settings.http.port, settings.intake.stale_s) == ("0.0.0.0", 7002, 5)
    assert load_settings(file, {"http.port": 7003}).http.port == 7003


def test_every_fault_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bad.yaml"
    path.write_text("http: {port: 99999}\nintake: {ring_s: 3}\nnonsense: 1\n")
    monkeypatch.setenv("ECGSTREAM_HTPP__PORT", "1")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    text = str(caught.value)
    for name in ("http.port", "99999", "intake.ring_s", "nonsense", "ECGSTREAM_HTPP__PORT"):
        assert name in text


@pytest.mark.parametrize(
    ("content", "said"),
    [("- 1\n", "must map section names"), ("a: [", "not valid YAML")],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str, said: str):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=said):
        load_settings(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(SettingsError, match="nowhere.yaml cannot be read"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("name", ["asystole", "ventricular_fibrillation", "astystole"])
def test_alarms_that_must_stay_on_cannot_be_disabled(name: str):
    with pytest.raises(SettingsError, match=f"{name} cannot be switched off"):
        load_settings(flags={"alarms.disabled": [name]})


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"alarms.always_on": ["tea_break"]}, "tea_break: no such condition"),
        ({"alarms.always_on": ["pause"], "alarms.disabled": ["pause"]}, "pause cannot be both disabled and always_on"),
        ({"alarms.bradycardia_bpm": 30.0}, "extreme_bradycardia_bpm"),
        ({"alarms.preset": "neonate", "alarms.tachycardia_bpm": 90.0}, "must lie below tachycardia_bpm"),
        ({"alarms.preset": "toddler"}, "alarms.preset"),
    ],
)
def test_alarm_settings_that_contradict_each_other_are_refused(flags: dict, says: str):
    with pytest.raises(SettingsError, match=says):
        load_settings(flags=flags)


def test_a_ring_shorter_than_the_lateness_is_refused():
    with pytest.raises(SettingsError, match="at least lateness_s"):
        load_settings(flags={"intake.ring_s": 10.0, "intake.lateness_s": 9.0})


def test_secrets_are_never_shown():
    curve = CurveSettings(public_key="p", secret_key=SecretStr("very secret"))
    assert "very secret" not in f"{curve} {curve!r} {curve.model_dump(mode='json')}"
    with pytest.raises(SettingsError) as caught:
        load_settings(flags={"sink.curve": {"public_key": "p", "secret_key": ["very secret"]}})
    assert "very secret" not in str(caught.value)


def test_the_example_file_states_the_defaults():
    assert load_settings(ROOT / "deploy" / "ecgstream.yaml").model_dump() == load_settings().model_dump()


def test_two_topics_cannot_have_one_name():
    with pytest.raises(SettingsError, match=r"kafka.topics: .*given twice: ecg.state"):
        load_settings(None, {"kafka.topics.control": "ecg.state"})


def test_exactly_once_needs_kafka_at_both_ends():
    with pytest.raises(SettingsError, match=r"source.kind and sink.kind must both be kafka, they are kafka and zeromq"):
        load_settings(None, {"kafka.delivery": "exactly-once", "source.kind": "kafka"})


def test_a_wrong_password_setting_is_not_shown():
    with pytest.raises(SettingsError) as error:
        load_settings(None, {"kafka.sasl": {"username": "ward", "password": ["s3cret"]}})
    assert "kafka.sasl.password" in str(error.value) and "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "flags",
    [{}, {"http.tls_certificate_file": "tls.pem", "http.tls_key_file": "tls.key"}, {"web.tokens_file": "t.yaml"}],
)
def test_a_ward_page_for_the_network_needs_tls_and_tokens(flags):
    with pytest.raises(SettingsError, match=r"web\.enabled with http\.host 0\.0\.0\.0 shows patients to the network"):
        load_settings(flags={"web.enabled": True, "http.host": "0.0.0.0"} | flags)


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(SettingsError, match="set both tls_certificate_file and tls_key_file"):
        load_settings(flags={"http.tls_certificate_file": "tls.pem"})
