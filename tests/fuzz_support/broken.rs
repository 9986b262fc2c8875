//! Rules of which one is broken, to see that it is noticed.

use leasehold::lease::{
    Acknowledgement, Ballot, ConfigurationStanding, LeaseRules, LeaseSettings, SoundRules,
};
use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    LeaseFromReceipt,
    SkewForgotten,
    CachedReading,
    PromiseOfOwnLength,
    PromiseMayShrink,
    ChangeLeavesLease,
    PromiseHalved,
    VotesWhilePromised,
    PreVotesWhilePromised,
    RestartForgets,
    TransferKeepsLease,
    ServesBeforeOwnEntry,
    StepDownKeepsLease,
    OldTermCounts,
    LearnerCounts,
    QuorumOneShort,
    ChangesWithoutWaiting,
}

impl Broken {
    pub(crate) const ALL: [Broken; 17] = [
        Broken::LeaseFromReceipt,
        Broken::SkewForgotten,
        Broken::CachedReading,
        Broken::PromiseOfOwnLength,
        Broken::PromiseMayShrink,
        Broken::ChangeLeavesLease,
        Broken::PromiseHalved,
        Broken::VotesWhilePromised,
        Broken::PreVotesWhilePromised,
        Broken::RestartForgets,
        Broken::TransferKeepsLease,
        Broken::ServesBeforeOwnEntry,
        Broken::StepDownKeepsLease,
        Broken::OldTermCounts,
        Broken::LearnerCounts,
        Broken::QuorumOneShort,
        Broken::ChangesWithoutWaiting,
    ];
}

impl LeaseRules for Broken {
    fn lease_start(&self, sent: Reading, acknowledged: Reading) -> Reading {
        if *self == Broken::LeaseFromReceipt { acknowledged } else { sent }
    }

    fn lease_end(&self, settings: &LeaseSettings, start: &Reading, until: Option<Alarm>) -> Option<Alarm> {
        let forgotten = LeaseSettings { max_clock_skew: Span::ZERO, ..*settings };
        SoundRules.lease_end(if *self == Broken::SkewForgotten { &forgotten } else { settings }, start, until)
    }

    fn reading(&self, fresh: Reading, previous: Reading, request: bool) -> Reading {
        if *self == Broken::CachedReading && request { previous } else { fresh }
    }

    fn promise_length(&self, in_message: Span, own_setting: Span) -> Span {
        if *self == Broken::PromiseOfOwnLength { own_setting } else { in_message }
    }

    fn promise_may_shrink(&self) -> bool {
        *self == Broken::PromiseMayShrink
    }

    fn change_cuts_lease_short(&self) -> bool {
        *self != Broken::ChangeLeavesLease
    }

    fn promise_end(&self, received: Stamp, leader_stamp: Option<Nanos>, length: Span) -> Alarm {
        let length = if *self == Broken::PromiseHalved { length.div(2) } else { length };
        SoundRules.promise_end(received, leader_stamp, length)
    }

    fn may_grant(&self, ballot: Ballot, promise_running: bool, own_lease_running: bool) -> bool {
        match (self, ballot) {
            (Broken::VotesWhilePromised, Ballot::Vote) => true,
            (Broken::PreVotesWhilePromised, Ballot::PreVote) => true,
            _ => SoundRules.may_grant(ballot, promise_running, own_lease_running),
        }
    }

    fn promise_after_restart(&self, started: Stamp, longest: Span) -> Option<Alarm> {
        let span = if *self == Broken::RestartForgets { Span::nanos(1) } else { longest };
        Some(Alarm::Last { since: started, span })
    }

    fn transfer_bars_lease(&self) -> bool {
        *self != Broken::TransferKeepsLease
    }

    fn may_serve(&self, own_term_applied: bool) -> bool {
        own_term_applied || *self == Broken::ServesBeforeOwnEntry
    }

    fn step_down_ends_lease(&self) -> bool {
        *self != Broken::StepDownKeepsLease
    }

    fn counts(&self, acknowledgement: Acknowledgement) -> bool {
        let Acknowledgement { current_term, from_voter } = acknowledgement;
        (current_term || *self == Broken::OldTermCounts) && (from_voter || *self == Broken::LearnerCounts)
    }

    fn lease_quorum(&self, voters: usize) -> usize {
        let quorum = SoundRules.lease_quorum(voters);
        if *self == Broken::QuorumOneShort { (quorum - 1).max(1) } else { quorum }
    }

    fn may_reconfigure(&self, standing: ConfigurationStanding) -> bool {
        *self == Broken::ChangesWithoutWaiting || SoundRules.may_reconfigure(standing)
    }
}
