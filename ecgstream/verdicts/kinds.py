"""The alarms on which there is an opinion, by the names they have on the wire."""

from __future__ import annotations

KINDS = ("asystole", "bradycardia", "tachycardia", "ventricular_tachycardia", "ventricular_fibrillation")
"""Bradycardia and tachycardia are the extreme ones (Clifford et al. 2015): 5 beats below 40, 17 above 140 a minute."""
