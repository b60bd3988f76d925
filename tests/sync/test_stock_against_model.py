"""The decision agrees, evaluation by evaluation, with the executable model that the stock rules were checked with."""

from __future__ import annotations

import importlib.util
import itertools
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sync.model import Demand
from sync.stock import Memory, OpenWrite, Policy, Quarantine, Reading, UpwardDrift, Verdict, decide

MODEL = Path(__file__).parents[3] / "shared" / "model"
START = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = Policy()
PLACEMENTS_PER_SCRIPT = 60

pytestmark = pytest.mark.skipif(not MODEL.is_dir(), reason=f"the executable stock model is not at {MODEL}")


def load(name: str) -> ModuleType:
    """Import one of the model's files under its own name."""
    spec = importlib.util.spec_from_file_location(name, MODEL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def compared(model: ModuleType) -> type[Any]:  # noqa: C901 - a class body, not a flow
    """Return the model's simulation, made to ask `decide` the same question before each of its own evaluations."""

    class Compared(model.Sim):  # type: ignore[misc, name-defined]
        evaluations = 0
        held_approvals = 0
        sent: dict[str, Any]

        def reading(self, t: float) -> Reading:
            row_available, committed, aside, updated = self.mem["row"]
            taken = open_units = booked = 0
            settled = True
            for index, order in self.o.items():
                placed, restocked, removed, fulfilled, returned, _, here, seen = self.led(index)
                for document in order.docs:
                    confirmed = document.tc is not None and document.tc < self.mem["tL"]
                    if document.tE is not None and document.ti <= self.mem["tL"] and not confirmed:
                        settled = False
                if seen and here:
                    taken += placed - restocked - returned
                    booked += self.booked(order, self.mem["tL"])
                    open_units += placed - restocked - removed - fulfilled
            return Reading(
                on_hand=self.mem["L"],
                demand=Demand(taken=taken, open=open_units, booked=booked),
                available=row_available,
                committed=committed,
                set_aside=aside,
                updated_at=moment(updated),
                pulled_at=moment(self.mem["to"]),
                now=moment(t),
                coherent=(self.A, self.C, self.U, self.upd) == (row_available, committed, aside, updated),
                buffer=self.B,
                settled=settled,
                approved=self.q is not None and self.cyc - self.q >= self.approve,
            )

        def memory(self) -> Memory:
            pending = self.pend
            return Memory(
                base=self.base,
                open_write=pending
                and OpenWrite(
                    before=pending["fr"],
                    after=pending["to"],
                    base=pending["base"],
                    drift_after=pending["h"],
                    drift_before=pending["d0"],
                ),
                upward=self.pos and UpwardDrift(self.pos[0], moment(self.pos[1])),
                quarantine=None if self.q is None else Quarantine(0, START),
                shortfall=self.defc,
            )

        def ev_am(self, t: float) -> bool:
            reading, memory = self.reading(t), self.memory()
            decision = decide(reading, memory, POLICY)
            skips, writes, recorded = self.skip, self.nw, len(self.drifts)
            self.sent = {}
            again = bool(super().ev_am(t))
            type(self).evaluations += 1
            if self.skip > skips:
                assert decision.verdict is Verdict.UNSETTLED
                return again
            if reading.approved and decision.verdict in (
                Verdict.WAIT_COHERENT,
                Verdict.WAIT_QUIET,
                Verdict.WAIT_ANSWER,
            ):
                # The model forgets an approval that cannot be carried out at once; the product keeps it.
                type(self).held_approvals += 1
                assert self.nw == writes
                return again
            assert (decision.after is not None) == (self.nw > writes)
            self.compare_memory(decision.memory, sent=self.nw > writes, stale=again)
            if self.nw > writes:
                assert decision.if_applied is not None
                sent = self.sent
                assert decision.memory.open_write == OpenWrite(
                    sent["fr"], sent["to"], sent["base"], sent["h"], sent["d0"]
                )
                assert decision.if_applied.base == sent["base"]
                record = sent["rec"]
                assert (decision.correction, decision.oversold) == (
                    (record[1], max(0, min(record[1], record[2]))) if record else (0, 0)
                )
            elif decision.correction - decision.oversold:
                assert self.drifts[-1] == (t, decision.correction - decision.oversold)
                assert len(self.drifts) > recorded
            return again

        def send(self, t: float, fr: int, to: int, newbase: int, why: str, **more: Any) -> bool:
            self.sent = {"fr": fr, "to": to, "base": newbase, "rec": None, "h": 0, "d0": 0} | more
            return bool(super().send(t, fr, to, newbase, why, **more))

        def compare_memory(self, memory: Memory, *, sent: bool, stale: bool) -> None:
            assert memory.base == self.base
            assert (memory.quarantine is None) == (self.q is None)
            assert memory.shortfall == self.defc
            if not stale:  # a stale write is decided anew at once, from this memory
                assert memory.upward == (self.pos and UpwardDrift(self.pos[0], moment(self.pos[1])))
                assert (memory.open_write is not None) == (self.pend is not None)

    return Compared


def play(model: ModuleType, sim: Any, events: list[Any], cycles: int) -> None:
    """Run the model's own schedule on a simulation."""
    schedule: list[tuple[float, int, Any]] = [(t, 0, (event, lag)) for t, event, lag in events]
    for cycle in range(1, cycles + 1):
        schedule += [(cycle * model.POLL + after, 1, phase) for after, phase in model.PH + model.MODES[sim.mode]]
    for t, kind, what in sorted(schedule, key=lambda entry: (entry[0], entry[1])):
        if kind == 0:
            sim.world(t, *what)
        else:
            (sim.post if what[0] == "p" else sim.step)(what, t)


OUTCOMES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "serial": ("serial", (), ()),
    "posting-before-L": ("c1", (), ()),
    "posting-over-L": ("c2", (), ()),
    "posting-after-L": ("c3", (), ()),
    "lost-and-applied": ("c1", ("unk1",), ("lost1", "lost1")),
    "lost-and-not-applied": ("c2", ("unk0",), ("lost0", "lost1")),
    "posting-fails": ("c3", ("fail", "unk1"), ("lost0",)),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_script_of_the_model_is_decided_alike(outcome: str) -> None:
    model = load("model")
    exhaust = load("exhaust")
    mode, postings, writes = OUTCOMES[outcome]
    compared_sim = compared(model)
    slots = exhaust.slots()
    for number, (_, stock, script) in enumerate(exhaust.S):
        rng = random.Random(f"{outcome} {number}")
        placements = list(itertools.combinations_with_replacement(slots, len(script)))
        for placement in rng.sample(placements, min(PLACEMENTS_PER_SCRIPT, len(placements))):
            lags = [rng.choice(choice) for choice in exhaust.lagsets(script)]
            events = [
                (at + 0.01 * j, event, lag)
                for j, (at, event, lag) in enumerate(zip(placement, script, lags, strict=True))
            ]
            sim = compared_sim("amend", N0=stock, mode=mode, pout=postings, wout=writes)
            play(model, sim, events, cycles=11)
    assert compared_sim.evaluations > 15_000


def test_random_days_with_faults_and_manual_edits_are_decided_alike() -> None:
    model = load("model")
    rnd = load("rnd")
    compared_sim = compared(model)
    for seed in range(12):
        rng = random.Random(seed)
        sim = compared_sim(
            "amend",
            N0=12,
            mode=rng.choice(["serial", "c1", "c2", "c3"]),
            pout=[rng.choice(["ok"] * 8 + ["fail", "unk1", "unk0"]) for _ in range(400)],
            wout=[rng.choice(["ok"] * 9 + ["lost1", "lost0"]) for _ in range(400)],
        )
        play(model, sim, rnd.gen(seed, 4, True), cycles=4 * 60 + 15)
    assert compared_sim.evaluations > 2_500
