"""An explanation on ECG paper."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..alert_strips.draw import Sheet, draw
from ..alert_strips.message import Leads
from ..waveform import GRID_HZ
from .explanation import Explanation


def draw_explanation(explanation: Explanation, fmt: str = "svg") -> bytes:
    """An SVG or PNG file: what the model saw, the darker behind a trace the more the signal there speaks for the score.

    A filtered signal comes late; drawn is when it happened.
    """
    window = explanation.window
    mv = np.where(window.valid, window.mv, np.nan).astype(float)
    how = {"gradients": "integrated gradients", "occlusion": "occlusion"}[explanation.method]
    return draw(
        Sheet(
            leads=Leads(Fraction(GRID_HZ), window.leads, mv),
            title=f"{explanation.score} {explanation.probability:.2f}  ·  {window.name}",
            about=f"blue: what speaks for {explanation.score} ({how})  ·  {explanation.model}",
            start_ns=round(max(float(window.time_s[0]), 0.0) * 1e9),
            seconds=mv.shape[1] / GRID_HZ,
            onset_s=None,
            blank="no signal",
            shade=explanation.shade,
            filtering="as the model sees it",
        ),
        fmt,
    )
