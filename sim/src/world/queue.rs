//! The one queue: what is to happen, ordered by (true time, sequence number).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Pending events. The heap holds small keys only; what is to happen waits in a slab.
#[derive(Debug, Clone)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Reverse<Key>>,
    slab: Vec<Option<T>>,
    free: Vec<u32>,
    sequence: u64,
}

/// Time, sequence number and place in the slab as one number, the most significant first: compared at one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    const PLACE_BITS: u32 = 24;
    const SEQUENCE_BITS: u32 = 40;

    #[inline]
    fn new(at: u64, sequence: u64, place: u32) -> Key {
        Key(u128::from(at) << 64 | u128::from(sequence << Key::PLACE_BITS | u64::from(place)))
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the upper half of 128 bits has 64")]
    fn at(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "masked")]
    fn place(self) -> u32 {
        self.0 as u32 & ((1 << Key::PLACE_BITS) - 1)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { heap: BinaryHeap::new(), slab: Vec::new(), free: Vec::new(), sequence: 0 }
    }
}

impl<T> Queue<T> {
    /// The most events that may be pending.
    const PENDING_MAX: usize = 1 << Key::PLACE_BITS;
    /// The most events of a run.
    const EVENTS_MAX: u64 = 1 << Key::SEQUENCE_BITS;

    pub(super) fn push(&mut self, at: u64, what: T) {
        let place = match self.free.pop() {
            Some(place) => {
                self.slab[place as usize] = Some(what);
                place
            }
            None => {
                assert!(self.slab.len() < Queue::<T>::PENDING_MAX, "too many pending events");
                self.slab.push(Some(what));
                u32::try_from(self.slab.len() - 1).expect("bounded above")
            }
        };
        assert!(self.sequence < Queue::<T>::EVENTS_MAX, "too many events");
        self.heap.push(Reverse(Key::new(at, self.sequence, place)));
        self.sequence += 1;
    }

    /// When the next event is due.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(key)| key.at())
    }

    /// Drops what is not to be kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let (slab, free) = (&mut self.slab, &mut self.free);
        self.heap.retain(|Reverse(key)| {
            let slot = &mut slab[key.place() as usize];
            let kept = slot.as_ref().is_some_and(&mut keep);
            if !kept {
                *slot = None;
                free.push(key.place());
            }
            kept
        });
    }

    pub(super) fn pop(&mut self) -> Option<(u64, T)> {
        let Reverse(key) = self.heap.pop()?;
        let what = self.slab[key.place() as usize].take().expect("a pending event is in the slab");
        self.free.push(key.place());
        Some((key.at(), what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_then_of_entry() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.push(at, what);
        }
        assert_eq!(queue.next_at(), Some(3));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }

    #[test]
    fn what_is_dropped_leaves_its_place_to_others() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (4, 'b')] {
            queue.push(at, what);
        }
        queue.retain(|what| *what != 'b');
        queue.push(9, 'd');
        assert_eq!(queue.slab.len(), 3);
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "acd");
    }
}
