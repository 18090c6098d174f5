"""``python -m ecgstream.warm``: compile the array kernels once, so that the first start is as quick as the next."""

from __future__ import annotations

from .clock import WallClock
from .errors import ModelError
from .kernel_cache import note_filled, remove_others, use_folder_of_sources
from .metrics import Metrics


def main() -> None:
    """Run a few seconds of signal through every room; the compiled kernels stay in their cache."""
    from .diagnosis.loader import load_model
    from .pipeline import Pipeline
    from .settings import Settings

    try:
        model = load_model(None, "cpu")
    except ModelError:
        model = None
    Pipeline(Settings(), model, Metrics(), WallClock()).warm_up()
    note_filled()
    remove_others(use_folder_of_sources())


if __name__ == "__main__":
    main()
