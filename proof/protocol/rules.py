"""The rules of the protocol, one switch a rule, and the rules with one switch off.

The names of the broken rules are those of sim/run/src/rules.rs. `scenarios/rules/NAME.toml` shows the same break on the
real node.
"""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Rules:
    """All on: the rules of docs/ideas/proof.md. The number is that of the rule."""

    lease_starts_at_send: bool = True  # 1
    votes_withheld: bool = True  # 2
    pre_votes_withheld: bool = True  # 2
    leader_withholds: bool = True  # 2
    slower_clock_ends_promise: bool = True  # 2: of the voter's two monotonic clocks
    restart_withholds: bool = True  # 3
    rounds_keep_restart_promise: bool = True  # 3: no round takes the place of the promise of a start
    restart_waits_longest: bool = True  # 3: for the longest promise ever given, not for one's own setting
    only_blank_nodes_skip_promise: bool = True  # 3: a node that acknowledged a round is not blank
    transfer_bars_lease: bool = True  # 4
    clock_read_after_arrival: bool = True  # 6
    step_down_ends_lease: bool = True  # 7
    counts_current_term_only: bool = True  # 7
    counts_voters_only: bool = True  # 7
    majority_carries_lease: bool = True  # 8
    unusable_clock_ends_lease: bool = True  # 9
    length_travels: bool = True  # 10
    keeps_longer_promises: bool = True  # 10
    change_cuts_lease: bool = True  # 10
    cut_never_lengthens: bool = True  # 10
    forgotten_rounds_need_cut: bool = (
        True  # 10: acknowledgements of forgotten rounds are worth their promises only with the cut
    )
    change_forgets_rounds: bool = True  # 10
    earlier_stamp_gives_up_lease: bool = True  # section 5
    older_terms_refused: bool = True  # Raft
    one_vote_a_term: bool = True  # Raft
    follower_is_no_candidate: bool = True  # Raft
    majority_elects: bool = True  # Raft


SOUND = Rules()


def without(*switches):
    """The sound rules with these switched off."""
    assert set(switches) <= {field.name for field in fields(Rules)}
    return replace(SOUND, **{switch: False for switch in switches})
