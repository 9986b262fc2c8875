"""Checks every obligation and says how many were proved and refuted.

Exit code 1 when one gets another verdict than it must.

    python check.py [--all] [--no-cvc5] [WORD ...]

`--all` prints every obligation, with counterexamples. WORDs select obligations whose names contain one of them.
"""

import argparse
import multiprocessing
import os
import pathlib
import sys
import time

import arithmetic
import log
import membership.broken
import membership.proof
import reads
from obligation import PROVED, REFUTED, UNKNOWN, ask_cvc5, ask_z3
from protocol import broken, obligations, possible

GROUPS = [
    ("arithmetic of the docs", arithmetic.obligations),
    ("the protocol, any number of nodes, terms and rounds", obligations.sound),
    ("the same without a rule that another covers for", obligations.not_needed_for_freshness),
    ("lower terms", log.obligations),
    ("reads by a quorum", reads.obligations),
    ("members that change", membership.proof.proof),
    ("members that change, conditions left out", membership.broken.obligations),
    ("rules broken one by one", broken.obligations),
    ("what is possible", possible.obligations),
]


def judged(obligation, ask_second):
    """The answers of both solvers, and what is wrong with them."""
    first = ask_z3(obligation)
    wrong = [] if first.verdict == obligation.expect else [f"z3 says {first.verdict}, must be {obligation.expect}"]
    second = ask_cvc5(obligation) if ask_second and not obligation.finite else None
    if second and second.verdict != obligation.expect:
        wrong.append(f"cvc5 says {second.verdict}, must be {obligation.expect}")
    return first, second, wrong


def work(share):
    """One worker's share. The obligations are those of the parent process: solvers' terms cannot be sent."""
    return [(place, judged(ALL[place][1], ALL[place][2])) for place in share]


def scenarios_without_a_proof():
    """Files in scenarios/rules whose break is in no obligation, and breaks that should have a file."""
    here = {one.name for one in [*broken.BROKEN, *membership.broken.BROKEN] if not one.name.endswith("*")}
    here |= {log.SERVES_UNAPPLIED} | reads.BROKEN | set(broken.SAME_BREAK)
    folder = pathlib.Path(__file__).parent.parent / "scenarios" / "rules"
    return here ^ {file.stem for file in folder.glob("*.toml")}


def selected(words):
    found = []
    for title, make in GROUPS:
        for obligation in make():
            if not words or any(word in obligation.name for word in words):
                found.append((title, obligation))
    return found


def report(everything, answers):
    """Prints a line a group, each failure, and with `everything` each obligation. Gives the number of failures."""
    failures = 0
    for title, _ in GROUPS:
        of_group = [(ALL[place][1], answers[place]) for place in sorted(answers) if ALL[place][0] == title]
        if not of_group:
            continue
        count = {
            verdict: sum(first.verdict == verdict for _, (first, _, _) in of_group) for verdict in (PROVED, REFUTED)
        }
        agreed = sum(second is not None and second.verdict == first.verdict for _, (first, second, _) in of_group)
        asked = sum(second is not None for _, (_, second, _) in of_group)
        second = f"; cvc5 agrees on {agreed} of {asked}" if asked else ""
        print(f"{title}: {count[PROVED]} proved, {count[REFUTED]} refuted{second}")
        for obligation, (first, second, wrong) in of_group:
            failures += bool(wrong)
            if wrong or everything:
                mark = "WRONG " if wrong else ""
                print(
                    f"  {mark}{first.verdict} in {first.milliseconds:.0f} ms: {obligation.name} ({obligation.says})"
                )
                for line in [*wrong, *first.counterexample.splitlines()]:
                    print(f"      {line}")
    return failures


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--all", action="store_true", help="print every obligation")
    options.add_argument("--no-cvc5", action="store_true", help="ask z3 alone")
    options.add_argument("words", nargs="*")
    chosen = options.parse_args()
    began = time.monotonic()
    global ALL
    ALL = [(title, obligation, not chosen.no_cvc5) for title, obligation in selected(chosen.words)]
    names = [obligation.name for _, obligation, _ in ALL]
    assert len(set(names)) == len(names), "one obligation, one name"
    assert (
        not scenarios_without_a_proof()
    ), f"in proof/ or in scenarios/rules, not in both: {scenarios_without_a_proof()}"
    workers = os.cpu_count() or 1
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        shares = pool.map(work, [range(place, len(ALL), 8 * workers) for place in range(8 * workers)])
    answers = dict(pair for share in shares for pair in share)
    failures = report(chosen.all, answers)
    verdicts = [first.verdict for first, _, _ in answers.values()]
    print(
        f"proof: {verdicts.count(PROVED)} proved, {verdicts.count(REFUTED)} refuted, "
        f"{verdicts.count(UNKNOWN)} unknown, {failures} wrong, in {time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if failures or not answers else 0)


if __name__ == "__main__":
    main()
