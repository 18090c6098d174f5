"""Fixtures every room's tests share."""

import os
from pathlib import Path

import pytest

from .kafka.fixtures import (  # noqa: F401
    broker,
    broker_kind,
    fresh_settings,
    kafka_settings,
    pytest_report_collectionfinish,
)

ROOT = Path(__file__).parent.parent


def recordings_folder() -> Path | None:
    """The licensed recordings: ``ECGSTREAM_DATA``, or ``shared/data`` beside the checkout."""
    candidates = [Path(os.environ["ECGSTREAM_DATA"])] if "ECGSTREAM_DATA" in os.environ else []
    candidates.append(ROOT.parent / "shared" / "data")
    return next((folder for folder in candidates if (folder / "mitdb").is_dir()), None)


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = recordings_folder()
    if folder is None:
        pytest.skip("the recordings are not here: set ECGSTREAM_DATA to a folder that holds mitdb, vfdb, …")
    return folder
