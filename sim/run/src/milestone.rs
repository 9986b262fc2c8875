//! What our nodes tell of themselves in a run: elections, leases, members. Triggers, traces, margins and stories read it.

use leasehold::raft::{LeaseEndCause, Misbehaviour, StepDownCause};
use leasehold::time::{Alarm, Reading};
use leasehold_world::setup::EventKind;

/// What happens to leaders and leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The process wants to lead.
    Campaign {
        /// In this term.
        term: u64,
        /// It only asks whether it would be elected.
        trial: bool,
    },
    /// It granted a vote.
    VoteGranted {
        /// To this process.
        to: usize,
        /// In this term.
        term: u64,
        /// Only the trial's.
        trial: bool,
        /// The candidate was told to campaign by the leader itself.
        transfer: bool,
    },
    /// It leads.
    Elected {
        /// In this term.
        term: u64,
    },
    /// From now on it may acknowledge writes.
    LeaderReady {
        /// In this term.
        term: u64,
    },
    /// It follows another leader than before.
    Follows {
        /// The leader.
        leader: usize,
        /// Its term.
        term: u64,
    },
    /// Its lease now runs until then.
    LeaseRenewed {
        /// In this term.
        term: u64,
        /// Counted from here, on its own clocks.
        start: Reading,
        /// Until this is reached.
        end: Alarm,
    },
    /// It gave its lease up.
    LeaseEnded {
        /// In this term.
        term: u64,
        /// Why.
        cause: LeaseEndCause,
    },
    /// It led and does so no more.
    SteppedDown {
        /// The term it led.
        term: u64,
        /// Why.
        cause: StepDownCause,
    },
    /// Other members are in force on this process.
    MembersInForce {
        /// By this entry of its log.
        index: u64,
        /// How many vote ...
        voters: usize,
        /// ... and how many do not.
        learners: usize,
    },
    /// It had fallen behind its leader's log and has taken a snapshot instead.
    SnapshotInstalled {
        /// Of everything up to here.
        index: u64,
        /// The leader's term.
        term: u64,
    },
    /// It received what no correct process sends.
    Misbehaviour {
        /// From this process.
        peer: usize,
        /// What.
        fact: Misbehaviour,
    },
}

/// The milestones that a fault may wait for: the word for each, and how a sentence about a node goes on.
pub const AWAITED: [(&str, &str); 6] = [
    ("lease-renewed", "renews its lease"),
    ("lease-ended", "gives up its lease"),
    ("campaign", "campaigns"),
    ("elected", "is elected"),
    ("leader-ready", "may acknowledge writes"),
    ("stepped-down", "steps down"),
];

/// Everything that a fault may wait for, in the order of the documentation.
pub const EVENT_KINDS: [EventKind; 9] = [
    EventKind::Note(AWAITED[0].0),
    EventKind::Note(AWAITED[1].0),
    EventKind::Note(AWAITED[2].0),
    EventKind::Note(AWAITED[3].0),
    EventKind::Note(AWAITED[4].0),
    EventKind::Note(AWAITED[5].0),
    EventKind::Served,
    EventKind::WriteAcknowledged,
    EventKind::Restarted,
];

impl Milestone {
    /// The word by which a fault may wait for it; one of [`AWAITED`].
    pub const fn awaited_as(&self) -> Option<&'static str> {
        match self {
            Milestone::LeaseRenewed { .. } => Some("lease-renewed"),
            Milestone::LeaseEnded { .. } => Some("lease-ended"),
            Milestone::Campaign { .. } => Some("campaign"),
            Milestone::Elected { .. } => Some("elected"),
            Milestone::LeaderReady { .. } => Some("leader-ready"),
            Milestone::SteppedDown { .. } => Some("stepped-down"),
            Milestone::VoteGranted { .. }
            | Milestone::Follows { .. }
            | Milestone::MembersInForce { .. }
            | Milestone::SnapshotInstalled { .. }
            | Milestone::Misbehaviour { .. } => None,
        }
    }

    /// The term in which it says that the node was elected.
    pub const fn elected_in(&self) -> Option<u64> {
        match self {
            Milestone::Elected { term } => Some(*term),
            _ => None,
        }
    }
}
