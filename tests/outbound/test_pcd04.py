"""PCD-04 messages: written by python-hl7, read and validated by hl7apy, compared with golden ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hl7apy.core import Message
from hl7apy.parser import parse_message

from ecgstream.alarms.conditions import RULES
from ecgstream.hl7.patients import Identifier, Identity
from ecgstream.outbound.pcd04 import Pcd04Messages
from ecgstream.outbound.queue import Entry
from ecgstream.settings import OutboundSettings, Pcd04Settings
from ecgstream.wire import ecgstream_pb2 as pb

from .hospital import T0_NS, alert

GOLDEN = Path(__file__).parent / "golden"
SENT_NS = T0_NS + 4_400_000_000


MULDER = Identity((Identifier("HO2009001", "Hospital", "MR"),), "Mul|der", "Geert", "18991230", "M")


TACHYCARDIA = {
    "alert_id": "a2",
    "condition": "tachycardia",
    "mdc_code": 196648,
    "snomed_code": "3424008",
    "priority": pb.Alert.MEDIUM,
    "measured": pb.Measured(mdc_code=147842, unit="/min", value=131.5, high_limit=120),
}


def messages(dialect: str = "ihe") -> Pcd04Messages:
    settings = Pcd04Settings(kind="pcd04", name="am", host="h", dialect=dialect, sending_facility="HOSPITAL")
    return Pcd04Messages(settings, OutboundSettings().dialect(dialect))


def entry(phase: str = "start", **fields: object) -> Entry:
    return Entry(1, phase, "p-1", alert(**fields))


def parsed(message: object) -> Message:
    """Raises where the message has not the structure of ORU_R40: that of ORU_R01, by which hl7apy knows it."""
    tree = parse_message(str(message).replace("ORU_R40", "ORU_R01"), find_groups=True)
    tree.validate()
    return tree


def observations(tree: Message) -> dict[str, tuple[str, str, list[str]]]:
    """By facet: code, value, flags."""
    group = tree.oru_r01_patient_result.oru_r01_order_observation
    return {
        child.obx.obx_4.value: (child.obx.obx_3.value, child.obx.obx_5.value, [flag.value for flag in child.obx.obx_8])
        for child in group.oru_r01_observation
    }


@pytest.mark.parametrize("dialect", ["ihe", "draeger"])
def test_golden_messages(dialect: str):
    life = [
        entry("start", text="flat line on all leads, no lead marked off: look at patient and cable"),
        entry("continue"),
        entry("update", update=1, state=pb.Alert.LATCHED, text="over, not yet acknowledged"),
        entry("end", update=2, state=pb.Alert.ENDED, text="over"),
        entry("start", **TACHYCARDIA),
    ]
    made = [messages(dialect).alert(one, MULDER, SENT_NS) for one in life]
    made.append(messages(dialect).watchdog(SENT_NS))
    for message in made:
        parsed(message)
    assert "\n".join(str(message).replace("\r", "\n") for message in made) == (GOLDEN / f"{dialect}.hl7").read_text()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_condition_makes_a_valid_message_with_a_code(rule: object):
    fields = {"condition": rule.name, "mdc_code": rule.mdc_code, "snomed_code": rule.snomed_code}
    fields |= {"technical": rule.technical, "priority": int(rule.priority)}
    seen = observations(parsed(messages().alert(entry(**fields), None, SENT_NS)))
    code, words, flags = seen["1.0.0.0.1"]
    assert int(code.split("^")[0]) == (rule.mdc_code or 199874)
    assert (rule.snomed_code in code.split("^")) == bool(rule.snomed_code)
    assert words == rule.label
    assert seen["1.0.0.0.7"][1] == ("ST" if rule.technical else "SP")
    assert flags[1:] == [seen["1.0.0.0.6"][1], seen["1.0.0.0.7"][1]]


@pytest.mark.parametrize(
    ("state", "text", "facets"),
    [
        (pb.Alert.ACTIVE, "", ("active", "enabled")),
        (pb.Alert.LATCHED, "over, not yet acknowledged", ("latched", "enabled")),
        (pb.Alert.ACKNOWLEDGED, "", ("active", "alert-acknowledged")),
        (pb.Alert.ENDED, "over", ("inactive", "enabled")),
        (pb.Alert.ENDED, "alarm paused", ("inactive", "alarm-paused")),
        (pb.Alert.ENDED, "switched off", ("inactive", "alarm-off")),
    ],
)
def test_states(state: int, text: str, facets: tuple[str, str]):
    seen = observations(parsed(messages().alert(entry("update", update=3, state=state, text=text), None, SENT_NS)))
    assert (seen["1.0.0.0.4"][1], seen["1.0.0.0.5"][1]) == facets


@pytest.mark.parametrize(
    ("measured", "obx"),
    [
        (
            {"mdc_code": 147842, "value": 171.44, "high_limit": 140},
            ["NM", "147842^MDC_ECG_HEART_RATE^MDC", "171.4", "264864^MDC_DIM_BEAT_PER_MIN^MDC", "<140", "H"],
        ),
        (
            {"mdc_code": 147842, "value": 38, "low_limit": 42.5},
            ["NM", "147842^MDC_ECG_HEART_RATE^MDC", "38", "264864^MDC_DIM_BEAT_PER_MIN^MDC", ">42.5", "L"],
        ),
        (
            {"mdc_code": 148066, "value": 12, "high_limit": 10},
            ["NM", "148066^MDC_ECG_V_P_C_RATE^MDC", "12", "264864^MDC_DIM_BEAT_PER_MIN^MDC", "<10", "H"],
        ),
    ],
)
def test_the_source_of_an_alarm_of_rates_is_the_rate_with_the_limit_it_lies_beyond(measured: dict, obx: list[str]):
    message = messages().alert(entry(measured=pb.Measured(unit="/min", **measured)), None, SENT_NS)
    parsed(message)
    source = message.segments("OBX")[1]
    assert [str(source[field]) for field in (2, 3, 5, 6, 7, 8)] == obx and str(source[4]) == "1.0.0.0.2"
    assert str(message["OBX"][0][8]) == f"{obx[-1]}~PH~SP"


def test_text_with_delimiters_and_letters_of_any_language_comes_through():
    words = "a|b^c&d~e\\f µV é\rMSH|x"
    message = messages().alert(entry(text=words), MULDER, SENT_NS)
    assert str(message).count("\rMSH") == 0
    assert message.unescape(str(message["OBX"][0][5])) == f"asystole: {words}".replace("\r", " ")
    assert parsed(message).oru_r01_patient_result.oru_r01_patient.pid.pid_5.value.startswith("Mul\\F\\der^Geert")


def test_a_message_made_again_has_the_same_id_and_a_continue_a_new_one():
    def ids(one: Entry) -> set[str]:
        return {str(messages().alert(one, None, sent)["MSH"][0][10]) for sent in (SENT_NS, SENT_NS + 10**9)}

    assert len(ids(entry("start"))) == 1
    assert len(ids(entry("continue"))) == 2
    repeated = [ids(entry("continue", escalation=level)) for level in (1, 2)]
    assert len(repeated[0]) == len(repeated[1]) == 1 and repeated[0] != repeated[1]


def test_what_follows_a_start_names_it():
    assert len(messages().alert(entry("start"), None, SENT_NS)["OBR"][0]) < 29
    ended = messages().alert(entry("end", update=2, state=pb.Alert.ENDED), None, SENT_NS)
    assert str(ended["OBR"][0][3]) == "a1-2^ECGSTREAM" and str(ended["OBR"][0][29]) == "^a1&ECGSTREAM"


def test_a_dialect_of_the_settings_wins():
    own = OutboundSettings(dialects={"ge": {"priority": "68484^MDC_ATTR_ALARM_PRIORITY", "accept_ack": "AL"}})
    settings = Pcd04Settings(kind="pcd04", name="am", host="h", dialect="ge")
    message = Pcd04Messages(settings, own.dialect("ge")).alert(entry(), None, SENT_NS)
    assert str(message["MSH"][0][15]) == "AL"
    assert str(message["OBX"][5][3]) == "68484^MDC_ATTR_ALARM_PRIORITY^MDC"
