"""Whose scores are explained, and from which threshold on: by the versions that a diagnosis names."""

import json
from pathlib import Path

import pytest

from ecgstream.explanations.on_disk import ModelsOnDisk
from ecgstream.record_heads import hops_since_asked
from ecgstream.settings import DiagnosisSettings
from ecgstream.wire import ecgstream_pb2 as pb

SHA = "0123456789abcdef"


def written(folder: Path, **stated) -> str:
    """A model directory's manifest; the version it states."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"name": folder.name, "sha256": SHA, "thresholds": {}} | stated))
    return f"{folder.name}@{SHA[:12]}"


@pytest.fixture
def models(tmp_path: Path) -> ModelsOnDisk:
    written(tmp_path / "served", names=["MI", "NORM", "rhythm.vt"])
    written(tmp_path / "candidates/spring", names=["MI", "CD"], thresholds={"CD": 0.7})
    written(tmp_path / "heads/TALL", labels=["TALL", "phenotype.female"], thresholds={"TALL": 0.3})
    written(tmp_path / "heads/SHORT", labels=["SHORT"])
    (tmp_path / "heads/broken").mkdir()
    (tmp_path / "heads/broken/manifest.json").write_text("[")
    places = {"model": tmp_path / "served", "candidates": tmp_path / "candidates", "heads": tmp_path / "heads"}
    return ModelsOnDisk(DiagnosisSettings(**places, heads_every_s=10), 0.5)


def thresholds(models: ModelsOnDisk, model: str, *heads: str) -> dict[str, float]:
    return {name: by.threshold for name, by in models.scores(model, heads).items()}


def test_the_model_one_swapped_in_and_heads_are_found_each_with_its_own_threshold(models: ModelsOnDisk):
    served, spring, tall, short = (f"{name}@{SHA[:12]}" for name in ("served", "spring", "TALL", "SHORT"))
    assert thresholds(models, served) == {"MI": 0.5}
    assert thresholds(models, f"{served}+bf16", tall) == {"MI": 0.5, "TALL": 0.3}
    assert thresholds(models, spring, tall, short) == {"MI": 0.5, "CD": 0.7, "TALL": 0.3, "SHORT": 0.5}
    assert [by.folder.name for by in models.scores(spring, (short,)).values()] == ["spring", "spring", "SHORT"]


def test_one_that_lies_nowhere_is_left_out(models: ModelsOnDisk):
    assert thresholds(models, "") == {}
    assert thresholds(models, "other@0123456789ab", "TALL@ffffffffffff", f"SHORT@{SHA[:12]}") == {"SHORT": 0.5}


def test_a_head_is_about_the_signal_up_to_when_it_was_asked(models: ModelsOnDisk):
    tall = f"TALL@{SHA[:12]}"
    by, times = models.scores("", (tall,))["TALL"], set()
    for hop in range(100, 150):
        told = pb.Diagnosis(stream_id="bed-1", sample=(hop + 1) * 50, time_ns=(hop + 1) * 200_000_000)
        asked_ns = models.asked_ns(told, by)
        assert 0 <= told.time_ns - asked_ns < 10_000_000_000
        assert hops_since_asked("bed-1", asked_ns // 200_000_000, 50) == 0
        times.add(asked_ns)
    assert len(times) == 2
