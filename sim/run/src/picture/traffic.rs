//! Messages and operations: which are drawn, and how many there are.
//!
//! The rule: around every moment of the story, and around every change of leadership, all messages and operations are drawn
//! that begin within one distance, the same for all. (After a suspend thousands end at once: their end does not count.) The distance is the largest power of two of a microsecond for which they
//! are no more than [`Bounds::marks_max`]. The stale read and the missed operation are always drawn.

use std::collections::BTreeSet;

use super::Bounds;
use super::model::{Counted, Message, Ns, Operation, narrow};
use super::sketch::Sketch;
use crate::explain::Explanation;
use crate::run::Outcome;
use crate::watch;
use leasehold_world::{Reply, Request};

/// Into so many parts a run is cut for counting.
const PARTS: u64 = 240;

/// A message as the sketch keeps it; times in ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: u16,
    pub(super) sent: u64,
    pub(super) got: Option<u64>,
    pub(super) lost: Option<u64>,
}

/// What is drawn, and how much there is.
pub(super) struct Traffic {
    pub(super) messages: Vec<Message>,
    pub(super) operations: Vec<Operation>,
    pub(super) counted: Counted,
}

/// The distance of an instant from the nearest anchor. Anchors are sorted.
fn distance(anchors: &[u64], at: u64) -> u64 {
    let next = anchors.partition_point(|anchor| *anchor < at);
    let after = anchors.get(next).map(|anchor| anchor - at);
    let before = next.checked_sub(1).map(|place| at - anchors[place]);
    after.into_iter().chain(before).min().unwrap_or(u64::MAX)
}

/// The largest distance at which no more than `most` lie; zero if even that is too many, in which case nothing is near.
fn near(mut distances: Vec<u64>, most: usize) -> Option<u64> {
    distances.sort_unstable();
    let within = |near: u64| distances.partition_point(|distance| *distance <= near) <= most;
    if within(u64::MAX) {
        return Some(u64::MAX);
    }
    (0..45).rev().map(|power| 1_000 << power).find(|near| within(*near))
}

/// Chooses what is drawn.
pub(super) fn select(
    sketch: &Sketch,
    outcome: &Outcome,
    told: Option<&Explanation>,
    anchors: &[u64],
    bounds: Bounds,
) -> Traffic {
    let messages: Vec<u64> = sketch.sent.iter().map(|sent| distance(anchors, sent.sent)).collect();
    let operations: Vec<u64> = outcome.history.iter().map(|done| distance(anchors, done.invoked)).collect();
    let near = near(messages.iter().chain(&operations).copied().collect(), bounds.marks_max);

    let stale: BTreeSet<usize> =
        outcome.check.stale_reads.iter().map(|read| outcome.history_index(read.read)).collect();
    let always = |place: usize| told.is_some_and(|told| told.read == place || told.missed == place);
    let drawn = |distance: u64| near.is_some_and(|near| distance <= near);
    let sent = sketch.sent.iter().zip(&messages).filter(|(_, distance)| drawn(**distance));
    let asked = outcome.history.iter().zip(&operations).enumerate();
    let asked = asked.filter(|(place, (_, distance))| drawn(**distance) || always(*place));
    Traffic {
        messages: sent.map(|(sent, _)| message(sent, &sketch.kinds)).collect(),
        operations: asked.map(|(place, (done, _))| operation(place, done, stale.contains(&place))).collect(),
        counted: count(sketch, outcome, &stale, near.unwrap_or(0)),
    }
}

fn message(sent: &Sent, kinds: &[String]) -> Message {
    Message {
        from: sent.from,
        to: sent.to,
        kind: kinds[usize::from(sent.kind)].clone(),
        sent: Ns::of(sent.sent),
        got: sent.got.map(Ns::of),
        lost: sent.lost.map(Ns::of),
    }
}

fn operation(place: usize, done: &watch::Operation, stale: bool) -> Operation {
    let (kind, written) = match done.request {
        Request::Read { .. } => ("read", None),
        Request::Write { value, .. } => ("write", Some(value)),
        Request::Cas { to, .. } => ("cas", Some(to)),
    };
    let (reply, read, lease) = match done.completed.map(|(_, reply)| reply) {
        None => ("none", None, false),
        Some(Reply::Value { value, lease, .. }) => ("value", value, lease),
        Some(Reply::Done) => ("done", None, false),
        Some(Reply::NotSwapped) => ("not-swapped", None, false),
        Some(Reply::Refused) => ("refused", None, false),
        Some(Reply::Unknown) => ("unknown", None, false),
    };
    Operation {
        number: narrow(place),
        client: narrow(done.client),
        node: narrow(done.node),
        kind: kind.to_owned(),
        key: done.request.key().to_string(),
        value: written.or(read).map(|value| value.to_string()),
        asked: Ns::of(done.invoked),
        answered: done.answered.map(Ns::of),
        known: done.completed.map(|(at, _)| Ns::of(at)),
        reply: reply.to_owned(),
        lease,
        stale,
    }
}

fn count(sketch: &Sketch, outcome: &Outcome, stale: &BTreeSet<usize>, near: u64) -> Counted {
    let step = (sketch.end() / PARTS + 1).max(1);
    let counts = |times: &mut dyn Iterator<Item = u64>| {
        let mut parts = vec![0_u32; usize::try_from(PARTS).expect("a few hundred")];
        for at in times {
            let place = usize::try_from(at / step).unwrap_or(usize::MAX).min(parts.len() - 1);
            parts[place] = parts[place].saturating_add(1);
        }
        parts
    };
    Counted {
        step: Ns::of(step),
        messages: counts(&mut sketch.sent.iter().map(|sent| sent.sent)),
        operations: counts(&mut outcome.history.iter().map(|done| done.invoked)),
        stale: counts(&mut stale.iter().map(|place| outcome.history[*place].invoked)),
        near: Ns::of(near),
        messages_total: narrow(sketch.sent.len()),
        operations_total: narrow(outcome.history.len()),
    }
}
