"""What the protocol takes from arithmetic and from clocks: no more than these.

The unbounded proofs know no rate, no length and no clock. They know the order of instants. Each fact here is what
lemmas of consequences.py say: those named "fact".
"""

from z3 import And, Implies, Not, Or

from .actions import same_term_not_later


def majorities_meet(v):
    """Two majorities of the voters have a node in common (arithmetic: majorities of n)."""
    return v.every(
        ["Voters", "Voters"],
        lambda q, p: Implies(
            And(v.majority(q), v.majority(p)), And(v.member(v.common(q, p), q), v.member(v.common(q, p), p))
        ),
    )


def promises_outlast_leases(v):
    """The promise for a round is not over before a lease is that rests on it, or on an earlier round of the term.

    Needed: the promise is at least as long as the T that belongs to the lease (rule 10), and the stamp of the promised
    round, if it has one, is not earlier than the other's. Lemmas: elapsed, deadline, true-errors.
    """
    return v.every(
        ["Node", "Round", "Round", "Lengths"],
        lambda n, r, k, x: Implies(
            And(same_term_not_later(v, r, k), v.timeout(x) <= v.length(n, k), may_compare(v, r, k)),
            v.lease_over(r, x) <= v.promise_over(n, k),
        ),
    )


def may_compare(v, r, k):
    """The promise for `k` is counted from its receipt alone, or also from a stamp that is not earlier than that of `r`."""
    return Or(Not(v.stamped(k)), And(v.stamped(r), v.stamp(r) <= v.stamp(k)))


def longer_lengths_last_longer(v):
    """On one round, a lease of a shorter effective length is over no later."""
    return v.every(
        ["Round", "Lengths", "Lengths"],
        lambda r, x, y: Implies(v.effective(x) <= v.effective(y), v.lease_over(r, x) <= v.lease_over(r, y)),
    )


def stamps_are_of_the_deadline_form(v):
    return v.every(["Round"], lambda r: Implies(v.stamped(r), v.deadline_form(v.of(r))))


def restart_promise(v, s, bound, until):
    """A promise of length `bound` from now outlasts a lease on any round sent by now, of lengths with T <= bound."""
    return v.every(
        ["Round", "Lengths"], lambda r, x: Implies(And(s.sent(r), v.timeout(x) <= bound), v.lease_over(r, x) <= until)
    )


FACTS = {
    "majorities meet": majorities_meet,
    "promises outlast leases": promises_outlast_leases,
    "longer lengths last longer": longer_lengths_last_longer,
    "stamps are of the deadline form": stamps_are_of_the_deadline_form,
}
