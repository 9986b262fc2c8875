//! What is written to standard output: collected, and written in one go; and before that whenever much has come together.
//!
//! A write to a standard output that nobody reads blocks. Then this process reads nothing more either, so that whoever
//! sends it messages finds its pipe full and waits in turn. Nothing piles up here: what one read from standard input brings
//! is bounded, and of what comes of it no more is held than [`HELD_BYTES_MAX`] and one message.

use std::io::{self, Write};

use leasehold::maelstrom::{MsgId, Outbox, PeerContentRef, Reply};

/// When so much has come together it is written.
const HELD_BYTES_MAX: usize = 256 * 1_024;

/// Lines on their way out, and where they go.
#[derive(Default)]
pub(super) struct Outlet {
    outbox: Outbox,
    /// `None`, in tests: nowhere; they are kept.
    sink: Option<Box<dyn Write>>,
    failure: Option<io::Error>,
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").field("outbox", &self.outbox).field("failure", &self.failure).finish()
    }
}

impl Outlet {
    pub(super) fn to(sink: impl Write + 'static) -> Outlet {
        Outlet { sink: Some(Box::new(sink)), ..Outlet::default() }
    }

    /// Adds an answer, as [`Outbox::reply`] does.
    pub(super) fn reply(&mut self, src: &str, dest: &str, in_reply_to: MsgId, reply: &Reply) {
        self.outbox.reply(src, dest, in_reply_to, reply);
        self.relieve();
    }

    /// Adds a message to a fellow node, as [`Outbox::send`] does.
    pub(super) fn send<'a>(
        &mut self,
        src: &str,
        dest: &str,
        content: impl Into<PeerContentRef<'a>>,
        cluster: Option<&'a str>,
    ) {
        self.outbox.send(src, dest, content, cluster);
        self.relieve();
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[u8] {
        self.outbox.lines()
    }

    fn relieve(&mut self) {
        if self.outbox.lines().len() >= HELD_BYTES_MAX {
            self.write_out();
        }
    }

    fn write_out(&mut self) {
        let Some(sink) = &mut self.sink else {
            return;
        };
        if self.failure.is_none() && !self.outbox.lines().is_empty() {
            self.failure = sink.write_all(self.outbox.lines()).and_then(|()| sink.flush()).err();
        }
        self.outbox.clear();
    }

    /// Writes everything, and tells whether that or an earlier write has failed.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.write_out();
        self.failure.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use leasehold::maelstrom::MsgId;

    use super::*;

    /// Remembers the largest write.
    #[derive(Clone, Default)]
    struct Gauge(Rc<RefCell<(usize, usize)>>);

    impl Write for Gauge {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut seen = self.0.borrow_mut();
            *seen = (seen.0.max(bytes.len()), seen.1 + bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn however_much_comes_of_one_read_little_is_held() {
        let gauge = Gauge::default();
        let mut outlet = Outlet::to(gauge.clone());
        let value = leasehold::kv::Scalar::Text("y".repeat(1 << 16).into());
        for number in 0..1_000u64 {
            outlet.reply("n1", "c1", MsgId::from(number), &Reply::ReadOk { value: value.clone() });
        }
        outlet.flush().unwrap();
        let (largest, all) = *gauge.0.borrow();
        assert!(all > 1_000 << 16);
        assert!(largest < HELD_BYTES_MAX + (1 << 16) + 1_000, "{largest}");
    }
}
