"""Runs of a few nodes with perfect clocks, step by step: what a broken rule leads to.

The solver chooses which action happens, to whom and when. It starts where n1 leads term 1 and has sent nothing.
The lengths are those of most files in scenarios/rules: leases of 800 ms, promises of 1 s.
"""

from dataclasses import dataclass

import z3
from z3 import And, If, Implies, Not

from .actions import action, same_term_not_later
from .invariant import reads_are_fresh
from .vocabulary import STATE, Few

LENGTHS = [(800, 1_000), (300, 400), (2_000, 3_000), (1_500, 1_800)]  # E and T of each value of Lengths, ms

# Ghosts that no guard and no ending looks at.
UNSEEN = {"first", "first_leader", "elected_by", "sender", "late", "lease_cap", "cover"}


@dataclass(frozen=True)
class Cast:
    """Who and what a story may have."""

    voters: int = 3
    learners: int = 0
    rounds: int = 2
    terms: int = 2
    lengths: int = 1
    own_timeout: int = 1_000  # ms, the setting of every node but n1


class Stage(Few):
    """A finite vocabulary whose clocks are perfect."""

    def __init__(self, cast):
        super().__init__(cast.voters, cast.learners, cast.rounds, cast.terms, cast.lengths)
        self.cast = cast

    def restart_promise(self, s, bound, until):
        return until == s.now() + bound

    def facts(self):
        """Numbers for what the unbounded proof leaves open."""
        known = [self.lease_over(r, x) == self.at(r) + self.effective(x) for r, x in self.cells(["Round", "Lengths"])]
        for x, (effective, timeout) in zip(self.values["Lengths"], LENGTHS):
            known += [self.effective(x) == effective, self.timeout(x) == timeout]
        known += [Not(self.stamped(r)) for r in self.values["Round"]]
        known += [Not(self.deadline_form(t)) for t in self.values["Term"]]
        known += [self.number(r) >= 1 for r in self.values["Round"]]
        nodes, voters = self.values["Node"], self.cast.voters
        for q, members in self.sets_of_nodes():
            known += [self.member(n, q) == (place in members) for place, n in enumerate(nodes)]
            voting = sum(place < voters for place in members)
            known.append(self.majority(q) == (voting == len(members) and voting > voters // 2))
            known.append(self.large(q) == (len(members) > voters // 2))
            known.append(self.half(q) == (voting == len(members) and voting >= max(1, voters // 2)))
        return And(known)

    def timing(self, s, act, rules):
        """What perfect clocks say about an action's parameters."""
        if act.name == "accept":
            n, r = act.parameters["n"], act.parameters["r"]
            # A clock that is too fast counts T in a shorter time: in that of `own_timeout`, here.
            in_full = rules.length_travels and rules.slower_clock_ends_promise
            asked = self.timeout(self.carried(r)) if in_full else self.cast.own_timeout
            newer = Not(And(s.has_newest(n), same_term_not_later(self, r, s.newest(n))))
            return And(self.length(n, r) == asked, Implies(newer, self.promise_over(n, r) == s.now() + asked))
        if act.name == "renew" and not rules.lease_starts_at_send:
            return act.parameters["later"] == s.now() + self.effective(s.in_force(act.parameters["l"]))
        if act.name == "restart" and not rules.restart_waits_longest:
            return act.parameters["later"] == s.now() + self.cast.own_timeout
        return z3.BoolVal(True)

    def opening(self, s):
        """n1 leads term 1 since 0 ms. No node has promised anything yet."""
        n1, nodes = self.values["Node"][0], self.values["Node"]
        q = next(
            value for value, members in self.sets_of_nodes() if members == list(range(self.cast.voters // 2 + 1))
        )
        one = self.values["Term"][1]
        false = lambda *args: z3.BoolVal(False)
        is_n1 = lambda n: n == n1
        values = {name: false for name, (_, value) in STATE.items() if value == "Bool"}
        values |= {
            "now": lambda: z3.IntVal(0),
            "term": lambda n: If(self.member(n, q), 1, 0),
            "voted": lambda n, u, c: And(self.member(n, q), u == one, c == n1),
            "leads": is_n1,
            "elected": lambda u, c: And(u == one, c == n1),
            "elected_by": lambda u, c: q,
            "superseded": lambda t: t < one,
            "first": lambda t: one,
            "first_leader": lambda t: n1,
            "in_force": lambda n: self.values["Lengths"][0],
            "longest": lambda n: If(n == n1, z3.IntVal(LENGTHS[0][1]), z3.IntVal(self.cast.own_timeout)),
            "restart_until": lambda n: z3.IntVal(0),
            "cover": lambda n, r: r,
        }
        return And(
            [
                self.every(STATE[name][0], lambda *cell: getattr(s, name)(*cell) == value(*cell))
                for name, value in values.items()
            ]
        )


class Story:
    """A run whose actions happen in the order of `plan`. The solver chooses to whom, when, and with which values.

    Before each action some true time passes, at least 1 ms. `ending(stage, state, rules)` is what the last state
    must allow.
    """

    def __init__(self, cast, rules, plan, ending):
        self.stage = Stage(cast)
        self.states, self.acts = [self.stage.state("0")], []
        self.solver = z3.Solver()
        self.solver.add(self.stage.facts(), self.stage.opening(self.states[0]))
        for name in plan:
            self._happens(name, rules)
        self.stage.step = "_end"
        self.solver.add(ending(self.stage, self.states[-1], rules))

    def _happens(self, name, rules):
        s, step = self.states[-1], len(self.states)
        self.stage.step = f"_{step}"
        act, new = action(self.stage, s, rules, name), self.stage.state(str(step))
        self.solver.add(act.guard, self.stage.timing(s, act, rules), new.now() > s.now())
        effects = {changed: value for changed, value in act.effects.items() if changed not in UNSEEN | {"now"}}
        for changed, value in effects.items():
            sorts = STATE[changed][0]
            self.solver.add(self.stage.every(sorts, lambda *cell: getattr(new, changed)(*cell) == value(*cell)))
        after = s.after({changed: getattr(new, changed) for changed in effects} | {"now": new.now})
        self.solver.add([after.term(n) <= self.stage.cast.terms for n in self.stage.values["Node"]])
        self.states.append(after)
        self.acts.append(act)

    def tell(self, model):
        """The run, one line an action."""
        lines = []
        for s, act in zip(self.states, self.acts):
            values = [f"{name}={model.eval(value, True)}" for name, value in act.parameters.items()]
            lines.append(f"{model.eval(s.now(), True)} ms  {act.name}  {' '.join(values)}")
        return "\n".join(["", *lines, f"{model.eval(self.states[-1].now(), True)} ms  the end"])


def stale_read(stage, s, rules):
    """n1 may answer a lease read, although another node was elected in a higher term."""
    act, n1 = action(stage, s, rules, "read"), stage.values["Node"][0]
    return And(act.guard, act.parameters["l"] == n1, Not(reads_are_fresh(stage, s, n1)))
