"""The report of each evaluation: what is seen first, and what its drawings show."""

from __future__ import annotations

from typing import Any

from .af_episodes import af_table
from .alarms import alarms_table
from .beats import beats_table, percent
from .episodes import episodes_summary, episodes_table
from .fibrillation import fibrillation_table
from .quality import quality_table
from .report import Report
from .rhythm import rhythm_table

_LANES = "Above the paper what is annotated and what was told, in red what was wrong; the leads are as recorded."
_SHARES = {"se": "Se", "ppv": "+P", "sp": "Sp"}


def beats_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_beats``, with the head's version and how it may class."""
    figures = {
        f"{kind.upper()} {name}": _percent(result["gross"][kind][key])
        for kind in ("qrs", "veb", "sveb")
        for key, name in (("se", "Se"), ("ppv", "+P"))
    }
    said = f"EC57, gross. Classes by {result['head']}: {result['classed']}."
    legend = (
        f"The ten seconds with most mistakes, two of a record at most. {_LANES} Where classes are not scored, a dot."
    )
    return Report("Beats", said, figures, beats_table(result), legend)


def lethal_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_episodes``."""
    delay, false = result["delay_s"], result["false"]
    figures = {
        "told": f"{result['hits']} of {result['hits'] + result['misses']}",
        "median delay": f"{delay['p50']:.1f} s" if delay else "–",
        "p99 delay": f"{delay['p99']:.1f} s" if delay else "–",
        f"false in {false['hours']:.1f} h without episodes": str(false["count"]),
        "false beside episodes": str(result["false_beside_episodes"]),
    }
    said = f"{episodes_summary(result)} Fibrillation head: {result['head']}."
    legend = f"Episodes missed, told late, or told without cause, the longest first. {_LANES}"
    return Report("Lethal episodes", said, figures, episodes_table(result), legend)


def fibrillation_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_fibrillation``."""
    said = f"Rules and head fused, as in the daemon. Fibrillation head: {result['head']}."
    legend = f"Segments in a row that are wrong, the longest first. {_LANES}"
    title = "Ventricular fibrillation and flutter"
    return Report(title, said, _spans(result, "segments", "episodes"), fibrillation_table(result), legend)


def af_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_af``."""
    legend = f"Where told and annotated differ, the longest first, from its beginning. {_LANES}"
    said = f"By {result['by']}.{_seen(result)} Fibrillation and flutter are one; {len(result['records'])} records."
    figures = _spans(result, "duration", "segments", "episodes")
    return Report("Atrial fibrillation", said, figures, af_table(result), legend)


def rhythm_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_rhythm``."""
    figures = {"mean F1 of N, A, O": _figure(result["f1_mean"])}
    figures |= {f"F1 {name}": _figure(value) for name, value in result["f1"].items()}
    said = f"{result['n']} strips, by {result['by']}.{_seen(result)}"
    legend = "Strips said to be of another rhythm than by people, the surest first; the first 30 s, as recorded."
    return Report("Rhythm of strips", said, figures, rhythm_table(result), legend)


def quality_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_quality``."""
    figures = {"accuracy": _figure(result["accuracy"]), "AUC": _figure(result["auc"])}
    said = f"{result['n']} records, by {result['by']}.{_seen(result)}"
    legend = "Records called otherwise than by people, the surest first; all leads, as recorded."
    return Report("Record quality", said, figures, quality_table(result), legend)


def alarms_report(result: dict[str, Any]) -> Report:
    """Of ``evaluate_alarms``."""
    figures = {"challenge score": f"{result['score']:.1f}", "cannot say": str(result["cannot_say"])}
    figures |= {name: str(result[name.lower()]) for name in ("TP", "FP", "FN", "TN")}
    said = f"{result['alarms']} alarms, records {result['records_are']}."
    legend = (
        "Wrong verdicts, the surest first: the 20 s before the alarm. Filtered ECG with the beats found in each lead; "
        "pleth and arterial pressure, drawn to fit, with pulses (grey: not believed)."
    )
    return Report("Verdicts on monitors' alarms", said, figures, alarms_table(result), legend)


def _spans(result: dict[str, Any], *kinds: str) -> dict[str, str]:
    found = ((kind, key, result[kind].get(key)) for kind in kinds for key in _SHARES if key in result[kind])
    return {f"{kind} {_SHARES[key]}": _percent(value) for kind, key, value in found}


def _seen(result: dict[str, Any]) -> str:
    return " SEEN RECORDS ALLOWED." if result["seen_allowed"] else ""


def _percent(value: float | None) -> str:
    return percent(value) if value is None else f"{percent(value)} %"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
