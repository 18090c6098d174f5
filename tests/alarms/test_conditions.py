"""The table of conditions holds together, and the manual says the same."""

import re
from pathlib import Path

import numpy as np

from ecgstream.alarms import orders
from ecgstream.alarms.conditions import REFRACTORY_S, RULES, graver_table, judging_order, rule_table
from ecgstream.alarms.machine import State
from ecgstream.waveform import GRID_HZ, LETHAL, Condition, Priority

from .timeline import feed, one_bed

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
    rows = [line.strip("|").split("|") for line in MANUAL.splitlines() if line.startswith("| `")]
    assert [[cell.strip() for cell in row] for row in rows] == [as_row(rule) for rule in RULES]


def test_the_manual_draws_the_transitions_that_happen():
    drawn = set(re.findall(r"^ +(\w+) --> (\w+):", MANUAL, flags=re.MULTILINE))
    assert drawn == transitions_that_happen()


def transitions_that_happen() -> set[tuple[str, str]]:
    """What one bed's alarms go through in 6,000 hops of random evidence and orders."""
    random = np.random.default_rng(7)
    alarms, found = one_bed(), set()
    evidence = dict.fromkeys(Condition, ".")
    for _ in range(6000):
        before = alarms.alarms["state"][0].copy()
        act_at_random(alarms, evidence, random)
        after = alarms.alarms["state"][0]
        changed = before != after
        found |= {
            (State(was).name.lower(), State(now).name.lower())
            for was, now in zip(before[changed], after[changed], strict=True)
        }
    return found


def act_at_random(alarms, evidence, random) -> None:
    kind = random.random()
    if kind < 0.01:
        orders.acknowledge(alarms, 0, "", 0)
    elif kind < 0.015:
        orders.pause(alarms, 0, "pvc_run", random.choice([0.0, 60.0]), now_ns=0, at_sample=0)
    else:
        turned = Condition(random.integers(len(Condition)))
        if random.random() < 0.2:
            evidence[turned] = random.choice([".", ".", "#"])
        feed(alarms, evidence)
