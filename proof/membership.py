"""Members that change: the quorum of a running lease meets the majority that elects the next leader.

The other proofs take it from `majorities meet`. While members change, a lease and an election may be counted by different
configurations. This file proves that those are the same or one step apart, so that their majorities meet (P11).

Assumed of Raft, and not proved here: one leader a term, log matching, leader completeness. A log is its last entry, since
an entry determines all that precede it (log matching). `before(e, f)`: e is f, or precedes it in f's log.
"""

from dataclasses import dataclass, replace

import z3
from z3 import And, If, Implies, Not, Or

from obligation import PROVED, REFUTED, Obligation
from protocol.vocabulary import Finite, Unbounded

FIXED = {
    "root": ((), "Entry"),  # the first configuration
    "term_of": (("Entry",), "Term"),
    "before": (("Entry", "Entry"), "Bool"),
    "is_configuration": (("Entry",), "Bool"),
    "in_force": (("Entry",), "Entry"),  # the newest configuration of the log that ends with this entry
    "previous": (("Entry",), "Entry"),  # the configuration before this one
    "own": (("Term",), "Entry"),  # the first entry of that term's leader
    "counted_by": (("Voters",), "Entry"),  # the configuration of which these are a majority
}

STATE = {
    "elected": (("Term",), "Bool"),
    "electors": (("Term",), "Voters"),
    "log_when_elected": (("Term",), "Entry"),
    "log": (("Term",), "Entry"),  # of that term's leader, while it leads
    "committed": (("Entry", "Term"), "Bool"),  # as that term's leader knows
    "rounds": (("Term",), "Number"),  # how many that leader has sent
    "rounds_before": (("Term",), "Number"),  # as many when the configuration in force came to be
    "lease": (("Term",), "Bool"),
    "lease_round": (("Term",), "Number"),
    "lease_quorum": (("Term",), "Voters"),
    "superseded": (("Term",), "Bool"),
    "first": (("Term",), "Term"),
}

WORDS = (FIXED, STATE)


@dataclass(frozen=True)
class Rules:
    """When a leader may change the members (`may_reconfigure`), and Raft's leader completeness."""

    configuration_committed: bool = True  # (a)
    own_term_committed: bool = True  # (b)
    configuration_acknowledged: bool = True  # (c)
    one_step: bool = True  # a configuration differs from the one before by one voter
    leader_completeness: bool = True  # assumed


SOUND = Rules()


def facts(v):
    """What logs and configurations are."""
    e, t = "Entry", "Term"
    every, before = v.every, v.before
    root = v.root()
    return {
        "a log begins with the first configuration": every([e], lambda a: And(before(root, a), before(a, a))),
        "precedence is transitive": every([e, e, e], lambda a, b, c: Implies(And(before(a, b), before(b, c)), before(a, c))),
        "precedence has no circles": every([e, e], lambda a, b: Implies(And(before(a, b), before(b, a)), a == b)),
        "an entry determines its log": every([e, e, e], lambda a, b, c: Implies(
            And(before(a, c), before(b, c)), Or(before(a, b), before(b, a))), lambda a, b, c: [before(a, c), before(b, c)]),
        "terms grow along a log": every([e, e], lambda a, b: Implies(before(a, b), v.term_of(a) <= v.term_of(b))),
        "the first configuration is one": And(v.is_configuration(root), v.term_of(root) == 0),
        "the newest configuration is in force": every([e], lambda a: And(
            v.is_configuration(v.in_force(a)), before(v.in_force(a), a), Implies(v.is_configuration(a), v.in_force(a) == a)),
            lambda a: [v.in_force(a)]),
        "no newer configuration is": every([e, e], lambda a, c: Implies(
            And(v.is_configuration(c), before(c, a)), before(c, v.in_force(a))), lambda a, c: [v.in_force(a), before(c, a)]),
        "each has a previous one": every([e], lambda c: Implies(
            And(v.is_configuration(c), c != root),
            And(v.is_configuration(v.previous(c)), before(v.previous(c), c), v.previous(c) != c)), lambda c: [v.previous(c)]),
        "none is between": every([e, e], lambda c, d: Implies(
            And(v.is_configuration(c), v.is_configuration(d), before(d, c), d != c), before(d, v.previous(c))),
            lambda c, d: [v.previous(c), before(d, c)]),
        "own entries are of their term": every([t], lambda u: Implies(
            u >= 1, And(v.term_of(v.own(u)) == u, Not(v.is_configuration(v.own(u)))))),
    }


def leader_completeness(v, s):
    """What the leader of a term knows to be committed is in the log of every leader of a higher term (Raft, section 5.4)."""
    return v.every(["Entry", "Term", "Term"], lambda e, u, w: Implies(
        And(s.committed(e, u), s.elected(w), u < w), v.before(e, s.log_when_elected(w))))


def near(v, c, d):
    """The same configuration, or one step apart: majorities of both meet."""
    root = v.root()
    return Or(c == d, And(c != root, v.previous(c) == d), And(d != root, v.previous(d) == c))


# Actions: name -> (guard, effects). U is the term of the leader that acts.


def at(place, value, old):
    return lambda *args: If(And([arg == want for arg, want in zip(args, place)]), value, old(*args))


def follows(v, log, entry):
    """`entry` comes directly behind `log`."""
    return And(v.before(log, entry), log != entry,
               v.every(["Entry"], lambda e: Implies(v.before(e, entry), Or(e == entry, v.before(e, log)))))


def elect(v, s, rules):
    u, log, q = v.const("U", "Term"), v.const("LOG", "Entry"), v.const("Q", "Voters")
    known = v.every(["Entry"], lambda e: Implies(
        And(v.before(e, log), e != v.root()),
        And(s.elected(v.term_of(e)), v.before(e, s.log(v.term_of(e))), v.term_of(e) < u)))
    guard = And(u >= 1, Not(s.elected(u)), v.counted_by(q) == v.in_force(log), known, follows(v, log, v.own(u)))
    return guard, {
        "elected": at([u], z3.BoolVal(True), s.elected),
        "electors": at([u], q, s.electors),
        "log_when_elected": at([u], log, s.log_when_elected),
        "log": at([u], v.own(u), s.log),
        "rounds": at([u], v.number(0), s.rounds),
        "rounds_before": at([u], v.number(0), s.rounds_before),
        "lease": at([u], z3.BoolVal(False), s.lease),
        "superseded": lambda t: Or(s.superseded(t), t < u),
        "first": lambda t: If(And(t < u, Not(s.superseded(t))), u, s.first(t)),
    }


def append(v, s, rules):
    u, entry = v.const("U", "Term"), v.const("ENTRY", "Entry")
    guard = And(s.elected(u), v.term_of(entry) == u, Not(v.is_configuration(entry)), follows(v, s.log(u), entry))
    return guard, {"log": at([u], entry, s.log)}


def commit(v, s, rules):
    u, entry = v.const("U", "Term"), v.const("ENTRY", "Entry")
    return And(s.elected(u), v.before(entry, s.log(u))), {"committed": at([entry, u], z3.BoolVal(True), s.committed)}


def send(v, s, rules):
    u = v.const("U", "Term")
    return s.elected(u), {"rounds": at([u], s.rounds(u) + 1, s.rounds)}


def renew(v, s, rules):
    """Acknowledgements are counted by the configuration in force."""
    u, q, k = v.const("U", "Term"), v.const("Q", "Voters"), v.const("K", "Number")
    guard = And(s.elected(u), v.counted_by(q) == v.in_force(s.log(u)), 0 < k, k <= s.rounds(u))
    return guard, {
        "lease": at([u], z3.BoolVal(True), s.lease),
        "lease_round": at([u], k, s.lease_round),
        "lease_quorum": at([u], q, s.lease_quorum),
    }


def lose(v, s, rules):
    """The lease ends, for whatever reason."""
    u = v.const("U", "Term")
    return s.lease(u), {"lease": at([u], z3.BoolVal(False), s.lease)}


def reconfigure(v, s, rules):
    """The leader appends the next configuration.

    By (c) a quorum Q of the configuration in force acknowledged a round K that was sent under it. A lease that is counted by
    the configuration before rests on an earlier round (`later_than_the_lease`). So Q carries the lease too: `recount` in
    protocol/actions.py.
    """
    u, entry = v.const("U", "Term"), v.const("ENTRY", "Entry")
    q, k = v.const("Q", "Voters"), v.const("K", "Number")
    current = v.in_force(s.log(u))
    guard = [s.elected(u), v.term_of(entry) == u, v.is_configuration(entry), follows(v, s.log(u), entry)]
    if rules.one_step:
        guard.append(v.previous(entry) == current)
    if rules.configuration_committed:
        guard.append(Or(s.committed(current, u), current == v.root()))
    if rules.own_term_committed:
        guard.append(s.committed(v.own(u), u))
    effects = {"log": at([u], entry, s.log), "rounds_before": at([u], s.rounds(u), s.rounds_before)}
    if rules.configuration_acknowledged:
        guard += [v.counted_by(q) == current, s.rounds_before(u) < k, k <= s.rounds(u)]
        older = And(s.lease(u), v.counted_by(s.lease_quorum(u)) != current)
        effects["lease_quorum"] = at([u], If(older, q, s.lease_quorum(u)), s.lease_quorum)
    return And(guard), effects


ACTIONS = {maker.__name__: maker for maker in (elect, append, commit, send, renew, lose, reconfigure)}


def invariant(v, s):
    """Name -> statement."""
    e, t = "Entry", "Term"
    every, before, root = v.every, v.before, v.root()
    return {
        "leaders only append": every([t], lambda u: Implies(s.elected(u), And(
            u >= 1, before(s.log_when_elected(u), v.own(u)), before(v.own(u), s.log(u)), v.term_of(s.log(u)) == u,
            v.term_of(s.log_when_elected(u)) < u, s.log_when_elected(u) != v.own(u)))),
        "what a leader has, it was elected with or appended": every([t, e], lambda u, a: Implies(
            And(s.elected(u), before(a, s.log(u))), Or(before(a, s.log_when_elected(u)), before(v.own(u), a)))),
        "entries have an author": every([t, e], lambda u, a: Implies(
            And(s.elected(u), before(a, s.log(u)), a != root),
            And(s.elected(v.term_of(a)), before(a, s.log(v.term_of(a)))))),
        "elections supersede": every([t, t], lambda u, w: Implies(And(s.elected(u), w < u), s.superseded(w))),
        "the first election is of a higher term": every([t], lambda u: Implies(
            s.superseded(u), And(s.first(u) > u, s.elected(s.first(u))))),
        "the first one above a term has no entry of a higher one": every([t, e], lambda u, a: Implies(
            And(s.superseded(u), before(a, s.log_when_elected(s.first(u)))), Or(v.term_of(a) <= u, a == root))),
        "electors are counted by the candidate's configuration": every([t], lambda u: Implies(
            s.elected(u), v.counted_by(s.electors(u)) == v.in_force(s.log_when_elected(u)))),
        "committed entries are in the leader's log": every([e, t], lambda a, u: Implies(
            s.committed(a, u), And(s.elected(u), before(a, s.log(u))))),
        "configurations waited for (a)": every([t, e], lambda u, c: Implies(
            And(s.elected(u), v.is_configuration(c), v.term_of(c) == u, before(c, s.log(u)), c != root),
            Or(s.committed(v.previous(c), u), v.previous(c) == root))),
        "configurations waited for (b)": every([t, e], lambda u, c: Implies(
            And(s.elected(u), v.is_configuration(c), v.term_of(c) == u, before(c, s.log(u)), c != root),
            And(s.committed(v.own(u), u), before(v.own(u), c)))),
        "rounds count up": every([t], lambda u: Implies(s.elected(u), And(
            0 <= s.rounds_before(u), s.rounds_before(u) <= s.rounds(u)))),
        "a lease is at most one configuration behind (c)": every([t], lambda u: Implies(
            s.lease(u), And(s.elected(u), s.lease_round(u) <= s.rounds(u), Or(
                v.counted_by(s.lease_quorum(u)) == v.in_force(s.log(u)),
                And(v.counted_by(s.lease_quorum(u)) == v.previous(v.in_force(s.log(u))),
                    v.term_of(v.in_force(s.log(u))) == u, v.in_force(s.log(u)) != root,
                    s.lease_round(u) <= s.rounds_before(u)))))),
    }


def starts(v, s):
    none = [v.every(["Term"], lambda u: And(Not(s.elected(u)), Not(s.superseded(u)), Not(s.lease(u)))),
            v.every(["Entry", "Term"], lambda e, u: Not(s.committed(e, u)))]
    return And(none)


def quorums_are_near(v, s, t):
    """The statement that freshness needs, for the leader of term t."""
    w = s.first(t)
    return near(v, v.counted_by(s.lease_quorum(t)), v.counted_by(s.electors(w)))


# The proof


def vocabulary(kind, *args, words=WORDS):
    v = kind(*args, words=words)
    v.number = lambda value: z3.IntVal(value)
    return v


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
    return Obligation("members: the quorum of (c) acknowledged a later round than the lease's", "so it carries the lease as well",
                      given, s.lease_round(u) < v.const("K", "Number"))


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
        self.given = [*facts(v).values(), *invariant(v, s).values(), leader_completeness(v, s), s.lease(t), s.superseded(t)]
        # D: a configuration in the candidate's log.
        self.of_candidate = [v.is_configuration(self.d), v.before(self.d, self.x), self.d != self.c]

    def chain(self, case, given, statements):
        found = []
        for name, then in statements:
            found.append(Obligation(f"members: {case}: {name}", "a lease of term T runs, and a higher term was elected",
                                    list(given), then))
            given = [*given, then]
        return found

    def the_one_before_is_there(self):
        v, s, c, t = self.v, self.s, self.c, self.t
        k, q = v.term_of(c), v.previous(c)
        return self.chain("the candidate has the configuration before the lease's", self.given, [
            ("the election is counted by X", v.counted_by(s.electors(s.first(t))) == self.x),
            ("C is in the log of the lease's leader", And(v.is_configuration(c), v.before(c, s.log(t)))),
            ("C has an author, of a term up to T", Or(c == self.root, And(s.elected(k), v.before(c, s.log(k)), k <= t))),
            ("it is committed (a)", Or(c == self.root, q == self.root, s.committed(q, k))),
            ("the candidate has it", Or(c == self.root, And(v.is_configuration(q), v.before(q, self.elected_log)))),
            ("so it is in force there, or a later one", Or(c == self.root, v.before(q, self.x))),
        ])

    def none_two_steps_further(self):
        """D is behind C, with P between: then the leader of the lease has P, and counts by it or by a later one (c)."""
        v, s, c, d, t = self.v, self.s, self.c, self.d, self.t
        p, author = v.previous(d), v.term_of(d)
        newest = v.in_force(s.log(t))
        given = [*self.given, v.before(c, self.x), *self.of_candidate, v.before(c, d), p != c]
        return self.chain("none is two steps further", given, [
            ("C precedes P", And(d != self.root, v.before(c, p))),
            ("D has an author, of a term up to T", And(s.elected(author), v.before(d, s.log(author)), author <= t)),
            ("an earlier author: the lease's leader was elected with P (a)",
             Implies(author < t, v.before(p, s.log_when_elected(t)))),
            ("an earlier author: then P is in force later than C", Implies(author < t, z3.BoolVal(False))),
            ("the lease's leader: it has D", Implies(author == t, v.before(d, newest))),
            ("the lease's leader: its lease is not counted by C any more (c)", z3.BoolVal(False)),
        ])

    def none_in_its_place(self):
        """The candidate lacks C and has another one, D, behind the one before C: the bug of 2015 in single-server changes."""
        v, s, c, d, t = self.v, self.s, self.c, self.d, self.t
        q, k, j = v.previous(c), v.term_of(c), v.term_of(d)
        given = [*self.given, Not(v.before(c, self.x)), *self.of_candidate, v.before(q, d), d != q]
        return self.chain("none is in its place", given, [
            ("C has an author, of a term up to T", And(
                c != self.root, v.before(c, s.log(t)), s.elected(k), v.before(c, s.log(k)), k <= t)),
            ("its author had an entry of its own committed (b)", And(s.committed(v.own(k), k), v.before(v.own(k), c))),
            ("the candidate has that entry", v.before(v.own(k), self.elected_log)),
            ("D has an author, of a term up to T", And(d != self.root, s.elected(j), v.before(d, s.log(j)), j <= t)),
            ("D's author had an entry of its own committed (b)", And(s.committed(v.own(j), j), v.before(v.own(j), d))),
            ("D does not precede the own entry of C's author", Not(v.before(d, v.own(k)))),
            ("so D is of no earlier term", And(v.before(v.own(k), d), k <= j)),
            ("nor of the same", k < j),
            ("if it leads now, its own entry is in its log", Implies(j == t, v.before(v.own(j), s.log(t)))),
            ("if not, the lease's leader was elected with that entry",
             Implies(j < t, v.before(v.own(j), s.log_when_elected(t)))),
            ("the lease's leader has the own entry of D's author", v.before(v.own(j), s.log(t))),
            ("so C precedes that entry", v.before(c, v.own(j))),
            ("so C precedes D, and the candidate has C", z3.BoolVal(False)),
        ])

    def near(self):
        v, c, x = self.v, self.c, self.x
        by_x = v.counted_by(self.s.electors(self.s.first(self.t))) == x
        no_further = Implies(And(v.before(c, x), x != c), v.previous(x) == c)
        no_other = Implies(And(Not(v.before(c, x)), x != c, v.before(v.previous(c), x)), x == v.previous(c))
        one_before = Or(c == self.root, v.before(v.previous(c), x))
        return self.chain("the two are near", [*facts(v).values(), by_x, no_further, no_other, one_before], [
            ("X is not the first configuration if C precedes it", Implies(And(v.before(c, x), x != c), x != self.root)),
            ("C is not the first one if X lacks it", Implies(Not(v.before(c, x)), c != self.root)),
            ("from the three cases, with X for D", quorums_are_near(v, self.s, self.t))])

    def all(self):
        return self.the_one_before_is_there() + self.none_two_steps_further() + self.none_in_its_place() + self.near()


def proof():
    v = vocabulary(Unbounded, ("Entry", "Voters"))
    s = v.state()
    found = [Obligation(f"members: start: {name}", "it holds in the first state", [*facts(v).values(), starts(v, s)], said)
             for name, said in invariant(v, s).items()]
    found += [Obligation(f"members: {action} keeps: {name}", "if it held before, it holds afterwards", given, said)
              for action, name, given, said in steps(v, s, SOUND)]
    found.append(later_than_the_lease(v, s))
    found += NearLemma(v, s).all()
    return found


# Each condition left out.


@dataclass(frozen=True)
class Broken:
    """A condition left out, the statement that it costs, and a run: actions with the term that acts."""

    name: str
    rules: Rules
    action: str
    statement: str
    run: list = None


TWO_STEPS = [("elect", 1), ("reconfigure", 1), ("reconfigure", 1), ("send", 1), ("renew", 1), ("elect", 2)]
SIBLINGS = [("elect", 1), ("send", 1), ("reconfigure", 1), ("elect", 2), ("send", 2), ("reconfigure", 2), ("renew", 2),
            ("elect", 3)]
NO_QUORUM_SINCE = [("elect", 1), ("send", 1), ("renew", 1), ("commit", 1), ("reconfigure", 1), ("commit", 1),
                   ("reconfigure", 1), ("elect", 2)]
PATIENT = [("elect", 1), ("send", 1), ("commit", 1), ("reconfigure", 1), ("send", 1), ("commit", 1), ("reconfigure", 1),
           ("append", 1), ("send", 1), ("renew", 1), ("elect", 2)]
BROKEN = [
    Broken("changes-without-waiting", replace(SOUND, configuration_committed=False, own_term_committed=False,
                                              configuration_acknowledged=False),
           "reconfigure", "a lease is at most one configuration behind (c)", TWO_STEPS),
    Broken("without (a)*", replace(SOUND, configuration_committed=False), "reconfigure", "configurations waited for (a)"),
    Broken("without (b)*", replace(SOUND, own_term_committed=False), "reconfigure", "configurations waited for (b)", SIBLINGS),
    Broken("without (c)*", replace(SOUND, configuration_acknowledged=False), "reconfigure",
           "a lease is at most one configuration behind (c)", NO_QUORUM_SINCE),
]


def few(entries, terms, quorums):
    values = {"Entry": [f"entry{place}" for place in range(1, entries + 1)],
              "Voters": [f"quorum{place}" for place in range(1, quorums + 1)]}
    return vocabulary(Finite, values, terms)


def terms_are_few(v, s):
    last = len(v.values["Term"]) - 1
    terms = [v.term_of(e) for e in v.values["Entry"]] + [s.first(t) for t in v.values["Term"]] + [v.const("U", "Term")]
    return And([And(0 <= term, term <= last) for term in terms])


def lost_statement(broken):
    v = few(6, 2, 2)
    s = v.state()
    _, _, given, then = next(step for step in steps(v, s, broken.rules, [broken.action]) if step[1] == broken.statement)
    return Obligation(f"members: {broken.name}: {broken.action} does not keep: {broken.statement}", "without the condition",
                      given + [terms_are_few(v, s)], then, REFUTED,
                      show=[v.const("U", "Term"), v.const("ENTRY", "Entry"), s.log(v.const("U", "Term"))], finite=True)


def two_steps_apart(v, s):
    """A lease runs and a higher term was elected, and their configurations are two steps apart."""
    return Or([And(s.lease(t), s.superseded(t), Not(quorums_are_near(v, s, t))) for t in v.values["Term"]])


def changed_twice(v, s):
    """The leader of term 1 has a lease that is counted by the second configuration after the first."""
    newest = v.counted_by(s.lease_quorum(1))
    return And(s.lease(1), s.superseded(1), newest != v.root(), v.previous(newest) != v.root())


def run_of(name, run, rules, expect, ending=two_steps_apart):
    """A run of these actions, by these terms, that ends as asked."""
    v = few(7, 2 if name.startswith("possible") else 3, 4)
    s = v.state()
    given = [*facts(v).values(), starts(v, s)]
    acts = []
    for step, (action, term) in enumerate(run, 1):
        v.step = f"_{step}"
        guard, effects = ACTIONS[action](v, s, rules)
        parameters = [(word, v.const(word, sort)) for word, sort in
                      [("ENTRY", "Entry"), ("LOG", "Entry"), ("Q", "Voters"), ("K", "Number")]]
        acts.append((action, term, parameters, guard))
        given += [guard, v.const("U", "Term") == term]
        s = s.after(effects)
        given += [leader_completeness(v, s), terms_are_few(v, s)]
        v.step = ""
    return Obligation(f"members: {name}: {'no ' if expect == PROVED else ''}run", ending.__doc__, given, Not(ending(v, s)), expect,
                      tell=lambda model: tell(v, acts, model), finite=True)


def tell(v, acts, model):
    """The run, and for each entry the one before and whether it is a configuration."""
    lines = [""]
    for action, term, parameters, guard in acts:
        used = [(word.rstrip("_0123456789"), value) for word, value in parameters if str(value) in str(guard)]
        lines.append(f"term {term}: {action} " + " ".join(f"{word.lower()}={model.eval(value, True)}" for word, value in used))
    for e in v.values["Entry"]:
        kind = "configuration" if str(model.eval(v.is_configuration(e), True)) == "True" else "entry"
        log = [str(f) for f in v.values["Entry"] if str(model.eval(v.before(f, e), True)) == "True"]
        lines.append(f"{e}: {kind} of term {model.eval(v.term_of(e), True)}; its log: {' '.join(log)}")
    for q in v.values["Voters"]:
        lines.append(f"{q}: a majority of {model.eval(v.counted_by(q), True)}")
    return "\n".join(lines)


def obligations():
    found = proof()
    for broken in BROKEN:
        found.append(lost_statement(broken))
        if broken.run:
            found += [run_of(broken.name, broken.run, SOUND, PROVED), run_of(broken.name, broken.run, broken.rules, REFUTED)]
    found.append(run_of("possible: two changes and an election", PATIENT, SOUND, REFUTED, changed_twice))
    return found
