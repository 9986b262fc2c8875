//! What a node tells about itself as it happens: for logs in production, for triggers and margins in the simulator.
//! Nothing depends on whether anybody listens.
//!
//! A new note is a variant here, its row in the table of fields and its sentence. Logs and traces are written from those.

mod fields;

use super::{Index, NodeId, Term};
use crate::lease::{Ballot, LeaseLengths};
use crate::time::{Alarm, Reading, Span};
pub use fields::Value;
use fields::{Part, table};

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
    /// A follower has lost entries that it had acknowledged to this leader. It is counted neither for commits nor for leases
    /// until it is removed.
    EntriesLost {
        /// The follower.
        peer: NodeId,
        /// It had acknowledged everything up to here.
        index: Index,
    },
    /// A follower's applied state is not the leader's at the same index, for the first time since they were the same. One of
    /// them is wrong.
    StateDiffers {
        /// The follower.
        peer: NodeId,
        /// Both have applied everything up to here.
        index: Index,
    },
    /// A fellow member did what a correct one cannot do. Its message was ignored.
    Misbehaviour {
        /// Who.
        peer: NodeId,
        /// What.
        fact: Misbehaviour,
    },
}

table! {
    "campaign" => Campaign { term: "term", ballot: "ballot" },
    "vote-granted" => VoteGranted { term: "term", ballot: "ballot", candidate: "to" },
    "elected" => Elected { term: "term" },
    "leader-ready" => LeaderReady { term: "term", commit: "commit" },
    "follows" => Follows { term: "term", leader: "leader" },
    "lease-renewed" => LeaseRenewed { term: "term", start: "start", end: "end" },
    "lease-ended" => LeaseEnded { term: "term", cause: "cause" },
    "stepped-down" => SteppedDown { term: "term", cause: "cause" },
    "lengths-in-force" => LengthsInForce { lengths: "lengths" },
    "members-in-force" => MembersInForce { index: "index", voters: "voters", learners: "learners" },
    "promise-differs" => PromiseDiffers { leader: "leader", asked: "asked_ns", own: "own_ns" },
    "votes-withheld" => VotesWithheld { span: "span_ns" },
    "slow-disk" => SlowDisk { waited: "waited_ns" },
    "snapshot-installed" => SnapshotInstalled { term: "term", index: "index" },
    "entries-lost" => EntriesLost { peer: "peer", index: "index" },
    "state-differs" => StateDiffers { peer: "peer", index: "index" },
    "misbehaviour" => Misbehaviour { peer: "peer", fact: "fact" },
}

/// How much a note matters to who runs the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Somebody should look.
    Warning,
    /// It changes who leads, or by which settings.
    Change,
    /// A step of an election.
    Step,
    /// It happens all the time.
    Routine,
}

impl Note {
    /// How much it matters.
    pub const fn weight(&self) -> Weight {
        match self {
            Note::Misbehaviour { .. }
            | Note::PromiseDiffers { .. }
            | Note::StateDiffers { .. }
            | Note::EntriesLost { .. }
            | Note::SlowDisk { .. }
            | Note::LeaseEnded { cause: LeaseEndCause::ClockSetBack, .. }
            | Note::SteppedDown { cause: StepDownCause::StorageFull | StepDownCause::NoQuorum, .. } => {
                Weight::Warning
            }
            Note::Campaign { .. }
            | Note::Elected { .. }
            | Note::LeaderReady { .. }
            | Note::Follows { .. }
            | Note::LeaseEnded { .. }
            | Note::SteppedDown { .. }
            | Note::LengthsInForce { .. }
            | Note::MembersInForce { .. }
            | Note::VotesWithheld { .. }
            | Note::SnapshotInstalled { .. } => Weight::Change,
            Note::VoteGranted { .. } => Weight::Step,
            Note::LeaseRenewed { .. } => Weight::Routine,
        }
    }

    /// What the node did, as the rest of a sentence that begins with its name. `name` gives the names of others.
    pub fn sentence(&self, name: impl Fn(NodeId) -> String) -> String {
        match *self {
            Note::Campaign { term, ballot } => match ballot {
                Ballot::PreVote => format!("asks whether it would be elected in term {term}"),
                Ballot::Vote => format!("asks for votes in term {term}"),
                Ballot::TransferVote => format!("asks for votes in term {term}: the leader hands over"),
            },
            Note::VoteGranted { candidate, term, ballot } => {
                let what = match ballot {
                    Ballot::PreVote => "a pre-vote",
                    Ballot::Vote => "a vote",
                    Ballot::TransferVote => "a vote by transfer",
                };
                format!("grants {what} to {} in term {term}", name(candidate))
            }
            Note::Elected { term } => format!("leads term {term}"),
            Note::LeaderReady { term, commit } => {
                format!("serves: an entry of term {term} is committed, up to index {commit}")
            }
            Note::Follows { leader, term } => format!("follows {} in term {term}", name(leader)),
            Note::LeaseRenewed { term, .. } => format!("lease renewed in term {term}"),
            Note::LeaseEnded { term, cause } => {
                let why = match cause {
                    LeaseEndCause::Transfer => "it hands over",
                    LeaseEndCause::StepDown => "it steps down",
                    LeaseEndCause::ClockSetBack => "its wall clock was set back",
                    LeaseEndCause::Settings => "the new lengths leave none",
                };
                format!("gives up its lease of term {term}: {why}")
            }
            Note::SteppedDown { term, cause } => {
                let why = match cause {
                    StepDownCause::HigherTerm => "there is a later one",
                    StepDownCause::StorageFull => "its disk is full",
                    StepDownCause::Removed => "it was removed from the cluster",
                    StepDownCause::NoQuorum => "no quorum was heard for an election timeout",
                };
                format!("no longer leads term {term}: {why}")
            }
            Note::LengthsInForce { lengths } => format!(
                "the cluster has agreed on other lengths: lease {}, election timeout {}, clock skew {}",
                lengths.duration, lengths.election_timeout, lengths.max_clock_skew
            ),
            Note::MembersInForce { index, voters, learners } => {
                format!("the members are those of log entry {index}: {voters} voters, {learners} learners")
            }
            Note::PromiseDiffers { leader, asked, own } => format!(
                "{} asks for promises of {asked}, and this node's own election timeout is {own}: it gets what it asks \
                 for, so reads are safe; give all nodes the same lengths, or apply them with lease_read_config",
                name(leader)
            ),
            Note::VotesWithheld { span } => {
                format!("has restarted and may have promised before: withholds votes for {span}")
            }
            Note::SlowDisk { waited } => format!(
                "a vote of this node has waited {waited} for its disk: elections are as slow as the disks of a majority"
            ),
            Note::SnapshotInstalled { index, term } => {
                format!(
                    "had fallen behind the log of term {term}'s leader: goes on from its snapshot at entry {index}"
                )
            }
            Note::EntriesLost { peer, index } => format!(
                "{0} has lost entries that it had acknowledged (up to {index}): was an older copy of its directory put back? \
                 It is not counted for commits and leases any more; remove {0} from the cluster and add it again with an \
                 empty directory",
                name(peer)
            ),
            Note::StateDiffers { peer, index } => format!(
                "its state at entry {index} is not that of {}: one of them is wrong, and both answer reads when they lead; \
                 compare the keys with a backup, then remove the wrong node and add it with an empty directory",
                name(peer)
            ),
            Note::Misbehaviour { peer, fact } => {
                let what = match fact {
                    Misbehaviour::LeadsOurTerm => "claims to lead a term that this node leads or has led",
                    Misbehaviour::ContradictsCommitted => "contradicts what is committed",
                    Misbehaviour::BadSnapshot => "sends what is no part of a snapshot",
                    Misbehaviour::AcknowledgesUnsent => "acknowledges what was never sent",
                    Misbehaviour::TooManyNames => "names more nodes than there are numbers",
                    Misbehaviour::TermOutOfReach => "speaks of a term that nobody can have come to",
                    Misbehaviour::TermsOutOfOrder => "has a log whose terms are out of order",
                    Misbehaviour::AsksTooLong => {
                        return format!(
                            "{} asks for a promise longer than the agreed election timeout; it gets none",
                            name(peer)
                        );
                    }
                };
                format!("{} {what}; its message is ignored", name(peer))
            }
        }
    }
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
    /// It asks for a promise that is longer than the election timeout that the cluster has agreed on.
    AsksTooLong,
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
    AsksTooLong = "asks-too-long",
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
    fn every_note_is_read_back_from_its_fields() {
        for word in Note::WORDS {
            let get = |name: &str| {
                Some(match name {
                    "ballot" => Value::Word("transfer-vote"),
                    "cause" if *word == "lease-ended" => Value::Word("clock-set-back"),
                    "cause" => Value::Word("no-quorum"),
                    "fact" => Value::Word("bad-snapshot"),
                    "to" | "leader" | "peer" => Value::Node(NodeId(2)),
                    name => Value::Number(name.len() as u64),
                })
            };
            let note = Note::from_fields(word, &get).expect(word);
            assert_eq!(note.word(), *word);
            let mut fields = Vec::new();
            note.fields(&mut |name, value| fields.push((name, value)));
            for (name, value) in &fields {
                assert_eq!(Some(*value), get(name), "{word}: {name}");
            }
            let kept = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            assert_eq!(Note::from_fields(word, &kept), Some(note));
            // No field is there for nothing, but for the wall clock's deadline, which the elapsed form has not.
            for (left_out, _) in fields.iter().filter(|(name, _)| *name != "wall_deadline_ns") {
                let without = |name: &str| kept(name).filter(|_| name != *left_out);
                assert_eq!(Note::from_fields(word, &without), None, "{word} without {left_out}");
            }
        }
        assert_eq!(Note::from_fields("no-such-note", &|_| Some(Value::Number(1))), None);
    }

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
