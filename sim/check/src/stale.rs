//! Which reads returned an old value, and which newer one they missed.
//!
//! All values of the key being different, let p(v) be the earliest response of an operation that wrote or saw v: by then
//! v had taken effect. MISSING had before everything. Say that an operation starts carrying its value when it was
//! invoked, or, if it is a read, when the value's write was, should that be later: before it the read cannot have seen
//! it. A read r of v is stale iff an operation o
//!
//! ```text
//! carries another value,    started carrying it after p(v),    responded before r was invoked
//! ```
//!
//! Then v had already been overwritten when o took effect, and no register shows it again. Such reads break
//! linearizability: o's value had to come after v and v's last read after o.
//!
//! The evidence o is an acknowledged write (or swap) where there is one, and otherwise another read that had already
//! returned the newer value. A read that is itself stale is no evidence, or the blame would spread from it to the
//! correct reads that follow. Nor is a read that saw its value too early to be true.
//!
//! Two values of which nobody can say which one is old leave no stale read behind, though they may break
//! linearizability: two reads at the same time, each returning what the other one's earlier companion had seen replaced.
//! The violation names all four.

use super::history::{Action, Key, Moment, Operation, Value};
use super::suffix::{Count, Earliest, Sighting, Suffixes};
use std::collections::BTreeMap;

/// A read that returned a value which had provably been replaced when the read was invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleRead {
    /// The key that was read.
    pub key: Key,
    /// The read's index in the history.
    pub read: usize,
    /// The old value.
    pub returned: Value,
    /// The index of the first operation to respond that proves it old.
    pub missed: usize,
    /// What kind of proof that is.
    pub evidence: Evidence,
    /// When `missed` responded: from then on the newer value was known. In nanoseconds of true time.
    pub known_at: u64,
    /// How long the newer value had been known when the read was invoked, in nanoseconds; at least one.
    pub stale_by_ns: u64,
    /// How many acknowledged writes the read missed: those invoked after its value had taken effect that responded before
    /// it was invoked. Zero if only reads prove the value old.
    pub overwritten_count: usize,
}

/// How a newer value was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Its write (or swap) had been acknowledged.
    Acknowledged,
    /// A read had returned it; its write may have no response at all.
    Observed,
}

/// The stale reads of one key, by invocation. `members` are the key's operations; no two of them write the same value,
/// and none writes MISSING.
pub(super) fn find(history: &[Operation], members: &[usize]) -> Vec<StaleRead> {
    let values = Values::of(history, members);
    let mut acknowledged = Acknowledged::of(history, members);
    let reads = values.sorted_reads(history, members);

    let mut starts: Vec<Moment> = reads.iter().map(|read| read.started).collect();
    starts.sort_unstable();
    let mut observed = Suffixes::<Earliest>::new(starts.len());

    let mut stale = Vec::new();
    for read in reads {
        let operation = &history[read.index];
        let proven = values.proven(read.value);
        let missed = match acknowledged.first_after(proven) {
            Some(write) if write.responded < operation.invoked => Some((write, Evidence::Acknowledged)),
            _ => observed
                .from(starts.partition_point(|&start| start <= proven))
                .besides(read.value)
                .filter(|sighting| sighting.responded < operation.invoked)
                .map(|sighting| (sighting, Evidence::Observed)),
        };
        let Some((missed, evidence)) = missed else {
            let position = starts.partition_point(|&start| start < read.started);
            observed.add(position, Earliest::one(read.sighting(history)));
            continue;
        };
        stale.push(StaleRead {
            key: operation.key,
            read: read.index,
            returned: read.value,
            missed: missed.index,
            evidence,
            known_at: missed.responded,
            stale_by_ns: operation.invoked - missed.responded,
            overwritten_count: acknowledged.count_between(proven, operation.invoked),
        });
    }
    stale
}

/// The reads, by invocation, that found the key missing after it was there, on a key that nothing deletes. Then MISSING
/// was there once, at the start, whatever other values were written how often.
pub(super) fn find_missing(history: &[Operation], members: &[usize]) -> Vec<StaleRead> {
    let operations = || members.iter().map(|&index| (index, &history[index]));
    if operations().any(|(_, operation)| operation.written() == Some(Value::MISSING)) {
        return Vec::new();
    }
    let mut acknowledged: Vec<(u64, usize)> = operations()
        .filter(|(_, operation)| operation.written().is_some())
        .filter_map(|(index, operation)| Some((operation.responded?, index)))
        .collect();
    acknowledged.sort_unstable();
    let observed = operations()
        .filter(|(_, operation)| operation.observed().is_some_and(|value| value != Value::MISSING))
        .filter_map(|(index, operation)| Some((operation.responded?, index)))
        .min();

    let mut stale: Vec<StaleRead> = Vec::new();
    for (index, operation) in operations() {
        let missing = Action::Read { returned: Value::MISSING };
        if operation.action != missing || operation.responded.is_none() {
            continue;
        }
        let before = |&(responded, _): &(u64, usize)| responded < operation.invoked;
        let write = acknowledged.first().copied().filter(before).map(|it| (it, Evidence::Acknowledged));
        let read = observed.filter(before).map(|it| (it, Evidence::Observed));
        let Some(((known_at, missed), evidence)) = write.or(read) else { continue };
        stale.push(StaleRead {
            key: operation.key,
            read: index,
            returned: Value::MISSING,
            missed,
            evidence,
            known_at,
            stale_by_ns: operation.invoked - known_at,
            overwritten_count: acknowledged.partition_point(before),
        });
    }
    stale.sort_unstable_by_key(|stale| (history[stale.read].invoked, stale.read));
    stale
}

/// A read with a response whose value was written before that.
#[derive(Clone, Copy, Debug)]
struct CredibleRead {
    index: usize,
    value: Value,
    /// When it started carrying the value.
    started: Moment,
}

impl CredibleRead {
    fn sighting(&self, history: &[Operation]) -> Sighting {
        let responded = history[self.index].responded.expect("only an answered read is credible");
        Sighting { responded, index: self.index, value: self.value }
    }
}

/// Of every value, when its write was invoked and when it was proven to have taken effect.
#[derive(Debug)]
struct Values(BTreeMap<Value, (Moment, Moment)>);

impl Values {
    fn of(history: &[Operation], members: &[usize]) -> Values {
        let mut values = BTreeMap::from([(Value::MISSING, (Moment::START, Moment::START))]);
        for operation in members.iter().map(|&index| &history[index]) {
            if let Some(value) = operation.written() {
                let moments = (Moment::at(operation.invoked), Moment::response(operation));
                let earlier = values.insert(value, moments);
                assert!(earlier.is_none(), "{value:?} was written twice");
            }
        }
        for operation in members.iter().map(|&index| &history[index]) {
            let moments = operation.observed().and_then(|value| values.get_mut(&value));
            if let Some((invoked, proven)) = moments {
                let responded = Moment::response(operation);
                if *invoked <= responded {
                    *proven = responded.min(*proven);
                }
            }
        }
        Values(values)
    }

    fn proven(&self, value: Value) -> Moment {
        self.0[&value].1
    }

    /// The credible reads by invocation.
    fn sorted_reads(&self, history: &[Operation], members: &[usize]) -> Vec<CredibleRead> {
        let credible = |&index: &usize| {
            let operation = &history[index];
            let Action::Read { returned: value } = operation.action else {
                return None;
            };
            let (written, _) = *self.0.get(&value)?;
            let answered = operation.responded.is_some() && written <= Moment::response(operation);
            let started = written.max(Moment::at(operation.invoked));
            answered.then_some(CredibleRead { index, value, started })
        };
        let mut reads: Vec<CredibleRead> = members.iter().filter_map(credible).collect();
        reads.sort_unstable_by_key(|read| (history[read.index].invoked, read.index));
        reads
    }
}

/// The writes and swaps that have a response.
#[derive(Debug)]
struct Acknowledged {
    /// By invocation: when it was, and the first to respond of this write and all later ones.
    by_invocation: Vec<(Moment, Sighting)>,
    /// By response: when it was, and the position in `by_invocation`.
    by_response: Vec<(u64, usize)>,
    /// How many of `by_response`, from its start, are in `responded`.
    counted: usize,
    responded: Suffixes<Count>,
}

impl Acknowledged {
    fn of(history: &[Operation], members: &[usize]) -> Acknowledged {
        let sighting = |&index: &usize| {
            let operation = &history[index];
            let sighting = Sighting { responded: operation.responded?, index, value: operation.written()? };
            Some((Moment::at(operation.invoked), sighting))
        };
        let mut by_invocation: Vec<(Moment, Sighting)> = members.iter().filter_map(sighting).collect();
        by_invocation.sort_unstable();
        let mut by_response: Vec<(u64, usize)> = by_invocation
            .iter()
            .enumerate()
            .map(|(position, (_, write))| (write.responded, position))
            .collect();
        by_response.sort_unstable();
        for position in (1..by_invocation.len()).rev() {
            let later = by_invocation[position].1;
            let (_, first) = &mut by_invocation[position - 1];
            *first = later.min(*first);
        }
        let responded = Suffixes::new(by_invocation.len());
        Acknowledged { by_invocation, by_response, counted: 0, responded }
    }

    /// The first to respond of those invoked after a moment. If a value was proven by that moment, its own write is not
    /// among them: it was invoked before anything could prove it.
    fn first_after(&self, moment: Moment) -> Option<Sighting> {
        self.by_invocation.get(self.position_after(moment)).map(|&(_, first)| first)
    }

    /// How many were invoked after `moment` and responded before `now`, which must not go back between calls.
    fn count_between(&mut self, moment: Moment, now: u64) -> usize {
        while let Some(&(responded, position)) = self.by_response.get(self.counted)
            && responded < now
        {
            self.responded.add(position, Count(1));
            self.counted += 1;
        }
        self.responded.from(self.position_after(moment)).0
    }

    fn position_after(&self, moment: Moment) -> usize {
        self.by_invocation.partition_point(|&(invoked, _)| invoked <= moment)
    }
}
