"""Small folders of labelled recordings, written as PTB-XL and the PhysioNet challenges lay theirs out."""

from pathlib import Path

import numpy as np
import wfdb

TWELVE = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def write_record(folder: Path, name: str, leads=TWELVE, fs=500, seconds=10.0, comments=(), seed=0) -> None:
    """Spikes over noise, each lead of its own size; III = II - I and so on do not matter here."""
    rng = np.random.default_rng(seed)
    n = round(fs * seconds)
    adu = rng.normal(0, 20, (n, len(leads)))
    adu[np.arange(n) / fs % 0.8 > 0.74] += 800  # 60 ms wide
    wfdb.wrsamp(
        name, fs=fs, units=["mV"] * len(leads), sig_name=list(leads), d_signal=adu.astype(np.int64),
        fmt=["16"] * len(leads), adc_gain=[1000.0] * len(leads), baseline=[0] * len(leads), write_dir=str(folder),
        comments=list(comments),
    )  # fmt: skip


def write_table(folder: Path, rows: list[tuple[int, int, str]]) -> None:
    """``ptbxl_database.csv`` of (ecg_id, patient_id, scp_codes)."""
    lines = [f'{ecg_id},{patient}.0,56.0,1,"{codes}"' for ecg_id, patient, codes in rows]
    (folder / "ptbxl_database.csv").write_text("ecg_id,patient_id,age,sex,scp_codes\n" + "\n".join(lines) + "\n")
