"""The letters of the docs, and the hypotheses that many lemmas share. Times are true times in seconds."""

import z3
from z3 import And, Or, Reals

from obligation import PROVED, REFUTED, Obligation

D, T, s, E = Reals("D T s E")
a, b, rho, p, h, g = Reals("a b rho p h g")
t_s, t_s2, t_a, t_q, t_v = Reals("t_s t_s2 t_a t_q t_v")  # send of r, send of r', receipt, reading of the read, vote
skew, skew_0, e_l, e_f = Reals("skew skew_0 e_l e_f")
stamp, stamp2, latest_q, earliest_v = Reals("stamp stamp2 latest_q earliest_v")

NANOSECOND = z3.RealVal("1/1000000000")
DEFAULTS = [D == 3, T == 5, s == z3.RealVal("1/2")]

LENGTHS = [D > 0, T > 0, s >= 0, E == D - s, E > 0]
RATES = [a > 0, b > 0, p >= 0]
WITHIN_RHO = [rho >= 0, rho < 1, a >= 1 - rho, b > 0, b <= 1 + rho]

# The leader: its clocks count at least `a` times the true time in which its machine was not stopped. It serves
# while they show less than E since the reading of the send.
SERVES = [t_q >= t_s, a * (t_q - t_s - p) < E]
# A voter that counts from the receipt: its clocks count at most `b` times the true time.
FREE_BY_RECEIPT = [t_a >= t_s, t_v >= t_a, b * (t_v - t_a) >= T]
# A voter that compares its wall clock with the stamp of r', which is `skew` ahead in all.
FREE_BY_STAMP = [t_s2 >= t_s, t_v >= t_s2 + T - skew]
BEFORE = t_q < t_v

# A voter of the deadline form: its promise for r' is over by whichever of the two comes first.
FREE_BY_EITHER = [t_s2 >= t_s, t_a >= t_s2, t_v >= t_a, Or(b * (t_v - t_a) >= T, t_v >= t_s2 + T - skew)]

# Counterexamples in round numbers: the vote as early as it can be, and the read at the same instant.
AT_ONCE_BY_RECEIPT = [t_s == 0, t_a == 0, t_v == T / b, t_q == t_v]
AT_ONCE_BY_STAMP = [t_s == 0, t_s2 == 0, t_v == T - skew, t_q == t_v]

# The conditions of the docs. points.py evaluates these very terms at random points.
CONDITIONS = {
    "P16": E / a + p <= T / b,
    "P17": skew_0 + p <= T - E + e_l + e_f,
    "P18": z3.If(E <= E - 2 * e_l + g, E, E - 2 * e_l + g) + p <= T / b,
}


def pair(name, line, says, given, then, twin_says, twin_given, twin_then=None, show=()):
    """A lemma, and what it must not be confused with."""
    return [
        Obligation(f"{line} {name}", says, given, then, PROVED, nonlinear=True),
        Obligation(
            f"{line} {name}, refuted",
            twin_says,
            twin_given,
            then if twin_then is None else twin_then,
            REFUTED,
            show=list(show),
            nonlinear=True,
        ),
    ]
