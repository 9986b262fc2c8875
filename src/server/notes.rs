//! What the node tells about itself, as log lines.

mod fields;

use leasehold::lease::Ballot;
use leasehold::raft::{LeaseEndCause, Misbehaviour, Names, Note, StepDownCause};
use leasehold::time::Clock;
use tracing::{debug, info, trace, warn};

use super::clock::OsClock;
use super::logging;
use super::options::LogFormat;

/// Logs a note: what changes who leads at `info`, what happens all the time further down.
pub(super) fn log(note: &Note, own: &str, names: &Names, clock: &OsClock) {
    match logging::format() {
        LogFormat::Text => as_text(note, names),
        LogFormat::Json => fields::log(note, own, names, clock.read().stamp),
    }
}

fn as_text(note: &Note, names: &Names) {
    match *note {
        Note::Campaign { term, ballot } => match ballot {
            Ballot::PreVote => info!("asks whether it would be elected in term {term}"),
            Ballot::Vote => info!("asks for votes in term {term}"),
            Ballot::TransferVote => info!("asks for votes in term {term}: the leader hands over"),
        },
        Note::VoteGranted { candidate, term, ballot } => debug!(
            "grants {} to {} in term {term}",
            match ballot {
                Ballot::PreVote => "a pre-vote",
                Ballot::Vote => "a vote",
                Ballot::TransferVote => "a vote by transfer",
            },
            names.name(candidate)
        ),
        Note::Elected { term } => info!("leads term {term}"),
        Note::LeaderReady { term, commit } => {
            info!("serves: an entry of term {term} is committed, up to index {commit}");
        }
        Note::Follows { leader, term } => info!("follows {} in term {term}", names.name(leader)),
        Note::LeaseRenewed { term, .. } => trace!("lease renewed in term {term}"),
        Note::LeaseEnded { term, cause } => match cause {
            LeaseEndCause::Transfer => info!("gives up its lease of term {term}: it hands over"),
            LeaseEndCause::StepDown => info!("gives up its lease of term {term}: it steps down"),
            LeaseEndCause::ClockSetBack => {
                warn!("gives up its lease of term {term}: its wall clock was set back");
            }
            LeaseEndCause::Settings => info!("gives up its lease of term {term}: the new lengths leave none"),
        },
        Note::SteppedDown { term, cause } => match cause {
            StepDownCause::HigherTerm => info!("no longer leads term {term}: there is a later one"),
            StepDownCause::StorageFull => warn!("no longer leads term {term}: its disk is full"),
            StepDownCause::Removed => info!("no longer leads term {term}: it was removed from the cluster"),
            StepDownCause::NoQuorum => {
                warn!("no longer leads term {term}: no quorum was heard for an election timeout");
            }
        },
        Note::LengthsInForce { lengths } => info!(
            "the cluster has agreed on other lengths: lease {}, election timeout {}, clock skew {}",
            lengths.duration, lengths.election_timeout, lengths.max_clock_skew
        ),
        Note::MembersInForce { index, voters, learners } => {
            info!("the members are those of log entry {index}: {voters} voters, {learners} learners");
        }
        Note::PromiseDiffers { leader, asked, own } => warn!(
            "{} asks for promises of {asked}, and this node's own election timeout is {own}: it gets what it asks for, so \
             reads are safe; give all nodes the same lengths, or apply them with lease_read_config",
            names.name(leader)
        ),
        Note::VotesWithheld { span } => {
            info!("has restarted and may have promised before: withholds votes for {span}");
        }
        Note::SlowDisk { waited } => warn!(
            "a vote of this node has waited {waited} for its disk: elections are as slow as the disks of a majority"
        ),
        Note::SnapshotInstalled { index, term } => {
            info!(
                "had fallen behind the log of term {term}'s leader: goes on from its snapshot at entry {index}"
            );
        }
        Note::Misbehaviour { peer, fact } => warn!(
            "{} {}; its message is ignored",
            names.name(peer),
            match fact {
                Misbehaviour::LeadsOurTerm => "claims to lead a term that this node leads or has led",
                Misbehaviour::ContradictsCommitted => "contradicts what is committed",
                Misbehaviour::BadSnapshot => "sends what is no part of a snapshot",
                Misbehaviour::AcknowledgesUnsent => "acknowledges what was never sent",
                Misbehaviour::TooManyNames => "names more nodes than there are numbers",
                Misbehaviour::TermOutOfReach => "speaks of a term that nobody can have come to",
                Misbehaviour::TermsOutOfOrder => "has a log whose terms are out of order",
            }
        ),
    }
}
