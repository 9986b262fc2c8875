//! What is there, what is missing, and what is there twice.

use std::ops::Range;
use std::path::PathBuf;

use crate::{Part, Slice};

/// How the parts of one question cover it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// What no part has, with its slice's name.
    pub missing: Vec<(String, Range<u64>)>,
    /// What two parts have, and those two.
    pub twice: Vec<(String, Range<u64>, PathBuf, PathBuf)>,
    /// Shards that lack, where all parts are of the same number of shards: the numbers, and of how many.
    pub shards: Option<(Vec<u64>, u64)>,
}

impl Coverage {
    /// Is all of it there, once?
    pub fn complete(&self) -> bool {
        self.missing.is_empty() && self.twice.is_empty()
    }
}

/// One of `of` shards, `index` counted from 1: a pure function of its arguments. The shards follow each other without a gap,
/// and their sizes differ by one at most.
///
/// # Panics
///
/// `index` is not in `1..=of`.
pub fn shard(whole: &Range<u64>, index: u64, of: u64) -> Range<u64> {
    assert!(1 <= index && index <= of, "shard {index} of {of}");
    let length = u128::from(whole.end.saturating_sub(whole.start));
    let at = |place: u64| {
        let part = length * u128::from(place) / u128::from(of);
        whole.start + u64::try_from(part).expect("a part of something that fits")
    };
    at(index - 1)..at(index)
}

/// Compares the parts of one question, and of one point of it, with the whole. `wholes` are its slices; their parts are
/// not looked at.
pub fn coverage(wholes: &[Slice], parts: &[Part]) -> Coverage {
    let mut found = Coverage::default();
    for (place, whole) in wholes.iter().enumerate() {
        let mut all: Vec<(&Range<u64>, &Part)> =
            parts.iter().map(|part| (&part.header.slices[place].part, part)).collect();
        all.retain(|(range, _)| !range.is_empty());
        all.sort_by_key(|(range, part)| (range.start, range.end, &part.path));
        let mut next = whole.whole.start;
        let mut before: Option<&Part> = None;
        for (range, part) in all {
            if range.start > next {
                found.missing.push((whole.name.clone(), next..range.start));
            }
            if let Some(before) = before.filter(|_| range.start < next) {
                let twice = range.start..next.min(range.end);
                found.twice.push((whole.name.clone(), twice, before.path.clone(), part.path.clone()));
            }
            if range.end > next {
                next = range.end;
                before = Some(part);
            }
        }
        if next < whole.whole.end {
            found.missing.push((whole.name.clone(), next..whole.whole.end));
        }
    }
    if !found.missing.is_empty() {
        found.shards = shards(wholes, parts);
    }
    found
}

/// The shards that lack, where every part is of the same number of them.
fn shards(wholes: &[Slice], parts: &[Part]) -> Option<(Vec<u64>, u64)> {
    let of = parts.first()?.header.shard.1;
    let alike = |part: &Part| {
        let (index, all) = part.header.shard;
        let mut slices = wholes.iter().zip(&part.header.slices);
        all == of && slices.all(|(whole, slice)| shard(&whole.whole, index, of) == slice.part)
    };
    if !parts.iter().all(alike) {
        return None;
    }
    let there: std::collections::BTreeSet<u64> = parts.iter().map(|part| part.header.shard.0).collect();
    let lacks = |index: &u64| {
        let empty = || wholes.iter().all(|whole| shard(&whole.whole, *index, of).is_empty());
        !there.contains(index) && !empty()
    };
    Some(((1..=of).filter(lacks).collect(), of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::header;
    use proptest::prelude::*;

    fn part(range: Range<u64>, shard: (u64, u64)) -> Part {
        let path = PathBuf::from(format!("{}-{}", range.start, range.end));
        Part { path, header: crate::Header { shard, ..header(range) } }
    }

    fn found(parts: &[Part]) -> Coverage {
        coverage(&header(0..0).slices, parts)
    }

    proptest! {
        #[test]
        fn shards_follow_each_other_without_a_gap(start in 0u64..1_000, length in 0u64..10_000, of in 1u64..20) {
            let whole = start..start + length;
            let mut next = start;
            for index in 1..=of {
                let part = shard(&whole, index, of);
                prop_assert_eq!(part.start, next);
                prop_assert!((length / of..=length / of + 1).contains(&(part.end - part.start)));
                next = part.end;
            }
            prop_assert_eq!(next, whole.end);
        }

        #[test]
        fn all_shards_but_some_lack_exactly_those(of in 1u64..120, lost in proptest::collection::btree_set(1u64..120, 0..4)) {
            let parts: Vec<Part> = (1..=of)
                .filter(|index| !lost.contains(index))
                .map(|index| part(shard(&(0..100), index, of), (index, of)))
                .collect();
            let wanted: Vec<u64> = lost
                .into_iter()
                .filter(|index| *index <= of && !shard(&(0..100), *index, of).is_empty())
                .collect();
            let found = found(&parts);
            prop_assert_eq!(found.complete(), wanted.is_empty());
            let missing: u64 = found.missing.iter().map(|(_, range)| range.end - range.start).sum();
            let there: u64 = parts.iter().map(|part| part.header.slices[0].part.clone().count() as u64).sum();
            prop_assert_eq!(missing + there, 100);
            if !wanted.is_empty() && !parts.is_empty() {
                prop_assert_eq!(found.shards, Some((wanted, of)));
            }
        }
    }

    #[test]
    fn what_is_there_twice_is_told_with_both_files() {
        let found = found(&[part(0..50, (1, 2)), part(25..50, (2, 4)), part(50..100, (2, 2))]);
        let twice = ("seeds".to_owned(), 25..50, PathBuf::from("0-50"), PathBuf::from("25-50"));
        assert_eq!((found.missing, found.twice), (vec![], vec![twice]));
    }

    #[test]
    fn parts_of_different_numbers_of_shards_may_fit_together() {
        assert!(found(&[part(0..50, (1, 2)), part(50..75, (3, 4)), part(75..100, (4, 4))]).complete());
        let lacks = found(&[part(0..50, (1, 2)), part(75..100, (4, 4))]);
        assert_eq!(lacks.missing, vec![("seeds".to_owned(), 50..75)]);
        assert_eq!(lacks.shards, None);
    }
}
