"""An obligation: a statement, the verdict that it must get, and two solvers that give one.

A statement is proved when no counterexample exists: the solver finds its negation unsatisfiable. It is refuted when the
solver gives a counterexample. Anything else is "unknown", and unknown is a failure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"
VERDICTS = {"unsat": PROVED, "sat": REFUTED, "unknown": UNKNOWN}


@dataclass
class Obligation:
    """`given` implies `then`. `expect` is the verdict that it must get."""

    name: str
    says: str  # in a sentence
    given: list
    then: z3.BoolRef
    expect: str = PROVED
    show: list = field(default_factory=list)  # what a counterexample shows: constants of the solver, or (label, term)
    tell: Callable | None = None  # or: tells a counterexample, from a model
    nonlinear: bool = False
    # No quantifiers: a counterexample is checked by putting its values in. cvc5 is not asked.
    finite: bool = False

    def smt2(self):
        """The negation as SMT-LIB2 text: any solver of that standard can be asked."""
        solver = z3.Solver()
        solver.add(*self.given, z3.Not(self.then))
        return "(set-logic ALL)\n" + solver.to_smt2()


@dataclass
class Answer:
    """What a solver said, and how long it took."""

    verdict: str
    milliseconds: float
    counterexample: str = ""


def ask_z3(obligation):
    """z3 works on the terms themselves.

    First without model-based instantiation: that finds most proofs of quantified statements at once, and nothing else.
    Effort is limited in z3's own units, so that the verdict does not depend on how busy the machine is.
    """
    began = time.monotonic()
    for patient in (True,) if obligation.finite else (False, True):
        solver = z3.Solver()
        solver.set("rlimit", 60_000_000 if patient else 3_000_000)
        if not patient:
            solver.set("auto_config", False)
            solver.set("smt.mbqi", False)
        solver.add(*obligation.given, z3.Not(obligation.then))
        verdict = VERDICTS[str(solver.check())]
        if verdict != UNKNOWN:
            break
    spent = 1_000 * (time.monotonic() - began)
    if verdict != REFUTED:
        return Answer(verdict, spent)
    model = solver.model()
    told = obligation.tell(model) if obligation.tell else shown_values(model, obligation.show)
    if obligation.finite and not is_counterexample(obligation, model):
        return Answer(UNKNOWN, spent, told)
    return Answer(verdict, spent, told)


def is_counterexample(obligation, model):
    """With the counterexample's values put in, all that is given is true and the statement is false."""
    return all(z3.is_true(model.eval(term, True)) for term in [*obligation.given, z3.Not(obligation.then)])


def ask_cvc5(obligation, limit_ms=60_000):
    """cvc5 gets text, so that it shares nothing with z3 but the standard."""
    import cvc5

    manager = cvc5.TermManager()
    solver = cvc5.Solver(manager)
    solver.setOption("tlimit-per", str(limit_ms))
    if obligation.nonlinear:
        # Cylindrical coverings decide what the default only searches for.
        solver.setOption("nl-cov", "true")
        solver.setOption("nl-ext", "none")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, obligation.smt2(), obligation.name)
    began = time.monotonic()
    said = "unknown"
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, parser.getSymbolManager()).strip() or said
    spent = 1_000 * (time.monotonic() - began)
    return Answer(VERDICTS.get(said.split()[0], UNKNOWN), spent)


def shown_values(model, wanted):
    """`name = value` for each wanted term, exactly."""
    pairs = [one if isinstance(one, tuple) else (str(one), one) for one in wanted]
    return ", ".join(f"{label} = {plain(model.eval(term, True))}" for label, term in pairs)


def plain(value):
    """A solver's number as people write it: exact decimals where they are short, fractions elsewhere."""
    if z3.is_algebraic_value(value):
        value = value.approx(12)
    if not z3.is_rational_value(value):
        return str(value)
    top, bottom = value.numerator_as_long(), value.denominator_as_long()
    for digits in range(13):
        if 10**digits % bottom == 0:
            scaled = abs(top) * 10**digits // bottom
            text = f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}" if digits else str(scaled)
            return ("-" if top < 0 else "") + text
    return f"{top}/{bottom}"
