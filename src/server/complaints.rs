//! Log lines that a stranger can cause. Ten may come at once, then one a second; the others are counted.

use std::fmt;

use leasehold::time::{Clock, OsClock, Span, Stamp};
use tracing::warn;

/// So many complaints may come at once.
const BURST: u64 = 10;
/// Another complaint is allowed after this time.
const PERIOD: Span = Span::secs(1);

/// Warnings of one kind of cause, limited in number.
#[derive(Debug)]
pub(super) struct Complaints {
    clock: OsClock,
    allowed: u64,
    /// `allowed` grows with the time since then. `None` while it has its full value.
    since: Option<Stamp>,
    held_back: u64,
}

impl Complaints {
    pub(super) fn new() -> Complaints {
        Complaints { clock: OsClock::monotonic(), allowed: BURST, since: None, held_back: 0 }
    }

    /// Warns, or counts.
    pub(super) fn warn(&mut self, text: fmt::Arguments<'_>) {
        if self.allow() {
            warn!("{text}");
        }
    }

    /// True if one more complaint may be logged now. Says how many were held back before it, and counts it if it may not.
    pub(super) fn allow(&mut self) -> bool {
        let allowed = self.allowed_at(self.clock.read().stamp);
        if let Some(held_back @ 1..) = allowed {
            warn!("{held_back} complaints were not logged");
        }
        allowed.is_some()
    }

    /// `Some`: one more may be logged, and so many were held back before it.
    fn allowed_at(&mut self, now: Stamp) -> Option<u64> {
        if let Some(since) = self.since {
            let periods = now.elapsed_min(since).as_nanos() / PERIOD.as_nanos();
            if periods > 0 {
                self.allowed = self.allowed.saturating_add(periods).min(BURST);
                self.since = Some(now);
            }
        }
        if self.allowed == 0 {
            self.held_back += 1;
            return None;
        }
        if self.allowed == BURST {
            self.since = Some(now);
        }
        self.allowed -= 1;
        Some(std::mem::take(&mut self.held_back))
    }

    /// Says how many were held back and not told yet. To be called at the end.
    pub(super) fn close(&mut self) {
        if self.held_back > 0 {
            warn!("{} complaints were not logged", std::mem::take(&mut self.held_back));
        }
    }
}

/// A stranger's name as a log line shows it: 40 characters at most, and none that a terminal would act upon.
pub(super) fn quoted(name: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let end = name.char_indices().nth(SHOWN_CHARS_MAX);
    format!("{:?}", end.map_or(name, |(end, _)| &name[..end]))
}

#[cfg(test)]
mod tests {
    use leasehold::time::Nanos;

    use super::*;

    #[test]
    fn ten_come_at_once_then_one_a_second_and_none_is_forgotten() {
        let at = |millis: u64| Stamp::new(Nanos(millis * 1_000_000), Nanos(millis * 1_000_000));
        let mut complaints = Complaints::new();
        let (mut logged, mut told) = (0, 0);
        // A thousand a second, for a hundred seconds.
        for millis in 0..100_000 {
            if let Some(held_back) = complaints.allowed_at(at(millis)) {
                logged += 1;
                told += held_back;
            }
        }
        assert_eq!(logged, 10 + 99);
        assert_eq!(logged + told + complaints.held_back, 100_000);
        // After a quiet time ten may come again.
        let again = (0..20).filter(|_| complaints.allowed_at(at(200_000)).is_some()).count();
        assert_eq!(again, 10);
    }
}
