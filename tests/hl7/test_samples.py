"""Arrays of numbers: cut out, read to the last bit, and nothing that is no number taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.errors import Hl7Error
from ecgstream.hl7.samples import MISSING, cut, numbers

INT16 = st.integers(-32_768, 32_767)


@given(st.lists(INT16, min_size=1, max_size=400))
def test_whole_numbers_come_back_to_the_last_bit(values: list[int]):
    read = numbers("^".join(map(str, values)).encode(), b"^", "OBX-5")
    assert read.dtype == np.int64
    assert read.tolist() == values


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50))
def test_fractions_come_back_as_they_were_written(values: list[float]):
    assert numbers("^".join(f"{value:.6f}" for value in values).encode(), b"^", "").tolist() == [
        float(f"{value:.6f}") for value in values
    ]


@pytest.mark.parametrize(
    "array", [b"1^x^3", b"1^2^3x", b"1^2^3-", b"1-2", b"--1", b"1^ ^3", b"0x10", b"1;2", b"inf", b"nan^1.5"]
)
def test_what_is_no_number_is_refused(array: bytes):
    with pytest.raises(Hl7Error) as caught:
        numbers(array, b"^", "OBX-5")
    assert caught.value.reason == "bad_samples"


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_are_numbers_or_refused(array: bytes):
    try:
        values = numbers(array, b"^", "")
    except (Hl7Error, UnicodeDecodeError) as error:
        assert isinstance(error, Hl7Error)
    else:
        assert len(values) == array.rstrip(b"^").count(b"^") + 1
        assert all(part.strip(b"0123456789+-.eE \t\n\r\v\f") == b"" for part in array.split(b"^"))


def test_a_value_left_empty_is_missing_and_separators_at_the_end_are_none():
    assert numbers(b"1^^3^^", b"^", "").tolist() == [1, MISSING, 3]
    assert numbers(b"^2", b"^", "").tolist() == [MISSING, 2]


def test_only_arrays_are_cut_out():
    block = b"MSH|^~\\&|\rOBX|1|NA|c|s|1^2^3|u\rOBX|2|NM|c|s|5\rOBX|3|MA|c|s|1^2~3^4\rNTE|OBX|1|NA|c|s|9"
    lean, arrays = cut(block, b"|")
    assert arrays == [b"1^2^3", b"1^2~3^4"]
    assert lean == b"MSH|^~\\&|\rOBX|1|NA|c|s|0|u\rOBX|2|NM|c|s|5\rOBX|3|MA|c|s|1\rNTE|OBX|1|NA|c|s|9"
