//! Lease rules by name: the sound ones, and each broken in one place.
//!
//! A broken set overrides one method of [`LeaseRules`]: reading it is reading the bug. The comment names a system that
//! shipped it. They exist to show what each rule is for, and that the checker bites.

use leasehold::lease::{
    Acknowledgement, Ballot, ConfigurationStanding, LeaseRules, LeaseSettings, QuorumContact, SoundRules,
};
use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp};

/// A named set of rules.
#[derive(Clone, Copy)]
pub struct NamedRules {
    /// As scenarios write it.
    pub name: &'static str,
    /// What is different, in one sentence.
    pub what: &'static str,
    /// The rules.
    pub rules: &'static (dyn LeaseRules + Sync),
}

impl std::fmt::Debug for NamedRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The name of the rules under which members change too early: what the sound ones would have had is another run.
pub const TOO_EARLY: &str = "changes-without-waiting";

/// The name of the sound rules.
pub const SOUND: &str = "sound";

/// All broken rules, in the order of the promises they break.
pub const BROKEN: &[NamedRules] = &[
    NamedRules {
        name: "lease-from-acknowledgement",
        what: "rule 1: the lease is counted from the receipt of the acknowledgements, not from the send",
        rules: &LeaseFromAcknowledgement,
    },
    NamedRules {
        name: "nothing-withheld",
        what: "rule 2: votes and pre-votes are granted although a promise is running",
        rules: &NothingWithheld,
    },
    NamedRules {
        name: "pre-vote-withheld-only",
        what: "rule 2: only pre-votes are withheld while a promise is running",
        rules: &PreVoteWithheldOnly,
    },
    NamedRules {
        name: "promise-by-the-faster-clock",
        what: "rule 2: a promise ends by the faster of the two monotonic clocks, not by the slower",
        rules: &PromiseByTheFasterClock,
    },
    NamedRules {
        name: "leader-votes",
        what: "rule 2: a leader votes for somebody else while its own lease is running",
        rules: &LeaderVotes,
    },
    NamedRules {
        name: "restart-forgets",
        what: "rule 3: a node that has just started votes at once",
        rules: &RestartForgets,
    },
    NamedRules {
        name: "transfer-keeps-lease",
        what: "rule 4: a leader keeps its lease after it told a successor to campaign",
        rules: &TransferKeepsLease,
    },
    NamedRules {
        name: "serves-unapplied",
        what: "rule 5: a new leader serves before an entry of its own term is applied",
        rules: &ServesUnapplied,
    },
    NamedRules {
        name: "cached-clock",
        what: "rule 6: requests are judged by a clock reading from before they arrived",
        rules: &CachedClock,
    },
    NamedRules {
        name: "lease-outlives-leadership",
        what: "rule 7: stepping down does not end the lease",
        rules: &LeaseOutlivesLeadership,
    },
    NamedRules {
        name: "counts-older-terms",
        what: "rule 7: acknowledgements of an older term extend the lease",
        rules: &CountsOlderTerms,
    },
    NamedRules {
        name: "counts-learners",
        what: "rule 7: acknowledgements of learners extend the lease",
        rules: &CountsLearners,
    },
    NamedRules {
        name: "half-quorum",
        what: "rule 8: half of the voters, not a majority, carry the lease",
        rules: &HalfQuorum,
    },
    NamedRules {
        name: TOO_EARLY,
        what: "rule 8: members change again before the last change has a quorum",
        rules: &ChangesWithoutWaiting,
    },
    NamedRules {
        name: "guesses-time",
        what: "rule 9: without a usable wall clock the lease is taken to run on",
        rules: &GuessesTime,
    },
    NamedRules {
        name: "own-promise-length",
        what: "rule 10: a follower promises for its own election timeout, not the leader's",
        rules: &OwnPromiseLength,
    },
    NamedRules {
        name: "promise-may-shrink",
        what: "rule 10: a change to shorter lengths ends longer promises at once, and leases not before their time",
        rules: &PromiseMayShrink,
    },
    NamedRules {
        name: "never-steps-down",
        what: "the leadership is the lease: a leader serves until it hears of another",
        rules: &NeverStepsDown,
    },
    NamedRules {
        name: "check-quorum-window",
        what: "the leadership is the lease: it ends when a check, once an election timeout, finds that no quorum was heard since the check before",
        rules: &CheckQuorumWindow,
    },
    NamedRules {
        name: "step-down-timer",
        what: "the leadership is the lease: twice an election timeout a timer looks whether it is over",
        rules: &StepDownTimer,
    },
    NamedRules {
        name: "contact-is-lease",
        what: "the leadership is the lease: it lasts for an election timeout from the receipt of a quorum's acknowledgements",
        rules: &ContactIsLease,
    },
    NamedRules {
        name: "contact-from-acknowledgement",
        what: "rule 1: lease and leadership are counted from the receipt of the acknowledgements, not from the send",
        rules: &ContactFromAcknowledgement,
    },
    NamedRules {
        name: "transfer-resumes",
        what: "rule 4: a leader that gives a transfer up resumes its term, with a lease, while its message may still arrive",
        rules: &TransferResumes,
    },
    NamedRules {
        name: "age-saturates",
        what: "rule 9: a clock that was set back makes the age of a lease zero",
        rules: &AgeSaturates,
    },
    NamedRules {
        name: "promise-in-ticks",
        what: "a follower counts its promise in ticks, ten to an election timeout: up to one tick is missing",
        rules: &PromiseInTicks,
    },
    NamedRules {
        name: "reads-unconfirmed",
        what: "reads by a quorum: a read is answered before a quorum has confirmed the leader",
        rules: &ReadsUnconfirmed,
    },
    NamedRules {
        name: "reads-earlier-round",
        what: "reads by a quorum: a round from before the read confirms it",
        rules: &ReadsEarlierRound,
    },
    NamedRules {
        name: "reads-shared-round",
        what: "reads by a quorum: a read shares the round of one that waits already",
        rules: &ReadsSharedRound,
    },
];

/// All names that a scenario may use.
pub fn names() -> Vec<&'static str> {
    std::iter::once(SOUND).chain(BROKEN.iter().map(|named| named.name)).collect()
}

/// Rules picked by name when a run starts: simulated nodes are compiled once, not once for each set of rules. (In the
/// production node the sound rules are compiled in.)
#[derive(Clone, Copy)]
pub struct Rules(&'static (dyn LeaseRules + Sync));

impl Rules {
    /// The rules with this name.
    ///
    /// # Panics
    ///
    /// If no rules have it. The reader of scenarios checks names.
    pub fn named(name: &str) -> Rules {
        if name == SOUND {
            return Rules(&SoundRules);
        }
        let found = BROKEN.iter().find(|named| named.name == name);
        Rules(found.expect("the rules' name was checked when the setup was read").rules)
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rules")
    }
}

impl LeaseRules for Rules {
    fn lease_start(&self, sent: Reading, acknowledged: Reading) -> Reading {
        self.0.lease_start(sent, acknowledged)
    }
    fn lease_end(&self, settings: &LeaseSettings, start: &Reading, until: Option<Alarm>) -> Option<Alarm> {
        self.0.lease_end(settings, start, until)
    }
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        self.0.leads_until(election_timeout, contact)
    }
    fn lease_running(&self, end: &Alarm, now: &Reading) -> bool {
        self.0.lease_running(end, now)
    }
    fn reading(&self, fresh: Reading, previous: Reading, request: bool) -> Reading {
        self.0.reading(fresh, previous, request)
    }
    fn promise_length(&self, in_message: Span, own_setting: Span) -> Span {
        self.0.promise_length(in_message, own_setting)
    }
    fn promise_may_shrink(&self) -> bool {
        self.0.promise_may_shrink()
    }
    fn change_cuts_lease_short(&self) -> bool {
        self.0.change_cuts_lease_short()
    }
    fn promise_end(&self, received: Stamp, leader_stamp: Option<Nanos>, length: Span) -> Alarm {
        self.0.promise_end(received, leader_stamp, length)
    }
    fn may_grant(&self, ballot: Ballot, promise_running: bool, own_lease_running: bool) -> bool {
        self.0.may_grant(ballot, promise_running, own_lease_running)
    }
    fn promise_after_restart(&self, started: Stamp, longest: Span) -> Option<Alarm> {
        self.0.promise_after_restart(started, longest)
    }
    fn transfer_bars_lease(&self) -> bool {
        self.0.transfer_bars_lease()
    }
    fn resumes_after_transfer(&self) -> bool {
        self.0.resumes_after_transfer()
    }
    fn may_serve(&self, own_term_applied: bool) -> bool {
        self.0.may_serve(own_term_applied)
    }
    fn step_down_ends_lease(&self) -> bool {
        self.0.step_down_ends_lease()
    }
    fn counts(&self, acknowledgement: Acknowledgement) -> bool {
        self.0.counts(acknowledgement)
    }
    fn lease_quorum(&self, voters: usize) -> usize {
        self.0.lease_quorum(voters)
    }
    fn may_reconfigure(&self, standing: ConfigurationStanding) -> bool {
        self.0.may_reconfigure(standing)
    }
    fn read_round(&self, latest_sent: u64, waiting: Option<u64>) -> u64 {
        self.0.read_round(latest_sent, waiting)
    }
    fn read_is_confirmed(&self, needed: u64, confirmed: u64) -> bool {
        self.0.read_is_confirmed(needed, confirmed)
    }
    fn may_commit(&self, now: &Reading) -> bool {
        self.0.may_commit(now)
    }
}

/// hashicorp/raft #108; elastickv spends its margin on it.
struct LeaseFromAcknowledgement;
impl LeaseRules for LeaseFromAcknowledgement {
    fn lease_start(&self, _sent: Reading, acknowledged: Reading) -> Reading {
        acknowledged
    }
}

/// nebula #5379: the quorum that carries the lease has promised nothing.
struct NothingWithheld;
impl LeaseRules for NothingWithheld {
    fn may_grant(&self, _ballot: Ballot, _promise_running: bool, _own_lease_running: bool) -> bool {
        true
    }
}

/// sofa-jraft, by reading: a pre-vote's answer need not be true any more when the vote comes.
struct PreVoteWithheldOnly;
impl LeaseRules for PreVoteWithheldOnly {
    fn may_grant(&self, ballot: Ballot, promise_running: bool, own_lease_running: bool) -> bool {
        ballot != Ballot::PreVote || (!promise_running && !own_lease_running)
    }
}

/// One clock is trusted: a slewed or stepped one ends the promise too early.
struct PromiseByTheFasterClock;
impl LeaseRules for PromiseByTheFasterClock {
    fn promise_end(&self, received: Stamp, _leader_stamp: Option<Nanos>, length: Span) -> Alarm {
        Alarm::First { since: received, span: length }
    }
}

/// The leader's own promise is forgotten.
struct LeaderVotes;
impl LeaseRules for LeaderVotes {
    fn may_grant(&self, ballot: Ballot, promise_running: bool, _own_lease_running: bool) -> bool {
        ballot == Ballot::TransferVote || !promise_running
    }
}

/// tikv #15035: the promise lives in memory only.
struct RestartForgets;
impl LeaseRules for RestartForgets {
    fn promise_after_restart(&self, _started: Stamp, _longest: Span) -> Option<Alarm> {
        None
    }
}

/// tikv #1593, openraft #1749: "followers wait" does not hold after TimeoutNow.
struct TransferKeepsLease;
impl LeaseRules for TransferKeepsLease {
    fn transfer_bars_lease(&self) -> bool {
        false
    }
}

/// Jepsen's Redis-Raft report, consul #2644: the log is complete, the state machine is not.
struct ServesUnapplied;
impl LeaseRules for ServesUnapplied {
    fn may_serve(&self, _own_term_applied: bool) -> bool {
        true
    }
}

/// An event loop that reads the clock once an iteration.
struct CachedClock;
impl LeaseRules for CachedClock {
    fn reading(&self, fresh: Reading, previous: Reading, request: bool) -> Reading {
        if request { previous } else { fresh }
    }
}

/// yugabyte-db #19447: a thread that serves reads goes on with the lease it had.
struct LeaseOutlivesLeadership;
impl LeaseRules for LeaseOutlivesLeadership {
    fn step_down_ends_lease(&self) -> bool {
        false
    }
}

/// elastickv a1e1f582: a late acknowledgement of an earlier leadership.
struct CountsOlderTerms;
impl LeaseRules for CountsOlderTerms {
    fn counts(&self, acknowledgement: Acknowledgement) -> bool {
        acknowledgement.from_voter
    }
}

/// hashicorp/raft #308.
struct CountsLearners;
impl LeaseRules for CountsLearners {
    fn counts(&self, acknowledgement: Acknowledgement) -> bool {
        acknowledgement.current_term
    }
}

/// An off-by-one that no test without a partition finds.
struct HalfQuorum;
impl LeaseRules for HalfQuorum {
    fn lease_quorum(&self, voters: usize) -> usize {
        (voters / 2).max(1)
    }
}

/// Majorities of configurations that are one step apart have a voter in common; two steps apart they may have none.
struct ChangesWithoutWaiting;
impl LeaseRules for ChangesWithoutWaiting {
    fn may_reconfigure(&self, _standing: ConfigurationStanding) -> bool {
        true
    }
}

/// "It was fine a moment ago."
struct GuessesTime;
impl LeaseRules for GuessesTime {
    fn lease_running(&self, end: &Alarm, now: &Reading) -> bool {
        now.wall.is_none() || !end.reached(now)
    }
}

/// kubernetes #47671: nodes with different settings.
struct OwnPromiseLength;
impl LeaseRules for OwnPromiseLength {
    fn promise_length(&self, _in_message: Span, own_setting: Span) -> Span {
        own_setting
    }
}

/// "The newest round counts": true as long as all rounds ask for the same. Two methods, since either covers for the
/// other.
struct PromiseMayShrink;
impl LeaseRules for PromiseMayShrink {
    fn promise_may_shrink(&self) -> bool {
        true
    }
    fn change_cuts_lease_short(&self) -> bool {
        false
    }
}

/// An alarm that never goes off.
fn never(since: Stamp) -> Alarm {
    Alarm::First { since, span: Span::MAX }
}

/// etcd #8450: lease reads while nothing makes a leader in a minority step down. Two methods: either alone ends it.
struct NeverStepsDown;
impl LeaseRules for NeverStepsDown {
    fn leads_until(&self, _election_timeout: Span, _contact: &QuorumContact) -> Option<Alarm> {
        None
    }
    fn lease_end(&self, _settings: &LeaseSettings, start: &Reading, _: Option<Alarm>) -> Option<Alarm> {
        Some(never(start.stamp))
    }
}

/// etcd-raft #166. A contact within one window is found by the check at its end; the check after that finds none. Two
/// methods: the lease must last as long as the leadership.
struct CheckQuorumWindow;
impl LeaseRules for CheckQuorumWindow {
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        let passed = contact.acknowledged.stamp.elapsed_max(contact.elected);
        let windows = passed.as_nanos() / election_timeout.as_nanos();
        Some(Alarm::First { since: contact.elected, span: election_timeout * (windows + 2) })
    }
    fn lease_end(&self, _: &LeaseSettings, start: &Reading, leads_until: Option<Alarm>) -> Option<Alarm> {
        Some(leads_until.unwrap_or(never(start.stamp)))
    }
}

/// sofa-jraft #34. The first look after the leadership is over ends it. Two methods, as above.
struct StepDownTimer;
impl LeaseRules for StepDownTimer {
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        let over = contact.sent.stamp.elapsed_max(contact.elected) + election_timeout;
        let period = election_timeout.div(2);
        let looks = over.as_nanos() / period.as_nanos() + 1;
        Some(Alarm::First { since: contact.elected, span: period * looks })
    }
    fn lease_end(&self, _: &LeaseSettings, start: &Reading, leads_until: Option<Alarm>) -> Option<Alarm> {
        Some(leads_until.unwrap_or(never(start.stamp)))
    }
}

/// nodedb #346, as proposed there. Two methods, as above.
struct ContactIsLease;
impl LeaseRules for ContactIsLease {
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        Some(Alarm::First { since: contact.acknowledged.stamp, span: election_timeout })
    }
    fn lease_end(&self, _: &LeaseSettings, start: &Reading, leads_until: Option<Alarm>) -> Option<Alarm> {
        Some(leads_until.unwrap_or(never(start.stamp)))
    }
}

/// hashicorp/raft #108, elastickv #561. Two methods: a step-down in time ends a lease that is too long.
struct ContactFromAcknowledgement;
impl LeaseRules for ContactFromAcknowledgement {
    fn lease_start(&self, _sent: Reading, acknowledged: Reading) -> Reading {
        acknowledged
    }
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        Some(Alarm::First { since: contact.acknowledged.stamp, span: election_timeout })
    }
}

/// etcd #12704, etcd-raft #99: the transfer is given up, its message is not.
struct TransferResumes;
impl LeaseRules for TransferResumes {
    fn resumes_after_transfer(&self) -> bool {
        true
    }
}

/// d-engine #158: `now.saturating_sub(start) < length`. Two methods: a step-down in time covers for the lease.
struct AgeSaturates;
impl LeaseRules for AgeSaturates {
    fn lease_end(&self, settings: &LeaseSettings, start: &Reading, _: Option<Alarm>) -> Option<Alarm> {
        // `Alarm::Last` takes a clock that went back for one that stands still.
        Some(Alarm::Last { since: start.stamp, span: settings.effective() })
    }
    fn leads_until(&self, election_timeout: Span, contact: &QuorumContact) -> Option<Alarm> {
        Some(Alarm::Last { since: contact.sent.stamp, span: election_timeout })
    }
}

/// tikv #9728: a round that comes just before a tick has that tick counted.
struct PromiseInTicks;
impl LeaseRules for PromiseInTicks {
    fn promise_end(&self, received: Stamp, _leader_stamp: Option<Nanos>, length: Span) -> Alarm {
        /// In an election timeout.
        const TICKS: u64 = 10;
        let since_tick = received.boot().0 % length.div(TICKS).as_nanos().max(1);
        Alarm::Last { since: received, span: length.saturating_sub(Span::nanos(since_tick)) }
    }
}

/// "I am the leader": as far as it knows.
struct ReadsUnconfirmed;
impl LeaseRules for ReadsUnconfirmed {
    fn read_is_confirmed(&self, _needed: u64, _confirmed: u64) -> bool {
        true
    }
}

/// etcd-raft #397, d-engine #381: an answer to an earlier heartbeat counts for a read that came after it.
struct ReadsEarlierRound;
impl LeaseRules for ReadsEarlierRound {
    fn read_round(&self, latest_sent: u64, _waiting: Option<u64>) -> u64 {
        latest_sent
    }
}

/// etcd #20418: a request that is repeated takes the answer to its first try.
struct ReadsSharedRound;
impl LeaseRules for ReadsSharedRound {
    fn read_round(&self, latest_sent: u64, waiting: Option<u64>) -> u64 {
        waiting.unwrap_or(latest_sent + 1)
    }
}
