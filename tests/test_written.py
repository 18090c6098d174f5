"""What is written as bytes is what protobuf would have said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream import written
from ecgstream.limits import LIMITS_DTYPE, limits_of
from ecgstream.rhythm_names import RHYTHM_ORDER
from ecgstream.waveform import LEADS, N_CONDITIONS, N_LEADS, Reason
from ecgstream.wire import ecgstream_pb2 as pb

REASONS = st.sampled_from([int(reason) for reason in Reason])
RATES = st.one_of(st.just(float("nan")), st.floats(0, 400, width=32))


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 2**63 - 1), st.integers(-5, 2**63 - 1)), max_size=4))
@pytest.mark.parametrize("message", [pb.Vitals, pb.Diagnosis, pb.Shadow])
def test_a_stamp_is_the_same_in_every_message(message, beds):
    due = [(0, 0, 0, sample) for _, sample, _ in beds]
    stamps = written.stamps(due, [bed[0] for bed in beds], [bed[2] for bed in beds])
    for (stream_id, sample, time_ns), stamp in zip(beds, stamps, strict=True):
        said = message.FromString(stamp)
        wanted = message(version=1, stream_id=stream_id, sample=sample, time_ns=max(time_ns, 0))
        assert said == wanted


@given(st.lists(st.tuples(RATES, RATES, REASONS, st.sampled_from([None, *RHYTHM_ORDER])), min_size=1, max_size=6))
def test_rates_rhythm_and_why_not_judged(beds):
    hr_bpm, pvc_per_min, reason, holds = zip(*beds, strict=True)
    rhythm = SimpleNamespace(
        hr_bpm=np.array(hr_bpm, np.float32)[:, None],
        pvc_per_min=np.array(pvc_per_min, np.float32)[:, None],
        reason=np.array(reason, np.uint8)[:, None],
    )
    evidence = np.zeros((len(beds), 1, N_CONDITIONS), bool)
    for place, condition in enumerate(holds):
        if condition is not None:
            evidence[place, 0, condition] = True
            evidence[place, 0, list(RHYTHM_ORDER[RHYTHM_ORDER.index(condition) :])] = True  # and milder ones
    due = [(place, 0, place, 50) for place in range(len(beds))]
    for bed, fields in zip(beds, written.rate_fields(rhythm, evidence, due), strict=True):
        hr, pvc, why, gravest = bed
        wanted = pb.Vitals(
            rhythm="" if hr != hr else "no_arrhythmia", not_judged=Reason(why).name.lower() if why else ""
        )
        if gravest is not None:
            wanted.rhythm = gravest.name.lower()
        if hr == hr:
            wanted.heart_rate_bpm = hr
        if pvc == pvc:
            wanted.pvc_per_min = pvc
        assert pb.Vitals.FromString(fields) == wanted


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(REASONS, st.floats(0, 1, width=32)), min_size=N_LEADS, max_size=N_LEADS),
            st.sampled_from([LEADS, (*LEADS[:-1], "aVF′ of a bed with a long name for its lead")]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_leads_each_with_reason_and_quality_to_two_digits(beds):
    reason = np.array([[why for why, _ in leads] for leads, _ in beds], np.uint8)[:, :, None]
    quality = np.array([[clean for _, clean in leads] for leads, _ in beds], np.float32)[:, :, None]
    due = [(place, 0, place, 50) for place in range(len(beds))]
    conditioned = SimpleNamespace(reason=reason, quality=quality)
    fields = written.lead_fields(conditioned, due, [names for _, names in beds])
    for (leads, names), said in zip(beds, fields, strict=True):
        wanted = pb.Vitals(
            leads=[
                pb.LeadQuality(name=name, quality=round(float(clean), 2), reason=Reason(why).name.lower())
                for name, (why, clean) in zip(names, leads, strict=True)
                if why != Reason.ABSENT
            ]
        )
        assert pb.Vitals.FromString(said) == wanted


def test_limits_and_preset_are_those_of_each_bed():
    limits = np.zeros(2, LIMITS_DTYPE)
    limits[0], limits[1] = limits_of(), limits_of()
    limits["bradycardia_bpm"][1] = 37.0
    adult, child = (pb.Vitals.FromString(each) for each in written.settings_fields(limits, ["adult", "child"]))
    assert (adult.preset, child.preset, child.limits.bradycardia_bpm) == ("adult", "child", 37.0)
    assert adult.limits.bradycardia_bpm == limits["bradycardia_bpm"][0] != 37.0
    assert all(getattr(adult.limits, name) == limits[name][0] for name in LIMITS_DTYPE.names)
