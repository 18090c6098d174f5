"""Every arrow of the diagram, and every order, as timelines of 200 ms hops.

A line of orders has a letter above the hop before which the order is given: ``k`` acknowledge everything, ``z`` pause
for 1 s (5 hops), ``w`` end the pause, ``o`` switch off, ``i`` switch on, ``n`` new patient, ``d`` discharge.
"""

import re

import pytest

from ecgstream.alarms import orders
from ecgstream.alarms.conditions import RULES, graver_table
from ecgstream.waveform import Condition

from .test_conditions import MANUAL
from .timeline import HOP_NS, NAMES, feed, one_bed, stands

PAUSE, LEADS_OFF, VT, ASYSTOLE = (
    Condition.PAUSE,
    Condition.LEADS_OFF,
    Condition.VENTRICULAR_TACHYCARDIA,
    Condition.ASYSTOLE,
)

# Pause: no onset delay, 2 s (10 hops) until it is over, does not latch. VT: no delay, 5 s (25 hops), latches.
# Leads off: 2 s (10 hops) of evidence after the first, 2 s until it is over.
CASES = {
    "an onset delay, then the ending delay": (
        LEADS_OFF,
        "............................",
        "..############..............",
        "..ppppppppppAAAAAAAAAAA.....",
    ),
    "evidence gone during the onset delay": (LEADS_OFF, "......", "##....", "pp...."),
    "no onset delay": (PAUSE, "................", "..##............", "..AAAAAAAAAAA..."),
    "acknowledged, then over": (PAUSE, "....k...........", "..##............", "..AAaaaaaaaaa..."),
    "a lethal one latches": (
        VT,
        ".................................",
        ".#...............................",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALLLLLLL",
    ),
    "evidence again while latched": (
        VT,
        "................................",
        ".#..........................##..",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALLAAAA",
    ),
    "a latched one ends when acknowledged": (
        VT,
        "............................k...",
        ".#..............................",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALL....",
    ),
    "an acknowledged lethal one does not latch": (
        VT,
        "..k.............................",
        ".#..............................",
        ".Aaaaaaaaaaaaaaaaaaaaaaaaa......",
    ),
    "what recurs after that breaks through": (
        VT,
        "..k..............................",
        ".#...........................#...",
        ".Aaaaaaaaaaaaaaaaaaaaaaaaa...AAAA",
    ),
    "paused before, told after": (PAUSE, ".z........", "..########", ".ZZZZZAAAA"),
    "paused while pending": (LEADS_OFF, "...z........", "############", "pppZZZZZpppp"),
    "paused while active": (PAUSE, "...z........", ".######.....", ".AAZZZZZ...."),
    "paused while acknowledged": (PAUSE, "..kz........", ".######.....", ".AaZZZZZ...."),
    "a pause ended": (PAUSE, ".z.w......", "..........", ".ZZ......."),
    "a latched one outlives a pause, and is still to be acknowledged": (
        VT,
        "............................z.k.....",
        ".#..................................",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALLLLZZZ...",
    ),
    "off, for longer than any pause": (PAUSE, ".o........i...", "..############", ".OOOOOOOOOAAAA"),
    "off while pending": (LEADS_OFF, "...o....i...", "############", "pppOOOOOpppp"),
    "off while active": (PAUSE, "...o....i...", ".######.....", ".AAOOOOO...."),
    "off while acknowledged": (PAUSE, "..ko....i...", ".######.....", ".AaOOOOO...."),
    "a latched one outlives being switched off, and is still to be acknowledged": (
        VT,
        "............................o.k...i.",
        ".#..................................",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALLLLOOOO..",
    ),
    "off while paused: the pause's end changes nothing, and on is not paused": (
        PAUSE,
        ".z.o......i.",
        "..##########",
        ".ZZOOOOOOOAA",
    ),
    "switched on during its pause": (PAUSE, ".zi...", "..####", ".ZAAAA"),
    "a new patient has no alarms and no orders": (PAUSE, "...n......", ".#........", ".AA......."),
    "nor what was paused": (PAUSE, ".z.n......", "....######", ".ZZ.AAAAAA"),
    "nor what was off": (PAUSE, ".o.n......", "....######", ".OO.AAAAAA"),
    "nor what was pending": (LEADS_OFF, "...n......", "####......", "pppp......"),
    "a discharge ends a latch": (
        VT,
        "............................d...",
        ".#..............................",
        ".AAAAAAAAAAAAAAAAAAAAAAAAALL....",
    ),
}


def give(alarms, letter: str, condition: Condition, now_ns: int) -> None:
    name = RULES[condition].name
    match letter:
        case "k":
            orders.acknowledge(alarms, 0, "", 0)
        case "z" | "w":
            assert orders.pause(alarms, 0, name, 1.0 if letter == "z" else 0.0, now_ns, 0).accepted
        case "o" | "i":
            assert orders.switch(alarms, 0, name, letter == "o", 0).accepted
        case "n" | "d":
            orders.associate(alarms, 0, 0, discharged=letter == "d")


def live(condition: Condition, given: str, evidence: str) -> tuple[str, set[tuple[str, str]]]:
    """Where the alarm stands at the end of each hop, and the arrows it went along."""
    alarms, line, seen = one_bed(), "", "."
    for h, (letter, shown) in enumerate(zip(given, evidence, strict=True)):
        now_ns = (h + 1) * HOP_NS
        seen += stands(alarms, now_ns)[condition]
        give(alarms, letter, condition, now_ns)
        seen += stands(alarms, now_ns)[condition]
        feed(alarms, {condition: shown}, now_ns)
        seen += stands(alarms, now_ns)[condition]
        line += seen[-1]
    return line, {(was, now) for was, now in zip(seen, seen[1:], strict=False) if was != now}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_timeline(case):
    condition, given, evidence, expected = case
    assert live(condition, given, evidence)[0] == expected


def test_every_arrow_of_the_manual_has_its_timeline():
    drawn = set(re.findall(r"^ +(\w+) --> (\w+):", MANUAL, flags=re.MULTILINE))
    gone = set().union(*(live(condition, given, evidence)[1] for condition, given, evidence, _ in CASES.values()))
    assert {(NAMES[was], NAMES[now]) for was, now in gone} == drawn


@pytest.mark.parametrize("name", ["asystole", "ventricular_fibrillation", "bradycardia"])
def test_what_must_stay_on_is_neither_switched_off_nor_paused(name):
    alarms = one_bed(always_on=("bradycardia",))
    for outcome in (orders.switch(alarms, 0, name, True, 0), orders.pause(alarms, 0, name, 60, 0, 0)):
        assert not outcome.accepted and "cannot be" in outcome.sentence
    assert orders.pause(alarms, 0, "", 60, 0, 0).accepted
    assert not alarms.paused_until_ns[0, alarms.always_on].any() and not alarms.off.any()


@pytest.mark.parametrize(
    ("name", "off", "says"), [("tea_break", True, "no condition"), ("", True, "one by one"), ("pause", False, "house")]
)
def test_a_switch_that_cannot_be_is_refused(name, off, says):
    alarms = one_bed(disabled=("pause",))
    outcome = orders.switch(alarms, 0, name, off, 0)
    assert not outcome.accepted and says in outcome.sentence
    assert not alarms.off.any() and alarms.silenced(0, 0) == (["pause"], [])


def test_what_is_off_gives_way_to_the_milder_one():
    alarms = one_bed()
    orders.switch(alarms, 0, "ventricular_tachycardia", True, 0)
    states, _ = feed(alarms, {VT: "####", Condition.PVC_RUN: "####"})
    assert states == {VT: "....", Condition.PVC_RUN: "AAAA"}


CHAINS = [
    ["asystole", "extreme_bradycardia", "pause"],
    ["asystole", "bradycardia"],
    ["ventricular_fibrillation", "ventricular_tachycardia", "pvc_run", "frequent_pvc"],
    ["ventricular_fibrillation", "ventricular_tachycardia", "extreme_tachycardia", "tachycardia"],
    ["ventricular_tachycardia", "atrial_fibrillation"],
]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: " > ".join(chain))
def test_a_chain_is_told_by_its_gravest_alone(chain):
    """Worsening step by step, each is replaced by the next; all at once, only the gravest is told."""
    conditions = [Condition[name.upper()] for name in reversed(chain)]
    step = 60  # hops: more than any onset delay
    lines = {c: "." * (step * n) + "#" * (step * (len(chain) - n)) for n, c in enumerate(conditions)}
    states, _ = feed(one_bed(), lines)
    for n, condition in enumerate(conditions):
        replaced = states[condition][step * (n + 1) :]
        assert "A" in states[condition] and not set(replaced) - {"."}
    together, _ = feed(one_bed(), dict.fromkeys(conditions, "#" * 30))
    assert together[conditions[-1]] == "A" * 30 and all(set(together[c]) == {"."} for c in conditions[:-1])
    assert all(graver_table()[milder, worse] for milder, worse in zip(conditions, conditions[1:], strict=False))


def test_an_acknowledged_graver_one_still_holds_the_milder_back_and_a_graver_one_breaks_through():
    alarms = one_bed()
    feed(alarms, {VT: "##", Condition.PVC_RUN: "##"})
    orders.acknowledge(alarms, 0, "", 0)
    states, _ = feed(alarms, {Condition.VENTRICULAR_FIBRILLATION: "...##", VT: "#####", Condition.PVC_RUN: "#####"})
    assert states == {
        Condition.VENTRICULAR_FIBRILLATION: "...AA",
        VT: "aaa..",
        Condition.PVC_RUN: ".....",
    }
