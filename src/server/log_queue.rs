//! Log lines on their way to standard error. The node never waits for standard error to be read.
//!
//! A line goes into a queue of bounded size, and a thread of its own writes it. When the queue is full, lines are dropped
//! and counted. The log says how many at the place where they are missing.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The queue holds at most this much.
const HELD_BYTES_MAX: usize = 256 * 1_024;
/// The thread writes at most about this much at once.
const BATCH_BYTES: usize = 32 * 1_024;

/// The queue. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something was put in, or everything was written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: VecDeque<Held>,
    /// The length of all lines held.
    bytes: usize,
    /// Lines dropped since the last line that found room.
    missing: u64,
    /// Lines dropped since the start.
    dropped: u64,
    /// The thread has taken lines and not written all of them.
    writing: bool,
}

#[derive(Debug)]
enum Held {
    Line(Vec<u8>),
    /// Lines are missing here.
    Gap(u64),
}

impl LogQueue {
    /// Starts the thread. It writes to `sink`, and calls `tell_gap` where lines are missing. Fails when the system has no
    /// room for a thread.
    pub(super) fn start(
        &self,
        mut sink: impl Write + Send + 'static,
        tell_gap: impl Fn(u64) + Send + 'static,
    ) -> io::Result<()> {
        let queue = self.clone();
        let serve = move || {
            loop {
                let mut text = Vec::new();
                let mut gaps = 0;
                for held in queue.take() {
                    match held {
                        Held::Line(line) => text.extend(line),
                        Held::Gap(lines) => gaps += lines,
                    }
                }
                // A standard error that is closed wants no lines.
                let _ = sink.write_all(&text).and_then(|()| sink.flush());
                if gaps > 0 {
                    tell_gap(gaps);
                }
                queue.lock().writing = false;
                queue.0.changed.notify_all();
            }
        };
        thread::Builder::new().name("log".to_owned()).spawn(serve).map(drop)
    }

    /// Waits for lines. A gap comes alone or last, so that it is told at its place.
    fn take(&self) -> Vec<Held> {
        let mut state = self.lock();
        while state.held.is_empty() && state.missing == 0 {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(held) = state.held.pop_front()
        {
            let gap = matches!(held, Held::Gap(_));
            if let Held::Line(line) = &held {
                bytes += line.len();
            }
            taken.push(held);
            if gap {
                break;
            }
        }
        state.bytes -= bytes;
        if taken.is_empty() {
            taken.push(Held::Gap(std::mem::take(&mut state.missing)));
        }
        taken
    }

    /// Takes a line, or drops it. Never waits.
    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.bytes + line.len() > HELD_BYTES_MAX {
            state.missing += 1;
            state.dropped += 1;
            return;
        }
        if state.missing > 0 {
            let gap = Held::Gap(std::mem::take(&mut state.missing));
            state.held.push_back(gap);
        }
        state.bytes += line.len();
        state.held.push_back(Held::Line(line.to_vec()));
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, for `most` at most.
    pub(super) fn flush(&self, most: Duration) {
        let unwritten = |state: &mut State| state.writing || !state.held.is_empty() || state.missing > 0;
        let waited = self.0.changed.wait_timeout_while(self.lock(), most, unwritten);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The number of lines dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A thread that panicked has left no half-made change behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each `write` is one whole line: the formatter hands over an event at once.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = LogQueue;

    fn make_writer(&'a self) -> LogQueue {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Standard error that is read when the test lets it.
    struct Gated {
        began: Sender<()>,
        allowed: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                self.began.send(()).unwrap();
                // Once the test has gone, everything passes.
                let _ = self.allowed.recv();
            }
            self.written.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_find_no_room_are_counted_where_they_are_missing() {
        let (began_sender, began) = channel();
        let (allow, allowed) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let gaps = Arc::clone(&written);
        let tell = move |lines| gaps.lock().unwrap().extend(format!("<{lines}>").into_bytes());
        let queue = LogQueue::default();
        queue.start(Gated { began: began_sender, allowed, written: Arc::clone(&written) }, tell).unwrap();
        let mut log = queue.clone();
        log.write_all(b"first").unwrap();
        began.recv().unwrap();
        // The thread waits. The queue fills up, and no write does.
        let kilobyte = vec![b'.'; 1_024];
        for _ in 0..1_000 {
            log.write_all(&kilobyte).unwrap();
        }
        assert_eq!(queue.dropped(), 1_000 - 256);
        queue.flush(Duration::from_millis(1));
        drop(allow);
        queue.flush(Duration::from_secs(60));
        log.write_all(b"last").unwrap();
        queue.flush(Duration::from_secs(60));
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('.').count(), 256 * 1_024);
        assert!(text.starts_with("first.") && text.ends_with(".<744>last"), "{:?}", &text[text.len() - 40..]);
    }
}
