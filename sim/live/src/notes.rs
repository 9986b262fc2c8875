//! What nodes tell about leaders and leases, from their logs (`--log-format json -vv`).

use leasehold::raft::{LeaseEndCause, Misbehaviour, StepDownCause};
use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp};
use serde::Deserialize;

use leasehold_run::milestone::Milestone;
use leasehold_world::MONOTONIC_BASE;

/// The machine's two monotonic clocks at true time 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Epoch {
    pub(super) raw: u64,
    pub(super) boot: u64,
}

impl Epoch {
    /// True time, ns, of a reading of the boot clock. What was before the beginning was at the beginning.
    pub(super) fn true_time(self, boot: u64) -> u64 {
        boot.saturating_sub(self.boot)
    }

    /// A stamp of the machine as a perfect virtual clock would have shown it.
    fn stamp(self, raw: u64, boot: u64) -> Stamp {
        let on_virtual =
            |reading: u64, at_zero: u64| Nanos((MONOTONIC_BASE + reading).saturating_sub(at_zero));
        Stamp::new(on_virtual(raw, self.raw), on_virtual(boot, self.boot))
    }
}

/// Something that a node noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    /// True time at which it noted it, ns.
    pub(super) at: u64,
    pub(super) milestone: Milestone,
}

#[derive(Deserialize)]
struct Entry<'a> {
    note: Option<&'a str>,
    #[serde(default)]
    boot_ns: u64,
    #[serde(default)]
    term: u64,
    ballot: Option<&'a str>,
    to: Option<&'a str>,
    leader: Option<&'a str>,
    peer: Option<&'a str>,
    cause: Option<&'a str>,
    fact: Option<&'a str>,
    #[serde(default)]
    since_raw_ns: u64,
    #[serde(default)]
    since_boot_ns: u64,
    #[serde(default)]
    start_raw_ns: u64,
    #[serde(default)]
    start_boot_ns: u64,
    #[serde(default)]
    span_ns: u64,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    voters: usize,
    #[serde(default)]
    learners: usize,
}

/// Reads a line of a log: a note, if it is one.
pub(super) fn parse(line: &[u8], names: &[String], epoch: Epoch) -> Option<Noted> {
    let entry: Entry<'_> = serde_json::from_slice(line).ok()?;
    let term = entry.term;
    let place = |name: Option<&str>| names.iter().position(|known| Some(known.as_str()) == name);
    let (trial, transfer) = (entry.ballot == Some("pre-vote"), entry.ballot == Some("transfer-vote"));
    let milestone = match entry.note? {
        "campaign" => Milestone::Campaign { term, trial },
        "vote-granted" => Milestone::VoteGranted { to: place(entry.to)?, term, trial, transfer },
        "elected" => Milestone::Elected { term },
        "leader-ready" => Milestone::LeaderReady { term },
        "follows" => Milestone::Follows { leader: place(entry.leader)?, term },
        "lease-renewed" => {
            let since = epoch.stamp(entry.since_raw_ns, entry.since_boot_ns);
            Milestone::LeaseRenewed {
                term,
                start: Reading { stamp: epoch.stamp(entry.start_raw_ns, entry.start_boot_ns), wall: None },
                end: Alarm::First { since, span: Span::nanos(entry.span_ns) },
            }
        }
        "lease-ended" => Milestone::LeaseEnded { term, cause: LeaseEndCause::from_word(entry.cause?)? },
        "stepped-down" => Milestone::SteppedDown { term, cause: StepDownCause::from_word(entry.cause?)? },
        "members-in-force" => {
            let Entry { index, voters, learners, .. } = entry;
            Milestone::MembersInForce { index, voters, learners }
        }
        "snapshot-installed" => Milestone::SnapshotInstalled { index: entry.index, term },
        "misbehaviour" => {
            Milestone::Misbehaviour { peer: place(entry.peer)?, fact: Misbehaviour::from_word(entry.fact?)? }
        }
        _ => return None,
    };
    Some(Noted { at: epoch.true_time(entry.boot_ns), milestone })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch { raw: 1_000, boot: 5_000 };

    fn noted(line: &str) -> Option<Noted> {
        parse(line.as_bytes(), &["n1".to_owned(), "n2".to_owned()], EPOCH)
    }

    #[test]
    fn a_lease_is_counted_on_the_machines_clocks() {
        let line = r#"{"timestamp":"x","level":"TRACE","note":"lease-renewed","node":"n1","raw_ns":1300,"boot_ns":5300,
            "term":4,"start_raw_ns":1100,"start_boot_ns":5101,"since_raw_ns":1100,"since_boot_ns":5101,"span_ns":70}"#;
        let stamp = Stamp::new(Nanos(MONOTONIC_BASE + 100), Nanos(MONOTONIC_BASE + 101));
        let milestone = Milestone::LeaseRenewed {
            term: 4,
            start: Reading { stamp, wall: None },
            end: Alarm::First { since: stamp, span: Span::nanos(70) },
        };
        assert_eq!(noted(line), Some(Noted { at: 300, milestone }));
    }

    #[test]
    fn what_is_no_note_is_nothing() {
        assert_eq!(noted(r#"{"timestamp":"x","level":"INFO","message":"goes on from term 3"}"#), None);
        assert_eq!(noted("thread 'main' panicked"), None);
    }

    #[test]
    fn what_was_before_the_beginning_was_at_the_beginning() {
        let found = noted(r#"{"note":"elected","boot_ns":4000,"term":1}"#);
        assert_eq!(found, Some(Noted { at: 0, milestone: Milestone::Elected { term: 1 } }));
    }

    #[test]
    fn members_are_counted() {
        let found = noted(r#"{"note":"members-in-force","boot_ns":5001,"index":7,"voters":3,"learners":1}"#);
        let milestone = Milestone::MembersInForce { index: 7, voters: 3, learners: 1 };
        assert_eq!(found, Some(Noted { at: 1, milestone }));
    }

    #[test]
    fn votes_name_whom_they_go_to() {
        let found = noted(r#"{"note":"vote-granted","boot_ns":5001,"term":2,"ballot":"pre-vote","to":"n2"}"#);
        let milestone = Milestone::VoteGranted { to: 1, term: 2, trial: true, transfer: false };
        assert_eq!(found, Some(Noted { at: 1, milestone }));
    }
}
