"""What holds for every alarm history: cutting, neighbours, restarts and orders included.

Never, whatever happens (each is checked after every step of ``History``):

1. two alerts of one id, or update numbers with holes, or an update after the end;
2. a lethal alert that ends unseen, unless a graver one, an order or a new patient ended it, which its text says;
3. asystole or fibrillation seen by the rules and not told;
4. a milder alarm going on beside its graver one;
5. an alarm going on, or starting, that is paused or switched off; asystole or fibrillation paused or switched off;
6. a repeat of what was seen, has ended or is of no high priority, or under another number than its newest update;
7. what was told and what is kept in disagreement, also after a restart.
"""

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ecgstream.alarms import keeping, orders
from ecgstream.alarms.conditions import RULES, graver_table
from ecgstream.alarms.ids import alert_id
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.alarms.machine import State
from ecgstream.limits import PRESETS, limits_of
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, LETHAL, N_CONDITIONS, Condition

ENDED_UNSEEN = ("replaced by", "alarm paused", "switched off", "new patient")
NEVER_OFF = [Condition.ASYSTOLE, Condition.VENTRICULAR_FIBRILLATION]
GOING_ON = (State.ACTIVE, State.ACKNOWLEDGED)
ALLOWED_BEFORE = {
    "active": {None, "latched"},
    "latched": {"active"},
    "acknowledged": {"active"},
    "ended": {"active", "latched", "acknowledged"},
}


def random_hops(random: np.random.Generator, n_rows: int, n_hops: int, first_hop: int):
    """judged, evidence, onset and from_model: evidence comes in runs, and with it its onset."""
    shape = (n_rows, n_hops, N_CONDITIONS)
    toggles = np.cumsum(random.random(shape) < 0.05, axis=1)
    evidence = (toggles + random.integers(0, 2, (n_rows, 1, N_CONDITIONS))) % 2 == 1
    started = np.where(evidence, first_hop * HOP_SAMPLES + toggles * 10 - 100, -1)
    judged = np.repeat(random.random((n_rows, -(-n_hops // 5))) < 0.9, 5, axis=1)[:, :n_hops]
    return judged, evidence, started, evidence & (random.random(shape) < 0.3)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.sets(st.integers(1, 399), max_size=30), together=st.booleans())
def test_neither_cutting_nor_neighbours_change_an_update(seed, cuts, together):
    n_rows, n_hops = 3, 400
    hops = random_hops(np.random.default_rng(seed), n_rows, n_hops, 0)
    whole, pieces = Alarms(n_rows), Alarms(n_rows)
    for row in range(n_rows):
        whole.admit(row, f"bed-{row}")
        pieces.admit(row, f"bed-{row}")
    rows, first_hop = np.arange(n_rows), np.zeros(n_rows, dtype=np.int64)
    expected = whole.step(rows, first_hop, *hops, 0)
    found = []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), n_hops], strict=True):
        for group in [rows] if together else [rows[2:], rows[:1], rows[1:2]]:
            part = (array[group, start:stop] for array in hops)
            found += pieces.step(group, first_hop[group] + start, *part, 0)
    assert expected
    assert sorted(found, key=lambda update: update.row) == expected
    assert (whole.alarms == pieces.alarms).all() and (whole.strips == pieces.strips).all()


class History(RuleBasedStateMachine):
    """One bed's random life; every update told is checked against all before it."""

    @initialize()
    def admit(self):
        self.alarms = Alarms(1, disabled=("tachycardia",))
        self.alarms.admit(0, "bed-1")
        self.now_ns = 0
        self.told = defaultdict(list)
        self.decided = 0
        self.whole, self.skipped = True, 0

    def hear(self, updates):
        for update in updates:
            before = self.told[update.alert_id]
            assert update.update == len(before), "update numbers are consecutive from 0"
            if before and update.strip:
                self.check_completed(before, update)
            else:
                assert (before[-1].state if before else None) in ALLOWED_BEFORE[update.state]
                assert bool(update.strip) == (not before and RULES[update.condition].has_strip)
            assert all((update.onset, update.condition) == (other.onset, other.condition) for other in before)
            assert update.state != "latched" or update.condition in LETHAL
            assert update.onset <= update.decided >= self.decided
            if update.state == "ended" and update.condition in LETHAL and not update.strip:
                seen = before[-1].state == "acknowledged" or update.text == "over and acknowledged"
                assert seen or update.text.startswith(ENDED_UNSEEN), update.text
            self.decided = update.decided
            before.append(update)

    def check_completed(self, before, update):
        """Once, with nothing else changed, and as soon as its samples are there, unless the patient is."""
        first = before[0].strip
        assert update.state == before[-1].state and update.source == before[0].source
        assert not first.complete and update.strip.complete and sum(told.strip is not None for told in before) == 1
        assert (update.strip.start, update.strip.begun) == (first.start, first.begun) and first.stop == first.begun
        stop = update.onset + 10 * GRID_HZ
        assert update.strip.stop == min(stop, update.decided)
        if self.whole:
            assert update.decided >= stop and (self.skipped or update.decided < stop + HOP_SAMPLES)

    @rule(seed=st.integers(0, 2**32 - 1), n_hops=st.integers(1, 120), skipped=st.sampled_from([0, 0, 0, 1, 40]))
    def step(self, seed, n_hops, skipped):
        first_hop, self.skipped = int(self.alarms.next_hop[0]) + skipped, skipped
        hops = random_hops(np.random.default_rng(seed), 1, n_hops, first_hop)
        blocked = (self.alarms.paused_until_ns[0] > self.now_ns) | self.alarms.off[0]
        updates = self.alarms.step(np.array([0]), np.array([first_hop]), *hops, self.now_ns)
        starts = {update.condition for update in updates if update.update == 0}
        assert Condition.TACHYCARDIA not in starts and not blocked[list(starts)].any()
        self.hear(updates)
        self.now_ns += n_hops * 200_000_000
        judged, evidence, _, _ = hops
        seen = evidence[0, -1, NEVER_OFF] & judged[0, -1]
        assert np.isin(self.alarms.alarms["state"][0, NEVER_OFF], GOING_ON)[seen].all()

    @rule()
    def read_the_log_again(self):
        seen_hops = min(50, int(self.alarms.next_hop[0]))
        hops = random_hops(np.random.default_rng(1), 1, seen_hops, 0)
        again = np.array([self.alarms.next_hop[0] - seen_hops])
        assert self.alarms.step(np.array([0]), again, *hops, self.now_ns) == []

    @rule(on=st.booleans())
    def stale(self, on):
        at = [self.decided]
        self.hear(self.alarms.set_technical([0], Condition.STREAM_STALE, on, at, self.now_ns))

    @rule(data=st.data())
    def acknowledge(self, data):
        live = [alert_id for alert_id, told in self.told.items() if told[-1].state != "ended"]
        outcome = orders.acknowledge(self.alarms, 0, data.draw(st.sampled_from(["", *live])), self.decided)
        assert outcome.accepted
        self.hear(outcome.updates)

    @rule(name=st.sampled_from(["", *(rule.name for rule in RULES)]), duration_s=st.sampled_from([0, 10, 60]))
    def pause(self, name, duration_s):
        self.hear(orders.pause(self.alarms, 0, name, duration_s, self.now_ns, self.decided).updates)

    @rule(name=st.sampled_from(["", *(rule.name for rule in RULES)]), off=st.booleans())
    def switch(self, name, off):
        self.hear(orders.switch(self.alarms, 0, name, off, self.decided).updates)

    @rule(name=st.sampled_from(list(PRESETS)))
    def preset(self, name):
        assert orders.set_preset(self.alarms, 0, name).accepted
        assert self.alarms.limits[0] == limits_of(name)

    @rule(after_s=st.sampled_from([1, 30, 61]))
    def look_at_the_clock(self, after_s):
        self.now_ns += after_s * 10**9
        for repeat in self.alarms.repeats(self.now_ns):
            newest = self.told[repeat.alert_id][-1]
            assert newest.state in ("active", "latched") and repeat.condition in LETHAL
            assert replace(repeat, escalation=0) == replace(newest, strip=None)
            assert 1 <= repeat.escalation <= 3

    @rule()
    def new_patient(self):
        self.whole = False
        self.hear(orders.associate(self.alarms, 0, self.decided).updates)
        self.whole = True
        assert not self.alarms.alarms["state"].any()

    @rule()
    def restart(self):
        kept = json.loads(json.dumps(keeping.save(self.alarms, 0)))
        before, self.alarms = self.alarms, Alarms(1, disabled=("tachycardia",))
        keeping.restore(self.alarms, 0, kept)
        assert (before.escalation.waiting == self.alarms.escalation.waiting).all()
        open_before, open_now = (
            np.sort(alarms.strips[0], order=["condition", "onset"]) for alarms in (before, self.alarms)
        )
        taken = open_before["condition"] >= 0
        assert (open_before[taken] == open_now[open_now["condition"] >= 0]).all()
        for name in ("alarms", "next_hop", "paused_until_ns", "limits", "off"):
            assert (getattr(before, name) == getattr(self.alarms, name)).all(), name

    @invariant()
    def every_strip_is_complete_or_open(self):
        waiting = {
            told[0].alert_id
            for told in self.told.values()
            if told[0].strip and not any(update.strip.complete for update in told if update.strip)
        }
        open_ = self.alarms.strips[0][self.alarms.strips[0]["condition"] >= 0]
        assert waiting == {alert_id("bed-1", Condition(strip["condition"]), int(strip["onset"])) for strip in open_}

    @invariant()
    def told_and_kept_agree(self):
        live = {told[-1].condition: told[-1].state for told in self.told.values() if told[-1].state != "ended"}
        states = self.alarms.alarms["state"][0]
        assert live == {c: State(states[c]).name.lower() for c in Condition if states[c] >= State.ACTIVE}

    @invariant()
    def no_milder_one_goes_on_beside_its_graver(self):
        going_on = np.isin(self.alarms.alarms["state"][0], GOING_ON)
        assert not (graver_table() & going_on[:, None] & going_on[None, :]).any()

    @invariant()
    def asystole_and_vf_are_never_paused_or_off(self):
        assert not self.alarms.paused_until_ns[0, NEVER_OFF].any() and not self.alarms.off[0, NEVER_OFF].any()

    @invariant()
    def nothing_goes_on_that_is_off(self):
        assert not np.isin(self.alarms.alarms["state"][0], GOING_ON)[self.alarms.is_off(0)].any()


TestHistory = History.TestCase
TestHistory.settings = settings(deadline=None, max_examples=100, stateful_step_count=25)
