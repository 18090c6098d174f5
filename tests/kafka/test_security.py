"""SASL, TLS and mutual TLS against a real Apache Kafka, with certificates made here."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ecgstream.errors import BrokerError
from ecgstream.kafka.client import why_unreachable
from ecgstream.kafka.topics import check, create
from ecgstream.settings import KafkaSettings, SaslSettings, Settings, TlsSettings

from .brokers import START_S, Broker, Extras, Kind, free_port

SECRET = "correct-horse-battery"
WARD = SaslSettings(username="ward", password=SECRET)
PROTOCOLS = {"SCRAM": "SASL_PLAINTEXT", "SCRAM_TLS": "SASL_SSL", "TLS": "SSL", "MTLS": "SSL"}


@dataclass(frozen=True)
class Secured:
    """A broker with one listener per way in, and the files of its authority and of a client's certificate."""

    ports: dict[str, int]
    ca_file: Path
    client_file: Path

    def settings(self, listener: str, **sections: object) -> KafkaSettings:
        return KafkaSettings(bootstrap=(f"127.0.0.1:{self.ports[listener]}",), request_timeout_s=5, **sections)


@pytest.fixture(scope="module")
def secured(broker_kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if not broker_kind.apache:
        pytest.skip("SASL and TLS are tested against an Apache Kafka of our own, which is not here")
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    _write_pair(authority.issue_cert("127.0.0.1"), folder / "broker.pem")
    _write_pair(authority.issue_cert("ward-daemon.example"), folder / "client.pem")
    ports = {listener: free_port() for listener in PROTOCOLS}
    users = ("--add-scram", f"SCRAM-SHA-512=[name=ward,password={SECRET}]")
    with Broker(broker_kind, folder, Extras(_listeners(ports) | _credentials(folder), users)) as broker:
        _await_listeners(ports.values())
        yield Secured({**ports, "PLAINTEXT": broker.port}, folder / "ca.pem", folder / "client.pem")


def _await_listeners(ports: Iterable[int]) -> None:
    """A broker opens its listeners one after another: the one that ``Broker`` waits for may be the first."""
    deadline = time.monotonic() + START_S
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _listeners(ports: dict[str, int]) -> dict[str, str]:
    ours = [f"{name}://127.0.0.1:{port}" for name, port in ports.items()]
    protocols = {"CONTROLLER": "PLAINTEXT", "PLAINTEXT": "PLAINTEXT", **PROTOCOLS}
    return {
        "listeners": ",".join(["PLAINTEXT://127.0.0.1:{port}", "CONTROLLER://127.0.0.1:{controller}", *ours]),
        "advertised.listeners": ",".join(["PLAINTEXT://127.0.0.1:{port}", *ours]),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
    }


def _credentials(folder: Path) -> dict[str, str]:
    plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_ward="{SECRET}";'
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "listener.name.scram.plain.sasl.jaas.config": plain,
        "listener.name.scram.scram-sha-512.sasl.jaas.config": scram,
        "listener.name.scram_tls.plain.sasl.jaas.config": plain,
        "listener.name.scram_tls.scram-sha-512.sasl.jaas.config": scram,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.mtls.ssl.client.auth": "required",
    }


def _write_pair(issued: trustme.LeafCert, file: Path) -> None:
    """Certificate and key in one file; the key as PKCS 8, the only form Kafka reads."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pkcs8 + issued.cert_chain_pems[0].bytes())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
@pytest.mark.parametrize("listener", ["SCRAM", "SCRAM_TLS"])
async def test_right_password_is_let_in(secured: Secured, listener: str, mechanism: str):
    tls = TlsSettings(ca_file=secured.ca_file) if listener == "SCRAM_TLS" else None
    sasl = SaslSettings(mechanism=mechanism, username="ward", password=SECRET)
    assert await why_unreachable(secured.settings(listener, sasl=sasl, tls=tls)) is None


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_wrong_password_is_refused_in_a_sentence_without_it(secured: Secured, mechanism: str):
    wrong = SaslSettings(mechanism=mechanism, username="ward", password="not-the-password")
    said = await why_unreachable(secured.settings("SCRAM", sasl=wrong))
    assert "refuses the user name or password; check kafka.sasl (ward)" in said
    assert "not-the-password" not in said


async def test_mechanism_the_broker_lacks_is_named(secured: Secured):
    sasl = SaslSettings(mechanism="SCRAM-SHA-256", username="ward", password=SECRET)
    assert "does not offer SCRAM-SHA-256" in await why_unreachable(secured.settings("SCRAM", sasl=sasl))


async def test_no_user_name_where_one_is_wanted(secured: Secured):
    assert (
        "closed the connection at once; its listener may want TLS, a certificate of ours (kafka.tls) or a user name"
        in await why_unreachable(secured.settings("SCRAM"))
    )


async def test_a_user_name_where_none_is_wanted(secured: Secured):
    assert "wants no user name on this listener" in await why_unreachable(secured.settings("PLAINTEXT", sasl=WARD))


async def test_no_tls_where_it_is_wanted(secured: Secured):
    assert "its listener may want TLS" in await why_unreachable(secured.settings("TLS"))


async def test_tls_where_the_broker_speaks_none(secured: Secured):
    tls = TlsSettings(ca_file=secured.ca_file)
    assert "or have none of these" in await why_unreachable(secured.settings("SCRAM", tls=tls))


async def test_known_authority_is_trusted(secured: Secured):
    assert await why_unreachable(secured.settings("TLS", tls=TlsSettings(ca_file=secured.ca_file))) is None


async def test_unknown_authority_is_not_trusted(secured: Secured, tmp_path: Path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    said = await why_unreachable(secured.settings("TLS", tls=TlsSettings(ca_file=tmp_path / "other.pem")))
    assert "is not trusted" in said and "kafka.tls.ca_file must hold the authority" in said


async def test_name_that_is_not_the_certificates_is_not_trusted(secured: Secured):
    settings = secured.settings("TLS", tls=TlsSettings(ca_file=secured.ca_file))
    elsewhere = settings.model_copy(update={"bootstrap": (f"localhost:{secured.ports['TLS']}",)})
    assert "is not trusted" in await why_unreachable(elsewhere)


async def test_mutual_tls_takes_our_certificate(secured: Secured):
    tls = TlsSettings(ca_file=secured.ca_file, certificate_file=secured.client_file)
    assert await why_unreachable(secured.settings("MTLS", tls=tls)) is None


async def test_mutual_tls_refuses_who_has_no_certificate(secured: Secured):
    said = await why_unreachable(secured.settings("MTLS", tls=TlsSettings(ca_file=secured.ca_file)))
    assert "certificate of ours" in said


async def test_topics_are_made_over_scram_and_tls(secured: Secured):
    settings = Settings(kafka=secured.settings("SCRAM_TLS", sasl=WARD, tls=TlsSettings(ca_file=secured.ca_file)))
    assert [made.action for made in await create(settings, 2, 1)] == ["created"] * 8
    assert await check(settings) == []


async def test_topics_say_why_they_were_refused(secured: Secured):
    wrong = SaslSettings(username="ward", password="not-the-password")
    with pytest.raises(BrokerError, match="refuses the user name or password"):
        await check(Settings(kafka=secured.settings("SCRAM", sasl=wrong)))


async def test_password_is_in_no_log_even_at_debug_level(secured: Secured, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    sasl = SaslSettings(mechanism="PLAIN", username="ward", password=SECRET)
    settings = Settings(kafka=secured.settings("SCRAM", sasl=sasl))
    await create(settings, 2, 1)
    assert "aiokafka" in {record.name.split(".")[0] for record in caplog.records}
    assert SECRET not in caplog.text
