//! How many unknown operations of each kind an order has spent, as small numbers: most orders spend few.

use hashbrown::HashTable;

/// Multisets of kinds, each with a number. 0 is the empty one.
#[derive(Debug)]
pub(super) struct Spending {
    /// Pairs of a kind and how many, by kind; no count is 0.
    sets: Vec<Box<[(u32, u32)]>>,
    table: HashTable<u32>,
    bytes: usize,
}

/// The number of the empty multiset.
pub(super) const NOTHING: u32 = 0;

impl Spending {
    pub(super) fn new() -> Spending {
        let mut spending = Spending { sets: Vec::new(), table: HashTable::new(), bytes: 0 };
        assert_eq!(spending.intern(Box::default()), NOTHING, "the first number is 0");
        spending
    }

    /// How many of a kind there are.
    pub(super) fn count(&self, set: u32, kind: u32) -> u32 {
        let set = &self.sets[set as usize];
        set.binary_search_by_key(&kind, |&(kind, _)| kind).map_or(0, |place| set[place].1)
    }

    /// How many there are of all kinds.
    pub(super) fn total(&self, set: u32) -> u32 {
        self.sets[set as usize].iter().map(|&(_, count)| count).sum()
    }

    /// With one more of a kind.
    pub(super) fn with(&mut self, set: u32, kind: u32) -> u32 {
        let mut pairs = self.sets[set as usize].to_vec();
        match pairs.binary_search_by_key(&kind, |&(kind, _)| kind) {
            Ok(place) => pairs[place].1 += 1,
            Err(place) => pairs.insert(place, (kind, 1)),
        }
        self.intern(pairs.into_boxed_slice())
    }

    /// Without any of a kind.
    pub(super) fn without(&mut self, set: u32, kind: u32) -> u32 {
        if set == NOTHING || self.count(set, kind) == 0 {
            return set;
        }
        let pairs: Vec<(u32, u32)> =
            self.sets[set as usize].iter().copied().filter(|&(other, _)| other != kind).collect();
        self.intern(pairs.into_boxed_slice())
    }

    /// Whether the first holds no more of any kind than the second.
    pub(super) fn is_within(&self, first: u32, second: u32) -> bool {
        if first == NOTHING || first == second {
            return true;
        }
        self.sets[first as usize].iter().all(|&(kind, count)| count <= self.count(second, kind))
    }

    /// The kinds and how many of each.
    pub(super) fn kinds(&self, set: u32) -> &[(u32, u32)] {
        &self.sets[set as usize]
    }

    /// About how much memory all of them take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn intern(&mut self, pairs: Box<[(u32, u32)]>) -> u32 {
        let sets = &self.sets;
        let hash = hash(&pairs);
        if let Some(&number) = self.table.find(hash, |&number| sets[number as usize] == pairs) {
            return number;
        }
        let number = u32::try_from(sets.len()).expect("memory holds fewer than 2^32");
        self.bytes += size_of_val(&*pairs) + size_of::<Box<[(u32, u32)]>>() + 2 * size_of::<u32>();
        self.sets.push(pairs);
        let sets = &self.sets;
        self.table.insert_unique(hash, number, |&number| self::hash(&sets[number as usize]));
        number
    }
}

fn hash(pairs: &[(u32, u32)]) -> u64 {
    pairs.iter().fold(0, |hash, &(kind, count)| mix(mix(hash, u64::from(kind)), u64::from(count)))
}

/// Mixes a number into a hash. The hash has no seed, and decides no result.
pub(super) fn mix(hash: u64, number: u64) -> u64 {
    let product = u128::from(hash.rotate_left(5) ^ number ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
    #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
}

#[cfg(test)]
mod tests {
    use super::{NOTHING, Spending};

    #[test]
    fn equal_multisets_have_equal_numbers() {
        let mut spending = Spending::new();
        let a = spending.with(NOTHING, 7);
        let ab = spending.with(a, 3);
        let b = spending.with(NOTHING, 3);
        assert_eq!(spending.with(b, 7), ab);
        assert_eq!(spending.without(ab, 7), b);
        assert_eq!(spending.without(ab, 9), ab);
        assert_eq!((spending.total(ab), spending.count(ab, 3), spending.count(ab, 4)), (2, 1, 0));
        let aab = spending.with(ab, 7);
        assert!(spending.is_within(a, ab) && spending.is_within(ab, aab) && !spending.is_within(aab, ab));
        assert!(!spending.is_within(a, b) && spending.is_within(NOTHING, b));
    }
}
