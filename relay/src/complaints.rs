//! Log lines that a stranger can cause: ten may come at once, then one a second, as in the node. The others are counted.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// So many may come at once.
const BURST: u32 = 10;
/// Another one is allowed after this time.
const PERIOD: Duration = Duration::from_secs(1);

pub struct Complaints {
    /// If a complaint used up a period each, they would be used up to here. That is the past while there were few.
    used_up_to: Instant,
    held_back: u64,
}

impl Complaints {
    pub fn new() -> Self {
        Self { used_up_to: Instant::now(), held_back: 0 }
    }

    /// Warns, or counts.
    pub fn warn(&mut self, text: &str) {
        let now = Instant::now();
        let used_up_to = self.used_up_to.max(now) + PERIOD;
        if used_up_to > now + PERIOD * BURST {
            self.held_back += 1;
            return;
        }
        self.used_up_to = used_up_to;
        // Not within the macro: it evaluates nothing when such lines are switched off.
        let held_back = std::mem::take(&mut self.held_back);
        if held_back > 0 {
            warn!("{held_back} complaints were not logged");
        }
        warn!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, Complaints, PERIOD};

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn ten_at_once_then_one_a_second() {
        let mut complaints = Complaints::new();
        (0..BURST + 5).for_each(|_| complaints.warn("a stranger"));
        assert_eq!(complaints.held_back, 5);
        tokio::time::advance(PERIOD).await;
        complaints.warn("a stranger");
        assert_eq!(complaints.held_back, 0);
        complaints.warn("a stranger");
        assert_eq!(complaints.held_back, 1);
        tokio::time::advance(PERIOD * 100).await;
        (0..BURST + 1).for_each(|_| complaints.warn("a stranger"));
        assert_eq!(complaints.held_back, 1);
    }
}
