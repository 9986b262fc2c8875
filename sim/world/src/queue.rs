//! The one queue: what is to happen, ordered by (true time, sequence number).
//!
//! A calendar for the near future, a heap for what is farther away. The calendar's buckets are so wide that a message under
//! way mostly has one to itself; which of them are empty is known a word at a time. So the next message is found without
//! a comparison, where a heap makes as many as it is deep, most of them mispredicted. An event stays where it was put: what
//! was far when it was queued is compared with the calendar's first when its time comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::setup::Delay;

/// Pending events. Their order is kept apart from what is to happen, which waits in a slab.
#[derive(Debug, Clone)]
pub(super) struct Queue<T> {
    calendar: Calendar,
    far: BinaryHeap<Reverse<Key>>,
    slab: Vec<Option<T>>,
    free: Vec<u32>,
    sequence: u64,
    first: Option<First>,
}

/// When, and in which order of those at the same time: as one number, the most significant first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

/// The event that is next, and where it stands.
#[derive(Debug, Clone, Copy)]
struct First {
    key: Key,
    /// The one before it in its bucket; `None` for one in the heap.
    near: Option<u32>,
}

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

    /// Where it is in the slab.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "masked")]
    fn place(self) -> u32 {
        self.0 as u32 & ((1 << Key::PLACE_BITS) - 1)
    }
}

impl<T> Queue<T> {
    /// The most events that may be pending.
    const PENDING_MAX: usize = 1 << Key::PLACE_BITS;
    /// The most events of a run.
    const EVENTS_MAX: u64 = 1 << Key::SEQUENCE_BITS;

    /// Nothing is pending. Most events will be messages that take so long.
    pub(super) fn new(usual: Delay) -> Queue<T> {
        Queue {
            calendar: Calendar::new(usual),
            far: BinaryHeap::new(),
            slab: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            first: None,
        }
    }

    #[inline]
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
        let key = Key::new(at, self.sequence, place);
        self.sequence += 1;
        let near = self.calendar.insert(key);
        if !near {
            self.far.push(Reverse(key));
        }
        match &mut self.first {
            Some(first) if first.key < key => {
                // A bucket grows at its head.
                if near && first.near == Some(NOBODY) && self.calendar.share_a_bucket(first.key, key) {
                    first.near = Some(place);
                }
            }
            first => *first = Some(First { key, near: near.then_some(NOBODY) }),
        }
    }

    /// When the next event is due.
    #[inline]
    pub(super) fn next_at(&self) -> Option<u64> {
        self.first.map(|first| first.key.at())
    }

    /// Drops what is not to be kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let mut keys: Vec<Key> = self.far.drain().map(|Reverse(key)| key).collect();
        keys.extend(self.calendar.drain());
        self.first = None;
        for key in keys {
            let place = key.place();
            let slot = &mut self.slab[place as usize];
            if slot.as_ref().is_some_and(&mut keep) {
                self.far.push(Reverse(key));
            } else {
                *slot = None;
                self.free.push(place);
            }
        }
        self.find_first();
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(u64, T)> {
        let First { key, near } = self.first?;
        match near {
            Some(before) => self.calendar.remove(key, before),
            None => {
                self.far.pop();
            }
        }
        self.calendar.come_to(key.at());
        self.find_first();
        let place = key.place();
        let what = self.slab[place as usize].take().expect("a pending event is in the slab");
        self.free.push(place);
        Some((key.at(), what))
    }

    #[inline]
    fn find_first(&mut self) {
        let near = self.calendar.first().map(|(key, before)| First { key, near: Some(before) });
        let far = self.far.peek().map(|Reverse(key)| First { key: *key, near: None });
        self.first = match (near, far) {
            (Some(near), Some(far)) if far.key < near.key => Some(far),
            (near, far) => near.or(far),
        };
    }
}

/// Nobody's place in a bucket.
const NOBODY: u32 = u32::MAX;
/// Buckets of the calendar ...
const BUCKETS: usize = 512;
/// ... and how many of them a message is under way, at the most.
const BUCKETS_A_MESSAGE: u64 = 256;

/// What is to happen within the next [`BUCKETS`] buckets' time. Each bucket is a list, not in order.
#[derive(Debug, Clone)]
struct Calendar {
    /// A bucket's width is two to this power, in nanoseconds.
    shift: u32,
    /// The bucket of the present, counted from the beginning of time: buckets are used again and again.
    present: u64,
    /// One bit a bucket: is anything in it?
    used: [u64; BUCKETS / 64],
    heads: Box<[u32; BUCKETS]>,
    /// By place in the slab: each event that is in a bucket, and the next one there.
    links: Vec<(Key, u32)>,
}

impl Calendar {
    fn new(usual: Delay) -> Calendar {
        let longest = match usual {
            Delay::Fixed(span) => span,
            Delay::Uniform { most, .. } => most,
            Delay::LogNormal { median, most, .. } => most.min(median * 4),
        };
        let width = longest.as_nanos().div_ceil(BUCKETS_A_MESSAGE).max(1);
        Calendar {
            shift: width.checked_next_power_of_two().map_or(u64::BITS - 1, u64::trailing_zeros),
            present: 0,
            used: [0; BUCKETS / 64],
            heads: Box::new([NOBODY; BUCKETS]),
            links: Vec::new(),
        }
    }

    /// The number of a time's bucket. What is overdue goes into the present one.
    #[inline]
    fn number(&self, at: u64) -> u64 {
        (at >> self.shift).max(self.present)
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a remainder")]
    fn bucket(number: u64) -> usize {
        (number % BUCKETS as u64) as usize
    }

    #[inline]
    fn share_a_bucket(&self, one: Key, other: Key) -> bool {
        self.number(one.at()) == self.number(other.at())
    }

    /// `false`: it is too far away.
    #[inline]
    fn insert(&mut self, key: Key) -> bool {
        let number = self.number(key.at());
        if number - self.present >= BUCKETS as u64 {
            return false;
        }
        let bucket = Calendar::bucket(number);
        let place = key.place();
        let link = (key, std::mem::replace(&mut self.heads[bucket], place));
        match self.links.get_mut(place as usize) {
            Some(slot) => *slot = link,
            None => {
                // Places are given out in order; those between are of events that were too far away.
                self.links.resize(place as usize, (key, NOBODY));
                self.links.push(link);
            }
        }
        self.used[bucket / 64] |= 1 << (bucket % 64);
        true
    }

    /// Takes out an event that is in a bucket, behind `before`.
    #[inline]
    fn remove(&mut self, key: Key, before: u32) {
        let next = self.links[key.place() as usize].1;
        if before != NOBODY {
            self.links[before as usize].1 = next;
            return;
        }
        let bucket = Calendar::bucket(self.number(key.at()));
        self.heads[bucket] = next;
        if next == NOBODY {
            self.used[bucket / 64] &= !(1 << (bucket % 64));
        }
    }

    /// Everything before `at` is over.
    #[inline]
    fn come_to(&mut self, at: u64) {
        self.present = self.number(at);
    }

    /// The first event, and the one before it in its bucket.
    #[inline]
    fn first(&self) -> Option<(Key, u32)> {
        let bucket = self.first_used()?;
        let mut before = self.heads[bucket];
        let (key, mut place) = self.links[before as usize];
        let mut first = (key, NOBODY);
        while place != NOBODY {
            let (key, next) = self.links[place as usize];
            if key < first.0 {
                first = (key, before);
            }
            (before, place) = (place, next);
        }
        Some(first)
    }

    /// The first bucket from the present one on that has anything in it.
    #[inline]
    fn first_used(&self) -> Option<usize> {
        let present = Calendar::bucket(self.present);
        let (word, bit) = (present / 64, present % 64);
        let found = self.used[word] >> bit << bit;
        if found != 0 {
            return Some(word * 64 + found.trailing_zeros() as usize);
        }
        // All the way round, what comes before the present bucket in its own word last.
        let words = (1..=self.used.len()).map(|step| (word + step) % self.used.len());
        let used = words.map(|word| (word, self.used[word])).find(|(_, used)| *used != 0);
        used.map(|(word, used)| word * 64 + used.trailing_zeros() as usize)
    }

    /// Takes out everything, in no order.
    fn drain(&mut self) -> Vec<Key> {
        let mut keys = Vec::new();
        for head in self.heads.iter_mut() {
            let mut place = std::mem::replace(head, NOBODY);
            while place != NOBODY {
                let (key, next) = self.links[place as usize];
                keys.push(key);
                place = next;
            }
        }
        self.used = [0; BUCKETS / 64];
        keys
    }
}

#[cfg(test)]
mod tests {
    use leasehold::time::Span;
    use proptest::prelude::*;

    use super::*;

    fn queue<T>() -> Queue<T> {
        Queue::new(Delay::Fixed(Span::millis(1)))
    }

    #[test]
    fn events_come_in_order_of_time_and_then_of_entry() {
        let mut queue = queue();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.push(at, what);
        }
        assert_eq!(queue.next_at(), Some(3));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }

    #[test]
    fn what_is_dropped_leaves_its_place_to_others() {
        let mut queue = queue();
        for (at, what) in [(5, 'c'), (3, 'a'), (4, 'b'), (u64::MAX, 'e')] {
            queue.push(at, what);
        }
        queue.retain(|what| *what != 'b');
        queue.push(9, 'd');
        assert_eq!(queue.slab.len(), 4);
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "acde");
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// So much later than the present.
        Push(u64),
        /// So much earlier than the present, as it may be where time is the machine's.
        PushLate(u64),
        Pop,
        Retain(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u64..4_000_000).prop_map(Step::Push),
            2 => (0u64..3).prop_map(Step::Push),
            1 => (0u64..4_000_000).prop_map(Step::PushLate),
            1 => any::<u64>().prop_map(|later| Step::Push(later >> 1)),
            6 => Just(Step::Pop),
            1 => (1u64..5).prop_map(Step::Retain),
        ]
    }

    proptest! {
        #[test]
        fn a_calendar_and_a_heap_are_one_sorted_list(
            steps in proptest::collection::vec(step(), 1..400),
            usual in prop_oneof![Just(0), Just(1), 1u64..10_000_000, Just(u64::MAX)],
        ) {
            let mut queue = Queue::new(Delay::Fixed(Span::nanos(usual)));
            let mut list = std::collections::BTreeSet::new();
            let (mut now, mut sequence) = (0u64, 0u64);
            for step in steps {
                match step {
                    Step::Push(_) | Step::PushLate(_) => {
                        let at = match step {
                            Step::PushLate(earlier) => now.saturating_sub(earlier),
                            Step::Push(later) => now.saturating_add(later),
                            _ => unreachable!("matched above"),
                        };
                        queue.push(at, sequence);
                        list.insert((at, sequence));
                        sequence += 1;
                    }
                    Step::Pop => {
                        let expected = list.pop_first();
                        prop_assert_eq!(queue.pop(), expected);
                        now = expected.map_or(now, |(at, _)| at);
                    }
                    Step::Retain(part) => {
                        queue.retain(|what| what % part != 1);
                        list.retain(|(_, what)| what % part != 1);
                    }
                }
                prop_assert_eq!(queue.next_at(), list.first().map(|(at, _)| *at));
            }
            while let Some(expected) = list.pop_first() {
                prop_assert_eq!(queue.pop(), Some(expected));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
