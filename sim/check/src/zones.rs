//! The fast path: Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput. 26(4), 1997), section 4.
//!
//! Let every value be written once. A value's cluster is its write and the operations that saw it; in an order that a
//! register explains, a cluster stands together. Of a cluster, let
//!
//! ```text
//! f = the earliest response       s = the latest invocation
//! ```
//!
//! A must come before B iff something in A responded before something in B was invoked: iff f(A) < s(B). So A and B
//! exclude each other iff f(A) < s(B) and f(B) < s(A). Call A forward if f(A) < s(A), its zone being f..s, and backward
//! otherwise, its zone being s..f. Then two forward zones exclude each other iff their interiors overlap, a forward and a
//! backward one iff the backward one lies in the interior of the forward one, two backward ones never. All comparisons
//! are strict, because precedence is: zones may touch.
//!
//! That is enough, for a cycle of three or more clusters contains two that exclude each other: let M have the smallest f
//! in the cycle, P come before M in it and Q before P. If M and P do not exclude each other then s(P) <= f(M), as
//! f(P) < s(M); hence f(Q) < s(P) <= f(M), and M did not have the smallest f. So the clusters can be sorted; within one,
//! the write goes first, which is possible unless an observer responded before the write was invoked.
//!
//! MISSING is written before everything. A write of unknown outcome responds never: unless someone saw it, its f is larger
//! than every s, and it excludes nothing.
//!
//! A compare-and-swap is taken for a write of `to` and, beside it, a read of `from`. That loses that nothing came between
//! the two, so of a key with swaps only a violation is proved here, never its absence. `chains` goes on from there.

use super::history::{Moment, Operation, Value};
use super::report::{Precedence, Violation};

/// What the zones of one key prove.
#[derive(Debug)]
pub(super) struct Zones {
    /// Whether no two operations wrote, or may have written, the same value, MISSING being written at the start.
    pub(super) distinct: bool,
    /// A contradiction. `None` means linearizable if the values are distinct and there is no compare-and-swap.
    pub(super) violation: Option<Violation>,
}

/// Examines the operations of one key, given by their indices in `history`.
pub(super) fn examine(history: &[Operation], members: &[usize]) -> Zones {
    let mut touches: Vec<Touch> = members.iter().flat_map(|&index| touches_of(history, index)).collect();
    touches.sort_unstable_by_key(|touch| (touch.value, touch.role, touch.index));

    let mut distinct = true;
    let mut impossible: Option<(Moment, Violation)> = None;
    let mut zones = Vec::new();
    for cluster in touches.chunk_by(|a, b| a.value == b.value) {
        let missing = cluster[0].value == Value::MISSING;
        let (writers, observers) = cluster.split_at(cluster.partition_point(|t| t.role == Role::Writer));
        distinct &= writers.len() + usize::from(missing) <= 1;
        let too_early = if missing { None } else { seen_too_early(writers, observers) };
        impossible = [impossible, too_early].into_iter().flatten().min_by_key(|(responded, _)| *responded);
        zones.push(Zone::of(cluster, missing));
    }

    let violation = match impossible {
        Some((_, violation)) => Some(violation),
        None if distinct => exclusion(zones),
        None => None,
    };
    Zones { distinct, violation }
}

/// One operation's part in one value's cluster.
#[derive(Clone, Copy, Debug)]
struct Touch {
    value: Value,
    role: Role,
    index: usize,
    invoked: Moment,
    responded: Moment,
}

/// Writers sort first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Writer,
    Observer,
}

fn touches_of(history: &[Operation], index: usize) -> impl Iterator<Item = Touch> {
    let operation = &history[index];
    let touch = move |value, role| Touch {
        value,
        role,
        index,
        invoked: Moment::at(operation.invoked),
        responded: Moment::response(operation),
    };
    let written = operation.written().map(|value| touch(value, Role::Writer));
    let observed = operation.observed().map(|value| touch(value, Role::Observer));
    written.into_iter().chain(observed)
}

/// The first observer to respond, if that was before any writer was invoked, and when it responded.
fn seen_too_early(writers: &[Touch], observers: &[Touch]) -> Option<(Moment, Violation)> {
    let first = observers.iter().min_by_key(|observer| observer.responded)?;
    let observer = first.index;
    let violation = match writers.iter().min_by_key(|writer| writer.invoked) {
        None => Violation::NeverWritten { observer },
        Some(writer) if first.responded < writer.invoked => {
            Violation::SeenBeforeWritten { observer, writer: writer.index }
        }
        Some(_) => return None,
    };
    Some((first.responded, violation))
}

/// The two numbers of a block that stands together, and the operations they come from (`None`: MISSING, at the start).
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) first_response: Moment,
    first: Option<usize>,
    pub(super) last_invocation: Moment,
    last: usize,
}

impl Zone {
    /// The zone of some operations, with or without the beginning of the key. `None` if there are none.
    pub(super) fn over(
        history: &[Operation],
        indices: impl Iterator<Item = usize> + Clone,
        missing: bool,
    ) -> Option<Zone> {
        let first = indices.clone().min_by_key(|&index| (Moment::response(&history[index]), index))?;
        let last =
            indices.max_by_key(|&index| (Moment::at(history[index].invoked), std::cmp::Reverse(index)))?;
        Some(Zone {
            first_response: if missing { Moment::START } else { Moment::response(&history[first]) },
            first: (!missing).then_some(first),
            last_invocation: Moment::at(history[last].invoked),
            last,
        })
    }

    fn of(cluster: &[Touch], missing: bool) -> Zone {
        let first = cluster.iter().min_by_key(|touch| touch.responded).expect("a cluster has a member");
        let last = cluster.iter().max_by_key(|touch| touch.invoked).expect("a cluster has a member");
        Zone {
            first_response: if missing { Moment::START } else { first.responded },
            first: (!missing).then_some(first.index),
            last_invocation: last.invoked,
            last: last.index,
        }
    }

    pub(super) fn is_forward(&self) -> bool {
        self.first_response < self.last_invocation
    }

    /// The two reasons for which neither of two clusters can come first.
    fn cycle(&self, other: &Zone) -> Violation {
        assert!(self.first_response < other.last_invocation && other.first_response < self.last_invocation);
        Violation::OrderCycle {
            forth: Precedence { before: self.first, after: other.last },
            back: Precedence { before: other.first, after: self.last },
        }
    }
}

/// Two blocks that exclude each other, the earliest of their kind in time.
pub(super) fn exclusion(zones: Vec<Zone>) -> Option<Violation> {
    let (mut forward, backward): (Vec<Zone>, Vec<Zone>) = zones.into_iter().partition(Zone::is_forward);
    forward.sort_unstable_by_key(|zone| (zone.first_response, zone.last_invocation, zone.first));
    // Up to the first overlap the zones are disjoint, so that neighbours are all that needs comparing.
    let overlap = forward.windows(2).find(|pair| pair[1].first_response < pair[0].last_invocation);
    if let Some(pair) = overlap {
        return Some(pair[0].cycle(&pair[1]));
    }
    // Disjoint and sorted by their start, they are sorted by their end: of those that start early enough, the last one
    // ends last.
    let around = |inner: &Zone| {
        let starting = forward.partition_point(|zone| zone.first_response < inner.last_invocation);
        forward[..starting].last().filter(|zone| inner.first_response < zone.last_invocation)
    };
    backward
        .iter()
        .filter_map(|inner| around(inner).map(|outer| (inner, outer)))
        .min_by_key(|(inner, _)| (inner.first_response, inner.first))
        .map(|(inner, outer)| outer.cycle(inner))
}
