//! Lines that wait to be written to one connection, bounded by bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The most bytes that wait for one connection. A snapshot's chunks and many appends fit.
const MOST: usize = 32 << 20;
/// So much is written at once.
const BATCH: usize = 256 << 10;

#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, which ends with `\n`. Says whether it fitted.
    pub fn push(&self, line: Vec<u8>) -> bool {
        let mut waiting = self.waiting();
        if waiting.closed || waiting.bytes + line.len() > MOST {
            return false;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.changed.notify_one();
        true
    }

    /// Adds a line in place of the oldest ones, if need be: Raft sends again what was lost, and new lines say more. Says how many
    /// were left out.
    pub fn push_over_oldest(&self, line: Vec<u8>) -> usize {
        let mut left_out = 0;
        {
            let mut waiting = self.waiting();
            while waiting.bytes + line.len() > MOST
                && let Some(oldest) = waiting.lines.pop_front()
            {
                waiting.bytes -= oldest.len();
                left_out += 1;
            }
        }
        left_out + usize::from(!self.push(line))
    }

    /// Forgets what waits.
    pub fn clear(&self) {
        let mut waiting = self.waiting();
        waiting.lines.clear();
        waiting.bytes = 0;
    }

    /// Takes no more lines. What waits can still be taken.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    /// Waits for lines and moves some to `batch`. `false`: the queue is closed, and empty.
    pub async fn take(&self, batch: &mut Vec<u8>) -> bool {
        loop {
            {
                let mut waiting = self.waiting();
                while batch.len() < BATCH
                    && let Some(line) = waiting.lines.pop_front()
                {
                    waiting.bytes -= line.len();
                    batch.extend_from_slice(&line);
                }
                if !batch.is_empty() {
                    return true;
                }
                if waiting.closed {
                    return false;
                }
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Queue};

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_refuses_or_gives_up_its_oldest() {
        let queue = Queue::default();
        assert!(queue.push(vec![1; MOST - 1]));
        assert!(queue.push(vec![2]));
        assert!(!queue.push(vec![3]));
        assert_eq!(queue.push_over_oldest(vec![4]), 1);
        queue.close();
        assert!(!queue.push(vec![5]));
        let mut batch = Vec::new();
        assert!(queue.take(&mut batch).await);
        assert_eq!(batch, [2, 4]);
        batch.clear();
        assert!(!queue.take(&mut batch).await);
    }
}
