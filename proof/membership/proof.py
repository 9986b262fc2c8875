"""Members that change: the invariant holds, and the configurations of a lease and of an election are near."""

import z3
from z3 import And, Implies, Not, Or

from obligation import Obligation
from protocol.vocabulary import Unbounded

from .model import (
    ACTIONS,
    SOUND,
    facts,
    invariant,
    leader_completeness,
    quorums_are_near,
    reconfigure,
    starts,
    vocabulary,
)


def steps(v, s, rules, names=None):
    """Obligations: every action keeps every statement, where leader completeness holds before and after."""
    statements = invariant(v, s)
    for name in names or ACTIONS:
        guard, effects = ACTIONS[name](v, s, rules)
        post = s.after(effects)
        after = invariant(v, post)
        given = [*facts(v).values(), *statements.values(), leader_completeness(v, s), guard]
        if name in ("elect", "commit"):
            given.append(leader_completeness(v, post))
        for statement, said in after.items():
            if not said.eq(statements[statement]):
                yield name, statement, given, said


def later_than_the_lease(v, s):
    """The round that (c) asks for is later than that of a lease which the configuration before counts."""
    u = v.const("U", "Term")
    guard, _ = reconfigure(v, s, SOUND)
    older = v.counted_by(s.lease_quorum(u)) != v.in_force(s.log(u))
    given = [*facts(v).values(), *invariant(v, s).values(), guard, s.lease(u), older]
    return Obligation(
        "members: the quorum of (c) acknowledged a later round than the lease's",
        "so it carries the lease as well",
        given,
        s.lease_round(u) < v.const("K", "Number"),
    )


class NearLemma:
    """A lease of term T runs, and a node was elected above T. C counts the lease, X the election. They are near.

    Three cases, as in docs/ideas/proof.md. Each is a chain of small statements: one may use those before it.
    """

    def __init__(self, v, s):
        self.v, self.s = v, s
        self.t = t = v.const("T", "Term")
        self.c = v.counted_by(s.lease_quorum(t))
        self.elected_log = s.log_when_elected(s.first(t))
        self.x = v.in_force(self.elected_log)
        self.d, self.root = v.const("D", "Entry"), v.root()
        self.given = [
            *facts(v).values(),
            *invariant(v, s).values(),
            leader_completeness(v, s),
            s.lease(t),
            s.superseded(t),
        ]
        # D: a configuration in the candidate's log.
        self.of_candidate = [v.is_configuration(self.d), v.before(self.d, self.x), self.d != self.c]

    def chain(self, case, given, statements):
        found = []
        for name, then in statements:
            found.append(
                Obligation(
                    f"members: {case}: {name}",
                    "a lease of term T runs, and a higher term was elected",
                    list(given),
                    then,
                )
            )
            given = [*given, then]
        return found

    def the_one_before_is_there(self):
        v, s, c, t = self.v, self.s, self.c, self.t
        k, q = v.term_of(c), v.previous(c)
        return self.chain(
            "the candidate has the configuration before the lease's",
            self.given,
            [
                ("the election is counted by X", v.counted_by(s.electors(s.first(t))) == self.x),
                ("C is in the log of the lease's leader", And(v.is_configuration(c), v.before(c, s.log(t)))),
                (
                    "C has an author, of a term up to T",
                    Or(c == self.root, And(s.elected(k), v.before(c, s.log(k)), k <= t)),
                ),
                ("it is committed (a)", Or(c == self.root, q == self.root, s.committed(q, k))),
                (
                    "the candidate has it",
                    Or(c == self.root, And(v.is_configuration(q), v.before(q, self.elected_log))),
                ),
                ("so it is in force there, or a later one", Or(c == self.root, v.before(q, self.x))),
            ],
        )

    def none_two_steps_further(self):
        """D is behind C, with P between: then the leader of the lease has P, and counts by it or by a later one (c)."""
        v, s, c, d, t = self.v, self.s, self.c, self.d, self.t
        p, author = v.previous(d), v.term_of(d)
        newest = v.in_force(s.log(t))
        given = [*self.given, v.before(c, self.x), *self.of_candidate, v.before(c, d), p != c]
        return self.chain(
            "none is two steps further",
            given,
            [
                ("C precedes P", And(d != self.root, v.before(c, p))),
                (
                    "D has an author, of a term up to T",
                    And(s.elected(author), v.before(d, s.log(author)), author <= t),
                ),
                (
                    "an earlier author: the lease's leader was elected with P (a)",
                    Implies(author < t, v.before(p, s.log_when_elected(t))),
                ),
                ("an earlier author: then P is in force later than C", Implies(author < t, z3.BoolVal(False))),
                ("the lease's leader: it has D", Implies(author == t, v.before(d, newest))),
                ("the lease's leader: its lease is not counted by C any more (c)", z3.BoolVal(False)),
            ],
        )

    def none_in_its_place(self):
        """The candidate lacks C and has another one, D, behind the one before C.

        The bug of 2015 in single-server changes.
        """
        v, s, c, d, t = self.v, self.s, self.c, self.d, self.t
        q, k, j = v.previous(c), v.term_of(c), v.term_of(d)
        given = [*self.given, Not(v.before(c, self.x)), *self.of_candidate, v.before(q, d), d != q]
        return self.chain(
            "none is in its place",
            given,
            [
                (
                    "C has an author, of a term up to T",
                    And(c != self.root, v.before(c, s.log(t)), s.elected(k), v.before(c, s.log(k)), k <= t),
                ),
                (
                    "its author had an entry of its own committed (b)",
                    And(s.committed(v.own(k), k), v.before(v.own(k), c)),
                ),
                ("the candidate has that entry", v.before(v.own(k), self.elected_log)),
                (
                    "D has an author, of a term up to T",
                    And(d != self.root, s.elected(j), v.before(d, s.log(j)), j <= t),
                ),
                (
                    "D's author had an entry of its own committed (b)",
                    And(s.committed(v.own(j), j), v.before(v.own(j), d)),
                ),
                ("D does not precede the own entry of C's author", Not(v.before(d, v.own(k)))),
                ("so D is of no earlier term", And(v.before(v.own(k), d), k <= j)),
                ("nor of the same", k < j),
                ("if it leads now, its own entry is in its log", Implies(j == t, v.before(v.own(j), s.log(t)))),
                (
                    "if not, the lease's leader was elected with that entry",
                    Implies(j < t, v.before(v.own(j), s.log_when_elected(t))),
                ),
                ("the lease's leader has the own entry of D's author", v.before(v.own(j), s.log(t))),
                ("so C precedes that entry", v.before(c, v.own(j))),
                ("so C precedes D, and the candidate has C", z3.BoolVal(False)),
            ],
        )

    def near(self):
        v, c, x = self.v, self.c, self.x
        by_x = v.counted_by(self.s.electors(self.s.first(self.t))) == x
        no_further = Implies(And(v.before(c, x), x != c), v.previous(x) == c)
        no_other = Implies(And(Not(v.before(c, x)), x != c, v.before(v.previous(c), x)), x == v.previous(c))
        one_before = Or(c == self.root, v.before(v.previous(c), x))
        return self.chain(
            "the two are near",
            [*facts(v).values(), by_x, no_further, no_other, one_before],
            [
                (
                    "X is not the first configuration if C precedes it",
                    Implies(And(v.before(c, x), x != c), x != self.root),
                ),
                ("C is not the first one if X lacks it", Implies(Not(v.before(c, x)), c != self.root)),
                ("from the three cases, with X for D", quorums_are_near(v, self.s, self.t)),
            ],
        )

    def all(self):
        return self.the_one_before_is_there() + self.none_two_steps_further() + self.none_in_its_place() + self.near()


def proof():
    v = vocabulary(Unbounded, ("Entry", "Voters"))
    s = v.state()
    found = [
        Obligation(f"members: start: {name}", "it holds in the first state", [*facts(v).values(), starts(v, s)], said)
        for name, said in invariant(v, s).items()
    ]
    found += [
        Obligation(f"members: {action} keeps: {name}", "if it held before, it holds afterwards", given, said)
        for action, name, given, said in steps(v, s, SOUND)
    ]
    found.append(later_than_the_lease(v, s))
    found += NearLemma(v, s).all()
    return found
