"""The table of conditions holds together, and the manual says the same."""

import re
from pathlib import Path

import numpy as np

from ecgstream.alarms import orders
from ecgstream.alarms.conditions import REFRACTORY_S, RULES, graver_table, judging_order, rule_table
from ecgstream.waveform import GRID_HZ, LETHAL, Condition, Priority

from .timeline import HOP_NS, NAMES, feed, one_bed, stands

MANUAL = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text()


def test_every_condition_has_its_rule_in_its_place():
    assert [rule.condition for rule in RULES] == list(Condition)


def test_lethal_conditions_are_high_priority_and_wait_for_nothing():
    assert {rule.condition for rule in RULES if rule.priority == Priority.HIGH} == set(LETHAL)
    assert all(rule.onset_delay_s == 0 for rule in RULES if rule.lethal)


def test_the_kernel_reads_the_same_delays_in_samples():
    table = rule_table()
    for rule, record in zip(RULES, table, strict=True):
        assert record["delay"] == rule.onset_delay_s * GRID_HZ
        assert record["ending"] == rule.ending_delay_s * GRID_HZ
        assert record["latching"] == rule.lethal
        assert record["refractory"] == (0 if rule.lethal or rule.technical else REFRACTORY_S * GRID_HZ)


def test_chains_have_no_circles_and_graver_ones_are_judged_first():
    graver, place = graver_table(), {int(c): n for n, c in enumerate(judging_order())}
    for milder, worse in np.argwhere(graver):
        assert place[int(worse)] < place[int(milder)]
        assert (graver[milder] >= graver[worse]).all(), "what replaces the graver one replaces the milder one too"


def test_hops_judge_all_but_what_the_wall_clock_tells():
    assert set(Condition) - set(judging_order().tolist()) == {Condition.STREAM_STALE}


def as_row(rule) -> list[str]:
    kind = "lethal" if rule.lethal else "technical" if rule.technical else ""
    return [
        f"`{rule.name}`",
        str(rule.mdc_code or "none"),
        rule.snomed_code or "none",
        rule.priority.name.lower(),
        kind,
        f"{rule.onset_delay_s:g} s",
        f"{rule.ending_delay_s:g} s",
        "yes" if rule.lethal else "no",
        "yes" if rule.may_be_disabled else "no",
        ", ".join(f"`{Condition(c).name.lower()}`" for c in rule.replaces),
    ]


def test_the_manual_has_the_same_table():
    table = MANUAL[MANUAL.index("## Conditions") : MANUAL.index("## Life of an alert")]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    assert [[cell.strip() for cell in row] for row in rows] == [as_row(rule) for rule in RULES]


def test_nothing_happens_that_the_manual_does_not_draw():
    """That everything drawn happens is shown in test_transitions."""
    drawn = set(re.findall(r"^ +(\w+) --> (\w+):", MANUAL, flags=re.MULTILINE))
    found = transitions_that_happen()
    assert found <= drawn and len(found) >= 14


def transitions_that_happen() -> set[tuple[str, str]]:
    """What one bed's alarms go through in 5,000 hops of random evidence and orders, by where they stand."""
    random = np.random.default_rng(7)
    alarms, found = one_bed(), set()
    evidence = dict.fromkeys(Condition, ".")
    now_ns, before = 0, stands(alarms, 0)
    for _ in range(5000):
        now_ns += HOP_NS
        passed = stands(alarms, now_ns)  # a pause may be over
        act_at_random(alarms, evidence, random, now_ns)
        after = stands(alarms, now_ns)
        found |= {*zip(before, passed, strict=True), *zip(passed, after, strict=True)}
        before = after
    return {(NAMES[was], NAMES[now]) for was, now in found if was != now}


def act_at_random(alarms, evidence, random, now_ns) -> None:
    kind, name = random.random(), random.choice(["pvc_run", "bradycardia", "extreme_tachycardia"])
    if kind < 0.01:
        orders.acknowledge(alarms, 0, "", 0)
    elif kind < 0.02:
        orders.pause(alarms, 0, name, random.choice([0.0, 20.0]), now_ns, at_sample=0)
    elif kind < 0.03:
        orders.switch(alarms, 0, name, bool(random.random() < 0.4), at_sample=0)
    else:
        turned = Condition(random.integers(len(Condition)))
        if random.random() < 0.2:
            evidence[turned] = random.choice([".", ".", "#"])
        feed(alarms, evidence, now_ns)
