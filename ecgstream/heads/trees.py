"""LightGBM's trees at work, by its C interface (https://lightgbm.readthedocs.io/en/stable/C-API.html).

Its Python package is for fitting: it imports pandas, PyArrow and scikit-learn wherever they are installed, a fifth of
the time in which a daemon would start.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path

import numpy as np

from ..errors import ModelError

_FLOAT64, _BY_ROWS = 1, 1
_PROBABILITY, _FIRST, _ALL = 0, 0, -1
_OPTIONS = b"num_threads=1"


class Trees:
    """Trees read from LightGBM's text form. ModelError where it cannot read them."""

    def __init__(self, text: str):
        self._handle, rounds = ctypes.c_void_p(), ctypes.c_int()
        _call("LGBM_BoosterLoadModelFromString", text.encode(), ctypes.byref(rounds), ctypes.byref(self._handle))
        n_classes = ctypes.c_int()
        _call("LGBM_BoosterGetNumClasses", self._handle, ctypes.byref(n_classes))
        self._n_classes = n_classes.value

    def __del__(self) -> None:
        _call("LGBM_BoosterFree", self._handle)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (N, K) from ``features`` (N, F); of two classes (N,), that of the second.

        ModelError where the trees know another number of features.
        """
        features = np.ascontiguousarray(features, np.float64)
        found, n_found = np.empty((len(features), self._n_classes)), ctypes.c_int64()
        shape = [ctypes.c_int32(length) for length in features.shape]
        matrix = features.ctypes.data_as(ctypes.c_void_p), _FLOAT64, *shape, _BY_ROWS
        out = ctypes.byref(n_found), found.ctypes.data_as(ctypes.c_void_p)
        _call("LGBM_BoosterPredictForMat", self._handle, *matrix, _PROBABILITY, _FIRST, _ALL, _OPTIONS, *out)
        return found[:, 0] if self._n_classes == 1 else found


def _call(function: str, *arguments: object) -> None:
    library = _library()
    if getattr(library, function)(*arguments):
        raise ModelError(f"LightGBM: {library.LGBM_GetLastError().decode()}")


@functools.cache
def _library() -> ctypes.CDLL:
    """The library inside the installed package; to look for the package does not import it."""
    package = Path(importlib.util.find_spec("lightgbm").origin).parent
    library = ctypes.CDLL(str(next(package.glob("*/lib_lightgbm.*"))))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
