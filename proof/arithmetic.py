"""The arithmetic of docs/ideas/proof.md and docs/clock-assumption.md, line by line.

Each lemma has the number of its line: P1, P2, ... in ideas/proof.md, A3, A5, ... in clock-assumption.md. Each has a
twin that must be refuted: a nanosecond beyond the bound, or a formula that looks right. The counterexample is in
seconds.

This file has the two forms of lease. consequences.py has what follows from them. The letters are those of the docs.
"""

import z3

import consequences
from letters import (
    AT_ONCE_BY_RECEIPT,
    AT_ONCE_BY_STAMP,
    BEFORE,
    CONDITIONS,
    DEFAULTS,
    FREE_BY_EITHER,
    FREE_BY_RECEIPT,
    FREE_BY_STAMP,
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
    e_f,
    e_l,
    earliest_v,
    g,
    latest_q,
    p,
    pair,
    rho,
    s,
    skew,
    skew_0,
    stamp,
    stamp2,
    t_a,
    t_q,
    t_s,
    t_s2,
    t_v,
)


def the_two_instants():
    """P1 and P2: what one clock's reading says about true time."""
    return (
        pair(
            "promise",
            "P1",
            "a promise counted from a receipt is over at t_s + T / b at the earliest",
            LENGTHS + RATES + FREE_BY_RECEIPT,
            t_v >= t_s + T / b,
            "the same with the voter's clock faster than b",
            LENGTHS
            + RATES
            + [
                t_a >= t_s,
                t_v >= t_a,
                (b + NANOSECOND) * (t_v - t_a) >= T,
                t_s == 0,
                t_a == 0,
                b == 1,
                t_v == T - 4 * NANOSECOND,
            ]
            + DEFAULTS,
            show=[T, b, t_s, t_a, t_v],
        )
        + pair(
            "lease",
            "P2",
            "a reading that finds the lease running is taken before t_s + E / a, and p if the machine is stopped",
            LENGTHS + RATES + SERVES,
            t_q < t_s + E / a + p,
            "the same without counting the stop",
            LENGTHS + RATES + SERVES + DEFAULTS + [p > 0],
            t_q < t_s + E / a,
            show=[E, a, p, t_s, t_q],
        )
        + pair(
            "lease from the acknowledgement",
            "P2",
            "counted from the send, the lease is over before the promise is",
            LENGTHS + RATES + SERVES + FREE_BY_RECEIPT + [E / a + p <= T / b],
            BEFORE,
            "counted from the receipt of the acknowledgement",
            LENGTHS + RATES + FREE_BY_RECEIPT + DEFAULTS + [a == 1, b == 1, p == 0, t_q < stamp + E, stamp >= t_a],
            show=[t_s, t_a, ("t_ack", stamp), t_q, t_v],
        )
    )


def elapsed_form():
    rates = LENGTHS + RATES + SERVES + FREE_BY_RECEIPT
    return (
        pair(
            "elapsed",
            "P3",
            "(D - s) / a <= T / b: every lease read is before every vote",
            rates + [p == 0, E / a <= T / b],
            BEFORE,
            "a nanosecond beyond",
            rates + DEFAULTS + AT_ONCE_BY_RECEIPT + [p == 0, a == 1, T / b == E - NANOSECOND],
            show=[a, ("T / b", T / b), t_s, t_a, t_q, t_v],
        )
        + pair(
            "elapsed, one rate",
            "P4",
            "D - s <= T (1 - rho) / (1 + rho) is enough",
            LENGTHS + WITHIN_RHO + [E <= T * (1 - rho) / (1 + rho)],
            E / a <= T / b,
            "rho larger than a third, with the defaults",
            LENGTHS + WITHIN_RHO + DEFAULTS + [rho == z3.RealVal("333334/1000000"), a == 1 - rho, b == 1 + rho],
            show=[rho, ("E / a", E / a), ("T / b", T / b)],
        )
        + pair(
            "pause, elapsed",
            "P16",
            "(D - s) / a + p <= T / b: safe with a stopped machine",
            rates + [CONDITIONS["P16"]],
            BEFORE,
            "a nanosecond beyond, with perfect rates",
            rates + DEFAULTS + AT_ONCE_BY_RECEIPT + [a == 1, b == 1, E + p == T + NANOSECOND],
            show=[p, t_s, t_a, t_q, t_v],
        )
    )


def deadline_form():
    raw, boot = z3.Reals("raw boot")
    slower, faster = z3.If(raw <= boot, raw, boot), z3.If(raw <= boot, boot, raw)
    two_clocks = [t_a >= t_s, t_v >= t_a, z3.Or(raw <= b * (t_v - t_a), boot <= b * (t_v - t_a))]
    # The leader's wall clock misses a stop of p, as its other clocks do, and falls back by g after the stamp.
    declared = [
        e_l >= 0,
        g >= 0,
        stamp == t_s - e_l,
        latest_q == t_q - p + e_l - g,
        latest_q < stamp + E,
        t_q >= t_s,
        t_q - t_s - p < E,
    ]
    by_stamp = LENGTHS + RATES + SERVES + FREE_BY_STAMP
    return (
        pair(
            "voter by stamp",
            "P5",
            "a promise by the stamp of r' is over at t_s + T - skew at the earliest",
            FREE_BY_STAMP,
            t_v >= t_s + T - skew,
            "if r' was sent before r",
            [t_v >= t_s2 + T - skew, T == 5, t_s == 0],
            show=[t_s, t_s2, skew, t_v],
        )
        + pair(
            "skew is of two instants",
            "P5",
            "the leader's clock shows t_s' + x at its stamp, the voter's t_v + y at its vote: skew is y - x",
            [stamp == t_s2 + skew_0, earliest_v == t_v + skew_0 + skew, earliest_v >= stamp + T, t_s2 >= t_s],
            t_v >= t_s + T - skew,
            "with the leader's clock looked at when it reads instead",
            [
                stamp == t_s2 + e_l,
                earliest_v == t_v + skew_0 + skew,
                earliest_v >= stamp + T,
                t_s2 >= t_s,
                T == 5,
                e_l < 0,
                skew_0 == 0,
                skew == 0,
            ],
            show=[("leader ahead at its stamp", e_l), t_s2, t_v],
        )
        + pair(
            "deadline",
            "P6",
            "skew <= T - (D - s) / a: every lease read is before every vote by stamp",
            by_stamp + [p == 0, skew <= T - E / a],
            BEFORE,
            "a nanosecond beyond",
            by_stamp + DEFAULTS + AT_ONCE_BY_STAMP + [p == 0, a == 1, skew == T - E + NANOSECOND],
            show=[skew, t_s, t_s2, t_q, t_v],
        )
        + pair(
            "pause, deadline",
            "P17",
            "(D - s) / a + p <= T - skew: safe with a stopped machine",
            by_stamp + [E / a + p <= T - skew],
            BEFORE,
            "a nanosecond beyond",
            by_stamp + DEFAULTS + AT_ONCE_BY_STAMP + [a == 1, skew == 1, E + p == T - skew + NANOSECOND],
            show=[skew, p, t_s, t_s2, t_q, t_v],
        )
        + pair(
            "whichever comes first",
            "P19",
            "a promise by the wall clock or by the receipt is over at t_s + min(T / b, T - skew) at the earliest",
            LENGTHS + RATES + FREE_BY_EITHER,
            t_v >= t_s + z3.If(T / b <= T - skew, T / b, T - skew),
            "the wall clock's word alone, when the voter's wall clock is behind",
            LENGTHS + RATES + FREE_BY_EITHER + DEFAULTS + [b == 1, t_s == 0, skew == -28800],
            t_v >= t_s + T - skew,
            show=[skew, t_s, t_s2, t_a, t_v],
        )
        + pair(
            "deadline and elapsed",
            "P19",
            "(D - s) / a + p <= T / b and <= T - skew: every lease read is before every vote of the deadline form",
            LENGTHS + RATES + SERVES + FREE_BY_EITHER + [E / a + p <= T / b, E / a + p <= T - skew],
            BEFORE,
            "without (elapsed): a stopped leader, voters' wall clocks behind",
            LENGTHS
            + RATES
            + SERVES
            + FREE_BY_EITHER
            + DEFAULTS
            + [a == 1, b == 1, skew == -1, E + p == T - skew, t_s == 0, t_s2 == 0, t_a == 0, t_v == T],
            show=[skew, p, t_s, t_a, t_q, t_v],
        )
        + pair(
            "a promise by the faster clock",
            "P19",
            "if one of the voter's two clocks is within b, a promise by the slower of them is not over before T / b",
            LENGTHS + RATES + two_clocks + [slower >= T],
            t_v >= t_s + T / b,
            "by the faster of them",
            LENGTHS + RATES + two_clocks + DEFAULTS + [faster >= T, b == 1, t_s == 0, t_a == 0],
            t_v >= t_s + T / b,
            show=[raw, boot, t_s, t_a, t_v],
        )
        + pair(
            "by the receipt, with declared errors",
            "P18",
            "min(D - s, D - s - 2 e_l + g) + p <= T / b: a promise by the receipt outlasts the lease, whatever wall clocks say",
            LENGTHS + RATES + declared + FREE_BY_RECEIPT + [CONDITIONS["P18"]],
            BEFORE,
            "with the lag of the voter's wall clock counted in its favour",
            LENGTHS
            + RATES
            + SERVES
            + FREE_BY_RECEIPT
            + DEFAULTS
            + AT_ONCE_BY_RECEIPT
            + [a == 1, b == 1, skew == -1, E + p == T - skew],
            show=[skew, p, t_s, t_a, t_q, t_v],
        )
    )


def declared_errors():
    """Wall clocks say [earliest, latest]. The leader's errors are e_l, the voter's e_f."""
    errors = [e_l >= 0, e_f >= 0, g >= 0]
    # The leader shows `latest` = true time + e_l - g from the fall by g on, and stamped true time - e_l.
    leader = [stamp == t_s - e_l, latest_q == t_q + e_l - g, latest_q < stamp + E, t_q >= t_s, t_q - t_s < E]
    voter = [earliest_v == t_v + skew_0 - e_f, earliest_v >= stamp + T]
    least = z3.If(E <= E - 2 * e_l + g, E, E - 2 * e_l + g)
    # No clock of the leader's machine sees a stop of p.
    stopped = [
        p >= 0,
        stamp == t_s - e_l,
        latest_q == t_q - p + e_l,
        latest_q < stamp + E,
        t_q >= t_s,
        t_q - t_s - p < E,
    ]
    return (
        pair(
            "declared error, lease",
            "P7",
            "the lease is over at t_s + min(E, E - 2 e_l + g)",
            LENGTHS + errors + leader,
            t_q < t_s + least,
            "without the fall g of the leader's clock",
            LENGTHS + errors + leader + DEFAULTS + [e_l == 1],
            t_q < t_s + z3.If(E <= E - 2 * e_l, E, E - 2 * e_l),
            show=[e_l, g, t_s, t_q],
        )
        + pair(
            "declared error, promise",
            "P8",
            "the promise is over at t_s + T - skew_0 - e_l + e_f",
            LENGTHS + errors + voter + [stamp == t_s - e_l],
            t_v >= t_s + T - skew_0 - e_l + e_f,
            "if the leader's error counted for the promise",
            LENGTHS + errors + voter + DEFAULTS + [stamp == t_s - e_l, e_l == 1],
            t_v >= t_s + T - skew_0 + e_f,
            show=[e_l, e_f, skew_0, t_s, t_v],
        )
        + pair(
            "declared errors, safe",
            "P9",
            "g = 0 and skew_0 <= T - (D - s) + e_l + e_f: safe",
            LENGTHS + errors + leader + voter + [g == 0, skew_0 <= T - E + e_l + e_f],
            BEFORE,
            "a nanosecond beyond",
            LENGTHS
            + errors
            + leader
            + voter
            + DEFAULTS
            + [g == 0, e_l == 1, e_f == 0, t_s == 0, skew_0 == T - E + e_l + e_f + NANOSECOND],
            show=[e_l, e_f, skew_0, t_s, t_q, t_v],
        )
        + pair(
            "declared errors and a pause",
            "P17",
            "skew_0 + p <= T - (D - s) + e_l + e_f: safe with a stopped machine",
            LENGTHS + errors + stopped + voter + [CONDITIONS["P17"]],
            BEFORE,
            "a nanosecond beyond",
            LENGTHS
            + errors
            + stopped
            + voter
            + DEFAULTS
            + [e_l == 1, e_f == 0, p == 1, t_s == 0, skew_0 + p == T - E + e_l + e_f + NANOSECOND],
            show=[e_l, e_f, p, skew_0, t_s, t_q, t_v],
        )
    )


def true_errors():
    """The declared intervals hold the true time at every instant: P10."""
    truth = LENGTHS + [stamp <= t_s, stamp2 <= t_s2, latest_q >= t_q, earliest_v <= t_v, t_s2 >= t_s]
    read_and_vote = [latest_q < stamp + E, earliest_v >= stamp2 + T]
    by_receipt = truth + [latest_q < stamp + E, b > 0] + FREE_BY_RECEIPT
    return pair(
        "true errors, by the receipt",
        "P10",
        "D - s <= T / b: any rate and pause of the leader is safe, its wall clock ends the lease",
        by_receipt + [E <= T / b],
        BEFORE,
        "when the voter's monotonic clocks are too fast",
        by_receipt + DEFAULTS + AT_ONCE_BY_RECEIPT + [b == 3, stamp == 0],
        show=[b, t_s, t_a, t_q, t_v],
    ) + pair(
        "true errors",
        "P10",
        "any offset, rate and pause is safe when D - s <= T and the stamp of r' is not the earlier one",
        truth + read_and_vote + [E <= T, stamp2 >= stamp],
        BEFORE,
        "when the stamp goes back within its true error",
        truth + read_and_vote + DEFAULTS + [e_l == 2, stamp2 >= t_s2 - 2 * e_l],
        show=[t_s, t_s2, stamp, stamp2, t_q, t_v],
    )


def obligations():
    parts = [the_two_instants, elapsed_form, deadline_form, declared_errors, true_errors, *consequences.PARTS]
    return [obligation for part in parts for obligation in part()]
