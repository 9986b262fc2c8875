//! A set of pending operations, each in a numbered slot.

/// A set of slot numbers below `64 * W`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask<const W: usize>([u64; W]);

impl<const W: usize> Mask<W> {
    /// No slot at all.
    pub(super) const EMPTY: Mask<W> = Mask([0; W]);

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
        self.0 == [0; W]
    }

    pub(super) fn and(self, other: Mask<W>) -> Mask<W> {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: Mask<W>) -> Mask<W> {
        self.zip(other, |a, b| a | b)
    }

    /// What is in this set and not in the other.
    pub(super) fn minus(self, other: Mask<W>) -> Mask<W> {
        self.zip(other, |a, b| a & !b)
    }

    pub(super) fn is_subset(self, other: Mask<W>) -> bool {
        self.minus(other).is_empty()
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

    /// The words, to hash them.
    pub(super) fn words(&self) -> &[u64; W] {
        &self.0
    }

    fn zip(self, other: Mask<W>, combine: impl Fn(u64, u64) -> u64) -> Mask<W> {
        Mask(std::array::from_fn(|word| combine(self.0[word], other.0[word])))
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn a_slot_is_in_the_set_until_it_is_removed() {
        let mut set = Mask::<4>::EMPTY;
        for slot in [255, 0, 64, 63] {
            set.insert(slot);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 255]);
        set.remove(63);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 255]);
        assert!(!set.contains(63) && set.contains(64));
    }
}
