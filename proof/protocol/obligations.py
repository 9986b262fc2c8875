"""What must be shown of the protocol: the invariant holds, and reads are fresh because of it."""

from z3 import And, Implies, Not, Or

from obligation import Obligation

from . import facts
from .actions import action, actions
from .invariant import invariant, one_leader_a_term, reads_are_fresh, starts
from .rules import SOUND, without
from .vocabulary import Unbounded

# Pairs of rules that cover for each other, and rules that only keep a healthy leader in office. Fresh reads are proved with
# each of these sets of switches off. Broken.together in broken.py shows what happens without both of a pair.
NOT_NEEDED_FOR_FRESHNESS = {
    "without pre-votes that wait": ["pre_votes_withheld"],
    "without the leader's own promise": ["leader_withholds"],
    "without an end of the lease at a step-down": ["step_down_ends_lease"],
    "without the longer promises": ["keeps_longer_promises"],
    "without the cut of the running lease": ["change_cuts_lease"],
}


class Proof:
    """The hypotheses that all obligations of one set of rules share."""

    def __init__(self, rules=SOUND, label=""):
        self.rules, self.label = rules, f"{label}: " if label else ""
        self.v = Unbounded()
        self.v.restart_promise = lambda s, bound, until: facts.restart_promise(self.v, s, bound, until)
        self.s = self.v.state()
        self.facts = [fact(self.v) for fact in facts.FACTS.values()]
        self.statements = invariant(self.v, self.s, rules)
        self.holds = self.facts + list(self.statements.values())
        self.one_leader = one_leader_a_term(self.v, self.s)

    def obligation(self, name, says, given, then, **more):
        return Obligation(f"{self.label}{name}", says, given, then, **more)

    def start(self):
        given = self.facts + [starts(self.v, self.s)]
        return [self.obligation(f"start: {name}", "it holds in the first state", given, statement)
                for name, statement in self.statements.items()]

    def election_safety(self):
        return [self.obligation("one leader a term", "no two nodes are ever elected in one term", self.holds,
                                self.one_leader)]

    def first_in_its_term(self):
        """A lemma for `elect`: with it, the other obligations of that action need no quorum."""
        act, c = action(self.v, self.s, self.rules, "elect"), self.v.const("C", "Node")
        return self.v.every(["Node"], lambda d: Not(self.s.elected(self.s.term(c), d))), act.guard

    def steps(self):
        """Every action keeps every statement. Statements about what the action does not touch are left out."""
        lemma, guard = self.first_in_its_term()
        found = [self.obligation("elect is the first of its term", "no other node was elected in that term",
                                 self.holds + [self.one_leader, guard], lemma)]
        for act in actions(self.v, self.s, self.rules):
            after = invariant(self.v, self.s.after(act.effects), self.rules)
            given = self.holds + [self.one_leader, act.guard] + ([lemma] if act.name == "elect" else [])
            found += [self.obligation(f"{act.name} keeps: {name}", "if it held before, it holds afterwards", given, after[name])
                      for name in after if not after[name].eq(self.statements[name])]
        return found

    def freshness(self):
        """Section 2 of the proof: the voter that two quorums share is another node than the leader, or the leader."""
        v, s = self.v, self.s
        leader, act = v.const("L", "Node"), action(v, s, self.rules, "read")
        t = v.of(s.lease_round(leader))
        quorum, electors = s.lease_quorum(leader), s.elected_by(s.first(t), s.first_leader(t))
        voter = v.common(quorum, electors)
        superseded = self.holds + [act.guard, s.superseded(t)]
        meets = And(v.member(voter, quorum), v.member(voter, electors))
        fresh = reads_are_fresh(v, s, leader)
        return [
            self.obligation("read: the quorums share a voter", "the lease's quorum and the first electors above its term",
                            superseded, meets),
            self.obligation("read: the shared voter is not the leader", "it cannot have voted for another node",
                            superseded + [meets, voter == leader], Or(fresh, s.first_leader(t) == leader)),
            self.obligation("read: the shared voter promised", "its vote came after the lease was over, or was no vote first",
                            superseded + [meets, voter != leader], fresh),
            self.obligation("read is fresh", "no node was elected in a term above that of the lease",
                            self.holds + [act.guard], fresh),
        ]

    def all(self):
        return self.start() + self.election_safety() + self.steps() + self.freshness()


def sound():
    return Proof().all()


def not_needed_for_freshness():
    """The whole proof again without a rule, as far as it differs from the sound one."""
    known = {(obligation.name, obligation.smt2()) for obligation in sound()}
    found = []
    for label, switches in NOT_NEEDED_FOR_FRESHNESS.items():
        proof = Proof(without(*switches), label)
        found += [obligation for obligation in proof.all()
                  if (obligation.name.removeprefix(proof.label), obligation.smt2()) not in known]
    return found
