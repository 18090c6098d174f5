"""Continuous multi-lead ECG from bedside monitors to rhythm, diagnoses and alarms, streaming. Not a medical device."""

from .kernel_cache import use_folder_of_sources

use_folder_of_sources()  # before anything imports numba
