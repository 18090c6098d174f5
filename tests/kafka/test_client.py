"""What every client is told: the right protocol, secrets from where they are, and every unusable file in a sentence."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
import trustme
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ecgstream.errors import SettingsError
from ecgstream.kafka.client import client_options, why_unreachable
from ecgstream.settings import KafkaSettings, SaslSettings, Settings, TlsSettings, load_settings

from .brokers import free_port

SECRET = "correct horse battery"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a certificate and of its encrypted key, which SECRET opens."""
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode()))
    (tmp_path / "key.pem").write_bytes(encrypted)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@pytest.mark.parametrize(
    ("sections", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": {}}, "SSL"),
        ({"sasl": {"username": "ward", "password": SECRET}}, "SASL_PLAINTEXT"),
        ({"tls": {}, "sasl": {"username": "ward", "password": SECRET}}, "SASL_SSL"),
    ],
)
def test_protocol_follows_from_the_sections_that_are_set(sections: dict, protocol: str):
    options = client_options(KafkaSettings(**sections))
    assert options["security_protocol"] == protocol
    assert ("ssl_context" in options) == ("tls" in sections)
    assert options.get("sasl_plain_password") == (SECRET if "sasl" in sections else None)


def test_brokers_are_verified_by_name_and_authority():
    context = client_options(KafkaSettings(tls=TlsSettings()))["ssl_context"]
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


def test_password_comes_from_the_first_line_of_a_file(tmp_path: Path):
    (tmp_path / "password").write_text(f"{SECRET}\n")
    sasl = SaslSettings(username="ward", password_file=tmp_path / "password")
    assert client_options(KafkaSettings(sasl=sasl))["sasl_plain_password"] == SECRET


def test_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ECGSTREAM_KAFKA__SASL__USERNAME", "ward")
    monkeypatch.setenv("ECGSTREAM_KAFKA__SASL__PASSWORD", SECRET)
    assert client_options(load_settings().kafka)["sasl_plain_password"] == SECRET


def test_secrets_are_in_no_print_of_the_settings():
    sasl = SaslSettings(username="ward", password=SECRET)
    settings = Settings(kafka=KafkaSettings(sasl=sasl, tls=TlsSettings(key_password=SECRET)))
    for print_ in (repr(settings), str(settings), yaml.safe_dump(settings.model_dump(mode="json"))):
        assert "ward" in print_ and SECRET not in print_


def test_key_is_opened_with_its_password(certificate: tuple[Path, Path]):
    cert, key = certificate
    client_options(KafkaSettings(tls=TlsSettings(certificate_file=cert, key_file=key, key_password=SECRET)))


def test_encrypted_key_without_a_password_is_a_fault_and_no_prompt(certificate: tuple[Path, Path]):
    cert, key = certificate
    with pytest.raises(SettingsError, match="key.pem is encrypted; set kafka.tls.key_password"):
        client_options(KafkaSettings(tls=TlsSettings(certificate_file=cert, key_file=key)))


def test_wrong_key_password_is_a_fault_that_does_not_show_it(certificate: tuple[Path, Path]):
    cert, key = certificate
    with pytest.raises(SettingsError, match="kafka.tls.key_password must open the key") as raised:
        client_options(KafkaSettings(tls=TlsSettings(certificate_file=cert, key_file=key, key_password="wrong one")))
    assert "wrong one" not in str(raised.value)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"tls": {"ca_file": "missing.pem"}}, "kafka.tls.ca_file must hold .*missing.pem.*No such file"),
        ({"tls": {"ca_file": "rubbish"}}, "kafka.tls.ca_file must hold authorities in PEM form"),
        ({"tls": {"certificate_file": "missing.pem"}}, "kafka.tls.certificate_file must hold .*No such file"),
        ({"tls": {"certificate_file": "cert.pem"}}, "kafka.tls.certificate_file must hold a certificate and its key"),
        ({"tls": {"key_file": "key.pem"}}, "kafka.tls.certificate_file must be set with it"),
        ({"sasl": {"username": "w", "password_file": "missing"}}, "password_file .*missing cannot be read"),
        ({"sasl": {"username": "w", "password_file": "empty"}}, "must hold the password in its first line"),
    ],
)
@pytest.mark.usefixtures("certificate")
def test_unusable_files_are_sentences(tmp_path: Path, sections: dict, said: str):
    (tmp_path / "rubbish").write_text("not PEM")
    (tmp_path / "empty").write_text("")
    named = {
        section: {name: tmp_path / value if name.endswith("_file") else value for name, value in values.items()}
        for section, values in sections.items()
    }
    with pytest.raises(SettingsError, match=said):
        client_options(KafkaSettings(**named))


async def test_unreachable_brokers_are_each_named():
    nobody = f"127.0.0.1:{free_port()}"
    said = await why_unreachable(KafkaSettings(bootstrap=(nobody, "nowhere.invalid:9092")))
    assert f"Kafka at {nobody} cannot be reached (Connection refused); check kafka.bootstrap." in said
    assert "nowhere.invalid:9092" in said


async def test_one_reachable_broker_is_enough(kafka_settings: KafkaSettings):
    nobody = f"127.0.0.1:{free_port()}"
    settings = kafka_settings.model_copy(update={"bootstrap": (nobody, *kafka_settings.bootstrap)})
    assert await why_unreachable(settings) is None


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_messages_come_back_through_every_compression(kafka_settings: KafkaSettings, compression: str):
    values = [bytes([number]) * 10_000 for number in range(5)]
    options = client_options(kafka_settings)
    packed = None if compression == "none" else compression
    async with AIOKafkaProducer(**options, compression_type=packed) as producer:
        for value in values:
            await producer.send_and_wait(kafka_settings.topics.chunks, value, partition=0)
    async with AIOKafkaConsumer(kafka_settings.topics.chunks, **options, auto_offset_reset="earliest") as consumer:
        assert [(await consumer.getone()).value for _ in values] == values


def test_aiokafka_cannot_log_requests_which_hold_the_password():
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)
