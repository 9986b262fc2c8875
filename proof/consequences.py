"""What follows from the two forms of lease.

What `s` means, ticks, two clocks, majorities, the exact assumption, its numbers.
"""

import z3
from z3 import And, Or, Reals

from letters import (
    AT_ONCE_BY_RECEIPT,
    AT_ONCE_BY_STAMP,
    BEFORE,
    DEFAULTS,
    FREE_BY_EITHER,
    FREE_BY_RECEIPT,
    LENGTHS,
    NANOSECOND,
    RATES,
    SERVES,
    WITHIN_RHO,
    D,
    E,
    T,
    a,
    b,
    e_l,
    g,
    h,
    p,
    pair,
    rho,
    s,
    skew,
    skew_0,
    stamp,
    t_a,
    t_q,
    t_s,
    t_s2,
    t_v,
)


def what_s_means():
    leader, voter = Reals("leader_measures voter_measures")
    trap = LENGTHS + [skew >= 0, skew <= s, t_q >= t_s, t_q - t_s < E, t_v >= t_s + T - skew]
    # While the voter measures T the leader measures T - s at least.
    diverge = LENGTHS + [voter >= T, leader >= T - s]
    return (
        pair(
            "s is a bound on the skew",
            "P12",
            "D <= T: every skew up to s is safe",
            trap + [D <= T],
            BEFORE,
            "the trap: D - s < T looks enough",
            trap + [E < T, D == z3.RealVal("26/5"), T == 5, s == z3.RealVal("1/2")],
            show=[D, T, s, skew, t_s, t_q, t_v],
        )
        + pair(
            "s is a bound on divergence",
            "P12",
            "D <= T: at the end of the promise the leader has measured D - s",
            diverge + [D <= T],
            leader >= E,
            "D a nanosecond longer than T",
            diverge + [D == T + NANOSECOND, T == 5, s == z3.RealVal("1/2")],
            show=[D, T, s, voter, leader],
        )
        + pair(
            "s the other way round",
            "P13",
            "D <= T implies (D - s)(T + s) <= T T",
            LENGTHS + [D <= T],
            E * (T + s) <= T * T,
            "D - s < T does not",
            LENGTHS + [E < T, D == z3.RealVal("26/5"), T == 5, s == z3.RealVal("1/2")],
            show=[D, T, s],
        )
    )


def granularity():
    """Each of the four readings may be late by one tick of g."""
    r_s, r_q, r_a, r_v = Reals("reading_s reading_q reading_a reading_v")

    def ticks(reading, true):
        return And(reading <= true, reading > true - g)

    readings = LENGTHS + [
        g > 0,
        ticks(r_s, t_s),
        ticks(r_q, t_q),
        ticks(r_a, t_a),
        ticks(r_v, t_v),
        t_q >= t_s,
        t_a >= t_s,
        t_v >= t_a,
        r_q - r_s < E,
        r_v - r_a >= T,
    ]
    return pair(
        "granularity",
        "P14",
        "E + 2 g <= T: safe with ticks of g",
        readings + [E + 2 * g <= T],
        BEFORE,
        "E + g <= T: one tick is not enough",
        readings + [E + g <= T, E == z3.RealVal("49/10"), T == 5],
        show=[g, t_s, t_q, t_a, t_v, r_s, r_q, r_a, r_v],
    ) + pair(
        "granularity, rates",
        "P14",
        "with rates: a tick at each end, (E + g) / a <= (T - g) / b",
        LENGTHS
        + RATES
        + [
            g > 0,
            g < T,
            t_q >= t_s,
            t_a >= t_s,
            t_v >= t_a,
            a * (t_q - t_s) < E + g,
            b * (t_v - t_a) > T - g,
            (E + g) / a <= (T - g) / b,
        ],
        BEFORE,
        "without the ticks",
        LENGTHS
        + RATES
        + [
            g > 0,
            g < T,
            t_q >= t_s,
            t_a >= t_s,
            t_v >= t_a,
            a * (t_q - t_s) < E + g,
            b * (t_v - t_a) > T - g,
            E / a <= T / b,
            T == 5,
            E == z3.RealVal("49/10"),
        ],
        show=[g, a, b, t_s, t_q, t_a, t_v],
    )


def two_clocks():
    """P15: elapsed_max is the longer of the two answers, elapsed_min the shorter."""
    raw, boot, x, asleep, slew = Reals("raw boot x asleep slew")
    longer, shorter = z3.If(raw >= boot, raw, boot), z3.If(raw <= boot, raw, boot)
    suspended = [x > 0, asleep >= 0, asleep <= x, slew >= 0, slew < 1]
    return (
        pair(
            "two clocks, lease",
            "P15",
            "elapsed_max is at least x if one of raw and boot is",
            [Or(raw >= x, boot >= x)],
            longer >= x,
            "elapsed_min is not",
            [Or(raw >= x, boot >= x), x == 1],
            shorter >= x,
            show=[raw, boot, x],
        )
        + pair(
            "two clocks, promise",
            "P15",
            "elapsed_min is at most x if one of raw and boot is",
            [Or(raw <= x, boot <= x)],
            shorter <= x,
            "elapsed_max is not",
            [Or(raw <= x, boot <= x), x == 1],
            longer <= x,
            show=[raw, boot, x],
        )
        + pair(
            "a suspend during a slew",
            "P15",
            "raw misses the suspend, boot is slow awake: elapsed_max is short by the slew awake",
            suspended + [raw == x - asleep, boot == asleep + (1 - slew) * (x - asleep)],
            longer >= x - slew * (x - asleep),
            "nothing is missed",
            suspended
            + [raw == x - asleep, boot == asleep + (1 - slew) * (x - asleep), slew == z3.RealVal("1/10"), x == 1],
            longer >= x,
            show=[x, asleep, slew, raw, boot],
        )
    )


def majorities():
    """P11: of any two majorities of adjacent configurations, more seats are taken than there are voters."""
    n = z3.Int("n")
    seats = lambda voters: voters / 2 + 1
    return pair(
        "majorities of n",
        "P11",
        "two majorities of n voters meet",
        [n >= 1],
        seats(n) + seats(n) > n,
        "two halves do not",
        [n >= 2],
        n / 2 + seats(n) > n,
        show=[n],
    ) + pair(
        "majorities of n and n + 1",
        "P11",
        "majorities of n and of n + 1 voters meet",
        [n >= 1],
        seats(n) + seats(n + 1) > n + 1,
        "of n and n + 2",
        [n >= 1],
        seats(n) + seats(n + 2) > n + 2,
        show=[n],
    )


def the_exact_assumption():
    """The two inequalities of clock-assumption.md, from rates, pauses and wall clocks to the read and the vote."""
    assumed = LENGTHS + RATES + WITHIN_RHO
    elapsed = assumed + SERVES + FREE_BY_RECEIPT
    wall = assumed + SERVES + FREE_BY_EITHER + [h >= 0, skew <= 2 * h]
    beyond = DEFAULTS + AT_ONCE_BY_STAMP + [t_a == 0, p == 0, a == 1]
    return (
        pair(
            "elapsed form",
            "A3",
            "(D - s) / (1 - rho) + p <= T / (1 + rho): safe",
            elapsed + [E / (1 - rho) + p <= T / (1 + rho)],
            BEFORE,
            "a nanosecond beyond",
            elapsed
            + DEFAULTS
            + AT_ONCE_BY_RECEIPT
            + [rho == z3.RealVal("1/4"), a == 1 - rho, b == 1 + rho, p == T / (1 + rho) - E / (1 - rho) + NANOSECOND],
            show=[rho, a, b, p, t_s, t_a, t_q, t_v],
        )
        + pair(
            "deadline form",
            "A5",
            "(D - s) / (1 - rho) + p + 2 h <= T, and point 3: safe",
            wall + [E / (1 - rho) + p + 2 * h <= T, E / (1 - rho) + p <= T / (1 + rho)],
            BEFORE,
            "a nanosecond beyond",
            wall + beyond + [rho == 0, skew == 2 * h, 2 * h == T - E + NANOSECOND],
            show=[h, skew, p, t_s, t_s2, t_q, t_v],
        )
        + pair(
            "deadline form, point 3",
            "A5",
            "with the defaults, wall clocks that are right and rates within a third: safe",
            wall + DEFAULTS + [h == 0, p == 0, rho == z3.RealVal("1/3")],
            BEFORE,
            "with rates within a half: point 5 alone is not enough",
            wall
            + DEFAULTS
            + [h == 0, p == 0, rho == z3.RealVal("1/2"), E / (1 - rho) + p + 2 * h <= T]
            + [a == 1 - rho, b == 1 + rho, t_s == 0, t_a == 0, t_s2 == 0],
            show=[rho, a, b, t_s, t_a, t_q, t_v],
        )
        + pair(
            "wall clocks within h",
            "A4",
            "wall clocks within h of true time are at most 2 h apart",
            [h >= 0, skew_0 <= h, skew_0 >= -h, e_l <= h, e_l >= -h],
            skew_0 - e_l <= 2 * h,
            "h apart",
            [h == 1, skew_0 <= h, skew_0 >= -h, e_l <= h, e_l >= -h],
            skew_0 - e_l <= h,
            show=[skew_0, e_l, h],
        )
    )


def the_numbers():
    """The room that the defaults leave, each taken alone; and from which rate on s = 500 ms is no true bound."""
    room = DEFAULTS + [E == D - s, rho >= 0, rho < 1, p >= 0, h >= 0]
    a3, a5 = E / (1 - rho) + p <= T / (1 + rho), E / (1 - rho) + p + 2 * h <= T
    bound = [rho >= 0, rho < 1, a >= 1 - rho, b <= 1 + rho, b > 0, a > 0, T > 0, s > 0, s < T]
    return (
        pair(
            "room for rho",
            "A3",
            "with the defaults rho = 1/3 is the largest",
            room + [p == 0, rho <= z3.RealVal("1/3")],
            a3,
            "a millionth more",
            room + [p == 0, rho == z3.RealVal("333334/1000000")],
            show=[rho],
        )
        + pair(
            "room for pauses",
            "A3",
            "with the defaults p = 2.5 s is the longest",
            room + [rho == 0, p <= z3.RealVal("5/2")],
            a3,
            "a nanosecond more",
            room + [rho == 0, p == z3.RealVal("5/2") + NANOSECOND],
            show=[p],
        )
        + pair(
            "room for wall clocks",
            "A5",
            "with the defaults h = 1.25 s is the largest",
            room + [rho == 0, p == 0, h <= z3.RealVal("5/4")],
            a5,
            "a nanosecond more",
            room + [rho == 0, p == 0, h == z3.RealVal("5/4") + NANOSECOND],
            show=[h],
        )
        + pair(
            "s bounds divergence",
            "A6",
            "rho <= s / (2 T - s): the leader measures T - s while the voter measures T",
            bound + [rho <= s / (2 * T - s)],
            a * (T / b) >= T - s,
            "rho = 52 633 ppm, with the defaults",
            bound + [T == 5, s == z3.RealVal("1/2"), a == 1 - rho, b == 1 + rho, rho == z3.RealVal("52633/1000000")],
            show=[rho, ("the leader measures", a * (T / b)), T, s],
        )
        + pair(
            "largest D - s",
            "A7",
            "the table's largest D - s: T (1 - rho) / (1 + rho) is safe",
            [T == 5, rho >= 0, rho < 1, E == T * (1 - rho) / (1 + rho)],
            E / (1 - rho) <= T / (1 + rho),
            "a nanosecond longer",
            [T == 5, rho >= 0, rho < 1, E == T * (1 - rho) / (1 + rho) + NANOSECOND],
            show=[rho, E],
        )
    )


def links_to_the_protocol():
    """What protocol/facts.py takes for granted about the order of instants, from the lines above.

    `lease_over` is t_s + E / a + p for a lease on r; `promise_over` is the first t_v of a promise for r' of the
    same term.
    """
    length, own = Reals("promised T_of_lease")
    before_or_same = [t_s2 >= t_s, own > 0, length >= own, E > 0, E < own] + RATES
    by_receipt = before_or_same + [t_a >= t_s2, b * (t_v - t_a) >= length, t_v >= t_a]
    by_either = before_or_same + [
        t_a >= t_s2,
        t_v >= t_a,
        Or(b * (t_v - t_a) >= length, t_v >= t_s2 + length - skew),
    ]
    start = z3.Real("start")
    return (
        pair(
            "fact: promises outlast leases, by receipt",
            "P3",
            "a promise for r', as long as T of r or longer, outlasts a lease on r",
            by_receipt + [E / a + p <= own / b],
            t_v >= t_s + E / a + p,
            "a promise shorter than T of r",
            [t_s2 >= t_s, own == 5, length == 2, E == 4]
            + RATES
            + [t_a >= t_s2, b * (t_v - t_a) >= length, t_v >= t_a, a == 1, b == 1, p == 0],
            t_v >= t_s + E / a + p,
            show=[("T of r", own), ("T of r'", length), E, t_s, t_s2, t_v],
        )
        + pair(
            "fact: promises outlast leases, by stamp or receipt",
            "P19",
            "the same for a promise of the deadline form",
            by_either + [E / a + p <= own - skew, E / a + p <= own / b],
            t_v >= t_s + E / a + p,
            "if r' was sent before r",
            [own == 5, length == 5, E == 4, skew == 0, t_s == 0]
            + RATES
            + [a == 1, p == 0, t_v >= t_s2 + length - skew],
            t_v >= t_s + E / a + p,
            show=[t_s, t_s2, t_v],
        )
        + pair(
            "fact: promises of a start",
            "P3",
            "a promise from a start, not before the send, as long as T of r, outlasts a lease on r",
            [start >= t_s, own > 0, length >= own, E > 0, E / a + p <= own / b, b * (t_v - start) >= length] + RATES,
            t_v >= t_s + E / a + p,
            "for one's own setting, shorter than T of r",
            [start >= t_s, own == 5, length == 2, E == 4, b * (t_v - start) >= length, a == 1, b == 1, p == 0],
            t_v >= t_s + E / a + p,
            show=[("T of r", own), ("own setting", length), t_s, start, t_v],
        )
        + pair(
            "fact: longer lengths last longer",
            "P2",
            "on one round, a shorter effective length is over no later",
            RATES + [E <= D],
            t_s + E / a + p <= t_s + D / a + p,
            "a length a nanosecond longer",
            RATES + [a == 1, D == 1, E == D + NANOSECOND],
            show=[E, D],
        )
    )


PARTS = [
    what_s_means,
    granularity,
    two_clocks,
    majorities,
    the_exact_assumption,
    the_numbers,
    links_to_the_protocol,
]
