//! How long operations took, by kind, from invocation to answer: the network's delays are in it.

use leasehold_run::watch::Operation;
use leasehold_world::{Reply, Request};

/// Operations that have a latency of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A read that the leader answered by itself, under its lease.
    LeaseRead,
    /// A lease read that was asked of another node, which passed it on.
    LeaseReadPassedOn,
    /// A read that a quorum confirmed (ReadIndex).
    QuorumRead,
    /// A write or a compare-and-set.
    Update,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::LeaseRead, Kind::LeaseReadPassedOn, Kind::QuorumRead, Kind::Update];

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::LeaseRead => "lease read, at the leader",
            Kind::LeaseReadPassedOn => "lease read, passed on",
            Kind::QuorumRead => "read by quorum (ReadIndex)",
            Kind::Update => "write or cas",
        }
    }

    fn of(operation: &Operation) -> Option<Kind> {
        Some(match (operation.request, operation.completed?.1) {
            (Request::Read { .. }, Reply::Value { value: Some(_), lease, round_trips }) => {
                match (lease, round_trips) {
                    (true, 0) => Kind::LeaseRead,
                    (true, _) => Kind::LeaseReadPassedOn,
                    (false, _) => Kind::QuorumRead,
                }
            }
            (Request::Write { .. } | Request::Cas { .. }, Reply::Done | Reply::NotSwapped) => Kind::Update,
            _ => return None,
        })
    }
}

/// The distribution of one kind's latencies, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Of what.
    pub kind: Kind,
    /// How many were answered.
    pub count: usize,
    /// Half took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// 999 of 1000 took no longer.
    pub p999: u64,
    /// The longest.
    pub most: u64,
}

/// The latencies of what was answered; kinds of which nothing was are left out. A read that found no value does not say how
/// it was served, and counts nowhere.
pub fn latencies(history: &[Operation]) -> Vec<Latency> {
    let of = |kind| {
        let took = history.iter().filter(|operation| Kind::of(operation) == Some(kind));
        let mut took: Vec<u64> =
            took.filter_map(|operation| Some(operation.completed?.0 - operation.invoked)).collect();
        took.sort_unstable();
        let most = *took.last()?;
        let at = |per_mille| took[rank(took.len(), per_mille)];
        Some(Latency { kind, count: took.len(), p50: at(500), p99: at(990), p999: at(999), most })
    };
    Kind::ALL.into_iter().filter_map(of).collect()
}

/// The place of the smallest of `count` sorted values that so many of a thousand do not exceed.
fn rank(count: usize, per_mille: usize) -> usize {
    (count * per_mille).div_ceil(1_000).max(1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        for (count, per_mille, place) in [
            (1, 500, 0),
            (1, 999, 0),
            (100, 500, 49),
            (100, 990, 98),
            (100, 999, 99),
            (1_000, 999, 998),
            (4, 500, 1),
        ] {
            assert_eq!(rank(count, per_mille), place, "{per_mille} of {count}");
        }
    }

    #[test]
    fn kinds_are_told_by_the_answer() {
        let read = |value, lease, round_trips, took: u64| Operation {
            client: 0,
            node: 0,
            request: Request::Read { key: 1 },
            invoked: 100,
            answered: None,
            completed: Some((100 + took, Reply::Value { value, lease, round_trips })),
        };
        let history = [
            read(Some(1), true, 0, 5),
            read(Some(1), true, 1, 70),
            read(Some(1), false, 1, 900),
            read(None, false, 0, 8_000),
            Operation { completed: None, ..read(None, false, 0, 0) },
        ];
        let found: Vec<_> = latencies(&history).iter().map(|found| (found.kind, found.p50)).collect();
        let expected = [(Kind::LeaseRead, 5), (Kind::LeaseReadPassedOn, 70), (Kind::QuorumRead, 900)];
        assert_eq!(found, expected);
    }
}
