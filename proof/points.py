"""Random points at which the lemmas and theory in Rust must agree: `points.json`.

    python points.py            checks that the file is what it should be
    python points.py --write    writes it

For each point the file says what the lemmas say, by the very terms of letters.py and by exact fractions. The test
sim/run/tests/proof.rs reads the file and asks theory.rs and bound.rs.
"""

import json
import pathlib
import random
import sys
from fractions import Fraction

import z3

import letters

FILE = pathlib.Path(__file__).with_name("points.json")
POINTS = 240
SEED = 11
BILLION = 1_000_000_000


def point(chance):
    """Lengths in ns, rates in parts per billion. n1 leads first; n1, n2 and n3 vote."""
    form = chance.choice(["elapsed", "deadline"])
    timeout = chance.randrange(200_000_000, 8_000_000_000)
    skew = chance.choice([0, chance.randrange(0, 500_000_000)])
    # Half of the points are near the bound, where a wrong sign shows.
    near = chance.random() < 0.5
    effective = (
        timeout - chance.randrange(0, 50_000_000) if near else chance.randrange(1_000_000, timeout + 300_000_000)
    )
    drift = 5_000_000 if near else 200_000_000
    rate = (lambda: chance.randrange(-drift, drift)) if form == "elapsed" else (lambda: 0)
    offset = lambda: chance.randrange(-40_000_000, 40_000_000) if form == "deadline" else 0
    error = lambda: chance.choice([0, chance.randrange(0, 20_000_000)]) if form == "deadline" else 0
    return {
        "form": form,
        "duration": effective + skew,
        "timeout": timeout,
        "skew": skew,
        "nodes": [{"rate": rate(), "offset": offset(), "error": error()} for _ in range(3)],
        "pause": chance.choice([0, 0, chance.randrange(0, 30_000_000)]),  # of n1's machine
        "step": (
            chance.choice([0, 0, chance.randrange(-30_000_000, 30_000_000)]) if form == "deadline" else 0
        ),  # of n2's clock
        "restart": chance.random() < 0.25,  # of n2 and n3
    }


def values(data, leader, voter):
    """The letters of the docs for a leader and a voter, in nanoseconds."""
    of_leader, of_voter = data["nodes"][leader], data["nodes"][voter]
    # A voter's step forward counts, and a leader's back.
    step = max(data["step"], 0) if voter == 1 else max(-data["step"], 0) if leader == 1 else 0
    return {
        "E": data["duration"] - data["skew"],
        "T": data["timeout"],
        "p": data["pause"] if leader == 0 else 0,
        "a": Fraction(BILLION + of_leader["rate"], BILLION),
        "b": Fraction(BILLION + of_voter["rate"], BILLION),
        "e_l": of_leader["error"],
        "e_f": of_voter["error"],
        "skew_0": of_voter["offset"] - of_leader["offset"] + step,
        # How far the leader's wall clock falls back after the stamp.
        "g": max(-data["step"], 0) if leader == 1 else 0,
    }


def conditions(data):
    """The lines of the docs that decide. A promise of the deadline form ends by the wall clock or by the receipt."""
    return ["P16"] if data["form"] == "elapsed" else ["P17", "P18"]


def slack(line, x):
    """By how much the condition holds, in ns, exactly."""
    if line == "P16":
        return x["T"] / x["b"] - x["E"] / x["a"] - x["p"]
    if line == "P17":
        return Fraction(x["T"] - x["E"] + x["e_l"] + x["e_f"] - x["skew_0"] - x["p"])
    return x["T"] / x["b"] - min(x["E"], x["E"] - 2 * x["e_l"] + x["g"]) - x["p"]


def holds(line, x):
    """The lemma's own condition, with these values put in."""
    term = letters.CONDITIONS[line]
    numbers = [(z3.Real(name), z3.RealVal(str(value))) for name, value in x.items()]
    return z3.is_true(z3.simplify(z3.substitute(term, *numbers)))


def answer(data):
    """The least slack over all leaders and voters, as a fraction, and whether the lemmas say "safe"."""
    pairs = [(leader, voter) for leader in range(3) for voter in range(3) if leader != voter]
    found = []
    for leader, voter in pairs:
        x = values(data, leader, voter)
        for line in conditions(data):
            found.append(slack(line, x))
            assert holds(line, x) == (found[-1] >= 0), "the lemma's term and the fraction say the same"
    least = min(found)
    return {"slack": [str(least.numerator), str(least.denominator)], "safe": least >= 0}


def text():
    chance = random.Random(SEED)
    points = [point(chance) for _ in range(POINTS)]
    lines = [json.dumps(data | answer(data)) for data in points]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    fresh = text()
    if "--write" in sys.argv[1:]:
        FILE.write_text(fresh)
    elif FILE.read_text() != fresh:
        sys.exit("points: points.json is not what points.py writes; see `python points.py --write`")
    safe = fresh.count('"safe": true')
    print(f"points: {POINTS} points, {safe} safe by the lemmas")


if __name__ == "__main__":
    main()
