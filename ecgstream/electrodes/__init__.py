"""Are the limb electrodes where they belong? Told from the average beat of lead I, II and a lead of the left chest."""

from .room import Electrodes
from .swaps import Swap

__all__ = ["Electrodes", "Swap"]
