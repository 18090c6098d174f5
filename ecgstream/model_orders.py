"""Orders about a daemon's models: run one in the shadow, let the shadow serve. Carried out between two passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import structlog

from .diagnosis import load_model
from .errors import ModelError
from .model_lane import ModelLane
from .settings import DiagnosisSettings
from .stages import Stages

NONE = "none"
"""In place of a candidate's name."""

log = structlog.get_logger()


class ModelOrders:
    """Loads beside the running stages; only what is quick happens in the compute thread."""

    def __init__(self, settings: DiagnosisSettings, stages: Stages):
        self._settings, self._stages = settings, stages

    async def start(self) -> None:
        """Run the settings' shadow, if they name one; without it, if it cannot: a shadow is nobody's need."""
        if self._settings.enabled and self._settings.shadow:
            try:
                await self._run_beside(str(self._settings.shadow))
            except ModelError as error:
                log.error("no shadow", fault=str(error))

    def roles(self) -> dict[str, str]:
        """Version by role."""
        models = self._stages.pipeline.models
        return {"served": models.served.version, "shadow": models.shadow.version if models.shadow else ""}

    async def swap(self, to: str, actor: str) -> None:
        """Let the shadow ``to`` serve. Raises ModelError where that would cost a bed hops."""
        pipeline = self._stages.pipeline

        def swap() -> None:
            pipeline.models.swap(to, list(pipeline.intake.row_of.values()))

        await self._audited(actor, {"serve": to}, self._stages.in_compute(swap))

    async def run_in_shadow(self, name: str, actor: str) -> None:
        """Run the directory ``name`` of ``diagnosis.candidates`` in the shadow; ``none``: none. Raises ModelError."""
        await self._audited(actor, {"shadow": name}, self._end_shadow() if name == NONE else self._run_candidate(name))

    async def _end_shadow(self) -> None:
        pipeline = self._stages.pipeline
        await self._stages.in_compute(lambda: pipeline.models.run_beside(None, pipeline.n_rows))

    async def _run_candidate(self, name: str) -> None:
        folder = self._settings.candidates
        if folder is None:
            raise ModelError("No model can be given by order; set diagnosis.candidates to the folder that has them.")
        there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if name not in there:  # a name, never a path
            raise ModelError(f"There is no candidate {name!r} in {folder}; there are: {', '.join(there) or 'none'}.")
        await self._run_beside(str(folder / name))

    async def _run_beside(self, folder: str) -> None:
        lane = await asyncio.to_thread(self._loaded, folder)
        pipeline = self._stages.pipeline
        await self._stages.in_compute(lambda: pipeline.models.run_beside(lane, pipeline.n_rows))
        log.info("a model runs in the shadow", model=lane.version)

    def _loaded(self, folder: str) -> ModelLane:
        lane = ModelLane(load_model(folder, self._settings.device), self._settings.threads)
        lane.encoder.warm_up()
        return lane

    async def _audited(self, actor: str, details: dict[str, str], order: Awaitable[None]) -> None:
        try:
            await order
        except ModelError as error:
            await self._stages.note_models(actor, details, False, str(error))
            raise
        await self._stages.note_models(actor, details, True, "")
