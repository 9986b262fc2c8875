//! Summaries of everything from a position on, while more is being added: a Fenwick tree that runs backward.

use super::history::Value;

/// Something of which two can be made one, in any order. The default is the summary of nothing.
pub(super) trait Summary: Copy + Default {
    /// What both summarize.
    fn merge(self, other: Self) -> Self;
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) usize);

impl Summary for Count {
    fn merge(self, other: Count) -> Count {
        Count(self.0 + other.0)
    }
}

/// That an operation had carried a value by the time it responded. Earlier responses sort first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    /// The operation's response, in nanoseconds of true time.
    pub(super) responded: u64,
    /// The operation's index in the history.
    pub(super) index: usize,
    /// What it carried.
    pub(super) value: Value,
}

/// The earliest sighting, and the earliest one of any other value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Earliest {
    best: Option<Sighting>,
    other: Option<Sighting>,
}

impl Earliest {
    /// The summary of one sighting.
    pub(super) fn one(sighting: Sighting) -> Earliest {
        Earliest { best: Some(sighting), other: None }
    }

    /// The earliest sighting of a value other than the given one.
    pub(super) fn besides(self, value: Value) -> Option<Sighting> {
        if self.best?.value == value { self.other } else { self.best }
    }

    fn with(self, sighting: Sighting) -> Earliest {
        match self.best {
            None => Earliest::one(sighting),
            Some(best) if sighting < best => {
                let other = if best.value == sighting.value { self.other } else { Some(best) };
                Earliest { best: Some(sighting), other }
            }
            Some(best) if best.value == sighting.value => self,
            Some(_) => {
                let other = self.other.map_or(sighting, |other| other.min(sighting));
                Earliest { other: Some(other), ..self }
            }
        }
    }
}

impl Summary for Earliest {
    fn merge(self, other: Earliest) -> Earliest {
        other.best.into_iter().chain(other.other).fold(self, Earliest::with)
    }
}

/// Positions `0..len`, each with a summary of what was added there.
#[derive(Debug)]
pub(super) struct Suffixes<S> {
    /// Node `i` (from 1) covers the lowest set bit of `i` many positions, counted from the end.
    nodes: Vec<S>,
}

impl<S: Summary> Suffixes<S> {
    /// Nothing was added anywhere.
    pub(super) fn new(len: usize) -> Suffixes<S> {
        Suffixes { nodes: vec![S::default(); len + 1] }
    }

    /// Adds something at a position.
    pub(super) fn add(&mut self, position: usize, summary: S) {
        let len = self.nodes.len() - 1;
        assert!(position < len, "position {position} of {len}");
        let mut node = len - position;
        while node <= len {
            self.nodes[node] = self.nodes[node].merge(summary);
            node += node & node.wrapping_neg();
        }
    }

    /// The summary of all that was added at `position` and later. O(log len).
    pub(super) fn from(&self, position: usize) -> S {
        let mut node = (self.nodes.len() - 1).saturating_sub(position);
        let mut summary = S::default();
        while node > 0 {
            summary = summary.merge(self.nodes[node]);
            node -= node & node.wrapping_neg();
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Earliest, Sighting, Suffixes, Value};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_suffix_summarizes_what_was_added_from_there_on(
            added in prop::collection::vec((0..9_usize, 0..20_u64, 0..4_u64), 0..20),
            from in 0..10_usize,
            besides in 0..4_u64,
        ) {
            let mut counts = Suffixes::new(9);
            let mut earliest = Suffixes::new(9);
            let mut expected: Vec<Sighting> = Vec::new();
            for (index, &(position, responded, value)) in added.iter().enumerate() {
                let sighting = Sighting { responded, index, value: Value(value) };
                counts.add(position, Count(1));
                earliest.add(position, Earliest::one(sighting));
                expected.extend((position >= from).then_some(sighting));
            }
            prop_assert_eq!(counts.from(from), Count(expected.len()));
            let others = expected.iter().filter(|sighting| sighting.value != Value(besides));
            prop_assert_eq!(earliest.from(from).besides(Value(besides)), others.min().copied());
        }
    }
}
