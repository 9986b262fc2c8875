//! Notes for programs: a name, and numbers with the clock readings that belong to them. docs/reference/protocol.md lists them.
//!
//! `raw_ns` and `boot_ns` are the machine's two monotonic clocks after what is told was decided and before anything that
//! follows from it has left the process. Processes of one machine share these clocks, so their lines can be compared.

use leasehold::raft::{Names, Note};
use leasehold::time::{Alarm, Stamp};
use tracing::{debug, info, trace, warn};

pub(super) fn log(note: &Note, node: &str, names: &Names, now: Stamp) {
    let (raw_ns, boot_ns) = (now.raw().0, now.boot().0);
    match *note {
        Note::Campaign { term, ballot } => {
            info!(note = "campaign", node, raw_ns, boot_ns, term = term.0, ballot = ballot.word());
        }
        Note::VoteGranted { candidate, term, ballot } => {
            let to = &**names.name(candidate);
            debug!(note = "vote-granted", node, raw_ns, boot_ns, term = term.0, ballot = ballot.word(), to);
        }
        Note::Elected { term } => info!(note = "elected", node, raw_ns, boot_ns, term = term.0),
        Note::LeaderReady { term, commit } => {
            info!(note = "leader-ready", node, raw_ns, boot_ns, term = term.0, commit = commit.0);
        }
        Note::Follows { leader, term } => {
            let leader = &**names.name(leader);
            info!(note = "follows", node, raw_ns, boot_ns, term = term.0, leader);
        }
        Note::LeaseRenewed { term, start, end } => {
            let (since, span, deadline) = lease_end(end);
            trace!(
                note = "lease-renewed",
                node,
                raw_ns,
                boot_ns,
                term = term.0,
                start_raw_ns = start.stamp.raw().0,
                start_boot_ns = start.stamp.boot().0,
                since_raw_ns = since.raw().0,
                since_boot_ns = since.boot().0,
                span_ns = span,
                wall_deadline_ns = deadline
            );
        }
        Note::LeaseEnded { term, cause } => {
            let cause = cause.word();
            info!(note = "lease-ended", node, raw_ns, boot_ns, term = term.0, cause);
        }
        Note::SteppedDown { term, cause } => {
            let cause = cause.word();
            info!(note = "stepped-down", node, raw_ns, boot_ns, term = term.0, cause);
        }
        Note::LengthsInForce { lengths } => info!(
            note = "lengths-in-force",
            node,
            raw_ns,
            boot_ns,
            lease_ns = lengths.duration.as_nanos(),
            election_timeout_ns = lengths.election_timeout.as_nanos(),
            max_clock_skew_ns = lengths.max_clock_skew.as_nanos()
        ),
        Note::MembersInForce { index, voters, learners } => {
            info!(note = "members-in-force", node, raw_ns, boot_ns, index = index.0, voters, learners);
        }
        Note::PromiseDiffers { leader, asked, own } => warn!(
            note = "promise-differs",
            node,
            raw_ns,
            boot_ns,
            leader = &**names.name(leader),
            asked_ns = asked.as_nanos(),
            own_ns = own.as_nanos()
        ),
        Note::VotesWithheld { span } => {
            info!(note = "votes-withheld", node, raw_ns, boot_ns, span_ns = span.as_nanos());
        }
        Note::SlowDisk { waited } => {
            warn!(note = "slow-disk", node, raw_ns, boot_ns, waited_ns = waited.as_nanos());
        }
        Note::SnapshotInstalled { index, term } => {
            info!(note = "snapshot-installed", node, raw_ns, boot_ns, term = term.0, index = index.0);
        }
        Note::Misbehaviour { peer, fact } => {
            let fact = fact.word();
            warn!(note = "misbehaviour", node, raw_ns, boot_ns, peer = &**names.name(peer), fact);
        }
    }
}

/// The lease runs for so many nanoseconds from the stamp on by either monotonic clock, and in the deadline form no longer
/// than to that time of the wall clock.
fn lease_end(end: Alarm) -> (Stamp, u64, Option<u64>) {
    match end {
        Alarm::First { since, span } | Alarm::Last { since, span } => (since, span.as_nanos(), None),
        Alarm::WallLatest { deadline, since, span } | Alarm::WallEarliest { deadline, since, span } => {
            (since, span.as_nanos(), Some(deadline.0))
        }
    }
}
