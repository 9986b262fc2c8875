"""The arithmetic of docs/ideas/proof.md and docs/clock-assumption.md, line by line.

Each lemma has the number of its line: P1, P2, ... in ideas/proof.md, A3, A5, ... in clock-assumption.md. Each has a twin that
must be refuted: a nanosecond beyond the bound, or a formula that looks right. The counterexample is in seconds.

The letters are those of the docs. Times are true times in seconds.
"""

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

# The leader: its clocks count at least `a` times the true time in which its machine was not stopped. It serves while they
# show less than E since the reading of the send.
SERVES = [t_q >= t_s, a * (t_q - t_s - p) < E]
# A voter that counts from the receipt: its clocks count at most `b` times the true time.
FREE_BY_RECEIPT = [t_a >= t_s, t_v >= t_a, b * (t_v - t_a) >= T]
# A voter that compares its wall clock with the stamp of r', which is `skew` ahead in all.
FREE_BY_STAMP = [t_s2 >= t_s, t_v >= t_s2 + T - skew]
BEFORE = t_q < t_v

# Counterexamples in round numbers: the vote as early as it can be, and the read at the same instant.
AT_ONCE_BY_RECEIPT = [t_s == 0, t_a == 0, t_v == T / b, t_q == t_v]
AT_ONCE_BY_STAMP = [t_s == 0, t_s2 == 0, t_v == T - skew, t_q == t_v]

# The conditions of the docs. points.py evaluates these very terms at random points.
CONDITIONS = {
    "P16": E / a + p <= T / b,
    "P17": skew_0 + p <= T - E + e_l + e_f,
    "P18": E + p <= T / b,
}


def pair(name, line, says, given, then, twin_says, twin_given, twin_then=None, show=()):
    """A lemma, and what it must not be confused with."""
    return [
        Obligation(f"{line} {name}", says, given, then, PROVED, nonlinear=True),
        Obligation(f"{line} {name}, refuted", twin_says, twin_given, then if twin_then is None else twin_then, REFUTED,
                   show=list(show), nonlinear=True),
    ]


def the_two_instants():
    """P1 and P2: what one clock's reading says about true time."""
    return pair(
        "promise", "P1", "a promise counted from a receipt is over at t_s + T / b at the earliest",
        LENGTHS + RATES + FREE_BY_RECEIPT, t_v >= t_s + T / b,
        "the same with the voter's clock faster than b", LENGTHS + RATES + [t_a >= t_s, t_v >= t_a,
                                                                             (b + NANOSECOND) * (t_v - t_a) >= T, t_s == 0, t_a == 0, b == 1,
                                                                             t_v == T - 4 * NANOSECOND] + DEFAULTS,
        show=[T, b, t_s, t_a, t_v],
    ) + pair(
        "lease", "P2", "a reading that finds the lease running is taken before t_s + E / a, and p if the machine is stopped",
        LENGTHS + RATES + SERVES, t_q < t_s + E / a + p,
        "the same without counting the stop", LENGTHS + RATES + SERVES + DEFAULTS + [p > 0], t_q < t_s + E / a,
        show=[E, a, p, t_s, t_q],
    ) + pair(
        "lease from the acknowledgement", "P2", "counted from the send, the lease is over before the promise is",
        LENGTHS + RATES + SERVES + FREE_BY_RECEIPT + [E / a + p <= T / b], BEFORE,
        "counted from the receipt of the acknowledgement",
        LENGTHS + RATES + FREE_BY_RECEIPT + DEFAULTS + [a == 1, b == 1, p == 0, t_q < stamp + E, stamp >= t_a],
        show=[t_s, t_a, ("t_ack", stamp), t_q, t_v],
    )


def elapsed_form():
    rates = LENGTHS + RATES + SERVES + FREE_BY_RECEIPT
    return pair(
        "elapsed", "P3", "(D - s) / a <= T / b: every lease read is before every vote",
        rates + [p == 0, E / a <= T / b], BEFORE,
        "a nanosecond beyond", rates + DEFAULTS + AT_ONCE_BY_RECEIPT + [p == 0, a == 1, T / b == E - NANOSECOND],
        show=[a, ("T / b", T / b), t_s, t_a, t_q, t_v],
    ) + pair(
        "elapsed, one rate", "P4", "D - s <= T (1 - rho) / (1 + rho) is enough",
        LENGTHS + WITHIN_RHO + [E <= T * (1 - rho) / (1 + rho)], E / a <= T / b,
        "rho larger than a third, with the defaults", LENGTHS + WITHIN_RHO + DEFAULTS +
        [rho == z3.RealVal("333334/1000000"), a == 1 - rho, b == 1 + rho], show=[rho, ("E / a", E / a), ("T / b", T / b)],
    ) + pair(
        "pause, elapsed", "P16", "(D - s) / a + p <= T / b: safe with a stopped machine",
        rates + [CONDITIONS["P16"]], BEFORE,
        "a nanosecond beyond, with perfect rates", rates + DEFAULTS + AT_ONCE_BY_RECEIPT + [a == 1, b == 1, E + p == T + NANOSECOND],
        show=[p, t_s, t_a, t_q, t_v],
    )


def deadline_form():
    by_stamp = LENGTHS + RATES + SERVES + FREE_BY_STAMP
    return pair(
        "voter by stamp", "P5", "a promise by the stamp of r' is over at t_s + T - skew at the earliest",
        FREE_BY_STAMP, t_v >= t_s + T - skew,
        "if r' was sent before r", [t_v >= t_s2 + T - skew, T == 5, t_s == 0], show=[t_s, t_s2, skew, t_v],
    ) + pair(
        "skew is of two instants", "P5",
        "the leader's clock shows t_s' + x at its stamp, the voter's t_v + y at its vote: skew is y - x",
        [stamp == t_s2 + skew_0, earliest_v == t_v + skew_0 + skew, earliest_v >= stamp + T, t_s2 >= t_s],
        t_v >= t_s + T - skew,
        "with the leader's clock looked at when it reads instead",
        [stamp == t_s2 + e_l, earliest_v == t_v + skew_0 + skew, earliest_v >= stamp + T, t_s2 >= t_s, T == 5,
         e_l < 0, skew_0 == 0, skew == 0], show=[("leader ahead at its stamp", e_l), t_s2, t_v],
    ) + pair(
        "deadline", "P6", "skew <= T - (D - s) / a: every lease read is before every vote by stamp",
        by_stamp + [p == 0, skew <= T - E / a], BEFORE,
        "a nanosecond beyond", by_stamp + DEFAULTS + AT_ONCE_BY_STAMP + [p == 0, a == 1, skew == T - E + NANOSECOND],
        show=[skew, t_s, t_s2, t_q, t_v],
    ) + pair(
        "pause, deadline", "P17", "(D - s) / a + p <= T - skew: safe with a stopped machine",
        by_stamp + [E / a + p <= T - skew], BEFORE,
        "a nanosecond beyond", by_stamp + DEFAULTS + AT_ONCE_BY_STAMP + [a == 1, skew == 1, E + p == T - skew + NANOSECOND],
        show=[skew, p, t_s, t_s2, t_q, t_v],
    ) + pair(
        "pause and restart", "P18", "D - s + p <= T / b: a voter that restarted counts T, whatever the wall clocks say",
        LENGTHS + RATES + SERVES + FREE_BY_RECEIPT + [a == 1, CONDITIONS["P18"]], BEFORE,
        "with the lag of the voter's wall clock counted in its favour",
        LENGTHS + RATES + SERVES + FREE_BY_RECEIPT + DEFAULTS + AT_ONCE_BY_RECEIPT + [a == 1, b == 1, skew == -1, E + p == T - skew],
        show=[skew, p, t_s, t_a, t_q, t_v],
    )


def declared_errors():
    """Wall clocks say [earliest, latest]. The leader's errors are e_l, the voter's e_f."""
    errors = [e_l >= 0, e_f >= 0, g >= 0]
    # The leader shows `latest` = true time + e_l - g from the fall by g on, and stamped true time - e_l.
    leader = [stamp == t_s - e_l, latest_q == t_q + e_l - g, latest_q < stamp + E, t_q >= t_s, t_q - t_s < E]
    voter = [earliest_v == t_v + skew_0 - e_f, earliest_v >= stamp + T]
    least = z3.If(E <= E - 2 * e_l + g, E, E - 2 * e_l + g)
    # No clock of the leader's machine sees a stop of p.
    stopped = [p >= 0, stamp == t_s - e_l, latest_q == t_q - p + e_l, latest_q < stamp + E, t_q >= t_s, t_q - t_s - p < E]
    return pair(
        "declared error, lease", "P7", "the lease is over at t_s + min(E, E - 2 e_l + g)",
        LENGTHS + errors + leader, t_q < t_s + least,
        "without the fall g of the leader's clock", LENGTHS + errors + leader + DEFAULTS + [e_l == 1],
        t_q < t_s + z3.If(E <= E - 2 * e_l, E, E - 2 * e_l), show=[e_l, g, t_s, t_q],
    ) + pair(
        "declared error, promise", "P8", "the promise is over at t_s + T - skew_0 - e_l + e_f",
        LENGTHS + errors + voter + [stamp == t_s - e_l], t_v >= t_s + T - skew_0 - e_l + e_f,
        "if the leader's error counted for the promise",
        LENGTHS + errors + voter + DEFAULTS + [stamp == t_s - e_l, e_l == 1], t_v >= t_s + T - skew_0 + e_f,
        show=[e_l, e_f, skew_0, t_s, t_v],
    ) + pair(
        "declared errors, safe", "P9", "g = 0 and skew_0 <= T - (D - s) + e_l + e_f: safe",
        LENGTHS + errors + leader + voter + [g == 0, skew_0 <= T - E + e_l + e_f], BEFORE,
        "a nanosecond beyond",
        LENGTHS + errors + leader + voter + DEFAULTS + [g == 0, e_l == 1, e_f == 0, t_s == 0, skew_0 == T - E + e_l + e_f + NANOSECOND],
        show=[e_l, e_f, skew_0, t_s, t_q, t_v],
    ) + pair(
        "declared errors and a pause", "P17", "skew_0 + p <= T - (D - s) + e_l + e_f: safe with a stopped machine",
        LENGTHS + errors + stopped + voter + [CONDITIONS["P17"]], BEFORE,
        "a nanosecond beyond",
        LENGTHS + errors + stopped + voter + DEFAULTS +
        [e_l == 1, e_f == 0, p == 1, t_s == 0, skew_0 + p == T - E + e_l + e_f + NANOSECOND],
        show=[e_l, e_f, p, skew_0, t_s, t_q, t_v],
    )


def true_errors():
    """The declared intervals hold the true time at every instant: P10."""
    truth = LENGTHS + [stamp <= t_s, stamp2 <= t_s2, latest_q >= t_q, earliest_v <= t_v, t_s2 >= t_s]
    read_and_vote = [latest_q < stamp + E, earliest_v >= stamp2 + T]
    return pair(
        "true errors", "P10", "any offset, rate and pause is safe when D - s <= T and the stamp of r' is not the earlier one",
        truth + read_and_vote + [E <= T, stamp2 >= stamp], BEFORE,
        "when the stamp goes back within its true error",
        truth + read_and_vote + DEFAULTS + [e_l == 2, stamp2 >= t_s2 - 2 * e_l], show=[t_s, t_s2, stamp, stamp2, t_q, t_v],
    )


def what_s_means():
    leader, voter = Reals("leader_measures voter_measures")
    trap = LENGTHS + [skew >= 0, skew <= s, t_q >= t_s, t_q - t_s < E, t_v >= t_s + T - skew]
    # While the voter measures T the leader measures T - s at least.
    diverge = LENGTHS + [voter >= T, leader >= T - s]
    return pair(
        "s is a bound on the skew", "P12", "D <= T: every skew up to s is safe",
        trap + [D <= T], BEFORE,
        "the trap: D - s < T looks enough", trap + [E < T, D == z3.RealVal("26/5"), T == 5, s == z3.RealVal("1/2")],
        show=[D, T, s, skew, t_s, t_q, t_v],
    ) + pair(
        "s is a bound on divergence", "P12", "D <= T: at the end of the promise the leader has measured D - s",
        diverge + [D <= T], leader >= E,
        "D a nanosecond longer than T", diverge + [D == T + NANOSECOND, T == 5, s == z3.RealVal("1/2")],
        show=[D, T, s, voter, leader],
    ) + pair(
        "s the other way round", "P13", "D <= T implies (D - s)(T + s) <= T T",
        LENGTHS + [D <= T], E * (T + s) <= T * T,
        "D - s < T does not", LENGTHS + [E < T, D == z3.RealVal("26/5"), T == 5, s == z3.RealVal("1/2")], show=[D, T, s],
    )


def granularity():
    """Each of the four readings may be late by one tick of g."""
    r_s, r_q, r_a, r_v = Reals("reading_s reading_q reading_a reading_v")

    def ticks(reading, true):
        return And(reading <= true, reading > true - g)

    readings = LENGTHS + [g > 0, ticks(r_s, t_s), ticks(r_q, t_q), ticks(r_a, t_a), ticks(r_v, t_v), t_q >= t_s,
                          t_a >= t_s, t_v >= t_a, r_q - r_s < E, r_v - r_a >= T]
    return pair(
        "granularity", "P14", "E + 2 g <= T: safe with ticks of g", readings + [E + 2 * g <= T], BEFORE,
        "E + g <= T: one tick is not enough", readings + [E + g <= T, E == z3.RealVal("49/10"), T == 5],
        show=[g, t_s, t_q, t_a, t_v, r_s, r_q, r_a, r_v],
    ) + pair(
        "granularity, rates", "P14", "with rates: a tick at each end, (E + g) / a <= (T - g) / b",
        LENGTHS + RATES + [g > 0, g < T, t_q >= t_s, t_a >= t_s, t_v >= t_a, a * (t_q - t_s) < E + g,
                           b * (t_v - t_a) > T - g, (E + g) / a <= (T - g) / b], BEFORE,
        "without the ticks",
        LENGTHS + RATES + [g > 0, g < T, t_q >= t_s, t_a >= t_s, t_v >= t_a, a * (t_q - t_s) < E + g,
                           b * (t_v - t_a) > T - g, E / a <= T / b, T == 5, E == z3.RealVal("49/10")],
        show=[g, a, b, t_s, t_q, t_a, t_v],
    )


def two_clocks():
    """P15: elapsed_max is the longer of the two answers, elapsed_min the shorter."""
    raw, boot, x, asleep, slew = Reals("raw boot x asleep slew")
    longer, shorter = z3.If(raw >= boot, raw, boot), z3.If(raw <= boot, raw, boot)
    suspended = [x > 0, asleep >= 0, asleep <= x, slew >= 0, slew < 1]
    return pair(
        "two clocks, lease", "P15", "elapsed_max is at least x if one of raw and boot is",
        [Or(raw >= x, boot >= x)], longer >= x,
        "elapsed_min is not", [Or(raw >= x, boot >= x), x == 1], shorter >= x, show=[raw, boot, x],
    ) + pair(
        "two clocks, promise", "P15", "elapsed_min is at most x if one of raw and boot is",
        [Or(raw <= x, boot <= x)], shorter <= x,
        "elapsed_max is not", [Or(raw <= x, boot <= x), x == 1], longer <= x, show=[raw, boot, x],
    ) + pair(
        "a suspend during a slew", "P15", "raw misses the suspend, boot is slow awake: elapsed_max is short by the slew awake",
        suspended + [raw == x - asleep, boot == asleep + (1 - slew) * (x - asleep)], longer >= x - slew * (x - asleep),
        "nothing is missed", suspended + [raw == x - asleep, boot == asleep + (1 - slew) * (x - asleep),
                                          slew == z3.RealVal("1/10"), x == 1], longer >= x,
        show=[x, asleep, slew, raw, boot],
    )


def majorities():
    """P11: of any two majorities of adjacent configurations, more seats are taken than there are voters."""
    n = z3.Int("n")
    seats = lambda voters: voters / 2 + 1
    return pair(
        "majorities of n", "P11", "two majorities of n voters meet", [n >= 1], seats(n) + seats(n) > n,
        "two halves do not", [n >= 2], n / 2 + seats(n) > n, show=[n],
    ) + pair(
        "majorities of n and n + 1", "P11", "majorities of n and of n + 1 voters meet",
        [n >= 1], seats(n) + seats(n + 1) > n + 1,
        "of n and n + 2", [n >= 1], seats(n) + seats(n + 2) > n + 2, show=[n],
    )


def the_exact_assumption():
    """The two inequalities of clock-assumption.md, from rates, pauses and wall clocks to the read and the vote."""
    assumed = LENGTHS + RATES + WITHIN_RHO
    elapsed = assumed + SERVES + FREE_BY_RECEIPT
    wall = assumed + SERVES + FREE_BY_STAMP + [h >= 0, skew <= 2 * h]
    return pair(
        "elapsed form", "A3", "(D - s) / (1 - rho) + p <= T / (1 + rho): safe",
        elapsed + [E / (1 - rho) + p <= T / (1 + rho)], BEFORE,
        "a nanosecond beyond", elapsed + DEFAULTS +
        AT_ONCE_BY_RECEIPT + [rho == z3.RealVal("1/4"), a == 1 - rho, b == 1 + rho, p == T / (1 + rho) - E / (1 - rho) + NANOSECOND], show=[rho, a, b, p, t_s, t_a, t_q, t_v],
    ) + pair(
        "deadline form", "A5", "(D - s) / (1 - rho) + p + 2 h <= T: safe",
        wall + [E / (1 - rho) + p + 2 * h <= T], BEFORE,
        "a nanosecond beyond", wall + DEFAULTS + AT_ONCE_BY_STAMP + [rho == 0, p == 0, a == 1, skew == 2 * h, 2 * h == T - E + NANOSECOND],
        show=[h, skew, p, t_s, t_s2, t_q, t_v],
    ) + pair(
        "wall clocks within h", "A4", "wall clocks within h of true time are at most 2 h apart",
        [h >= 0, skew_0 <= h, skew_0 >= -h, e_l <= h, e_l >= -h], skew_0 - e_l <= 2 * h,
        "h apart", [h == 1, skew_0 <= h, skew_0 >= -h, e_l <= h, e_l >= -h], skew_0 - e_l <= h, show=[skew_0, e_l, h],
    )


def the_numbers():
    """The room that the defaults leave, each taken alone; and from which rate on s = 500 ms is no true bound."""
    room = DEFAULTS + [E == D - s, rho >= 0, rho < 1, p >= 0, h >= 0]
    a3, a5 = E / (1 - rho) + p <= T / (1 + rho), E / (1 - rho) + p + 2 * h <= T
    bound = [rho >= 0, rho < 1, a >= 1 - rho, b <= 1 + rho, b > 0, a > 0, T > 0, s > 0, s < T]
    return pair(
        "room for rho", "A3", "with the defaults rho = 1/3 is the largest", room + [p == 0, rho <= z3.RealVal("1/3")], a3,
        "a millionth more", room + [p == 0, rho == z3.RealVal("333334/1000000")], show=[rho],
    ) + pair(
        "room for pauses", "A3", "with the defaults p = 2.5 s is the longest", room + [rho == 0, p <= z3.RealVal("5/2")], a3,
        "a nanosecond more", room + [rho == 0, p == z3.RealVal("5/2") + NANOSECOND], show=[p],
    ) + pair(
        "room for wall clocks", "A5", "with the defaults h = 1.25 s is the largest",
        room + [rho == 0, p == 0, h <= z3.RealVal("5/4")], a5,
        "a nanosecond more", room + [rho == 0, p == 0, h == z3.RealVal("5/4") + NANOSECOND], show=[h],
    ) + pair(
        "s bounds divergence", "A6", "rho <= s / (2 T - s): the leader measures T - s while the voter measures T",
        bound + [rho <= s / (2 * T - s)], a * (T / b) >= T - s,
        "rho = 52 633 ppm, with the defaults",
        bound + [T == 5, s == z3.RealVal("1/2"), a == 1 - rho, b == 1 + rho, rho == z3.RealVal("52633/1000000")],
        show=[rho, ("the leader measures", a * (T / b)), T, s],
    ) + pair(
        "largest D - s", "A7", "the table's largest D - s: T (1 - rho) / (1 + rho) is safe",
        [T == 5, rho >= 0, rho < 1, E == T * (1 - rho) / (1 + rho)], E / (1 - rho) <= T / (1 + rho),
        "a nanosecond longer", [T == 5, rho >= 0, rho < 1, E == T * (1 - rho) / (1 + rho) + NANOSECOND],
        show=[rho, E],
    )


def links_to_the_protocol():
    """What protocol/facts.py takes for granted about the order of instants, from the lines above.

    `lease_over` is t_s + E / a + p for a lease on r; `promise_over` is the first t_v of a promise for r' of the same term.
    """
    length, own = Reals("promised T_of_lease")
    before_or_same = [t_s2 >= t_s, own > 0, length >= own, E > 0, E < own] + RATES
    by_receipt = before_or_same + [t_a >= t_s2, b * (t_v - t_a) >= length, t_v >= t_a]
    by_stamp = before_or_same + [t_v >= t_s2 + length - skew]
    start = z3.Real("start")
    return pair(
        "fact: promises outlast leases, by receipt", "P3",
        "a promise for r', as long as T of r or longer, outlasts a lease on r",
        by_receipt + [E / a + p <= own / b], t_v >= t_s + E / a + p,
        "a promise shorter than T of r", [t_s2 >= t_s, own == 5, length == 2, E == 4] + RATES +
        [t_a >= t_s2, b * (t_v - t_a) >= length, t_v >= t_a, a == 1, b == 1, p == 0], t_v >= t_s + E / a + p,
        show=[("T of r", own), ("T of r'", length), E, t_s, t_s2, t_v],
    ) + pair(
        "fact: promises outlast leases, by stamp", "P6", "the same for a promise that ends by the wall clock",
        by_stamp + [E / a + p <= own - skew], t_v >= t_s + E / a + p,
        "if r' was sent before r", [own == 5, length == 5, E == 4, skew == 0, t_s == 0] + RATES +
        [a == 1, p == 0, t_v >= t_s2 + length - skew], t_v >= t_s + E / a + p, show=[t_s, t_s2, t_v],
    ) + pair(
        "fact: promises of a start", "P3", "a promise from a start, not before the send, as long as T of r, outlasts a lease on r",
        [start >= t_s, own > 0, length >= own, E > 0, E / a + p <= own / b, b * (t_v - start) >= length] + RATES,
        t_v >= t_s + E / a + p,
        "for one's own setting, shorter than T of r",
        [start >= t_s, own == 5, length == 2, E == 4, b * (t_v - start) >= length, a == 1, b == 1, p == 0],
        t_v >= t_s + E / a + p, show=[("T of r", own), ("own setting", length), t_s, start, t_v],
    ) + pair(
        "fact: longer lengths last longer", "P2", "on one round, a shorter effective length is over no later",
        RATES + [E <= D], t_s + E / a + p <= t_s + D / a + p,
        "a length a nanosecond longer", RATES + [a == 1, D == 1, E == D + NANOSECOND], show=[E, D],
    )


def obligations():
    parts = [
        the_two_instants, elapsed_form, deadline_form, declared_errors, true_errors, what_s_means, granularity, two_clocks,
        majorities, the_exact_assumption, the_numbers, links_to_the_protocol,
    ]
    return [obligation for part in parts for obligation in part()]
