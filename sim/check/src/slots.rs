//! A set of the operations that are pending at one time, each in a numbered slot.

/// A set of slot numbers below [`SlotSet::SLOTS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotSet([u64; WORDS]);

const WORDS: usize = 4;

impl SlotSet {
    /// No slot at all.
    pub(super) const EMPTY: SlotSet = SlotSet([0; WORDS]);
    /// How many operations can be pending at once: clients that wait, and unknown outcomes that may still be seen.
    pub(super) const SLOTS_MAX: usize = WORDS * 64;

    pub(super) fn contains(&self, slot: usize) -> bool {
        self.0[slot / 64] & (1 << (slot % 64)) != 0
    }

    pub(super) fn insert(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    pub(super) fn remove(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == SlotSet::EMPTY
    }

    pub(super) fn and(self, other: SlotSet) -> SlotSet {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: SlotSet) -> SlotSet {
        self.zip(other, |a, b| a | b)
    }

    /// What is in this set and not in the other.
    pub(super) fn minus(self, other: SlotSet) -> SlotSet {
        self.zip(other, |a, b| a & !b)
    }

    pub(super) fn is_subset(self, other: SlotSet) -> bool {
        self.minus(other).is_empty()
    }

    /// The lowest slot that is not in the set, if any.
    pub(super) fn lowest_absent(&self) -> Option<usize> {
        (0..Self::SLOTS_MAX).find(|&slot| !self.contains(slot))
    }

    /// The slots in ascending order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors((bits != 0).then_some(bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    fn zip(self, other: SlotSet, combine: impl Fn(u64, u64) -> u64) -> SlotSet {
        SlotSet(std::array::from_fn(|word| combine(self.0[word], other.0[word])))
    }
}

#[cfg(test)]
mod tests {
    use super::SlotSet;

    #[test]
    fn a_slot_is_in_the_set_until_it_is_removed() {
        let mut set = SlotSet::EMPTY;
        for slot in [255, 0, 64, 63] {
            set.insert(slot);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 255]);
        assert_eq!(set.lowest_absent(), Some(1));
        set.remove(63);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 255]);
        assert!(!set.contains(63));
    }

    #[test]
    fn a_full_set_has_no_absent_slot() {
        let mut set = SlotSet::EMPTY;
        (0..SlotSet::SLOTS_MAX).for_each(|slot| set.insert(slot));
        assert_eq!(set.lowest_absent(), None);
    }
}
