"""A strip, for the page to draw."""

from __future__ import annotations

import json

import numpy as np

from ..alert_strips.message import leads_of
from ..wire import ecgstream_pb2 as pb
from .waves import MISSING, MOST_UV


def strip_bytes(strip: pb.Strip) -> bytes:
    """Length of the JSON that follows (uint32), JSON about the strip, then int16 microvolts of each lead.

    All little-endian; the JSON is padded with spaces to whole four bytes. Raises RecordError as ``leads_of`` does.
    """
    leads = leads_of(strip)
    uv = np.where(np.isnan(leads.mv), MISSING, np.clip(np.rint(leads.mv * 1000), -MOST_UV, MOST_UV)).astype("<i2")
    about = {
        "fsHz": float(leads.fs_hz),
        "leads": leads.names,
        "n": uv.shape[1],
        "onset": strip.onset if strip.HasField("onset") else None,
        "complete": strip.complete,
        "startMs": strip.start_time_ns // 1_000_000,
    }
    text = json.dumps(about).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + uv.tobytes()
