"""What must be shown of the protocol: the invariant holds, and reads are fresh because of it."""

from z3 import And, Not

from obligation import Obligation

from . import facts
from .actions import action, actions
from .invariant import invariant, one_leader_a_term, reads_are_fresh, starts
from .rules import SOUND, without
from .vocabulary import Unbounded

# Two pairs of rules that cover for each other. Fresh reads are proved without any one of them. broken.py shows what
# happens without both of a pair.
NOT_NEEDED_FOR_FRESHNESS = {
    "without the leader's own promise": ["leader_withholds"],
    "without an end of the lease at a step-down": ["step_down_ends_lease"],
    "without the longer promises": ["keeps_longer_promises"],
    "without the cut of the running lease": ["change_cuts_lease"],
}


# Statements that depend on a rule that another one covers for. The others do without them, but for this:
COVERED = {
    "only leaders have leases",
    "a running lease withholds votes",
    "caps follow later lengths",
    "caps follow the lengths in force",
    "covers are long enough",
    "what a promise was given for is on the disk",
}
USES_COVERED = {("accept", "promise binds"), ("restart", "promise binds")}

V = Unbounded()
V.restart_promise = lambda s, bound, until: facts.restart_promise(V, s, bound, until)
S = V.state()
FACTS = [fact(V) for name, fact in facts.FACTS.items() if name != "majorities meet"]
# While members change this holds of some quorums only (membership/). So as few obligations as possible use it.
MAJORITIES_MEET = facts.majorities_meet(V)


class Proof:
    """The obligations of one set of rules."""

    def __init__(self, rules=SOUND, label=""):
        self.rules, self.label = rules, f"{label}: " if label else ""
        self.statements = invariant(V, S, rules)
        self.holds = FACTS + list(self.statements.values())
        self.core = FACTS + [said for name, said in self.statements.items() if name not in COVERED]
        self.one_leader = one_leader_a_term(V, S)

    def obligation(self, name, says, given, then):
        return Obligation(f"{self.label}{name}", says, given, then)

    def start(self):
        return [
            self.obligation(f"start: {name}", "it holds in the first state", FACTS + [starts(V, S)], said)
            for name, said in self.statements.items()
        ]

    def election_safety(self):
        return [
            self.obligation(
                "one leader a term",
                "no two nodes are ever elected in one term",
                self.core + [MAJORITIES_MEET],
                self.one_leader,
            )
        ]

    def steps(self):
        """Every action keeps every statement. What an action does not touch is left out."""
        # With this lemma, the other obligations of `elect` need no quorum.
        elect = action(V, S, self.rules, "elect")
        lemma = V.every(["Node"], lambda d: Not(S.elected(S.term(V.const("C", "Node")), d)))
        found = [
            self.obligation(
                "elect is the first of its term",
                "no other node was elected in that term",
                self.core + [MAJORITIES_MEET, elect.guard],
                lemma,
            )
        ]
        for act in actions(V, S, self.rules):
            after = invariant(V, S.after(act.effects), self.rules)
            more = [self.one_leader, act.guard] + ([lemma] if act.name == "elect" else [])
            for name in after:
                if not after[name].eq(self.statements[name]):
                    given = self.holds if name in COVERED or (act.name, name) in USES_COVERED else self.core
                    found.append(
                        self.obligation(
                            f"{act.name} keeps: {name}",
                            "if it held before, it holds afterwards",
                            given + more,
                            after[name],
                        )
                    )
        return found

    def freshness(self):
        """Section 2 of docs/ideas/proof.md.

        The voter that the two quorums share is another node than the leader, or the leader.
        """
        leader, act = V.const("L", "Node"), action(V, S, self.rules, "read")
        t = V.of(S.lease_round(leader))
        quorum, electors = S.lease_quorum(leader), S.elected_by(S.first(t), S.first_leader(t))
        voter = V.common(quorum, electors)
        superseded = self.holds + [act.guard, S.superseded(t)]
        meets = And(V.member(voter, quorum), V.member(voter, electors))
        fresh = reads_are_fresh(V, S, leader)
        return [
            self.obligation(
                "read: the quorums share a voter",
                "a voter that acknowledged the round, and voted above its term",
                superseded + [MAJORITIES_MEET],
                meets,
            ),
            self.obligation(
                "read: the shared voter is the leader",
                "then it voted against its lease, which cannot be",
                superseded + [meets, voter == leader],
                fresh,
            ),
            self.obligation(
                "read: the shared voter is another",
                "then its vote came after its promise, so after the lease",
                superseded + [meets, voter != leader],
                fresh,
            ),
            self.obligation(
                "read is fresh",
                "no node was elected in a term above that of the lease",
                self.holds + [MAJORITIES_MEET, act.guard],
                fresh,
            ),
        ]

    def all(self):
        return self.start() + self.election_safety() + self.steps() + self.freshness()


def sound():
    return Proof().all()


def identity(obligation):
    return frozenset(term.get_id() for term in obligation.given), obligation.then.get_id()


def not_needed_for_freshness():
    """The whole proof again without a rule: the obligations that the sound proof does not have already."""
    shared = sound()
    known = {identity(obligation) for obligation in shared}
    return [
        obligation
        for label, switches in NOT_NEEDED_FOR_FRESHNESS.items()
        for obligation in Proof(without(*switches), label).all()
        if identity(obligation) not in known
    ]
