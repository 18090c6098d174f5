"""Recordings with diagnoses: ten seconds, the eight independent leads, and what is stated of each. Arrays and names;
``reading`` alone opens files."""

from .records import LEADS, N_LEADS, RATE_HZ, SAMPLES, LabelledRecords
from .statements import LABEL_SETS, label_names, targets

__all__ = ["LABEL_SETS", "LEADS", "N_LEADS", "RATE_HZ", "SAMPLES", "LabelledRecords", "label_names", "targets"]
