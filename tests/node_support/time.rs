//! What tests and benches of the node by itself hand it: a clock that they move, and waits that are not random.

use leasehold::raft::Jitter;
use leasehold::time::{Clock, Nanos, Reading, Span, Stamp};

/// Both monotonic clocks show this, in nanoseconds; there is no wall clock.
pub struct At(pub u64);

impl Clock for At {
    fn read(&self) -> Reading {
        Reading { stamp: Stamp::new(Nanos(self.0), Nanos(self.0)), wall: None }
    }
}

/// Candidates never collide: each waits for as long as its name says.
pub struct ByName(pub u16);

impl Jitter for ByName {
    fn jitter(&mut self, _most: Span) -> Span {
        Span::millis(u64::from(self.0))
    }
}
