"""Alarm conditions as the page names them and offers them for pausing and switching off."""

from __future__ import annotations

from typing import Any

from ..alarms.conditions import RULES

CONDITIONS: list[dict[str, Any]] = [
    {
        "name": rule.name,
        "label": rule.label,
        "priority": int(rule.priority),
        "technical": rule.technical,
        "mayBePaused": rule.may_be_disabled,
    }
    for rule in RULES
]
"""In the order of their columns, gravest first."""
