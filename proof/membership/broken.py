"""Members that change: each condition left out, the statement that it costs, and a run that shows it."""

from dataclasses import dataclass, replace

from z3 import And, Not, Or

from obligation import PROVED, REFUTED, Obligation
from protocol.vocabulary import Finite

from .model import ACTIONS, SOUND, Rules, facts, leader_completeness, quorums_are_near, starts, vocabulary
from .proof import steps


@dataclass(frozen=True)
class Broken:
    """A condition left out, the statement that it costs, and a run: actions with the term that acts."""

    name: str
    rules: Rules
    action: str
    statement: str
    run: list = None


TWO_STEPS = [("elect", 1), ("reconfigure", 1), ("reconfigure", 1), ("send", 1), ("renew", 1), ("elect", 2)]
SIBLINGS = [
    ("elect", 1),
    ("send", 1),
    ("reconfigure", 1),
    ("elect", 2),
    ("send", 2),
    ("reconfigure", 2),
    ("renew", 2),
    ("elect", 3),
]
NO_QUORUM_SINCE = [
    ("elect", 1),
    ("send", 1),
    ("renew", 1),
    ("commit", 1),
    ("reconfigure", 1),
    ("commit", 1),
    ("reconfigure", 1),
    ("elect", 2),
]
PATIENT = [
    ("elect", 1),
    ("send", 1),
    ("commit", 1),
    ("reconfigure", 1),
    ("send", 1),
    ("commit", 1),
    ("reconfigure", 1),
    ("append", 1),
    ("send", 1),
    ("renew", 1),
    ("elect", 2),
]
BROKEN = [
    Broken(
        "changes-without-waiting",
        replace(SOUND, configuration_committed=False, own_term_committed=False, configuration_acknowledged=False),
        "reconfigure",
        "a lease is at most one configuration behind (c)",
        TWO_STEPS,
    ),
    Broken(
        "without (a)*", replace(SOUND, configuration_committed=False), "reconfigure", "configurations waited for (a)"
    ),
    Broken(
        "without (b)*",
        replace(SOUND, own_term_committed=False),
        "reconfigure",
        "configurations waited for (b)",
        SIBLINGS,
    ),
    Broken(
        "without (c)*",
        replace(SOUND, configuration_acknowledged=False),
        "reconfigure",
        "a lease is at most one configuration behind (c)",
        NO_QUORUM_SINCE,
    ),
]


def few(entries, terms, quorums):
    values = {
        "Entry": [f"entry{place}" for place in range(1, entries + 1)],
        "Voters": [f"quorum{place}" for place in range(1, quorums + 1)],
    }
    return vocabulary(Finite, values, terms)


def terms_are_few(v, s):
    last = len(v.values["Term"]) - 1
    terms = (
        [v.term_of(e) for e in v.values["Entry"]] + [s.first(t) for t in v.values["Term"]] + [v.const("U", "Term")]
    )
    return And([And(0 <= term, term <= last) for term in terms])


def lost_statement(broken):
    v = few(6, 2, 2)
    s = v.state()
    _, _, given, then = next(
        step for step in steps(v, s, broken.rules, [broken.action]) if step[1] == broken.statement
    )
    return Obligation(
        f"members: {broken.name}: {broken.action} does not keep: {broken.statement}",
        "without the condition",
        given + [terms_are_few(v, s)],
        then,
        REFUTED,
        show=[v.const("U", "Term"), v.const("ENTRY", "Entry"), s.log(v.const("U", "Term"))],
        finite=True,
    )


def two_steps_apart(v, s):
    """A lease runs and a higher term was elected, and their configurations are two steps apart."""
    return Or([And(s.lease(t), s.superseded(t), Not(quorums_are_near(v, s, t))) for t in v.values["Term"]])


def changed_twice(v, s):
    """The leader of term 1 has a lease that is counted by the second configuration after the first."""
    newest = v.counted_by(s.lease_quorum(1))
    return And(s.lease(1), s.superseded(1), newest != v.root(), v.previous(newest) != v.root())


def run_of(name, run, rules, expect, ending=two_steps_apart):
    """A run of these actions, by these terms, that ends as asked."""
    v = few(7, 2 if name.startswith("possible") else 3, 4)
    s = v.state()
    given = [*facts(v).values(), starts(v, s)]
    acts = []
    for step, (action, term) in enumerate(run, 1):
        v.step = f"_{step}"
        guard, effects = ACTIONS[action](v, s, rules)
        parameters = [
            (word, v.const(word, sort))
            for word, sort in [("ENTRY", "Entry"), ("LOG", "Entry"), ("Q", "Voters"), ("K", "Number")]
        ]
        acts.append((action, term, parameters, guard))
        given += [guard, v.const("U", "Term") == term]
        s = s.after(effects)
        given += [leader_completeness(v, s), terms_are_few(v, s)]
        v.step = ""
    return Obligation(
        f"members: {name}: {'no ' if expect == PROVED else ''}run",
        ending.__doc__,
        given,
        Not(ending(v, s)),
        expect,
        tell=lambda model: tell(v, acts, model),
        finite=True,
    )


def tell(v, acts, model):
    """The run, and for each entry the one before and whether it is a configuration."""
    lines = [""]
    for action, term, parameters, guard in acts:
        used = [(word.rstrip("_0123456789"), value) for word, value in parameters if str(value) in str(guard)]
        lines.append(
            f"term {term}: {action} " + " ".join(f"{word.lower()}={model.eval(value, True)}" for word, value in used)
        )
    for e in v.values["Entry"]:
        kind = "configuration" if str(model.eval(v.is_configuration(e), True)) == "True" else "entry"
        log = [str(f) for f in v.values["Entry"] if str(model.eval(v.before(f, e), True)) == "True"]
        lines.append(f"{e}: {kind} of term {model.eval(v.term_of(e), True)}; its log: {' '.join(log)}")
    for q in v.values["Voters"]:
        lines.append(f"{q}: a majority of {model.eval(v.counted_by(q), True)}")
    return "\n".join(lines)


def obligations():
    found = []
    for broken in BROKEN:
        found.append(lost_statement(broken))
        if broken.run:
            found += [
                run_of(broken.name, broken.run, SOUND, PROVED),
                run_of(broken.name, broken.run, broken.rules, REFUTED),
            ]
    found.append(run_of("possible: two changes and an election", PATIENT, SOUND, REFUTED, changed_twice))
    return found
