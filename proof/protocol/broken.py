"""Each rule broken: which statement it costs, and a run that shows it.

Names without a star are those of sim/run/src/rules.rs. Those with `*` break something that the simulator does not
offer.
"""

from dataclasses import dataclass
from functools import cache

import z3
from z3 import And, Not, Or

from obligation import PROVED, REFUTED, Obligation

from . import facts
from .actions import action, lease_runs
from .invariant import invariant, reads_are_fresh
from .obligations import sound
from .rules import SOUND, without
from .stories import Cast, Story, stale_read
from .vocabulary import Few

LEASE = ["send", "accept", "renew"]
ELECTION = ["seek", "pre_vote", "campaign", "vote", "elect"]


def votes_against_its_lease(stage, s, rules):
    """n1 may vote for another node while its own lease runs."""
    act, n1 = action(stage, s, rules, "vote"), stage.values["Node"][0]
    return And(act.guard, act.parameters["n"] == n1, lease_runs(s, n1))


def follower_with_a_lease(stage, s, rules):
    """n1 follows in a higher term, and its lease runs."""
    n1 = stage.values["Node"][0]
    return And(lease_runs(s, n1), Not(s.leads(n1)), s.term(n1) > 1)


def two_leaders(stage, s, rules):
    """Two nodes were elected in term 2."""
    two, nodes = stage.values["Term"][2], stage.values["Node"]
    return Or([And(s.elected(two, c), s.elected(two, d)) for c in nodes for d in nodes if not c.eq(d)])


@dataclass(frozen=True)
class Broken:
    """Rules with something switched off."""

    name: str
    rule: str
    switches: list
    action: str  # keeps no more ...
    statement: str  # ... this statement of the invariant
    plan: list = None  # of the run; None: perfect clocks of the elapsed form cannot show it
    cast: Cast = Cast(rounds=1)
    ending: object = stale_read

    @property
    def rules(self):
        return without(*self.switches)


BROKEN = [
    Broken(
        "lease-from-acknowledgement",
        "1",
        ["lease_starts_at_send"],
        "renew",
        "leases rest on a round",
        LEASE + ELECTION,
    ),
    Broken(
        "nothing-withheld",
        "2",
        ["votes_withheld", "pre_votes_withheld", "leader_withholds"],
        "vote",
        "vote after promise",
        LEASE + ELECTION,
    ),
    Broken(
        "pre-vote-withheld-only",
        "2",
        ["votes_withheld"],
        "vote",
        "vote after promise",
        ["seek", "pre_vote"] + LEASE + ["campaign", "vote", "elect"],
    ),
    Broken(
        "promise-by-the-faster-clock",
        "2",
        ["slower_clock_ends_promise"],
        "accept",
        "promise binds",
        LEASE + ELECTION,
        Cast(rounds=1, own_timeout=400),
    ),
    Broken(
        "leader-votes",
        "2",
        ["leader_withholds"],
        "vote",
        "no vote against a running lease",
        LEASE + ["seek", "pre_vote", "campaign"],
        ending=votes_against_its_lease,
    ),
    Broken("restart-forgets", "3", ["restart_withholds"], "restart", "promise binds", LEASE + ["restart"] + ELECTION),
    Broken(
        "transfer-keeps-lease",
        "4",
        ["transfer_bars_lease"],
        "timeout_now",
        "transfers bar leases",
        LEASE + ["timeout_now", "transfer_campaign", "transfer_vote", "elect"],
    ),
    Broken("cached-clock", "6", ["clock_read_after_arrival"], "read", "reads are fresh", LEASE + ELECTION),
    Broken(
        "lease-outlives-leadership",
        "7",
        ["step_down_ends_lease"],
        "see_term",
        "only leaders have leases",
        LEASE + ["see_term"],
        ending=follower_with_a_lease,
    ),
    Broken(
        "counts-older-terms",
        "7",
        ["counts_current_term_only"],
        "renew",
        "leases rest on a quorum",
        ["send", "accept", "step_down"] + ELECTION + ["send", "renew"] + ELECTION,
        Cast(rounds=2, terms=3),
    ),
    Broken(
        "counts-learners",
        "7",
        ["counts_voters_only"],
        "renew",
        "leases rest on a round",
        LEASE + ELECTION,
        Cast(rounds=1, learners=1),
    ),
    Broken(
        "half-quorum",
        "8",
        ["majority_carries_lease"],
        "renew",
        "leases rest on a round",
        ["send", "renew"] + ELECTION,
    ),
    Broken("guesses-time", "9", ["unusable_clock_ends_lease"], "read", "reads are fresh", LEASE + ELECTION),
    Broken(
        "own-promise-length",
        "10",
        ["length_travels"],
        "accept",
        "promise binds",
        LEASE + ELECTION,
        Cast(rounds=1, own_timeout=400),
    ),
    Broken(
        "promise-may-shrink",
        "10",
        ["keeps_longer_promises", "change_cuts_lease"],
        "accept",
        "promise binds",
        LEASE + ["change_lengths", "send", "accept"] + ELECTION,
        Cast(lengths=2),
    ),
    # Not in the simulator's catalogue.
    Broken(
        "leader-votes and lease-outlives-leadership*",
        "2, 7",
        ["leader_withholds", "step_down_ends_lease"],
        "read",
        "reads are fresh",
        LEASE + ELECTION,
    ),
    Broken(
        "restart-waits-for-own-setting*",
        "3",
        ["restart_waits_longest"],
        "restart",
        "promise binds",
        LEASE + ["restart"] + ELECTION,
        Cast(rounds=1, own_timeout=400),
    ),
    Broken(
        "acknowledged-and-blank*",
        "3",
        ["only_blank_nodes_skip_promise"],
        "first_start",
        "promise binds",
        LEASE + ["first_start"] + ELECTION,
        Cast(rounds=1),
    ),
    Broken("rounds-replace-restart-promise*", "3", ["rounds_keep_restart_promise"], "accept", "promise binds"),
    Broken(
        "change-remembers-rounds*",
        "10",
        ["change_forgets_rounds"],
        "change_lengths",
        "remembered rounds carry the lengths in force",
        ["send", "accept", "change_lengths", "renew"] + ELECTION,
        Cast(rounds=1, lengths=3),
    ),
    Broken(
        "cut-lengthens*",
        "10",
        ["cut_never_lengthens"],
        "change_lengths",
        "caps follow the lengths that rounds carry",
        LEASE + ["change_lengths", "change_lengths"] + ELECTION,
        Cast(rounds=1, lengths=4),
    ),
    Broken(
        "forgotten-rounds-without-cut*",
        "8, 10",
        ["change_cuts_lease", "forgotten_rounds_need_cut"],
        "accept",
        "promise binds",
    ),
    Broken(
        "earlier-stamp-keeps-lease*", "section 5", ["earlier_stamp_gives_up_lease"], "send", "stamps do not go back"
    ),
    Broken(
        "older-terms-accepted*",
        "Raft",
        ["older_terms_refused"],
        "accept",
        "vote after promise",
        ["send", "seek", "pre_vote", "campaign", "vote", "accept", "renew", "elect"],
    ),
    Broken(
        "two-votes-a-term*",
        "Raft",
        ["one_vote_a_term"],
        "vote",
        "one vote a term",
        [
            "see_term",
            "seek",
            "seek",
            "pre_vote",
            "pre_vote",
            "campaign",
            "campaign",
            "vote",
            "vote",
            "elect",
            "elect",
        ],
        ending=two_leaders,
    ),
    Broken(
        "follower-stays-candidate*",
        "Raft",
        ["follower_is_no_candidate"],
        "accept",
        "seekers have no promise",
        ["seek", "pre_vote"] + LEASE + ["campaign", "vote", "elect"],
    ),
    Broken(
        "minority-elects*",
        "Raft",
        ["majority_elects"],
        "elect",
        "a majority elects",
        ["seek", "pre_vote"] + LEASE + ["campaign", "elect"],
    ),
]


# Rules of sim/run/src/rules.rs that break the same statement as another one, by other means. The model has no windows, no
# timers and no ticks. It has what they lead to: a lease that runs on after E has passed since the send of its round, a
# promise that ends before T has passed, and a lease that runs while a successor may campaign.
SAME_BREAK = {
    "age-saturates": "lease-from-acknowledgement",
    "check-quorum-window": "lease-from-acknowledgement",
    "contact-from-acknowledgement": "lease-from-acknowledgement",
    "contact-is-lease": "lease-from-acknowledgement",
    "never-steps-down": "lease-from-acknowledgement",
    "step-down-timer": "lease-from-acknowledgement",
    "promise-in-ticks": "promise-by-the-faster-clock",
    "transfer-resumes": "transfer-keeps-lease",
}
assert set(SAME_BREAK.values()) <= {broken.name for broken in BROKEN}


# Statements about an action itself.
ABOUT_ACTIONS = {
    "reads are fresh": lambda v, s: reads_are_fresh(v, s, v.const("L", "Node")),
    "no vote against a running lease": lambda v, s: Not(lease_runs(s, v.const("N", "Node"))),
}


class Instance:
    """A finite instance, shared by all: its statements are built once."""

    def __init__(self):
        self.v = Few(rounds=2, terms=2, lengths=3)
        self.v.restart_promise = lambda s, bound, until: facts.restart_promise(self.v, s, bound, until)
        self.s = self.v.state()
        self.facts = [fact(self.v) for fact in facts.FACTS.values()]
        self.sound = invariant(self.v, self.s, SOUND)

    def holds(self, rules):
        """The facts, and what the invariant says under these rules."""
        if rules.change_cuts_lease == SOUND.change_cuts_lease:
            kept = {
                name: said
                for name, said in self.sound.items()
                if (name != "only leaders have leases" or rules.step_down_ends_lease)
                and (name != "a running lease withholds votes" or rules.leader_withholds)
            }
        else:
            kept = invariant(self.v, self.s, rules)
        return self.facts, kept


@cache
def instance():
    return Instance()


def kept_by_sound_rules(broken):
    """The name of the obligation which says that the rule keeps the statement."""
    return {"reads are fresh": "read is fresh"}.get(broken.statement, f"{broken.action} keeps: {broken.statement}")


def lost_statement(broken):
    """In a finite instance: without the rule, the action does not keep the statement."""
    v, s, rules = instance().v, instance().s, broken.rules
    act = action(v, s, rules, broken.action)
    known, held = instance().holds(rules)
    if broken.statement in ABOUT_ACTIONS:
        then = ABOUT_ACTIONS[broken.statement](v, s)
    else:
        held[broken.statement] = instance().sound[broken.statement]
        then = invariant(v, s.after(act.effects), SOUND, broken.statement)
    given = known + list(held.values()) + [act.guard, terms_are_few(v, s, act)]
    return Obligation(
        f"{broken.name}: {act.name} does not keep: {broken.statement}",
        "without the rule",
        given,
        then,
        REFUTED,
        show=list(act.parameters.items()),
        finite=True,
    )


def terms_are_few(v, s, act):
    """No term outside the finite instance is mentioned."""
    last = len(v.values["Term"]) - 1
    terms = [s.term(n) for n in v.values["Node"]] + [s.first(t) for t in v.values["Term"]]
    terms += [v.of(r) for r in v.values["Round"]]
    terms += [value for name, value in act.parameters.items() if name == "u"]
    return And([And(0 <= term, term <= last) for term in terms] + [s.term(n) < last for n in v.values["Node"]])


def run_of(broken, rules, expect):
    """A run in the order of the plan exists, or does not."""
    story = Story(broken.cast, rules, broken.plan, broken.ending)
    says = broken.ending.__doc__.strip()
    return Obligation(
        f"{broken.name}: {'no ' if expect == PROVED else ''}run",
        says,
        list(story.solver.assertions()),
        z3.BoolVal(False),
        expect,
        tell=story.tell,
        finite=True,
    )


def obligations():
    proved = {obligation.name for obligation in sound()} | {"vote keeps: no vote against a running lease"}
    unproved = {broken.name for broken in BROKEN if kept_by_sound_rules(broken) not in proved}
    assert not unproved, f"what do the sound rules keep that these lose? {unproved}"
    found = []
    for broken in BROKEN:
        found.append(lost_statement(broken))
        if broken.plan:
            found.append(run_of(broken, SOUND, PROVED))
            found.append(run_of(broken, broken.rules, REFUTED))
    return found
