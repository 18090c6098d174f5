"""Orders about a daemon's models: run one in the shadow, let the shadow serve, take up a head. Carried out between two
passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from .errors import ModelError
from .model_folder import folders_in
from .model_lane import ModelLane
from .settings import DiagnosisSettings
from .stages import Stages

if TYPE_CHECKING:
    from .served_head import Served

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
        for name in folders_in(self._settings.heads) if self._settings.enabled else []:
            try:
                await self._put_head(name)
            except ModelError as error:
                log.error("a head is left out", head=name, fault=str(error))

    def roles(self) -> dict[str, str]:
        """Version by role."""
        models = self._stages.pipeline.models
        roles = {"served": models.served.version, "shadow": models.shadow.version if models.shadow else ""}
        return roles | ({"heads": ", ".join(models.heads.versions)} if self._settings.heads else {})

    async def swap(self, to: str, actor: str) -> None:
        """Let the shadow ``to`` serve. Raises ModelError where that would cost a bed hops."""
        pipeline = self._stages.pipeline

        def swap() -> None:
            pipeline.models.swap(to, list(pipeline.intake.row_of.values()))

        await self._audited(actor, {"serve": to}, self._stages.in_compute(swap))

    async def run_in_shadow(self, name: str, actor: str) -> None:
        """Run the directory ``name`` of ``diagnosis.candidates`` in the shadow; ``none``: none. Raises ModelError."""
        await self._audited(actor, {"shadow": name}, self._end_shadow() if name == NONE else self._run_candidate(name))

    async def put_head(self, name: str, actor: str) -> None:
        """Take the head in the directory ``name`` of ``diagnosis.heads`` into service, in place of one of its name.
        Raises ModelError where there is none, or it cannot serve."""
        await self._audited(actor, {"head": name}, self._put_head(name))

    async def remove_head(self, name: str, actor: str) -> None:
        """Take a head out of service. Raises ModelError where there is none of this name."""
        await self._audited(actor, {"head_removed": name}, self._remove_head(name))

    async def _put_head(self, name: str) -> None:
        folder = self._settings.heads
        if name not in (there := folders_in(folder)):  # a name, never a path
            raise ModelError(
                f"There is no head {name!r} in diagnosis.heads ({folder}); there are: {', '.join(there) or 'none'}."
            )
        head = await asyncio.to_thread(self._loaded_head, folder / name)
        heads = self._stages.pipeline.models.heads
        await self._stages.in_compute(lambda: heads.put(head))
        log.info("a head is in service", head=head.version)

    def _loaded_head(self, folder: Path) -> Served:
        from .models.folder import load_network  # with PyTorch, for which rules alone do not wait
        from .served_head import Served

        network, names = load_network(folder), self._stages.pipeline.models.served.names
        if taken := [label for label in network.manifest.labels if label in names or label.startswith("rhythm.")]:
            raise ModelError(
                f"{folder} states {', '.join(taken)}, which the model in service states or only it may; fine-tune the "
                "head under another name."
            )
        return Served(network)

    async def _remove_head(self, name: str) -> None:
        heads = self._stages.pipeline.models.heads
        if not await self._stages.in_compute(lambda: heads.remove(name)):
            raise ModelError(f"No head {name!r} is in service; there are: {', '.join(heads.versions) or 'none'}.")

    async def _end_shadow(self) -> None:
        pipeline = self._stages.pipeline
        await self._stages.in_compute(lambda: pipeline.models.run_beside(None, pipeline.n_rows))

    async def _run_candidate(self, name: str) -> None:
        folder = self._settings.candidates
        if folder is None:
            raise ModelError("No model can be given by order; set diagnosis.candidates to the folder that has them.")
        there = folders_in(folder)
        if name not in there:  # a name, never a path
            raise ModelError(f"There is no candidate {name!r} in {folder}; there are: {', '.join(there) or 'none'}.")
        await self._run_beside(str(folder / name))

    async def _run_beside(self, folder: str) -> None:
        lane = await asyncio.to_thread(self._loaded, folder)
        pipeline = self._stages.pipeline
        await self._stages.in_compute(lambda: pipeline.models.run_beside(lane, pipeline.n_rows))
        log.info("a model runs in the shadow", model=lane.version)

    def _loaded(self, folder: str) -> ModelLane:
        from .diagnosis.loader import load_model

        model = load_model(folder, self._settings.device, self._settings.precision)
        lane = ModelLane(model, self._settings.threads)
        lane.encoder.warm_up()
        return lane

    async def _audited(self, actor: str, details: dict[str, str], order: Awaitable[None]) -> None:
        try:
            await order
        except ModelError as error:
            await self._stages.note_models(actor, details, False, str(error))
            raise
        await self._stages.note_models(actor, details, True, "")
