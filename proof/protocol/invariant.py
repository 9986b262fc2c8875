"""The inductive invariant: true at the start, and kept by every action. One name, one statement.

`promise binds` and `vote after promise` are the heart. The others say what the words mean.
"""

from z3 import And, Implies, Not, Or

from .actions import may_carry_a_lease, promises_are_over, same_term_not_later


def invariant(v, s, rules, name=None):
    """Name -> statement, or that of one `name` alone."""
    n, c, u, t, r = "Node", "Node", "Term", "Term", "Round"
    every = v.every
    statements = {
        # Elections.
        "votes are of past terms": lambda: every(
            [n, u, c], lambda n, u, c: Implies(s.voted(n, u, c), s.term(n) >= u)
        ),
        "one vote a term": lambda: every(
            [n, u, c, c], lambda n, u, c, d: Implies(And(s.voted(n, u, c), s.voted(n, u, d)), c == d)
        ),
        "a majority elects": lambda: every(
            [u, c], lambda u, c: Implies(s.elected(u, c), v.majority(s.elected_by(u, c)))
        ),
        "electors voted": lambda: every(
            [u, c, n],
            lambda u, c, n: Implies(And(s.elected(u, c), v.member(n, s.elected_by(u, c))), s.voted(n, u, c)),
        ),
        "leaders reached their terms": lambda: every([u, c], lambda u, c: Implies(s.elected(u, c), u <= s.term(c))),
        "leaders were elected": lambda: every([n], lambda n: Implies(s.leads(n), s.elected(s.term(n), n))),
        "elections supersede": lambda: every(
            [u, c, t], lambda u, c, t: Implies(And(s.elected(u, c), t < u), s.superseded(t))
        ),
        "the first election is of a higher term": lambda: every(
            [t], lambda t: Implies(s.superseded(t), And(s.first(t) > t, s.elected(s.first(t), s.first_leader(t))))
        ),
        "the first electors were not late": lambda: every(
            [t, n],
            lambda t, n: Implies(
                And(s.superseded(t), v.member(n, s.elected_by(s.first(t), s.first_leader(t)))),
                Not(s.late(n, s.first(t), t)),
            ),
        ),
        "late votes are late": lambda: every([n, u, t], lambda n, u, t: Implies(s.late(n, u, t), s.superseded(t))),
        "transfers bar leases": lambda: every([t, c], lambda t, c: Implies(s.told(t, c), s.barred(t))),
        "transfers supersede": lambda: every(
            [t, c, u], lambda t, c, u: Implies(And(s.told(t, c), u < t), s.superseded(u))
        ),
        "seekers have no promise": lambda: every([n], lambda n: Implies(s.seeks(n), promises_are_over(v, s, n))),
        # Rounds.
        "rounds have a leader": lambda: every(
            [r], lambda r: Implies(s.sent(r), And(v.at(r) <= s.now(), s.elected(v.of(r), s.sender(r))))
        ),
        "rounds supersede": lambda: every([r, t], lambda r, t: Implies(And(s.sent(r), t < v.of(r)), s.superseded(t))),
        "rounds are sent in order": lambda: every(
            [r, r],
            lambda r, k: Implies(And(s.sent(r), s.sent(k), same_term_not_later(v, r, k)), v.at(r) <= v.at(k)),
        ),
        "forgotten rounds were sent": lambda: every(
            [r], lambda r: And(Implies(s.given_up(r), s.forgotten(r)), Implies(s.forgotten(r), s.sent(r)))
        ),
        "forgotten with all before": lambda: every(
            [r, r],
            lambda r, k: Implies(
                And(s.sent(r), s.sent(k), same_term_not_later(v, r, k), s.forgotten(k)), s.forgotten(r)
            ),
        ),
        "remembered rounds carry the lengths in force": lambda: every(
            [n, r],
            lambda n, r: Implies(
                And(s.leads(n), s.sent(r), v.of(r) == s.term(n), Not(s.forgotten(r))), v.carried(r) == s.in_force(n)
            ),
        ),
        "remembered rounds carry the same lengths": lambda: every(
            [r, r],
            lambda r, k: Implies(
                And(s.sent(r), s.sent(k), v.of(r) == v.of(k), Not(s.forgotten(r)), Not(s.forgotten(k))),
                v.carried(r) == v.carried(k),
            ),
        ),
        "the last stamp is the latest": lambda: every(
            [n, r],
            lambda n, r: Implies(
                And(s.leads(n), s.sent(r), v.of(r) == s.term(n), v.stamped(r), Not(s.given_up(r))),
                And(s.has_stamp(n), v.stamp(r) <= s.last_stamp(n)),
            ),
        ),
        "stamps do not go back": lambda: every(
            [r, r],
            lambda r, k: Implies(
                And(
                    s.sent(r), s.sent(k), same_term_not_later(v, r, k), v.stamped(r), v.stamped(k), Not(s.given_up(r))
                ),
                v.stamp(r) <= v.stamp(k),
            ),
        ),
        # Promises.
        "acknowledged rounds were sent": lambda: every(
            [n, r],
            lambda n, r: Implies(
                s.acknowledged(n, r),
                And(s.sent(r), s.term(n) >= v.of(r), Or(Not(v.deadline_form(v.of(r))), v.stamped(r))),
            ),
        ),
        "promises are kept newest last": lambda: every(
            [n, r],
            lambda n, r: Implies(
                s.keeps(n, r),
                And(
                    s.has_newest(n),
                    v.of(r) <= v.of(s.newest(n)),
                    Implies(v.of(r) == v.of(s.newest(n)), v.number(r) <= v.number(s.newest(n))),
                ),
            ),
        ),
        "the newest promise is kept": lambda: every(
            [n],
            lambda n: Implies(
                s.has_newest(n),
                And(
                    s.keeps(n, s.newest(n)),
                    s.sent(s.newest(n)),
                    v.of(s.newest(n)) <= s.term(n),
                    v.length(n, s.newest(n)) >= v.timeout(v.carried(s.newest(n))),
                    v.length(n, s.newest(n)) <= s.longest(n),
                ),
            ),
        ),
        "promise binds": lambda: every(
            [n, r],
            lambda n, r: Implies(
                And(s.acknowledged(n, r), Not(s.given_up(r)), Not(s.superseded(v.of(r))), s.now() < s.lease_cap(r)),
                Or(s.lease_cap(r) <= s.restart_until(n), is_covered(v, s, n, r)),
            ),
        ),
        "vote after promise": lambda: every(
            [n, u, c, r],
            lambda n, u, c, r: Implies(
                And(
                    s.voted(n, u, c),
                    s.acknowledged(n, r),
                    v.of(r) < u,
                    Not(s.given_up(r)),
                    s.now() < s.lease_cap(r),
                    Not(s.barred(v.of(r))),
                ),
                s.late(n, u, v.of(r)),
            ),
        ),
        # Leases.
        "leases rest on a round": lambda: every(
            [n],
            lambda n: Implies(
                s.lease(n),
                And(
                    s.sent(s.lease_round(n)),
                    may_carry_a_lease(v, s.lease_round(n)),
                    s.sender(s.lease_round(n)) == n,
                    v.of(s.lease_round(n)) <= s.term(n),
                    Not(s.given_up(s.lease_round(n))),
                    Not(s.barred(v.of(s.lease_round(n)))),
                    v.majority(s.lease_quorum(n)),
                    s.lease_until(n) <= s.lease_cap(s.lease_round(n)),
                ),
            ),
        ),
        "leases rest on a quorum": lambda: every(
            [n, n],
            lambda n, m: Implies(
                And(s.lease(n), v.member(m, s.lease_quorum(n))), Or(m == n, s.acknowledged(m, s.lease_round(n)))
            ),
        ),
        "a new leadership has no old lease": lambda: every(
            [n, u], lambda n, u: Implies(And(s.lease(n), s.elected(u, n)), u <= v.of(s.lease_round(n)))
        ),
        "caps follow the lengths that rounds carry": lambda: every(
            [r],
            lambda r: Implies(
                s.sent(r),
                And(
                    s.lease_cap(r) <= v.lease_over(r, v.carried(r)),
                    Implies(Not(s.forgotten(r)), s.lease_cap(r) == v.lease_over(r, v.carried(r))),
                ),
            ),
        ),
    }
    # Two rules have a second one that covers for them. Each of the two has a statement of its own, and one is
    # enough for fresh reads (`obligations.py` proves it both ways).
    if rules.step_down_ends_lease:
        statements["only leaders have leases"] = lambda: every(
            [n], lambda n: Implies(s.lease(n), And(s.leads(n), v.of(s.lease_round(n)) == s.term(n)))
        )
    if rules.leader_withholds:
        statements["a running lease withholds votes"] = lambda: every(
            [n, u, c],
            lambda n, u, c: Implies(
                And(s.lease(n), s.voted(n, u, c), c != n, v.of(s.lease_round(n)) < u, s.now() < s.lease_until(n)),
                s.late(n, u, v.of(s.lease_round(n))),
            ),
        )
    if rules.change_cuts_lease:
        statements["caps follow later lengths"] = lambda: every(
            [r, r],
            lambda r, k: Implies(
                And(s.sent(r), s.sent(k), same_term_not_later(v, r, k)),
                s.lease_cap(r) <= v.lease_over(r, v.carried(k)),
            ),
        )
        statements["caps follow the lengths in force"] = lambda: every(
            [n, r],
            lambda n, r: Implies(
                And(s.leads(n), s.sent(r), v.of(r) == s.term(n)), s.lease_cap(r) <= v.lease_over(r, s.in_force(n))
            ),
        )
        statements["what a promise was given for is on the disk"] = lambda: every(
            [n, r],
            lambda n, r: Implies(
                And(s.acknowledged(n, r), Not(s.superseded(v.of(r)))),
                And(
                    s.sent(s.cover(n, r)),
                    same_term_not_later(v, r, s.cover(n, r)),
                    v.timeout(v.carried(s.cover(n, r))) <= s.longest(n),
                ),
            ),
        )
    else:
        statements["covers are long enough"] = lambda: every(
            [n, r],
            lambda n, r: Implies(
                s.acknowledged(n, r),
                And(v.timeout(v.carried(r)) <= v.length(n, s.cover(n, r)), v.timeout(v.carried(r)) <= s.longest(n)),
            ),
        )
    if name is not None:
        return statements[name]()
    return {name: statement() for name, statement in statements.items()}


def is_covered(v, s, n, r):
    """The node keeps a promise that outlasts a lease on `r`."""
    k = s.cover(n, r)
    return And(s.keeps(n, k), same_term_not_later(v, r, k), s.lease_cap(r) <= v.promise_over(n, k))


def starts(v, s):
    """The first state: no votes, no rounds, no promises, no leases."""
    nothing = [
        v.every(
            ["Node"],
            lambda n: And(
                Not(s.leads(n)), Not(s.lease(n)), Not(s.has_newest(n)), Not(s.seeks(n)), Not(s.candidate(n))
            ),
        ),
        v.every(["Node", "Term", "Node"], lambda n, u, c: And(Not(s.voted(n, u, c)), Not(s.pre_voted(n, u, c)))),
        v.every(["Node", "Term", "Term"], lambda n, u, t: Not(s.late(n, u, t))),
        v.every(["Term", "Node"], lambda u, c: And(Not(s.elected(u, c)), Not(s.told(u, c)))),
        v.every(["Term"], lambda t: And(Not(s.barred(t)), Not(s.superseded(t)))),
        v.every(["Round"], lambda r: And(Not(s.sent(r)), Not(s.forgotten(r)), Not(s.given_up(r)))),
        v.every(["Node", "Round"], lambda n, r: And(Not(s.acknowledged(n, r)), Not(s.keeps(n, r)))),
    ]
    return And(nothing)


def one_leader_a_term(v, s):
    """Election safety. It follows from the invariant; the proof of each step may use it."""
    return v.every(["Term", "Node", "Node"], lambda u, c, d: Implies(And(s.elected(u, c), s.elected(u, d)), c == d))


def reads_are_fresh(v, s, leader):
    """No node was elected in a term above that of the leader's lease."""
    return Not(s.superseded(v.of(s.lease_round(leader))))
