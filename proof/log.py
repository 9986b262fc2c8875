"""What a read returns: the state machine holds every acknowledged write (docs/ideas/proof.md, section 1; rule 5).

Leader completeness and log matching are Raft's, and assumed. That no higher term is elected is the protocol's part.
"""

from z3 import And, Implies

from membership import model
from obligation import PROVED, REFUTED, Obligation
from protocol.vocabulary import Finite, Unbounded

STATE = {
    "elected": (("Term",), "Bool"),
    "log_when_elected": (("Term",), "Entry"),
    "applied": (("Term",), "Entry"),  # the last entry that this term's leader has applied
    "acknowledged": (("Entry",), "Bool"),  # the client has the answer to this write
    "acknowledged_by": (("Entry",), "Term"),  # the term of the leader that answered
    "committed": (("Entry", "Term"), "Bool"),
}
WORDS = (model.FIXED, STATE)
SERVES_UNAPPLIED = "serves-unapplied"
LOGS = [
    "a log begins with the first configuration",
    "precedence is transitive",
    "precedence has no circles",
    "an entry determines its log",
    "terms grow along a log",
]


class Reading:
    """The leader of term T answers a lease read. W is any acknowledged write."""

    def __init__(self, v):
        self.v, self.s = v, v.state()
        self.t, self.w = v.const("T", "Term"), v.const("W", "Entry")
        self.by = self.s.acknowledged_by(self.w)
        v, s, t, w = self.v, self.s, self.t, self.w
        logs = model.facts(v)
        self.base = [logs[name] for name in LOGS] + [
            model.leader_completeness(v, s),
            t >= 1,
            s.elected(t),
            s.acknowledged(w),
            s.elected(self.by),
            v.before(s.log_when_elected(t), v.own(t)),
            v.term_of(v.own(t)) == t,
            # A leader answers a write when it is committed.
            Implies(s.acknowledged(w), s.committed(w, self.by)),
        ]
        self.rule_5 = v.before(v.own(t), s.applied(t))
        # A leader answers a write when it has applied it.
        self.own_writes = Implies(self.by == t, v.before(w, s.applied(t)))
        self.fresh = v.every(["Term"], lambda u: Implies(s.elected(u), u <= t))
        self.holds_it = v.before(w, s.applied(t))

    def show(self):
        s, v = self.s, self.v
        return [
            ("T", self.t),
            ("write", self.w),
            ("answered in term", self.by),
            ("own entry", v.own(self.t)),
            ("applied", s.applied(self.t)),
            ("log when elected", s.log_when_elected(self.t)),
        ]


def obligations():
    r = Reading(model.vocabulary(Unbounded, ("Entry", "Voters"), words=WORDS))
    lower = r.by < r.t
    proved = [
        ("the log has the writes of lower terms", r.base + [lower], r.v.before(r.w, r.s.log_when_elected(r.t))),
        ("with an own entry applied, the state machine has them", r.base + [lower, r.rule_5], r.holds_it),
        ("a read holds every acknowledged write", r.base + [r.rule_5, r.own_writes, r.fresh], r.holds_it),
    ]
    found = [Obligation(f"log: {name}", "section 1", given, then, PROVED) for name, given, then in proved]
    values = {"Entry": [f"entry{place}" for place in range(1, 5)], "Voters": ["quorum"]}
    r = Reading(model.vocabulary(Finite, values, 3, words=WORDS))
    few = And([And(0 <= term, term <= 3) for term in [r.t, r.by] + [r.v.term_of(e) for e in r.v.values["Entry"]]])
    refuted = [
        (SERVES_UNAPPLIED, "without rule 5", [r.own_writes, r.fresh]),
        (
            "answers-unapplied*",
            "a leader that answers its writes when they are committed, and not yet applied",
            [r.rule_5, r.fresh],
        ),
        ("serves-superseded*", "when a higher term is elected", [r.rule_5, r.own_writes]),
    ]
    found += [
        Obligation(
            f"log: {name}: a read lacks an acknowledged write",
            says,
            r.base + [few, *given],
            r.holds_it,
            REFUTED,
            show=r.show(),
            finite=True,
        )
        for name, says, given in refuted
    ]
    return found
