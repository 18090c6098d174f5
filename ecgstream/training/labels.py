"""What the encoder is taught: names of its scores, and how each data set's own labels become targets.

A target is 1, 0 or NaN (not supervised). Records that are kept from training are named here, and nowhere else.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
# SCP-ECG statements with at least 20 positive records in the folds trained on.
STATEMENTS = (
    "SR", "ABQRS", "IMI", "ASMI", "LVH", "NDT", "AFIB", "ISC_", "LAFB", "IRBBB", "PVC", "STD_", "VCLVH", "SARRH",
    "NST_", "SBRAD", "1AVB", "STACH", "IVCD", "ISCAL", "QWAVE", "LOWT", "CLBBB", "ILMI", "NT_", "LAO/LAE", "PAC",
    "CRBBB", "AMI", "INVT", "PACE",
)  # fmt: skip
RHYTHMS = ("rhythm.af", "rhythm.vt", "rhythm.vf", "noise")
SCORES = SUPERCLASSES + STATEMENTS + RHYTHMS
N_SCORES = len(SCORES)
INDEX = {name: index for index, name in enumerate(SCORES)}
AF, VT, VF, NOISE = (INDEX[name] for name in RHYTHMS)
N_DIAGNOSES = len(SUPERCLASSES) + len(STATEMENTS)
AUXILIARY = ("age", "sex")
"""Taught beside the scores because they sharpen the trunk on few records; they are not shipped."""

DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124", "201", "203", "205", "207",
    "208", "209", "215", "220", "223", "230",
)  # fmt: skip
"""The records of MITDB that may be trained on (de Chazal et al. 2004); the others are DS2, never seen."""
DS1_VALIDATION = ("118", "124", "203", "223")
VFDB_VALIDATION = ("422", "424", "602", "614")
PTBXL_TRAIN_FOLDS = range(1, 8)
PTBXL_VALIDATION_FOLD = 8


def is_validation(dataset: str, record: str) -> bool:
    """Whether a record of a data set without a split of its own is kept for validation (by number: one in six)."""
    if dataset == "mitdb":
        return record in DS1_VALIDATION
    if dataset == "vfdb":
        return record in VFDB_VALIDATION
    return int("".join(filter(str.isdigit, record))) % 6 == 0


def ptbxl_targets(codes: str, superclass_of: dict[str, str]) -> np.ndarray:
    """Targets (N_SCORES,) of a PTB-XL record from its ``scp_codes`` cell.

    Superclasses follow Strodthoff et al. 2020: those of all stated diagnostic statements, whatever the likelihood.
    """
    stated = set(ast.literal_eval(codes))
    target = np.full(N_SCORES, np.nan, np.float32)
    target[:N_DIAGNOSES] = 0
    for code in stated:
        if code in superclass_of:
            target[INDEX[superclass_of[code]]] = 1
        if code in STATEMENTS:
            target[INDEX[code]] = 1
    if "AFLT" not in stated:
        target[AF] = "AFIB" in stated
    target[[VT, VF]] = 0
    return target


def read_superclasses(path: Path) -> dict[str, str]:
    """Superclass of each diagnostic SCP statement, from PTB-XL's ``scp_statements.csv``."""
    import pandas as pd

    table = pd.read_csv(path, index_col=0)
    table = table[table.diagnostic == 1.0]
    return table.diagnostic_class.to_dict()


def rhythm_targets(note: str) -> np.ndarray:
    """Targets (4,) for AF, VT, VF, noise of a MIT-BIH rhythm annotation such as ``(VT``."""
    note = note.strip("\x00").lstrip("(")
    noise = float(note == "NOISE")
    if note == "NOISE":
        return np.array([np.nan, np.nan, np.nan, 1.0], np.float32)
    af = np.nan if note == "AFL" else float(note == "AFIB")
    return np.array([af, float(note == "VT"), float(note in ("VF", "VFL", "VFIB")), noise], np.float32)


def cinc2017_targets(label: str) -> np.ndarray:
    """Targets (N_SCORES,) of a CinC 2017 label: N, A, O or ~."""
    target = np.full(N_SCORES, np.nan, np.float32)
    target[NOISE] = float(label == "~")
    if label != "~":
        target[AF] = float(label == "A")
        target[[VT, VF]] = 0
    return target


def cinc2011_targets(label: str) -> np.ndarray:
    """Targets (N_SCORES,) of a CinC 2011 quality label."""
    target = np.full(N_SCORES, np.nan, np.float32)
    if label in ("acceptable", "unacceptable"):
        target[NOISE] = float(label == "unacceptable")
    return target


def cinc2015_targets(alarm: str, true: bool) -> tuple[np.ndarray, int]:
    """Targets (N_SCORES,) of the time before a CinC 2015 alarm, and the score that must rise in it (or -1)."""
    target = np.full(N_SCORES, np.nan, np.float32)
    ventricular = {"Ventricular_Tachycardia": VT, "Ventricular_Flutter_Fib": VF}.get(alarm)
    if ventricular is not None and true:
        return target, ventricular
    if ventricular is not None:
        target[ventricular] = 0
    target[VF] = 0
    return target, -1
