"""Settings from file, then environment ``ECGSTREAM_…`` (nested by ``__``), then flags. Every fault is named at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from ..errors import SettingsError
from .settings import Settings


def load_settings(file: Path | None = None, flags: dict[str, Any] | None = None) -> Settings:
    """Settings from a YAML file, then ``ECGSTREAM_…``, then ``flags`` (``{"http.port": 9000}``).

    Raises SettingsError with one line for every fault found.
    """
    faults = _unknown_variables()
    try:
        settings = _reading(file)(**_nested(flags or {}))
    except ValidationError as error:
        faults += _sentences(error)
    except ValueError as error:
        raise SettingsError(f"The settings cannot be read: {error}") from error
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def _reading(file: Path | None) -> type[Settings]:
    if file is None:
        return Settings
    _check_is_mapping(file)

    class FromFile(Settings):
        model_config = SettingsConfigDict(yaml_file=file)

    return FromFile


def _check_is_mapping(file: Path) -> None:
    try:
        values = yaml.safe_load(file.read_text())
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read ({error.strerror}); check its path.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"The settings file {file} is not valid YAML; mend this place: {error}") from error
    if values is not None and not isinstance(values, dict):
        found = type(values).__name__
        raise SettingsError(f"The settings file {file} must map section names to values; it holds a {found}.")


def _unknown_variables() -> list[str]:
    """A misspelt variable must not be ignored in silence."""
    known = {f"ECGSTREAM_{name}".upper() for name in Settings.model_fields} | {"ECGSTREAM_DATA"}
    return [
        f"{name}: no such setting in the environment; sections are {', '.join(Settings.model_fields)}"
        for name in sorted(os.environ)
        if name.startswith("ECGSTREAM_") and name.split("__")[0] not in known and not name.startswith("ECGSTREAM_TEST_")
    ]


def _nested(flags: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for dotted, value in flags.items():
        *sections, last = dotted.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return nested


def _sentences(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']} (found {_shown(fault)})"
        for fault in error.errors()
    ]


def _shown(fault: Any) -> str:
    secret = any("key" in str(part) or "password" in str(part) for part in fault["loc"])
    return "a hidden value" if secret or isinstance(fault["input"], dict) else repr(fault["input"])
