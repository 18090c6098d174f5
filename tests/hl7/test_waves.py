"""Waveforms in the form of IHE PCD, and in HL7's older one: every field that is read, and every rule."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.errors import Hl7Error
from ecgstream.hl7.wave import Wave
from ecgstream.hl7.waves import waves
from ecgstream.waveform import GroupKind

from .messages import START_NS, array, attributes, joined, msh, obr, pid, pv1, ramp, read, wcm


def told(*rows: str, block: str | None = None) -> list[Wave]:
    return list(waves(read(joined(msh(), pid(), pv1(), obr() if block is None else block, *rows))))


def refusal(*rows: str, block: str | None = None) -> Hl7Error:
    with pytest.raises(Hl7Error) as caught:
        told(*rows, block=block)
    return caught.value


def test_the_message_we_test_with_is_valid_hl7_to_another_library():
    message = parse_message(wcm({"II": ramp(20)}).decode())
    assert message.validate()
    assert message.name == "ORU_R01"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-32_768, 32_766), min_size=1, max_size=300))
def test_samples_come_to_the_last_bit(values: list[int]):
    (wave,) = told(array("II", values), *attributes("II"))
    assert wave.samples.dtype == np.int16
    assert wave.samples.tolist() == values
    assert (wave.kind, wave.code, wave.name) == (GroupKind.ECG, 131330, "II")
    assert (wave.unit, wave.gain, wave.baseline, wave.invalid) == ("mV", 200.0, 0, 32_767)
    assert (wave.fs_hz, wave.start_ns) == (250, START_NS)


def test_an_invalid_sample_is_32767_or_what_the_sender_says_or_empty():
    (wave,) = told(array("II", [1, 32_767, "", 4]), *attributes("II"))
    assert wave.samples.tolist() == [1, 32_767, 32_767, 4]
    (wave,) = told(array("II", [1, -2048, "", 4]), *attributes("II", invalid="-2048"))
    assert (wave.samples.tolist(), wave.invalid) == ([1, -2048, -2048, 4], -2048)


def test_attributes_belong_to_the_array_that_obx_4_says_wherever_they_stand():
    rows = [*attributes("V1", "500", "0.001"), array("II", [1, 2]), array("V1", [3]), *attributes("II", "250")]
    ii, v1 = told(*rows)
    assert (ii.fs_hz, ii.gain, v1.fs_hz, v1.gain) == (250, 200, 500, 1000)


@pytest.mark.parametrize(
    ("units", "values", "step", "raw", "gain"),
    [
        ("266418^MDC_DIM_MILLI_VOLT^MDC", [-0.537, 1.25], "", [-537, 1250], 1000),
        ("266419^MDC_DIM_MICRO_VOLT^MDC", [-537, 1250], "", [-537, 1250], 1000),
        ("mV^mV^UCUM", [-0.5, 1.25], "0.005", [-100, 250], 200),
        ("10.mV/4096^10.mV/4096^UCUM", [-10, 14], "", [-10, 14], 409.6),
    ],
)
def test_voltages_in_any_usual_unit(units: str, values: list, step: str, raw: list[int], gain: float):
    rate, resolution = attributes("I", step=step)
    rows = [array("I", values, units=units), rate, *([resolution] if step else [])]
    (wave,) = told(*rows)
    assert wave.samples.tolist() == raw
    assert wave.gain == pytest.approx(gain)


def test_the_rate_may_be_a_period_or_follow_from_the_block():
    period = "OBX||NM|0^MDC_ATTR_TIME_PD_SAMP^MDC|1.7.6.131329.1|4|264338^MDC_DIM_MILLI_SEC^MDC"
    assert told(array("I", [1, 2]), period, attributes("I")[1])[0].fs_hz == 250
    block = obr(stop="20260101120001.000+0000")
    assert told(array("I", ramp(125)), attributes("I")[1], block=block)[0].fs_hz == 125
    block = obr(stop="20260101120002.000+0000")
    assert told(array("I", ramp(125)), attributes("I")[1], block=block)[0].fs_hz == Fraction(125, 2)


def test_other_signals_come_beside_the_ecg():
    pleth = "OBX|9|NA|150452^MDC_PULS_OXIM_PLETH^MDC|1.8|10^20|262656^MDC_DIM_DIMLESS^MDC"
    rate = "OBX||NM|0^MDC_ATTR_SAMP_RATE^MDC|1.8.1|125|264640^MDC_DIM_HZ^MDC"
    _, wave = told(array("I", ramp(4)), *attributes("I"), pleth, rate)
    assert (wave.kind, wave.name, wave.fs_hz, wave.samples.tolist()) == (GroupKind.PLETH, "PLETH", 125, [10, 20])


@pytest.mark.parametrize(
    "identifier",
    [
        "131330^MDC_PULS_OXIM_PLETH^MDC",  # seen in the field: pleth under the code of lead II
        "131310^MDC_ECG_ELEC_POTL_I^MDC",  # seen in the field: no ECG code
        "150452^MDC_ECG_ELEC_POTL_II^MDC",
    ],
)
def test_a_code_and_a_name_that_contradict_each_other_are_refused(identifier: str):
    row = array("II", [1]).replace("131330^MDC_ECG_ELEC_POTL_II^MDC", identifier)
    assert refusal(row, *attributes("II")).reason == "bad_channel"


def test_no_text_of_a_sender_goes_through_as_a_name_or_unit():
    row = array("II", [1]).replace("131330^MDC_ECG_ELEC_POTL_II^MDC", "131328^Doe John^L")
    (wave,) = told(row, *attributes("II"))
    assert (wave.name, wave.code) == ("ECG", 131328)
    other = "OBX|9|NA|1^Doe John^L|1.8|10^20|Doe^Doe John^L"
    (wave,) = told(other, "OBX||NM|0^MDC_ATTR_SAMP_RATE^MDC|1.8.1|125")
    assert (wave.name, wave.unit, wave.kind) == ("OTHER", "", GroupKind.OTHER)


@pytest.mark.parametrize(
    ("rows", "reason", "says"),
    [
        ([array("I", [1])], "missing_field", "millivolts"),
        ([array("I", [1]), attributes("I")[1]], "missing_field", "rate is not told"),
        ([array("I", [1]), *attributes("I", hz="0")], "bad_channel", "1 to 10000 Hz"),
        ([array("I", [1]), *attributes("I", hz="fast")], "bad_field", "number is wanted"),
        ([array("I", [1]), *attributes("I", step="0")], "bad_channel", "above 0"),
        ([array("I", [1]), *attributes("I", invalid="0.5")], "bad_channel", "16-bit"),
        ([array("I", [40_000]), *attributes("I")], "bad_samples", "40000 raw steps"),
        ([array("I", ["x"]), *attributes("I")], "bad_samples", "nothing else"),
        ([array("I", []), *attributes("I")], "no_samples", "empty"),
        ([array("I", [1], units="266418^MDC_DIM_PERCENT^MDC"), *attributes("I")], "bad_channel", "correct one"),
    ],
)
def test_every_rule_is_told_in_a_sentence(rows: list[str], reason: str, says: str):
    error = refusal(*rows)
    assert error.reason == reason
    assert says in str(error)


def test_samples_before_any_obr_have_no_time():
    with pytest.raises(Hl7Error, match="before any OBR"):
        list(waves(read(joined(msh(), pid(), pv1(), array("I", [1]), *attributes("I"), obr()))))


# ------------------------------------------------------------------------------------------------- the older form

TIM = "OBX|1|TS|93000&TIM^EKG|1|20260101120000.000+0000"
CHN = "OBX|2|CD|93000&CHN^EKG|1|1&II^^5&uV^1&1024^250^0&2047~2&V1^^2.5&uV^2^250^-2048&2047"


@pytest.mark.parametrize(
    "wav", ["OBX|3|NA|93000&WAV^EKG|1|1^2^3~-4^-5^-6", "OBX|3|MA|93000&WAV^EKG|1|1^-4~2^-5~3^-6"], ids=["NA", "MA"]
)
def test_channels_by_definition(wav: str):
    ii, v1 = told(TIM, CHN, wav)
    assert (ii.code, ii.name, ii.samples.tolist(), ii.baseline) == (131330, "II", [1, 2, 3], 1024)
    assert (v1.code, v1.name, v1.samples.tolist(), v1.baseline) == (131331, "V1", [-4, -5, -6], 0)
    assert (ii.gain, v1.gain, v1.fs_hz, v1.start_ns) == (200, 200, 250, START_NS)


def test_without_tim_the_time_is_that_of_obr_7():
    assert told(CHN, "OBX|3|NA|93000&WAV|1|1^2~3^4")[0].start_ns == START_NS


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([TIM, "OBX|3|NA|93000&WAV|1|1^2"], "need a channel definition"),
        ([TIM, CHN, "OBX|3|NA|93000&WAV|1|1^2"], "data of 1 channels and definitions of 2"),
        ([TIM, CHN, "OBX|3|MA|93000&WAV|1|1^2~3"], "one value of each channel"),
        ([TIM, CHN.replace("uV", "Pa"), "OBX|3|NA|93000&WAV|1|1^2~3^4"], "unit of voltage"),
        ([TIM, CHN.replace("1&II", "1&nose"), "OBX|3|NA|93000&WAV|1|1^2~3^4"], "must be an ECG lead"),
        ([TIM, CHN.replace("5&uV", "-5&uV"), "OBX|3|NA|93000&WAV|1|1^2~3^4"], "must be above 0"),
        ([TIM, CHN, "OBX|3|NA|93000&WAV|1|1^2.5~3^4"], "whole numbers"),
    ],
)
def test_every_rule_of_the_older_form(rows: list[str], says: str):
    assert says in str(refusal(*rows))
