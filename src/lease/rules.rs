//! The rules that a lease depends on, one method a rule. The default methods are the sound rules.
//!
//! Each was broken by a real system; the doc comment names one. A historical bug, in the simulator, is an
//! implementation that overrides one method: reading it is reading the bug.

use super::{LeaseForm, LeaseSettings};
use crate::time::{Alarm, Nanos, Reading, Span, Stamp};

/// What a candidate asks a voter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ballot {
    /// "Would you vote for me?" Changes no state (Raft dissertation, section 9.6).
    PreVote,
    /// A vote.
    Vote,
    /// A vote asked for because the leader itself told the candidate to (leadership transfer, section 3.10).
    TransferVote,
}

impl Ballot {
    /// Every ballot.
    pub const ALL: [Ballot; 3] = [Ballot::PreVote, Ballot::Vote, Ballot::TransferVote];

    /// The word by which logs call it: lower case, with hyphens. Programs read it, so it never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Ballot::PreVote => "pre-vote",
            Ballot::Vote => "vote",
            Ballot::TransferVote => "transfer-vote",
        }
    }

    /// The ballot that has this word; `None` if none has.
    pub fn from_word(word: &str) -> Option<Ballot> {
        Ballot::ALL.into_iter().find(|ballot| ballot.word() == word)
    }
}

/// An acknowledgement of a round, as the lease sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    /// It was sent in the leader's current term.
    pub current_term: bool,
    /// It comes from a voter of the configuration in force.
    pub from_voter: bool,
}

/// Where a leader stands when it is asked for the next change of its cluster's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigurationStanding {
    /// The entry of the configuration in force is committed.
    pub committed: bool,
    /// An entry of the leader's own term is committed.
    pub own_term_committed: bool,
    /// A quorum of the configuration in force has acknowledged a round that was sent while it was in force. So whatever
    /// lease there is rests on that configuration's voters, or will be over before such a one.
    pub acknowledged: bool,
}

/// A leader's last contact with a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuorumContact {
    /// The leader was elected then.
    pub elected: Stamp,
    /// The round that a quorum acknowledged was sent then ...
    pub sent: Reading,
    /// ... and enough acknowledgements had arrived then.
    pub acknowledged: Reading,
}

/// What makes a lease safe. See the module's documentation for the notation.
///
/// All methods are pure. Overriding any of them is for the simulator, which shows what it costs.
pub trait LeaseRules {
    /// Rule 1: a lease starts at the send of the round, never at the receipt of its acknowledgements: the promise
    /// may be as old as the message (hashicorp/raft #108).
    fn lease_start(&self, sent: Reading, _acknowledged: Reading) -> Reading {
        sent
    }

    /// When a lease that started at `start` ends on the leader's clock: after `D - s`. In the deadline form the monotonic
    /// clocks may end it as well, so that a wall clock that is set back neither lengthens a lease nor brings one back to
    /// life. `None`: there is no lease, because nothing is left of `D`, or (rule 9) because the clock was unusable at the
    /// start. `_leads_until` is the answer of [`LeaseRules::leads_until`] to the same contact: a leadership is no lease
    /// (etcd-raft #166).
    fn lease_end(
        &self,
        settings: &LeaseSettings,
        start: &Reading,
        _leads_until: Option<Alarm>,
    ) -> Option<Alarm> {
        let span = settings.effective();
        if span == Span::ZERO {
            return None;
        }
        match settings.form {
            LeaseForm::Elapsed => Some(Alarm::First { since: start.stamp, span }),
            LeaseForm::Deadline => start.wall.map(|wall| Alarm::WallLatest {
                deadline: wall.earliest().plus(span),
                since: start.stamp,
                span,
            }),
        }
    }

    /// When a leader steps down unless a quorum acknowledges another round: an election timeout after the send of the last.
    /// By then another node may lead. `None`: never.
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        Some(Alarm::First { since: contact.sent.stamp, span: election_timeout })
    }

    /// Rule 9: is the lease that ends at `end` still running? An unusable clock reading means "no", that is a
    /// quorum round, never a guess (d-engine #158, nebula #2723).
    fn lease_running(&self, end: &Alarm, now: &Reading) -> bool {
        !end.reached(now)
    }

    /// Rule 6: the reading by which an input is judged is taken after the input has arrived and is never one cached
    /// from an earlier input (yugabyte-db #915 shows the sound half). `request` tells whether the input is a client's.
    fn reading(&self, fresh: Reading, _previous: Reading, _request: bool) -> Reading {
        fresh
    }

    /// Rule 10: the promise's length travels in the leader's message, so that nodes with different settings cannot
    /// disagree about it (kubernetes #47671).
    fn promise_length(&self, in_message: Span, _own_setting: Span) -> Span {
        in_message
    }

    /// Rule 10, second half: a round that asks for a shorter promise than an earlier one never ends the earlier promise,
    /// since a lease may rest on it: when lengths are changed while the cluster runs, both are kept. May it?
    fn promise_may_shrink(&self) -> bool {
        false
    }

    /// Rule 10, the leader's half: when lengths are changed to those of a shorter lease, the one that is running ends when
    /// one of the new length would, so that no lease outlives the shortest promise that was given. Does it? (Either
    /// half alone is enough; both must be broken for a stale read.)
    fn change_cuts_lease_short(&self) -> bool {
        true
    }

    /// When a promise ends on the follower's clocks: `length` after the receipt, by both monotonic clocks. `leader_stamp` is
    /// the leader's wall-clock stamp in the deadline form: the promise ends as well when the follower's wall clock has
    /// surely come to `length` after it. So a wall clock that is hours wrong, on either machine, keeps no voter bound for hours.
    /// The lease is over by then: the leader counts it on its monotonic clocks too.
    fn promise_end(&self, received: Stamp, leader_stamp: Option<Nanos>, length: Span) -> Alarm {
        match leader_stamp {
            Some(stamp) => {
                Alarm::WallEarliest { deadline: stamp.plus(length), since: received, span: length }
            }
            None => Alarm::Last { since: received, span: length },
        }
    }

    /// Rule 2: vote and pre-vote are both withheld while this node has promised so to a leader, and while its own
    /// lease runs (sofa-jraft withholds pre-votes only, nebula #5379 nothing). A transfer vote is exempt: the leader
    /// that asked for it has ended its lease first (rule 4).
    fn may_grant(&self, ballot: Ballot, promise_running: bool, own_lease_running: bool) -> bool {
        ballot == Ballot::TransferVote || (!promise_running && !own_lease_running)
    }

    /// Rule 3: a node that has just started withholds votes for the longest promise it may have given before
    /// (tikv #15035).
    fn promise_after_restart(&self, started: Stamp, longest: Span) -> Option<Alarm> {
        Some(Alarm::Last { since: started, span: longest })
    }

    /// Rule 4: sending TimeoutNow ends the lease for the rest of the term, even if the transfer is aborted: the
    /// message may still be under way (tikv #1593, openraft #1749, etcd #12704).
    fn transfer_bars_lease(&self) -> bool {
        true
    }

    /// Rule 4, second half: a leader that has given a transfer up leads on in the next term only, where TimeoutNow is void
    /// (etcd-raft #99). Does it resume its term, with a lease?
    fn resumes_after_transfer(&self) -> bool {
        false
    }

    /// Rule 5: no local read before an entry of the leader's own term is committed and applied: the log has every
    /// committed entry, the state machine need not (Jepsen's Redis-Raft report, consul #2644).
    fn may_serve(&self, own_term_applied: bool) -> bool {
        own_term_applied
    }

    /// Rule 7, first half: stepping down ends the lease (yugabyte-db #19447).
    fn step_down_ends_lease(&self) -> bool {
        true
    }

    /// Rule 7, second half: acknowledgements of an older term or from a non-voter never extend the lease
    /// (hashicorp/raft #308, elastickv #561).
    fn counts(&self, acknowledgement: Acknowledgement) -> bool {
        acknowledgement.current_term && acknowledgement.from_voter
    }

    /// Rule 8: how many voters of the configuration in force (the leader is one, unless it is being removed) must have
    /// acknowledged: as many as meet every electing majority.
    fn lease_quorum(&self, voters: usize) -> usize {
        voters / 2 + 1
    }

    /// Rule 8, while members change: a lease granted under one configuration holds under the next, whose majorities have a
    /// voter in common with its own, and need not hold under the one after that. May the members change again now? (The
    /// first two conditions are Raft's own, the second since the bug of 2015 in single-server changes.)
    fn may_reconfigure(&self, standing: ConfigurationStanding) -> bool {
        standing.committed && standing.own_term_committed && standing.acknowledged
    }

    /// Reads by a quorum, for when no lease runs (Raft dissertation, section 6.4): the round whose confirmation such a read
    /// waits for. `latest_sent` is the newest round that the leader has sent in its term, 0 before the first. `waiting` is
    /// the round that the newest read waits for that has not been answered. The round must be one that is yet to be sent. A
    /// quorum may have acknowledged an earlier one before it elected somebody else, whoever asked for it and however often
    /// the request came (etcd-raft #397, d-engine #381, etcd #20418).
    fn read_round(&self, latest_sent: u64, _waiting: Option<u64>) -> u64 {
        latest_sent + 1
    }

    /// May a read that waits for the round `needed` be answered, once a quorum has acknowledged round `confirmed` of the
    /// leader's term? Not before that quorum has: until then somebody else may have been elected.
    fn read_is_confirmed(&self, needed: u64, confirmed: u64) -> bool {
        needed <= confirmed
    }

    /// May an entry of the leader's own term, held by a quorum, commit now? (A protocol whose new leader waits out the
    /// old lease says "not yet" here.)
    fn may_commit(&self, _now: &Reading) -> bool {
        true
    }
}

/// The rules that production uses: all defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoundRules;

impl LeaseRules for SoundRules {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Wall;

    fn at(nanos: u64, wall: Option<u64>) -> Reading {
        Reading {
            stamp: Stamp::new(Nanos(nanos), Nanos(nanos)),
            wall: wall.map(|at| Wall::new(Nanos(at), Span::nanos(2))),
        }
    }

    fn settings(form: LeaseForm, max_clock_skew: u64) -> LeaseSettings {
        LeaseSettings {
            form,
            duration: Span::nanos(30),
            election_timeout: Span::nanos(50),
            max_clock_skew: Span::nanos(max_clock_skew),
        }
    }

    #[test]
    fn a_lease_is_over_at_its_last_nanosecond_and_a_promise_not_before() {
        let lease = SoundRules.lease_end(&settings(LeaseForm::Elapsed, 10), &at(100, None), None).unwrap();
        assert!(SoundRules.lease_running(&lease, &at(119, None)));
        assert!(!SoundRules.lease_running(&lease, &at(120, None)));
        let promise = SoundRules.promise_end(at(100, None).stamp, None, Span::nanos(50));
        assert!(!promise.reached(&at(149, None)) && promise.reached(&at(150, None)));
    }

    #[test]
    fn error_bounds_count_against_both_sides_in_the_deadline_form() {
        // Stamped 98 (earliest of 100 +- 2); lease 98 + 20 = 118, reached by `latest` at 116; promise 98 + 50 = 148,
        // reached by `earliest` at 150.
        let lease =
            SoundRules.lease_end(&settings(LeaseForm::Deadline, 10), &at(0, Some(100)), None).unwrap();
        assert!(SoundRules.lease_running(&lease, &at(0, Some(115))));
        assert!(!SoundRules.lease_running(&lease, &at(0, Some(116))));
        let promise = SoundRules.promise_end(at(0, None).stamp, Some(Nanos(98)), Span::nanos(50));
        assert!(!promise.reached(&at(0, Some(149))) && promise.reached(&at(0, Some(150))));
    }

    #[test]
    fn an_unusable_wall_clock_gives_no_lease_and_ends_one() {
        let settings = settings(LeaseForm::Deadline, 0);
        assert_eq!(SoundRules.lease_end(&settings, &at(0, None), None), None);
        let lease = SoundRules.lease_end(&settings, &at(0, Some(100)), None).unwrap();
        assert!(!SoundRules.lease_running(&lease, &at(0, None)));
    }

    #[test]
    fn nothing_left_of_the_lease_is_no_lease() {
        assert_eq!(SoundRules.lease_end(&settings(LeaseForm::Elapsed, 30), &at(0, None), None), None);
    }

    #[test]
    fn only_a_transfer_vote_passes_a_running_promise() {
        for (ballot, granted) in
            [(Ballot::PreVote, false), (Ballot::Vote, false), (Ballot::TransferVote, true)]
        {
            assert_eq!(SoundRules.may_grant(ballot, true, false), granted);
            assert_eq!(SoundRules.may_grant(ballot, false, true), granted);
            assert!(SoundRules.may_grant(ballot, false, false));
        }
    }

    #[test]
    fn a_lease_quorum_meets_every_electing_majority() {
        for voters in 1..100 {
            let electing = voters / 2 + 1;
            assert!(SoundRules.lease_quorum(voters) + electing > voters);
        }
    }
}
