"""What can happen, one action a function: a guard, and the effects on the state.

Messages need no state of their own. What was sent once may arrive at any later time, any number of times, or never.
So an action that a message causes asks only whether that message can have been sent.

Every action happens at one instant. Only `time_passes` moves true time.
"""

from dataclasses import dataclass

import z3
from z3 import And, If, Implies, Not, Or

NAMES = [
    "time_passes",
    "seek",
    "pre_vote",
    "campaign",
    "vote",
    "timeout_now",
    "transfer_campaign",
    "transfer_vote",
    "elect",
    "send",
    "accept",
    "renew",
    "recount",
    "change_lengths",
    "step_down",
    "see_term",
    "restart",
    "first_start",
    "read",
]
TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)


@dataclass(frozen=True)
class Action:
    """Something that may happen in a state."""

    name: str
    parameters: dict  # name -> constant of the solver
    guard: z3.BoolRef
    effects: dict  # name of STATE -> function of the arguments: the new value


def actions(v, s, rules):
    """All actions that may happen in state `s` under `rules`, in the vocabulary `v`."""
    return [action(v, s, rules, name) for name in NAMES]


def action(v, s, rules, name):
    """One action by its name."""
    return globals()[name](v, s, rules)


def at(place, value, old):
    """The function that has `value` at the arguments `place`, and is `old` elsewhere."""
    return lambda *args: If(And([arg == want for arg, want in zip(args, place)]), value, old(*args))


def becomes_follower(s, rules, node, only_if=TRUE):
    """Effects of stepping down, whatever the reason: no leadership, no candidacy, and (rule 7) no lease."""

    def ended(old):
        return lambda n: And(old(n), Not(And(n == node, only_if)))

    effects = {name: ended(getattr(s, name)) for name in ("leads", "seeks", "candidate")}
    if rules.step_down_ends_lease:
        effects["lease"] = ended(s.lease)
    return effects


def lease_runs(s, node):
    return And(s.lease(node), s.now() < s.lease_until(node))


def promises_are_over(v, s, node):
    """The node's clocks may say that every promise that binds it is over (`running_promise`)."""
    kept = v.every(["Round"], lambda k: Implies(s.keeps(node, k), v.promise_over(node, k) <= s.now()))
    return And(kept, s.restart_until(node) <= s.now())


def same_term_not_later(v, r, k):
    """`r` is `k` or an earlier round of the same term."""
    return And(v.of(r) == v.of(k), v.number(r) <= v.number(k))


# Time


def time_passes(v, s, rules):
    later = v.const("LATER", "Time")
    return Action("time_passes", {"later": later}, later >= s.now(), {"now": lambda: later})


# Elections: src/raft/election.rs, src/raft/transfer.rs


def seek(v, s, rules):
    """A node finds its promises over and asks for pre-votes."""
    c = v.const("C", "Node")
    guard = And(Not(s.leads(c)), promises_are_over(v, s, c))
    effects = {
        "seeks": at([c], TRUE, s.seeks),
        "candidate": at([c], FALSE, s.candidate),
        "pre_voted": at([c, s.term(c) + 1, c], TRUE, s.pre_voted),
    }
    return Action("seek", {"c": c}, guard, effects)


def pre_vote(v, s, rules):
    """A node says that it would vote. It changes no term and promises nothing."""
    n, u, c = v.const("N", "Node"), v.const("U", "Term"), v.const("C", "Node")
    guard = [u > s.term(n), n != c]
    if rules.pre_votes_withheld:
        guard.append(promises_are_over(v, s, n))
    if rules.leader_withholds:
        guard.append(Not(lease_runs(s, n)))
    return Action("pre_vote", {"n": n, "u": u, "c": c}, And(guard), {"pre_voted": at([n, u, c], TRUE, s.pre_voted)})


def cast_vote(v, s, rules, n, u, c):
    """Effects of a vote: it is stored with its term. A vote in a higher term ends what the node was."""
    effects = becomes_follower(s, rules, n, u > s.term(n))
    effects["term"] = at([n], u, s.term)
    effects["voted"] = at([n, u, c], TRUE, s.voted)
    fresh = Not(s.voted(n, u, c))
    effects["late"] = lambda m, w, t: If(And(m == n, w == u, fresh), s.superseded(t), s.late(m, w, t))
    return effects


def campaign(v, s, rules):
    """A pre-candidate that a majority would vote for votes for itself in the next term."""
    c, q = v.const("C", "Node"), v.const("Q", "Voters")
    u = s.term(c) + 1
    would = v.every(["Node"], lambda n: Implies(v.member(n, q), s.pre_voted(n, u, c)))
    effects = cast_vote(v, s, rules, c, u, c)
    effects["candidate"] = at([c], TRUE, s.candidate)
    return Action("campaign", {"c": c, "q": q}, And(s.seeks(c), v.majority(q), would), effects)


def may_still_vote(v, s, rules, n, u, c):
    """The node has not left that term, and has not voted for another candidate in it."""
    free = v.every(["Node"], lambda d: Implies(s.voted(n, u, d), d == c)) if rules.one_vote_a_term else TRUE
    return And(u >= s.term(n), n != c, free)


def vote(v, s, rules):
    """An ordinary vote, asked for by message (rule 2)."""
    n, u, c = v.const("N", "Node"), v.const("U", "Term"), v.const("C", "Node")
    guard = [may_still_vote(v, s, rules, n, u, c)]
    if rules.votes_withheld:
        guard.append(promises_are_over(v, s, n))
    if rules.leader_withholds:
        guard.append(Not(lease_runs(s, n)))
    return Action("vote", {"n": n, "u": u, "c": c}, And(guard), cast_vote(v, s, rules, n, u, c))


def timeout_now(v, s, rules):
    """A leader tells another node to campaign. Its own lease ends first, for the rest of the term (rule 4)."""
    leader, c = v.const("L", "Node"), v.const("C", "Node")
    effects = {"told": at([s.term(leader), c], TRUE, s.told)}
    if rules.transfer_bars_lease:
        effects["barred"] = at([s.term(leader)], TRUE, s.barred)
        effects["lease"] = at([leader], FALSE, s.lease)
    return Action("timeout_now", {"l": leader, "c": c}, And(s.leads(leader), leader != c), effects)


def transfer_campaign(v, s, rules):
    """A node that was told to campaign does so, whatever it has promised."""
    c = v.const("C", "Node")
    effects = cast_vote(v, s, rules, c, s.term(c) + 1, c)
    effects["candidate"] = at([c], TRUE, s.candidate)
    return Action("transfer_campaign", {"c": c}, And(s.told(s.term(c), c), Not(s.leads(c))), effects)


def transfer_vote(v, s, rules):
    """A vote for a candidate that the leader of the term before told to campaign. No promise withholds it."""
    n, u, c = v.const("N", "Node"), v.const("U", "Term"), v.const("C", "Node")
    guard = And(may_still_vote(v, s, rules, n, u, c), s.told(u - 1, c))
    return Action("transfer_vote", {"n": n, "u": u, "c": c}, guard, cast_vote(v, s, rules, n, u, c))


def elect(v, s, rules):
    """A candidate finds that a majority voted for it. It starts without a lease."""
    c, q = v.const("C", "Node"), v.const("Q", "Voters")
    u = s.term(c)
    votes = v.every(["Node"], lambda n: Implies(v.member(n, q), s.voted(n, u, c)))
    enough = v.majority(q) if rules.majority_elects else v.half(q)
    effects = becomes_follower(s, rules, c)
    effects |= {
        "leads": at([c], TRUE, s.leads),
        "lease": at([c], FALSE, s.lease),
        "has_stamp": at([c], FALSE, s.has_stamp),
        "elected": at([u, c], TRUE, s.elected),
        "elected_by": at([u, c], q, s.elected_by),
        "superseded": lambda t: Or(s.superseded(t), t < u),
        "first": lambda t: If(And(t < u, Not(s.superseded(t))), u, s.first(t)),
        "first_leader": lambda t: If(And(t < u, Not(s.superseded(t))), c, s.first_leader(t)),
    }
    guard = And(s.candidate(c), Not(s.elected(u, c)), enough, votes)
    return Action("elect", {"c": c, "q": q}, guard, effects)


# Rounds and promises: src/raft/leading.rs, src/raft/following.rs


def send(v, s, rules):
    """A leader sends its next round. It carries the lengths in force, and a stamp if the leader's wall clock is usable.

    A stamp that is earlier than the last one: the lease is given up first, and no earlier round renews it.
    """
    leader, r = v.const("L", "Node"), v.const("R", "Round")
    t = s.term(leader)
    newer = v.every(["Round"], lambda k: Implies(And(s.sent(k), v.of(k) == t), v.number(k) < v.number(r)))
    guard = And(
        s.leads(leader), Not(s.sent(r)), v.of(r) == t, v.at(r) == s.now(), newer, v.carried(r) == s.in_force(leader)
    )
    effects = {
        "sent": at([r], TRUE, s.sent),
        "sender": at([r], leader, s.sender),
        "lease_cap": at([r], v.lease_over(r, v.carried(r)), s.lease_cap),
        "last_stamp": at([leader], If(v.stamped(r), v.stamp(r), s.last_stamp(leader)), s.last_stamp),
        "has_stamp": at([leader], Or(v.stamped(r), s.has_stamp(leader)), s.has_stamp),
    }
    if rules.earlier_stamp_gives_up_lease:
        back = And(v.stamped(r), s.has_stamp(leader), v.stamp(r) < s.last_stamp(leader))
        earlier = lambda k: And(back, s.sent(k), v.of(k) == t)
        effects |= {
            "forgotten": lambda k: Or(s.forgotten(k), earlier(k)),
            "given_up": lambda k: Or(s.given_up(k), earlier(k)),
            "lease": lambda n: And(s.lease(n), Not(And(back, n == leader))),
        }
    return Action("send", {"l": leader, "r": r}, guard, effects)


def may_carry_a_lease(v, r):
    """A leader of the deadline form takes no lease on a round that it could not stamp."""
    return Or(Not(v.deadline_form(v.of(r))), v.stamped(r))


def accept(v, s, rules):
    """A node accepts a round: it promises, unless it promised for a newer round of that term already (`promise`).

    Its acknowledgement counts for earlier rounds of the term too, unless the leader gave up leases on them.
    """
    n, r = v.const("N", "Node"), v.const("R", "Round")
    newer = Not(And(s.has_newest(n), same_term_not_later(v, r, s.newest(n))))
    # Rule 10, second half: a longer promise stays beside the new one, until it is over (`keep_longer`).
    longer = lambda k: And(v.length(n, k) > v.length(n, r), v.promise_over(n, k) > s.now())
    stays = longer if rules.keeps_longer_promises else lambda k: FALSE
    kept = If(newer, r, s.newest(n))
    no_longer = lambda k: v.length(n, s.cover(n, k)) <= v.length(n, kept) if rules.keeps_longer_promises else TRUE
    replaced = lambda k: Or(Not(s.acknowledged(n, k)), And(same_term_not_later(v, k, kept), no_longer(k)))
    # Without the cut of leases (rule 10) a forgotten round may ask for more than the newest promise is worth.
    worth = rules.change_cuts_lease or not rules.forgotten_rounds_need_cut
    useless = s.given_up if worth else s.forgotten
    counts = lambda k: And(s.sent(k), same_term_not_later(v, k, r), Not(useless(k)), may_carry_a_lease(v, k))

    effects = becomes_follower(
        s, rules, n, Or(v.of(r) > s.term(n), TRUE if rules.follower_is_no_candidate else FALSE)
    )
    effects |= {
        "term": at([n], If(v.of(r) > s.term(n), v.of(r), s.term(n)), s.term),
        "has_newest": at([n], TRUE, s.has_newest),
        "newest": at([n], kept, s.newest),
        "keeps": lambda m, k: If(And(m == n, newer), Or(k == r, And(s.keeps(n, k), stays(k))), s.keeps(m, k)),
        "longest": at([n], If(And(newer, v.length(n, r) > s.longest(n)), v.length(n, r), s.longest(n)), s.longest),
        "acknowledged": lambda m, k: Or(s.acknowledged(m, k), And(m == n, counts(k))),
        "cover": lambda m, k: If(And(m == n, replaced(k)), kept, s.cover(m, k)),
    }
    if not rules.rounds_keep_restart_promise:
        effects["restart_until"] = at([n], If(newer, s.now(), s.restart_until(n)), s.restart_until)
    guard = [s.sent(r), Not(s.elected(v.of(r), n))]
    if rules.older_terms_refused:
        guard.append(v.of(r) >= s.term(n))
    if rules.length_travels and rules.slower_clock_ends_promise:
        # (A promise by a clock that runs too fast is shorter, as one by a setting of one's own is.)
        # Longer than asked for is possible: a node that can keep no more promises promises the longest again.
        guard.append(v.length(n, r) >= v.timeout(v.carried(r)))
    return Action("accept", {"n": n, "r": r}, And(guard), effects)


def renew(v, s, rules):
    """A leader finds that a quorum has acknowledged a round whose send time it remembers."""
    leader, r, q = v.const("L", "Node"), v.const("R", "Round"), v.const("Q", "Voters")
    other = v.const("R2", "Round")
    until = v.lease_over(r, s.in_force(leader))
    if not rules.lease_starts_at_send:
        # As if the round had been sent now: by then the acknowledgements are here.
        until = v.const("LATER", "Time")
    counted = lambda n: s.acknowledged(n, r)
    if not rules.counts_current_term_only:
        # An acknowledgement of another term counts if its number is not smaller.
        counted = lambda n: Or(s.acknowledged(n, r), And(s.acknowledged(n, other), v.number(other) >= v.number(r)))
    answered = v.every(["Node"], lambda n: Implies(v.member(n, q), Or(n == leader, counted(n))))
    enough = v.majority(q)
    if not rules.counts_voters_only:
        enough = v.large(q)
    if not rules.majority_carries_lease:
        enough = v.half(q)
    guard = And(
        s.leads(leader),
        s.sent(r),
        v.of(r) == s.term(leader),
        Not(s.forgotten(r)),
        may_carry_a_lease(v, r),
        Not(s.barred(s.term(leader))),
        enough,
        answered,
    )
    effects = {
        "lease": at([leader], TRUE, s.lease),
        "lease_until": at([leader], until, s.lease_until),
        "lease_round": at([leader], r, s.lease_round),
        "lease_quorum": at([leader], q, s.lease_quorum),
    }
    return Action("renew", {"l": leader, "r": r, "q": q, "later": until}, guard, effects)


def recount(v, s, rules):
    """Another quorum has acknowledged the lease's round, or a later one: it carries the lease as well.

    The node does nothing here, whether it still remembers when it sent that round or not. membership/ needs it:
    condition (c) of a change of members asks for such a quorum. It is sound only if changes of lengths cut leases.
    """
    leader, q = v.const("L", "Node"), v.const("Q", "Voters")
    answered = v.every(
        ["Node"], lambda n: Implies(v.member(n, q), Or(n == leader, s.acknowledged(n, s.lease_round(leader))))
    )
    guard = And(s.lease(leader), v.majority(q), answered, rules.change_cuts_lease)
    return Action("recount", {"l": leader, "q": q}, guard, {"lease_quorum": at([leader], q, s.lease_quorum)})


def change_lengths(v, s, rules):
    """A leader applies an entry with other lengths (`use_lengths`).

    Rounds that it sent before renew nothing any more. The lease that runs stays, or is cut to a shorter new length.
    Lengths may have changed twice since its round was sent, so the cut must look at the lease as well
    (`cut_never_lengthens`). The node did not, until this proof asked for it: scenarios/apply-twice.toml.
    """
    leader, new = v.const("L", "Node"), v.const("LENGTHS", "Lengths")
    effects = {"in_force": at([leader], new, s.in_force)}
    if rules.change_forgets_rounds:
        effects["forgotten"] = lambda k: Or(s.forgotten(k), And(s.sent(k), v.of(k) == s.term(leader)))
    if rules.change_cuts_lease:
        shorter = v.effective(new) < v.effective(s.in_force(leader))
        cut = lambda r, until: If(And(shorter, v.lease_over(r, new) <= until), v.lease_over(r, new), until)
        if not rules.cut_never_lengthens:
            cut = lambda r, until: If(shorter, v.lease_over(r, new), until)
        until = cut(s.lease_round(leader), s.lease_until(leader))
        of_term = lambda r: And(s.sent(r), v.of(r) == s.term(leader))
        effects["lease_until"] = at([leader], until, s.lease_until)
        effects["lease_cap"] = lambda r: If(of_term(r), cut(r, s.lease_cap(r)), s.lease_cap(r))
    guard = And(s.leads(leader), new != s.in_force(leader))
    return Action("change_lengths", {"l": leader, "lengths": new}, guard, effects)


# The end of a leadership


def step_down(v, s, rules):
    """A leader or candidate gives up: no quorum, no room on its disk, removed."""
    n = v.const("N", "Node")
    return Action("step_down", {"n": n}, Or(s.leads(n), s.seeks(n), s.candidate(n)), becomes_follower(s, rules, n))


def see_term(v, s, rules):
    """A message shows a higher term, whichever."""
    n, u = v.const("N", "Node"), v.const("U", "Term")
    effects = becomes_follower(s, rules, n) | {"term": at([n], u, s.term)}
    return Action("see_term", {"n": n, "u": u}, u > s.term(n), effects)


def restart(v, s, rules):
    """A node crashes and starts again. Term, votes and the longest promise are on its disk; all else is lost.

    It promises from its start, for the longest that it ever promised (rule 3).
    """
    n, until = v.const("N", "Node"), v.const("LATER", "Time")
    lost = lambda old: lambda m: And(old(m), m != n)
    effects = {name: lost(getattr(s, name)) for name in ("leads", "seeks", "candidate", "lease", "has_newest")}
    effects["keeps"] = lambda m, k: And(s.keeps(m, k), m != n)
    effects["restart_until"] = at([n], until, s.restart_until)
    guard = restart_promise_lasts(v, s, rules, n, until) if rules.restart_withholds else until == s.now()
    return Action("restart", {"n": n, "later": until}, guard, effects)


def first_start(v, s, rules):
    """A node starts without a past: it has acknowledged no round and cast no vote, so it promises nothing."""
    n = v.const("N", "Node")
    blank = And(
        v.every(["Round"], lambda r: Not(s.acknowledged(n, r))),
        v.every(["Term", "Node"], lambda u, c: Not(s.voted(n, u, c))),
        s.term(n) == 0,
    )
    guard = (
        blank
        if rules.only_blank_nodes_skip_promise
        else v.every(["Term", "Node"], lambda u, c: Not(s.voted(n, u, c)))
    )
    lost = lambda old: lambda m: And(old(m), m != n)
    effects = {name: lost(getattr(s, name)) for name in ("leads", "seeks", "candidate", "lease", "has_newest")}
    effects["keeps"] = lambda m, k: And(s.keeps(m, k), m != n)
    effects["restart_until"] = at([n], s.now(), s.restart_until)
    return Action("first_start", {"n": n}, guard, effects)


def restart_promise_lasts(v, s, rules, n, until):
    """The promise of a start outlasts a lease on any round sent before, of lengths no longer than it (facts.py)."""
    bound = s.longest(n) if rules.restart_waits_longest else v.const("OWN", "Length")
    return v.restart_promise(s, bound, until)


# The read


def read(v, s, rules):
    """A lease read is answered. `taken` is the true time of the clock reading that it is judged by."""
    leader, taken, usable = v.const("L", "Node"), v.const("TAKEN", "Time"), z3.Const("USABLE", z3.BoolSort())
    running = taken < s.lease_until(leader)
    guard = [s.lease(leader), And(usable, running) if rules.unusable_clock_ends_lease else Implies(usable, running)]
    # Rule 6: the reading is of now, when the request is here. A cached one is of any time before.
    guard.append(taken == s.now() if rules.clock_read_after_arrival else taken <= s.now())
    return Action("read", {"l": leader, "taken": taken, "usable": usable}, And(guard), {})
