"""``evaluate quality`` on records the shipped head has and has not seen."""

import shutil

import pytest

from ecgstream.errors import RecordError
from ecgstream.evaluation.quality import evaluate_quality
from ecgstream.heads import load_head

pytestmark = pytest.mark.recordings
SEEN = ("1002603", "1003574", "1005639")


@pytest.fixture
def folder(recordings, tmp_path):
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    for name in SEEN:
        for kind in ("hea", "dat"):
            shutil.copy(recordings / "cinc2011" / f"{name}.{kind}", copied)
    return copied


def test_what_the_head_has_seen_is_refused_unless_allowed_and_then_it_says_so(folder, tmp_path):
    with pytest.raises(RecordError, match="1002603.*--cross-validate"):
        evaluate_quality(folder, tmp_path)
    result = evaluate_quality(folder, tmp_path, allow_seen=True)
    assert result["seen_allowed"] and result["n"] == 3 and {"accuracy", "auc", "confusion"} <= set(result)
    assert [record["was"] for record in result["records"]] == ["unacceptable", "unacceptable", "acceptable"]
    assert result["auc"] == 1.0


def test_a_tar_of_other_names_scores_as_its_folder(folder, tmp_path):
    for name in SEEN:
        header = (folder / f"{name}.hea").read_text().replace(name, f"new{name}")
        (folder / f"{name}.hea").unlink()
        (folder / f"new{name}.hea").write_text(header)
        (folder / f"{name}.dat").rename(folder / f"new{name}.dat")
    archive = shutil.make_archive(str(tmp_path / "kept"), "tar", folder.parent, "elsewhere")
    one, other = (evaluate_quality(path, tmp_path / "cache") for path in (folder, tmp_path / "kept.tar"))
    assert archive.endswith("kept.tar") and one == other and not one["seen_allowed"]


def test_the_shipped_head_lists_what_it_was_fitted_on(recordings):
    seen = load_head("quality").manifest.seen["cinc2011"]
    assert len(seen) == len(set(seen)) == 743 and set(SEEN) <= set(seen)
