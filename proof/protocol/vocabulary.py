"""The words of the model: its sorts, the facts that never change, and the state that actions change.

One vocabulary, two readings:

* `Unbounded`: any number of nodes, terms, rounds and lengths. Quantifiers stay quantifiers. The proofs use it.
* `Finite`: a few of each, in milliseconds. Quantifiers become conjunctions, so the solver always answers.
  Counterexamples and stories use it.

The actions and the invariant are written once and work on both.
"""

from itertools import count, product

import z3

# What actions change: name -> (sorts of the arguments, sort of the value).
STATE = {
    "now": ((), "Time"),  # true time
    # Elections.
    "term": (("Node",), "Term"),  # on stable storage
    "voted": (("Node", "Term", "Node"), "Bool"),  # the node voted, in that term, for that candidate
    "pre_voted": (("Node", "Term", "Node"), "Bool"),
    "seeks": (("Node",), "Bool"),  # pre-candidate
    "candidate": (("Node",), "Bool"),
    "leads": (("Node",), "Bool"),  # the leader of its term, as far as it knows
    "elected": (("Term", "Node"), "Bool"),  # was elected in that term, at some time
    "told": (("Term", "Node"), "Bool"),  # the leader of that term sent TimeoutNow to that node
    "barred": (("Term",), "Bool"),  # the leader of that term gave up leases for the rest of the term
    # Rounds, and what their leader knows of them.
    "sent": (("Round",), "Bool"),
    "forgotten": (("Round",), "Bool"),  # renews no lease any more
    "given_up": (("Round",), "Bool"),  # and no lease rests on it any more
    "in_force": (("Node",), "Lengths"),  # the lengths that this leader uses
    "last_stamp": (("Node",), "Time"),  # the last wall-clock stamp of this leader
    "has_stamp": (("Node",), "Bool"),
    # Promises.
    "acknowledged": (
        ("Node", "Round"),
        "Bool",
    ),  # accepted the round, or a later one of the term, before it was forgotten
    "newest": (("Node",), "Round"),  # the newest round that it promised for
    "has_newest": (("Node",), "Bool"),
    "keeps": (("Node", "Round"), "Bool"),  # the promise for that round binds it
    "longest": (("Node",), "Length"),  # the longest promise that it ever gave, on stable storage
    "restart_until": (("Node",), "Time"),  # the promise of its last start
    # Leases.
    "lease": (("Node",), "Bool"),
    "lease_until": (("Node",), "Time"),
    "lease_round": (("Node",), "Round"),  # the round that it rests on
    "lease_quorum": (("Node",), "Voters"),  # whose acknowledgements gave it
    # Ghosts: no node knows these. They remember what the proof needs.
    "superseded": (("Term",), "Bool"),  # some node was elected in a higher term
    "first": (("Term",), "Term"),  # the first such term, in true time
    "first_leader": (("Term",), "Node"),
    "elected_by": (("Term", "Node"), "Voters"),
    "sender": (("Round",), "Node"),
    "late": (("Node", "Term", "Term"), "Bool"),  # its vote in the one term came when the other was superseded
    "lease_cap": (("Round",), "Time"),  # a lease that rests on that round is over by then
    "cover": (("Node", "Round"), "Round"),  # the kept promise that outlasts a lease on that round
}

# What never changes: which rounds there will be, what they carry, when leases and promises end.
FIXED = {
    "of": (("Round",), "Term"),
    "number": (("Round",), "Number"),  # counts up within a term
    "at": (("Round",), "Time"),  # the true time of the reading that precedes its send
    "stamped": (("Round",), "Bool"),
    "stamp": (("Round",), "Time"),
    "carried": (("Round",), "Lengths"),
    "deadline_form": (("Term",), "Bool"),  # the form of its leader's lease
    "timeout": (("Lengths",), "Length"),  # T
    "effective": (("Lengths",), "Length"),  # E = D - s
    "lease_over": (("Round", "Lengths"), "Time"),  # no reading after it finds a lease on that round, so long, running
    "length": (("Node", "Round"), "Length"),  # for how long the node promises when it accepts that round
    "promise_over": (("Node", "Round"), "Time"),  # no reading before it finds that promise over
    "member": (("Node", "Voters"), "Bool"),
    "majority": (("Voters",), "Bool"),
    "large": (("Voters",), "Bool"),  # as many nodes as a majority has, voters or not
    "half": (("Voters",), "Bool"),  # half of the voters
    "common": (("Voters", "Voters"), "Node"),  # a node that two majorities have in common
}


class State:
    """A state: one function a name of `STATE`, called with terms of the solver."""

    def __init__(self, functions):
        self.__dict__.update(functions)

    def after(self, effects):
        """The state in which `effects` (name -> function of the arguments) have happened, and nothing besides."""
        return State(self.__dict__ | effects)


WORDS = (FIXED, STATE)


class Vocabulary:
    """Sorts, fixed functions, states and quantifiers. See `Unbounded` and `Finite`."""

    def __init__(self, sorts, words):
        self.sorts = sorts
        fixed, self._state = words
        self.step = ""  # parameters of actions get this suffix: one set a step of a story
        self._depth = 0
        for name, (arguments, value) in fixed.items():
            setattr(self, name, self._function(name, arguments, value))

    def _function(self, name, arguments, value):
        if not arguments:
            constant = z3.Const(name, self.sorts[value])
            return lambda: constant
        return z3.Function(name, *[self.sorts[sort] for sort in arguments], self.sorts[value])

    def state(self, suffix=""):
        """A state about which nothing is known."""
        return State({name: self._function(name + suffix, *signature) for name, signature in self._state.items()})

    def const(self, name, sort):
        return z3.Const(f"{name}{self.step}", self.sorts[sort])

    def bound(self, sorts, body):
        """Variables for these sorts, named as the parameters of `body`, and what it says of them.

        The same statement always gets the same names, so the solver sees that it is the same.
        """
        names = body.__code__.co_varnames[: body.__code__.co_argcount] or [f"x{place}" for place in range(len(sorts))]
        self._depth += 1
        variables = [z3.Const(f"{name}.{self._depth}", self.sorts[sort]) for name, sort in zip(names, sorts)]
        said = body(*variables)
        self._depth -= 1
        return variables, said


class Unbounded(Vocabulary):
    """Any number of everything. Times and lengths are real numbers, terms are integers."""

    def __init__(self, sorts=("Node", "Round", "Voters", "Lengths"), words=WORDS):
        uninterpreted = {name: z3.DeclareSort(name) for name in sorts}
        numbers = {"Time": z3.RealSort(), "Length": z3.RealSort(), "Term": z3.IntSort(), "Number": z3.IntSort()}
        super().__init__(uninterpreted | numbers | {"Bool": z3.BoolSort()}, words)

    def every(self, sorts, body, seen=None):
        """For every choice of values of these sorts, `body` holds.

        `seen`: the solver looks at a choice once it sees these terms. Without it the solver picks terms by itself.
        """
        variables, said = self.bound(sorts, body)
        if seen is None:
            return z3.ForAll(variables, said)
        terms = seen(*variables)
        pattern = z3.MultiPattern(*terms) if len(terms) > 1 else terms[0]
        return z3.ForAll(variables, said, patterns=[pattern])


class Finite(Vocabulary):
    """A few of everything. Times are whole milliseconds."""

    _instances = count(1)

    def __init__(self, values, terms, words=WORDS):
        sorts = {}
        self.values = {"Term": [z3.IntVal(term) for term in range(terms + 1)]}
        for sort, names in values.items():
            # The solver wants a new name for each new sort.
            sorts[sort], self.values[sort] = z3.EnumSort(f"{sort}{next(Finite._instances)}", names)
        integers = {name: z3.IntSort() for name in ("Time", "Length", "Term", "Number")}
        super().__init__(sorts | integers | {"Bool": z3.BoolSort()}, words)

    def every(self, sorts, body, seen=None):
        variables, said = self.bound(sorts, body)
        # Built once, and copied by the solver.
        return z3.And([z3.substitute(said, *zip(variables, values)) for values in self.cells(sorts)])

    def cells(self, arguments):
        """All choices of arguments of these sorts."""
        return product(*[self.values[sort] for sort in arguments])


class Few(Finite):
    """A finite vocabulary of the protocol, whose values of `Voters` are the sets of nodes."""

    def __init__(self, voters=3, learners=0, rounds=2, terms=2, lengths=1):
        nodes = voters + learners
        values = {
            "Node": [f"n{place + 1}" for place in range(nodes)],
            "Round": [f"r{place + 1}" for place in range(rounds)],
            "Lengths": [f"lengths{place + 1}" for place in range(lengths)],
            "Voters": [self._name_of(mask) for mask in range(1, 2**nodes)],
        }
        super().__init__(values, terms)

    @staticmethod
    def _name_of(mask):
        members = [f"n{place + 1}" for place in range(mask.bit_length()) if mask >> place & 1]
        return "{" + ",".join(members) + "}"

    def sets_of_nodes(self):
        """Each value of `Voters`, with its members' places."""
        for place, value in enumerate(self.values["Voters"]):
            mask = place + 1
            yield value, [node for node in range(mask.bit_length()) if mask >> node & 1]
