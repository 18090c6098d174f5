"""Names and codes of leads, and the slots they take."""

import pytest

from ecgstream.errors import WireError
from ecgstream.waveform import LEADS, STANDARD_LEADS, Channel
from ecgstream.wire.leads import GENERIC_CODE, LEAD_CODES, assign_slots, lead_name, resolve_lead


def _slots(*names: str) -> list[str]:
    channels = [Channel(*resolve_lead(0, name), "mV", 200.0, 0) for name in names]
    return [LEADS[slot] for slot in assign_slots(channels)]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("II", "II"),
        ("MLII", "II"),
        ("ecg lead ii", "II"),
        ("Lead II", "II"),
        ("MDC_ECG_ELEC_POTL_II", "II"),
        ("MDC_ECG_LEAD_III", "III"),
        ("AVR", "aVR"),
        ("avf", "aVF"),
        (" v1 ", "V1"),
        ("V", "V"),
        ("mcl1", "MCL1"),
        ("ECG", None),
        ("", None),
        ("V7", None),
        ("MLIII", None),
        ("X1", None),
        ("leadership", None),
    ],
)
def test_names_are_normalised(written, name):
    assert lead_name(written) == name


@pytest.mark.parametrize("name", LEAD_CODES)
def test_a_code_completes_a_name_and_a_name_a_code(name):
    code = LEAD_CODES[name]
    assert resolve_lead(code, "") == resolve_lead(0, name) == resolve_lead(code, name) == (code, name)
    assert resolve_lead(GENERIC_CODE, name) == (code, name), "131328 says only that it is an ECG lead"
    assert resolve_lead(code, "channel A") == (code, name), "a name we do not know contradicts nothing"


def test_an_unknown_lead_keeps_its_own_name():
    assert resolve_lead(0, "CM5") == resolve_lead(131328, "CM5") == (131328, "CM5")
    assert resolve_lead(131337, "V7") == (131337, "V7"), "a lead outside the registry keeps its own code, too"


@pytest.mark.parametrize(("code", "name"), [(131331, "III"), (131330, "V1"), (131395, "V1"), (131337, "II")])
def test_code_and_name_that_contradict_are_refused(code, name):
    with pytest.raises(WireError, match=f"{code}.*{name}") as refusal:
        resolve_lead(code, name)
    assert refusal.value.reason == "lead_contradiction"


@pytest.mark.parametrize("code", [1, 150456, 131327, 131584])
def test_a_code_that_is_no_ecg_lead_is_refused(code):
    with pytest.raises(WireError, match=str(code)) as refusal:
        resolve_lead(code, "II")
    assert refusal.value.reason == "lead_contradiction"


def test_the_twelve_take_their_own_slots_in_any_order():
    assert _slots(*reversed(STANDARD_LEADS)) == list(reversed(STANDARD_LEADS))


def test_all_others_take_generic_slots_in_order():
    assert _slots("ECG", "ECG") == ["X1", "X2"]
    assert _slots("MCL1", "II", "V", "X1", "MCL") == ["X1", "II", "X2", "X3", "X4"]


def test_one_lead_twice_is_refused():
    with pytest.raises(WireError, match="lead II") as refusal:
        _slots("II", "V1", "MLII")
    assert refusal.value.reason == "lead_twice"


def test_a_fifth_unknown_lead_is_refused():
    with pytest.raises(WireError, match="'fifth'") as refusal:
        _slots("a", "b", "c", "d", "fifth")
    assert refusal.value.reason == "too_many_unknown_leads"
