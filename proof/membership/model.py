"""Members that change: the model.

The other proofs take it from `majorities meet` that the quorum of a lease and that of an election have a voter in
common. While members change, the two may be counted by different configurations. proof.py proves that those are the
same or one step apart, so that their majorities meet (P11).

Assumed of Raft, and not proved here: one leader a term, log matching, leader completeness. A log is its last entry,
since an entry determines all that precede it (log matching). `before(e, f)`: e is f, or precedes it in f's log.
"""

from dataclasses import dataclass

import z3
from z3 import And, If, Implies, Not, Or


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
        "precedence is transitive": every(
            [e, e, e], lambda a, b, c: Implies(And(before(a, b), before(b, c)), before(a, c))
        ),
        "precedence has no circles": every([e, e], lambda a, b: Implies(And(before(a, b), before(b, a)), a == b)),
        "an entry determines its log": every(
            [e, e, e],
            lambda a, b, c: Implies(And(before(a, c), before(b, c)), Or(before(a, b), before(b, a))),
            lambda a, b, c: [before(a, c), before(b, c)],
        ),
        "terms grow along a log": every([e, e], lambda a, b: Implies(before(a, b), v.term_of(a) <= v.term_of(b))),
        "the first configuration is one": And(v.is_configuration(root), v.term_of(root) == 0),
        "the newest configuration is in force": every(
            [e],
            lambda a: And(
                v.is_configuration(v.in_force(a)),
                before(v.in_force(a), a),
                Implies(v.is_configuration(a), v.in_force(a) == a),
            ),
            lambda a: [v.in_force(a)],
        ),
        "no newer configuration is": every(
            [e, e],
            lambda a, c: Implies(And(v.is_configuration(c), before(c, a)), before(c, v.in_force(a))),
            lambda a, c: [v.in_force(a), before(c, a)],
        ),
        "each has a previous one": every(
            [e],
            lambda c: Implies(
                And(v.is_configuration(c), c != root),
                And(v.is_configuration(v.previous(c)), before(v.previous(c), c), v.previous(c) != c),
            ),
            lambda c: [v.previous(c)],
        ),
        "none is between": every(
            [e, e],
            lambda c, d: Implies(
                And(v.is_configuration(c), v.is_configuration(d), before(d, c), d != c), before(d, v.previous(c))
            ),
            lambda c, d: [v.previous(c), before(d, c)],
        ),
        "own entries are of their term": every(
            [t], lambda u: Implies(u >= 1, And(v.term_of(v.own(u)) == u, Not(v.is_configuration(v.own(u)))))
        ),
    }


def leader_completeness(v, s):
    """Raft, section 5.4: what a leader knows to be committed is in the log of every leader of a higher term."""
    return v.every(
        ["Entry", "Term", "Term"],
        lambda e, u, w: Implies(And(s.committed(e, u), s.elected(w), u < w), v.before(e, s.log_when_elected(w))),
    )


def near(v, c, d):
    """The same configuration, or one step apart: majorities of both meet."""
    root = v.root()
    return Or(c == d, And(c != root, v.previous(c) == d), And(d != root, v.previous(d) == c))


# Actions: name -> (guard, effects). U is the term of the leader that acts.


def at(place, value, old):
    return lambda *args: If(And([arg == want for arg, want in zip(args, place)]), value, old(*args))


def follows(v, log, entry):
    """`entry` comes directly behind `log`."""
    return And(
        v.before(log, entry),
        log != entry,
        v.every(["Entry"], lambda e: Implies(v.before(e, entry), Or(e == entry, v.before(e, log)))),
    )


def elect(v, s, rules):
    u, log, q = v.const("U", "Term"), v.const("LOG", "Entry"), v.const("Q", "Voters")
    known = v.every(
        ["Entry"],
        lambda e: Implies(
            And(v.before(e, log), e != v.root()),
            And(s.elected(v.term_of(e)), v.before(e, s.log(v.term_of(e))), v.term_of(e) < u),
        ),
    )
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

    By (c) a quorum Q of the configuration in force acknowledged a round K that was sent under it. A lease that is
    counted by the configuration before rests on an earlier round (`later_than_the_lease`). So Q carries the lease
    too: `recount` in protocol/actions.py.
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
        "leaders only append": every(
            [t],
            lambda u: Implies(
                s.elected(u),
                And(
                    u >= 1,
                    before(s.log_when_elected(u), v.own(u)),
                    before(v.own(u), s.log(u)),
                    v.term_of(s.log(u)) == u,
                    v.term_of(s.log_when_elected(u)) < u,
                    s.log_when_elected(u) != v.own(u),
                ),
            ),
        ),
        "what a leader has, it was elected with or appended": every(
            [t, e],
            lambda u, a: Implies(
                And(s.elected(u), before(a, s.log(u))), Or(before(a, s.log_when_elected(u)), before(v.own(u), a))
            ),
        ),
        "entries have an author": every(
            [t, e],
            lambda u, a: Implies(
                And(s.elected(u), before(a, s.log(u)), a != root),
                And(s.elected(v.term_of(a)), before(a, s.log(v.term_of(a)))),
            ),
        ),
        "elections supersede": every([t, t], lambda u, w: Implies(And(s.elected(u), w < u), s.superseded(w))),
        "the first election is of a higher term": every(
            [t], lambda u: Implies(s.superseded(u), And(s.first(u) > u, s.elected(s.first(u))))
        ),
        "the first one above a term has no entry of a higher one": every(
            [t, e],
            lambda u, a: Implies(
                And(s.superseded(u), before(a, s.log_when_elected(s.first(u)))), Or(v.term_of(a) <= u, a == root)
            ),
        ),
        "electors are counted by the candidate's configuration": every(
            [t], lambda u: Implies(s.elected(u), v.counted_by(s.electors(u)) == v.in_force(s.log_when_elected(u)))
        ),
        "committed entries are in the leader's log": every(
            [e, t], lambda a, u: Implies(s.committed(a, u), And(s.elected(u), before(a, s.log(u))))
        ),
        "configurations waited for (a)": every(
            [t, e],
            lambda u, c: Implies(
                And(s.elected(u), v.is_configuration(c), v.term_of(c) == u, before(c, s.log(u)), c != root),
                Or(s.committed(v.previous(c), u), v.previous(c) == root),
            ),
        ),
        "configurations waited for (b)": every(
            [t, e],
            lambda u, c: Implies(
                And(s.elected(u), v.is_configuration(c), v.term_of(c) == u, before(c, s.log(u)), c != root),
                And(s.committed(v.own(u), u), before(v.own(u), c)),
            ),
        ),
        "rounds count up": every(
            [t], lambda u: Implies(s.elected(u), And(0 <= s.rounds_before(u), s.rounds_before(u) <= s.rounds(u)))
        ),
        "a lease is at most one configuration behind (c)": every(
            [t],
            lambda u: Implies(
                s.lease(u),
                And(
                    s.elected(u),
                    s.lease_round(u) <= s.rounds(u),
                    Or(
                        v.counted_by(s.lease_quorum(u)) == v.in_force(s.log(u)),
                        And(
                            v.counted_by(s.lease_quorum(u)) == v.previous(v.in_force(s.log(u))),
                            v.term_of(v.in_force(s.log(u))) == u,
                            v.in_force(s.log(u)) != root,
                            s.lease_round(u) <= s.rounds_before(u),
                        ),
                    ),
                ),
            ),
        ),
    }


def starts(v, s):
    none = [
        v.every(["Term"], lambda u: And(Not(s.elected(u)), Not(s.superseded(u)), Not(s.lease(u)))),
        v.every(["Entry", "Term"], lambda e, u: Not(s.committed(e, u))),
    ]
    return And(none)


def quorums_are_near(v, s, t):
    """The statement that freshness needs, for the leader of term t."""
    w = s.first(t)
    return near(v, v.counted_by(s.lease_quorum(t)), v.counted_by(s.electors(w)))


def vocabulary(kind, *args, words=WORDS):
    v = kind(*args, words=words)
    v.number = lambda value: z3.IntVal(value)
    return v
