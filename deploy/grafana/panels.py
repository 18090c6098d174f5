"""What every dashboard shows: its panels, and what each asks Prometheus for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One panel: ``queries`` are (PromQL, legend). ``bad`` on a number: from where on it is red; below it, if negative
    numbers make no sense, ``low_is_bad``."""

    title: str
    about: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    number: bool = False
    bad: float | None = None
    low_is_bad: bool = False


def number(title: str, about: str, query: str, bad: float | None = None, low_is_bad: bool = False) -> Panel:
    """A single figure."""
    return Panel(title, about, ((query, ""),), number=True, bad=bad, low_is_bad=low_is_bad)


def lines(title: str, about: str, *queries: tuple[str, str], unit: str = "short") -> Panel:
    """Figures over time."""
    return Panel(title, about, queries, unit)


def quantile(share: float, metric: str, by: str) -> str:
    """A quantile of a histogram over the last minutes."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"


WARD = (
    number("Beds", "Streams known to the daemons together.", "sum(ecgstream_streams)"),
    number("Beds silent", "Streams that have stopped sending.", "sum(ecgstream_streams_stale)", bad=1),
    number("Longest silence (s)", "Of any bed.", "max(ecgstream_stream_silence_seconds)", bad=10),
    number("Daemons", "Daemons that answer.", 'count(up{job="ecgstream"} == 1) or vector(0)', bad=1, low_is_bad=True),
    number("Broker", "1: every daemon can read its log.", "min(ecgstream_broker_available)", bad=1, low_is_bad=True),
    number("Dead letters (1 h)", "Refused and put aside.", "sum(increase(ecgstream_dead_letters_total[1h]))", bad=1),
    lines(
        "Messages in",
        "Accepted and refused.",
        ("sum by (outcome) (rate(ecgstream_messages_total[$__rate_interval]))", "{{outcome}}"),
        ("sum by (reason) (rate(ecgstream_messages_refused_total[$__rate_interval])) > 0", "refused: {{reason}}"),
        unit="reqps",
    ),
    lines(
        "Signal that cannot be judged",
        "Share of hops, by reason.",
        (
            "sum by (reason) (rate(ecgstream_hops_not_judged_total[$__rate_interval]))"
            " / on () group_left () sum(rate(ecgstream_hops_total[$__rate_interval]))",
            "{{reason}}",
        ),
        unit="percentunit",
    ),
    lines(
        "What intake met",
        "Gaps, duplicates, clock steps and the like.",
        ("sum by (kind) (rate(ecgstream_intake_total[$__rate_interval])) > 0", "{{kind}}"),
    ),
    lines(
        "Who has the beds",
        "Partitions of each daemon; moves of partitions and beds.",
        ("sum by (instance) (ecgstream_partitions)", "{{instance}}"),
        ("sum by (instance) (increase(ecgstream_rebalances_total[5m]))", "moves {{instance}}"),
        ("sum by (instance) (increase(ecgstream_beds_taken_up_total[5m]))", "beds taken up {{instance}}"),
    ),
    lines(
        "Lag by partition", "Messages not yet read.", ("max by (partition) (ecgstream_lag_messages)", "{{partition}}")
    ),
    lines(
        "Delivery",
        "Messages out, commits, and what had to be tried again.",
        ("sum by (message) (rate(ecgstream_published_total[$__rate_interval]))", "{{message}}"),
        ("sum(rate(ecgstream_commits_total[$__rate_interval]))", "commits"),
        ("sum(rate(ecgstream_delivery_retries_total[$__rate_interval]))", "retries"),
        unit="reqps",
    ),
)
LATENCY = (
    number(
        "Lethal alerts later than 10 s (24 h)",
        "Told later than 10 s after their first sample.",
        'sum(increase(ecgstream_sample_to_alert_seconds_count{condition=~"asystole|extreme_.*|ventricular_.*"}[24h]))'
        " - sum(increase(ecgstream_sample_to_alert_seconds_bucket"
        '{condition=~"asystole|extreme_.*|ventricular_.*",le="10.0"}[24h]))',
        bad=1,
    ),
    number("Behind the log (s)", "Age of what is read.", "max(ecgstream_behind_seconds)", bad=10),
    number(
        "Compute busy",
        "Of the one compute thread.",
        "max(rate(ecgstream_tick_seconds_sum[5m]))",
        bad=0.85,
    ),
    lines(
        "First sample to alert (median, 99 %)",
        "From a condition's onset to its delivered alert; the budget of lethal ones is 10 s.",
        (quantile(0.5, "ecgstream_sample_to_alert_seconds", "condition"), "{{condition}} 50 %"),
        (quantile(0.99, "ecgstream_sample_to_alert_seconds", "condition"), "{{condition}} 99 %"),
        unit="s",
    ),
    lines(
        "Message to what it said (median, 99 %)",
        "From the arrival of a bed's newest message.",
        (quantile(0.5, "ecgstream_latency_seconds", "message"), "{{message}} 50 %"),
        (quantile(0.99, "ecgstream_latency_seconds", "message"), "{{message}} 99 %"),
        unit="s",
    ),
    lines(
        "One pass (99 %)",
        "Everything that waited.",
        (quantile(0.99, "ecgstream_tick_seconds", "instance"), "{{instance}}"),
        unit="s",
    ),
    lines(
        "Time by stage",
        "Seconds a second.",
        ("sum by (stage) (rate(ecgstream_stage_seconds_total[$__rate_interval]))", "{{stage}}"),
        unit="s",
    ),
    lines(
        "One run of a stage",
        "Mean.",
        (
            "sum by (stage) (rate(ecgstream_stage_seconds_total[$__rate_interval]))"
            " / sum by (stage) (rate(ecgstream_stage_runs_total[$__rate_interval]))",
            "{{stage}}",
        ),
        unit="s",
    ),
    lines(
        "CPU by stage",
        "Of compute, seconds a second.",
        ("sum by (stage) (rate(ecgstream_stage_cpu_seconds_total[$__rate_interval]))", "{{stage}}"),
        unit="s",
    ),
    lines(
        "Queues",
        "Share of the room that is taken.",
        ("ecgstream_queue_batches / on (instance, queue) ecgstream_queue_room_batches", "{{queue}} {{instance}}"),
        unit="percentunit",
    ),
    lines("Memory", "Resident.", ('process_resident_memory_bytes{job="ecgstream"}', "{{instance}}"), unit="bytes"),
)
ALARMS = (
    number(
        "High", "Alerts of high priority that have not ended.", 'sum(ecgstream_alerts_standing{priority="high"})', bad=1
    ),
    number("Medium", "… of medium priority.", 'sum(ecgstream_alerts_standing{priority="medium"})'),
    number("Low", "… of low priority.", 'sum(ecgstream_alerts_standing{priority="low"})'),
    number(
        "Told again (1 h)",
        "High-priority alerts nobody acknowledged.",
        "sum(increase(ecgstream_escalations_total[1h]))",
        bad=1,
    ),
    number("Not in the audit file (1 h)", "Orders.", "sum(increase(ecgstream_audit_failures_total[1h]))", bad=1),
    lines(
        "Alerts by condition",
        "New ones.",
        ('sum by (condition) (increase(ecgstream_alerts_total{state="active"}[5m])) > 0', "{{condition}}"),
    ),
    lines(
        "Alerts by state", "Every update.", ("sum by (state) (increase(ecgstream_alerts_total[5m])) > 0", "{{state}}")
    ),
    lines(
        "Alarms a bed and hour",
        "The load on people.",
        ('sum(increase(ecgstream_alerts_total{state="active"}[1h])) / sum(ecgstream_streams)', "alarms"),
    ),
    lines(
        "Second opinions",
        "On the monitors' own alarms.",
        ("sum by (opinion) (increase(ecgstream_verdicts_total[5m])) > 0", "{{opinion}}"),
    ),
    lines(
        "Orders",
        "Acknowledged, paused, limits and the rest.",
        ("sum by (order, outcome) (increase(ecgstream_orders_total[5m])) > 0", "{{order}} {{outcome}}"),
    ),
    lines(
        "Monitor's alarms ignored",
        "Of a name that is not known.",
        ("sum(increase(ecgstream_monitor_alarms_ignored_total[5m]))", "ignored"),
    ),
)
MODELS = (
    number("Daemons with their model", "In service.", "sum(ecgstream_model_available)", bad=1, low_is_bad=True),
    number(
        "Models served",
        "More than one: a roll-out, or a mistake.",
        'count(count by (model) (ecgstream_model_info{role="served"}))',
        bad=2,
    ),
    lines(
        "Models",
        "Who serves what, and what runs beside it.",
        ("ecgstream_model_info", "{{role}} {{model}} {{device}} {{instance}}"),
    ),
    lines(
        "Hops without scores",
        "Share, by reason.",
        (
            "sum by (reason) (rate(ecgstream_hops_withheld_total[$__rate_interval]))"
            " / on () group_left () sum(rate(ecgstream_hops_total[$__rate_interval]))",
            "{{reason}}",
        ),
        unit="percentunit",
    ),
    lines(
        "Mean score",
        "Rhythm and noise.",
        (
            'sum by (model, score) (rate(ecgstream_score_sum{score=~"rhythm.*|noise"}[15m]))'
            ' / sum by (model, score) (rate(ecgstream_score_count{score=~"rhythm.*|noise"}[15m]))',
            "{{score}} {{model}}",
        ),
        unit="percentunit",
    ),
    lines(
        "Distance to the card",
        "Largest difference of the cumulative distributions, 6 h against the card's records.",
        ("topk(10, ecgstream:score_distance_to_card:6h)", "{{score}} {{model}}"),
        unit="percentunit",
    ),
    lines(
        "Distance to last week",
        "The same, against the daemons' own week before.",
        ("topk(10, ecgstream:score_distance_to_last_week:6h)", "{{score}} {{model}}"),
        unit="percentunit",
    ),
    lines(
        "Shadow: apart from the one in service",
        "Mean difference of the two models' scores on the same hops.",
        (
            "topk(10, sum by (score) (rate(ecgstream_shadow_difference_sum[15m]))"
            " / sum by (score) (rate(ecgstream_shadow_difference_count[15m])))",
            "{{score}}",
        ),
        unit="percentunit",
    ),
    lines(
        "Shadow: who finds what",
        "Hops with a score at its threshold: by both models, the one in service alone, the shadow alone.",
        ("sum by (score, found) (increase(ecgstream_shadow_findings_total[1h]))", "{{score}}: {{found}}"),
    ),
    lines(
        "Share of scores up to 0.5 on the card's records",
        "What to expect.",
        ('max by (score) (ecgstream_score_card_share{le="0.5",score=~"rhythm.*|noise"})', "{{score}}"),
        unit="percentunit",
    ),
)
DASHBOARDS = {
    "ward": ("the ward", WARD),
    "latency": ("in time", LATENCY),
    "alarms": ("alarms", ALARMS),
    "models": ("models", MODELS),
}
