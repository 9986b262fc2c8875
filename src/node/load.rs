//! How much may wait: a number of things and their bytes together, so that neither many small ones nor a few large ones
//! take all memory.

/// What waits in one place, against its bounds.
#[derive(Debug, Clone)]
pub(super) struct Load {
    count: usize,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
}

impl Load {
    /// Nothing waits yet. `bytes_max` is about bytes as they travel, not about what the allocator adds.
    pub(super) const fn new(count_max: usize, bytes_max: usize) -> Load {
        Load { count: 0, bytes: 0, count_max, bytes_max }
    }

    /// Is there room for one more of so many bytes? Something that is larger than the bound may wait alone.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let fits = self.bytes.saturating_add(bytes) <= self.bytes_max;
        self.count < self.count_max && (fits || self.count == 0)
    }

    /// One more waits.
    pub(super) fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// One that was [added](Load::add) waits no more.
    pub(super) fn remove(&mut self, bytes: usize) {
        assert!(self.count > 0, "only what was added is removed");
        self.count -= 1;
        self.bytes = if self.count == 0 { 0 } else { self.bytes.saturating_sub(bytes) };
    }

    /// Is more than half of what may wait waiting?
    pub(super) fn is_half_full(&self) -> bool {
        self.count > self.count_max / 2 || self.bytes > self.bytes_max / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_many_small_ones_nor_a_few_large_ones_fit() {
        let mut load = Load::new(3, 100);
        assert!(load.has_room(1_000), "a large one may wait alone");
        load.add(60);
        assert!(load.has_room(40) && !load.has_room(41));
        assert!(load.is_half_full());
        load.remove(60);
        assert!(!load.is_half_full());
        (0..3).for_each(|_| load.add(1));
        assert!(!load.has_room(0));
    }
}
