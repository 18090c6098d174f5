"""What docs/wire.md shows of strips is true."""

import re
from pathlib import Path

import numpy as np

from ecgstream.alert_strips.message import leads_of

from .test_draw import alert

TEXT = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()


def test_the_five_lines_give_the_millivolts():
    (lines,) = re.findall(r"```python\n(strip = .*?)```", TEXT, re.DOTALL)
    said = alert(3, fs=360)
    for channel in said.strip.layout.channels:
        channel.invalid_value = -32768
    said.strip.layout.fs_denominator = 1
    names = {"np": np, "alert": said}
    exec(lines, names)
    assert names["fs_hz"] == 360 and list(names["leads_mv"]) == ["V1", "V2", "V3"]
    assert np.array_equal(np.stack(list(names["leads_mv"].values())), leads_of(said.strip).mv)
