//! What a node tells about itself as it happens: for logs in production, for triggers and margins in the simulator.
//! Nothing depends on whether anybody listens.

use super::{Index, NodeId, Term};
use crate::lease::{Ballot, LeaseLengths};
use crate::time::{Alarm, Reading, Span};

/// Something happened that is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The node asks for votes or pre-votes.
    Campaign {
        /// The term it wants to lead.
        term: Term,
        /// What it asks for.
        ballot: Ballot,
    },
    /// The node granted a vote (or a pre-vote).
    VoteGranted {
        /// To whom.
        candidate: NodeId,
        /// In which term.
        term: Term,
        /// What was granted.
        ballot: Ballot,
    },
    /// The node was elected.
    Elected {
        /// The term it leads.
        term: Term,
    },
    /// An entry of the leader's own term has committed: from now on it may acknowledge writes.
    LeaderReady {
        /// The leader's term.
        term: Term,
        /// The commit index.
        commit: Index,
    },
    /// The node accepted a leader it did not follow before.
    Follows {
        /// The leader.
        leader: NodeId,
        /// Its term.
        term: Term,
    },
    /// A quorum acknowledged a newer round.
    LeaseRenewed {
        /// The leader's term.
        term: Term,
        /// Counted from here.
        start: Reading,
        /// Runs until then.
        end: Alarm,
    },
    /// The lease was given up before its time.
    LeaseEnded {
        /// The leader's term.
        term: Term,
        /// Why.
        cause: LeaseEndCause,
    },
    /// The node led and does so no more.
    SteppedDown {
        /// The term it led.
        term: Term,
        /// Why.
        cause: StepDownCause,
    },
    /// Other lengths are in force on this node from now on: the cluster has agreed on them.
    LengthsInForce {
        /// The lengths.
        lengths: LeaseLengths,
    },
    /// Other members are in force on this node from now on, as its log has it. That may be taken back.
    MembersInForce {
        /// Their entry; 0 when they are those that the node was started with.
        index: Index,
        /// How many vote ...
        voters: usize,
        /// ... and how many do not.
        learners: usize,
    },
    /// A leader asks for promises of another length than this node's own setting. It gets what it asks for, so that this
    /// costs no safety. Told once for each leader and length.
    PromiseDiffers {
        /// The leader.
        leader: NodeId,
        /// What it asks for.
        asked: Span,
        /// This node's own election timeout.
        own: Span,
    },
    /// The node has restarted. It may have promised before, so it withholds votes for a while.
    VotesWithheld {
        /// For so long.
        span: Span,
    },
    /// A vote of this node waits for its disk, or had to wait for longer than a heartbeat. Until it is stored, the vote
    /// counts for nobody: a slow disk makes elections slow.
    SlowDisk {
        /// So long so far, or until it was stored.
        waited: Span,
    },
    /// The node had fallen behind its leader's log and has taken a snapshot instead.
    SnapshotInstalled {
        /// Its log and its state begin here now.
        index: Index,
        /// The leader's term.
        term: Term,
    },
    /// A fellow member did what a correct one cannot do. Its message was ignored.
    Misbehaviour {
        /// Who.
        peer: NodeId,
        /// What.
        fact: Misbehaviour,
    },
}

/// What no correct member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It leads the term that this node leads or has led.
    LeadsOurTerm,
    /// Its log differs from ours where ours is committed.
    ContradictsCommitted,
    /// What it sends is no part of any snapshot.
    BadSnapshot,
    /// It acknowledges a round or an entry that was never sent.
    AcknowledgesUnsent,
    /// Its log names more nodes than there are numbers.
    TooManyNames,
    /// It speaks of a term that cannot have come since this node heard of one last.
    TermOutOfReach,
    /// Its log's terms decrease, or go beyond its own.
    TermsOutOfOrder,
}

/// Why a lease ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEndCause {
    /// TimeoutNow was sent.
    Transfer,
    /// The leader stepped down.
    StepDown,
    /// Deadline form: the leader's wall clock was set back.
    ClockSetBack,
    /// The cluster has agreed on lengths that leave no lease.
    Settings,
}

/// Why a leader stepped down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepDownCause {
    /// It saw a higher term.
    HigherTerm,
    /// It has not heard from a quorum for an election timeout.
    NoQuorum,
    /// Its disk is full: it could not store what it would have to.
    StorageFull,
    /// It was removed from the cluster, and that is committed.
    Removed,
}

/// Gives a closed set of facts the words by which logs and traces call them.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $type {
            /// Every value, in the order of its declaration.
            pub const ALL: &[$type] = &[$($type::$variant),+];

            /// The word by which logs and traces call it: lower case, with hyphens. Programs read it, so it never changes.
            pub const fn word(self) -> &'static str {
                match self {
                    $($type::$variant => $word,)+
                }
            }

            /// The value that has this word; `None` if none has.
            pub fn from_word(word: &str) -> Option<$type> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}

words! {
    Misbehaviour:
    LeadsOurTerm = "leads-our-term",
    ContradictsCommitted = "contradicts-committed",
    BadSnapshot = "bad-snapshot",
    AcknowledgesUnsent = "acknowledges-unsent",
    TooManyNames = "too-many-names",
    TermOutOfReach = "term-out-of-reach",
    TermsOutOfOrder = "terms-out-of-order",
}

words! {
    LeaseEndCause:
    Transfer = "transfer",
    StepDown = "step-down",
    ClockSetBack = "clock-set-back",
    Settings = "settings",
}

words! {
    StepDownCause:
    HigherTerm = "higher-term",
    NoQuorum = "no-quorum",
    StorageFull = "storage-full",
    Removed = "removed",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_value() {
        for cause in LeaseEndCause::ALL {
            assert_eq!(LeaseEndCause::from_word(cause.word()), Some(*cause));
        }
        for cause in StepDownCause::ALL {
            assert_eq!(StepDownCause::from_word(cause.word()), Some(*cause));
        }
        for fact in Misbehaviour::ALL {
            assert_eq!(Misbehaviour::from_word(fact.word()), Some(*fact));
        }
        assert_eq!(StepDownCause::from_word("no-such-word"), None);
    }
}
