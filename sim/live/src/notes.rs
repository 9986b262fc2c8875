//! What nodes tell about leaders and leases, from their logs (`--log-format json -vv`).

use leasehold::raft::{NodeId, Note, NoteValue};
use leasehold::time::{Alarm, Nanos, Stamp};
use serde_json::{Map, Value};

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
    fn stamp(self, stamp: Stamp) -> Stamp {
        let on_virtual =
            |reading: Nanos, at_zero: u64| Nanos((MONOTONIC_BASE + reading.0).saturating_sub(at_zero));
        Stamp::new(on_virtual(stamp.raw(), self.raw), on_virtual(stamp.boot(), self.boot))
    }
}

/// Something that a node noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    /// True time at which it noted it, ns.
    pub(super) at: u64,
    pub(super) note: Note,
}

/// Reads a line of a log: a note, if it is one. Stamps of a lease become those of a perfect virtual clock.
pub(super) fn parse(line: &[u8], names: &[String], epoch: Epoch) -> Option<Noted> {
    let entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let get = |name: &str| match entry.get(name)? {
        Value::Number(number) => number.as_u64().map(NoteValue::Number),
        Value::String(text) => Some(match names.iter().position(|known| known == text) {
            Some(place) => NoteValue::Node(NodeId(u16::try_from(place).ok()?)),
            None => NoteValue::Word(text),
        }),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let mut note = Note::from_fields(entry.get("note")?.as_str()?, &get)?;
    if let Note::LeaseRenewed { start, end, .. } = &mut note {
        start.stamp = epoch.stamp(start.stamp);
        // The machine's wall clock is no virtual one: the lease is judged by the monotonic clocks.
        if let Alarm::First { since, span } | Alarm::WallLatest { since, span, .. } = *end {
            *end = Alarm::First { since: epoch.stamp(since), span };
        }
    }
    let boot = entry.get("boot_ns").and_then(Value::as_u64).unwrap_or(0);
    Some(Noted { at: epoch.true_time(boot), note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold::lease::Ballot;
    use leasehold::raft::{Index, Term};
    use leasehold::time::{Reading, Span};

    const EPOCH: Epoch = Epoch { raw: 1_000, boot: 5_000 };

    fn noted(line: &str) -> Option<Noted> {
        parse(line.as_bytes(), &["n1".to_owned(), "n2".to_owned()], EPOCH)
    }

    #[test]
    fn a_lease_is_counted_on_the_machines_clocks() {
        let line = r#"{"timestamp":"x","level":"TRACE","note":"lease-renewed","node":"n1","raw_ns":1300,"boot_ns":5300,
            "term":4,"start_raw_ns":1100,"start_boot_ns":5101,"since_raw_ns":1100,"since_boot_ns":5101,"span_ns":70}"#;
        let stamp = Stamp::new(Nanos(MONOTONIC_BASE + 100), Nanos(MONOTONIC_BASE + 101));
        let note = Note::LeaseRenewed {
            term: Term(4),
            start: Reading { stamp, wall: None },
            end: Alarm::First { since: stamp, span: Span::nanos(70) },
        };
        assert_eq!(noted(line), Some(Noted { at: 300, note }));
    }

    #[test]
    fn what_is_no_note_is_nothing() {
        assert_eq!(noted(r#"{"timestamp":"x","level":"INFO","message":"goes on from term 3"}"#), None);
        assert_eq!(noted("thread 'main' panicked"), None);
    }

    #[test]
    fn what_was_before_the_beginning_was_at_the_beginning() {
        let found = noted(r#"{"note":"elected","boot_ns":4000,"term":1}"#);
        assert_eq!(found, Some(Noted { at: 0, note: Note::Elected { term: Term(1) } }));
    }

    #[test]
    fn members_are_counted() {
        let found = noted(r#"{"note":"members-in-force","boot_ns":5001,"index":7,"voters":3,"learners":1}"#);
        let note = Note::MembersInForce { index: Index(7), voters: 3, learners: 1 };
        assert_eq!(found, Some(Noted { at: 1, note }));
    }

    #[test]
    fn votes_name_whom_they_go_to() {
        let found = noted(r#"{"note":"vote-granted","boot_ns":5001,"term":2,"ballot":"pre-vote","to":"n2"}"#);
        let note = Note::VoteGranted { candidate: NodeId(1), term: Term(2), ballot: Ballot::PreVote };
        assert_eq!(found, Some(Noted { at: 1, note }));
    }
}
