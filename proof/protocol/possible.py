"""That the proof is about something.

Each action happens in some run under the sound rules, leases run, reads are served.
"""

import z3
from z3 import And, Implies, Not

from obligation import PROVED, REFUTED, Obligation

from .actions import NAMES, action, lease_runs
from .broken import ELECTION, LEASE, instance, terms_are_few
from .invariant import invariant
from .rules import SOUND
from .stories import Cast, Stage, Story


def serves(node):
    """An ending: that node may answer a lease read."""

    def ending(stage, s, rules):
        act = action(stage, s, rules, "read")
        return And(act.guard, act.parameters["l"] == stage.values["Node"][node - 1])

    ending.__doc__ = f"n{node} may answer a lease read"
    return ending


RUNS = {
    "a lease is served": (LEASE, Cast(rounds=1), serves(1)),
    "a later round carries the lease too": (LEASE + ["send", "accept", "recount"], Cast(rounds=2), serves(1)),
    "the next leader serves": (LEASE + ELECTION + LEASE, Cast(rounds=2), serves(2)),
    "a transfer is done, and the next leader serves": (
        LEASE + ["timeout_now", "transfer_campaign", "transfer_vote", "elect"] + LEASE,
        Cast(rounds=2),
        serves(2),
    ),
    "a blank node starts, and a lease is served": (["first_start"] + LEASE, Cast(rounds=1), serves(1)),
    "a voter restarts, and the leader serves": (
        LEASE + ["restart", "send", "accept", "renew"],
        Cast(rounds=2),
        serves(1),
    ),
    "a leader steps down, is elected again, and serves": (
        LEASE + ["step_down"] + ELECTION + LEASE,
        Cast(rounds=2),
        serves(1),
    ),
    "a leader meets a higher term, and another serves": (
        ["see_term"] + ELECTION + LEASE,
        Cast(rounds=1, terms=3),
        serves(2),
    ),
    "lengths change, and a lease of the new ones is served": (
        LEASE + ["change_lengths"] + LEASE,
        Cast(rounds=2, lengths=2),
        serves(1),
    ),
}


def some_run(name):
    plan, cast, ending = RUNS[name]
    story = Story(cast, SOUND, plan, ending)
    return Obligation(
        f"possible: {name}",
        ending.__doc__,
        list(story.solver.assertions()),
        z3.BoolVal(False),
        REFUTED,
        tell=story.tell,
        finite=True,
    )


def opening_is_reached():
    """The stories' first state satisfies the invariant, so they are runs of what was proved."""
    stage = Stage(Cast())
    s = stage.state()
    nobody = stage.every(["Node", "Term", "Term"], lambda n, u, t: Not(s.late(n, u, t)))
    electors = stage.every(["Term"], lambda t: Implies(s.superseded(t), s.first(t) == 1))
    return Obligation(
        "possible: stories start inside the invariant",
        "n1 leads term 1 and has sent nothing",
        [stage.facts(), stage.opening(s), nobody, electors],
        And(list(invariant(stage, s, SOUND).values())),
        PROVED,
        finite=True,
    )


def invariant_with_a_lease(name):
    """The invariant and the facts allow a state in which a lease runs and this action may happen."""
    v, s = instance().v, instance().s
    act = action(v, s, SOUND, name)
    given = instance().facts + list(instance().sound.values())
    given += [terms_are_few(v, s, act), act.guard, lease_runs(s, v.values["Node"][0]), s.superseded(0)]
    return Obligation(
        f"possible: {name} while a lease runs",
        "the facts and the invariant do not contradict each other",
        given,
        z3.BoolVal(False),
        REFUTED,
        show=list(act.parameters.items()),
        finite=True,
    )


def obligations():
    shown = {name for plan, _, _ in RUNS.values() for name in plan} | {"time_passes", "read"}
    assert shown == set(NAMES), f"no run shows {set(NAMES) - shown}"
    return (
        [opening_is_reached()] + [some_run(name) for name in RUNS] + [invariant_with_a_lease(name) for name in NAMES]
    )
