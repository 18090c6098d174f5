"""SCP-ECG statements as PTB-XL uses them (Wagner et al. 2020), their superclasses, and SNOMED CT codes for them.

A record belongs to the superclasses of all its diagnostic statements, whatever their likelihood (Strodthoff et al.
2020).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
DIAGNOSTIC = {
    "NORM": ("NORM",),
    "MI": (
        "IMI", "ASMI", "ILMI", "AMI", "ALMI", "INJAS", "LMI", "INJAL", "IPLMI", "IPMI", "INJIN", "INJLA", "PMI",
        "INJIL",
    ),
    "STTC": (
        "NDT", "NST_", "DIG", "LNGQT", "ISC_", "ISCAL", "ISCIN", "ISCIL", "ISCAS", "ISCLA", "ANEUR", "EL", "ISCAN",
    ),
    "CD": ("LAFB", "IRBBB", "1AVB", "IVCD", "CRBBB", "CLBBB", "LPFB", "WPW", "ILBBB", "3AVB", "2AVB"),
    "HYP": ("LVH", "LAO/LAE", "RVH", "RAO/RAE", "SEHYP"),
}  # fmt: skip
"""Diagnostic statements by superclass."""
FORM = (
    "ABQRS", "PVC", "STD_", "VCLVH", "QWAVE", "LOWT", "NT_", "PAC", "LPR", "INVT", "LVOLT", "HVOLT", "TAB_", "STE_",
    "PRC(S)",
)  # fmt: skip
RHYTHM = (
    "SR", "AFIB", "STACH", "SARRH", "SBRAD", "PACE", "SVARR", "BIGU", "AFLT", "SVTAC", "PSVT", "TRIGU",
)  # fmt: skip
STATEMENTS = tuple(code for codes in DIAGNOSTIC.values() for code in codes) + FORM + RHYTHM
SUPERCLASS_OF = {code: superclass for superclass, codes in DIAGNOSTIC.items() for code in codes}
LABEL_SETS = {"all": STATEMENTS, "superclass": SUPERCLASSES, "rhythm": RHYTHM}

SNOMED = {
    "164854000": "NORM", "426783006": "SR", "164889003": "AFIB", "164890007": "AFLT", "427084000": "STACH",
    "427393009": "SARRH", "426177001": "SBRAD", "10370003": "PACE", "426761007": "SVTAC", "67198005": "PSVT",
    "11157007": "BIGU", "251180001": "TRIGU", "270492004": "1AVB", "195042002": "2AVB", "27885002": "3AVB",
    "445118002": "LAFB", "445211001": "LPFB", "713426002": "IRBBB", "713427006": "CRBBB", "59118001": "CRBBB",
    "164909002": "CLBBB", "733534002": "CLBBB", "251120003": "ILBBB", "698252002": "IVCD", "74390002": "WPW",
    "164873001": "LVH", "89792004": "RVH", "67741000119109": "LAO/LAE", "446358003": "RAO/RAE", "54329005": "AMI",
    "164865005": "MI", "164867002": "MI", "57054005": "MI", "164861001": "ISC_", "426434006": "ISCAN",
    "425419005": "ISCIN", "425623009": "ISCLA", "428750005": "NST_", "111975006": "LNGQT", "427172004": "PVC",
    "17338001": "PVC", "164884008": "PVC", "284470004": "PAC", "63593006": "PAC", "164951009": "ABQRS",
    "164917005": "QWAVE", "251146004": "LVOLT", "164947007": "LPR", "59931005": "INVT", "164934002": "TAB_",
    "429622005": "STD_", "164931005": "STE_",
}  # fmt: skip
"""SNOMED CT codes, as the headers of the PhysioNet/CinC Challenges 2020 and 2021 use them, and the statement nearest to
each; where there is none, the superclass."""


def targets(stated: Iterable[frozenset[str]], names: Iterable[str]) -> np.ndarray:
    """float32 (N, L): 1 where a record's statements are or belong to the label, else 0."""
    named = list(names)
    return np.array([[float(name in belonging(each)) for name in named] for each in stated], np.float32)


def belonging(stated: frozenset[str]) -> frozenset[str]:
    """The statements, and the superclasses they belong to."""
    return stated | {SUPERCLASS_OF[code] for code in stated if code in SUPERCLASS_OF}


def label_names(stated: Iterable[frozenset[str]], fewest: int) -> tuple[str, ...]:
    """Superclasses, then every statement that at least ``fewest`` of the records have, in the table's order."""
    counted = [belonging(each) for each in stated]
    found = [code for code in STATEMENTS if sum(code in each for each in counted) >= fewest]
    return (*SUPERCLASSES, *(code for code in found if code not in SUPERCLASSES))
