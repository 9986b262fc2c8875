//! Pipes that do not block: lines in, bytes out.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

/// Read at once at most.
const READ_BYTES_MAX: usize = 64 * 1024;

/// The reading end of a pipe, line by line.
#[derive(Debug)]
pub(super) struct LineReader<F> {
    pipe: F,
    buffer: Vec<u8>,
    /// What lies before this in the buffer was handed out.
    begin: usize,
    ended: bool,
}

impl<F: AsFd> LineReader<F> {
    pub(super) fn new(pipe: F) -> io::Result<LineReader<F>> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(LineReader { pipe, buffer: Vec::new(), begin: 0, ended: false })
    }

    pub(super) fn pipe(&self) -> &F {
        &self.pipe
    }

    /// Nothing more will come.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Reads what is there, but not more than a bounded amount. `false`: nothing was.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        let used = self.buffer.len();
        self.buffer.resize(used + READ_BYTES_MAX, 0);
        let read = rustix::io::read(&self.pipe, &mut self.buffer[used..]);
        self.buffer.truncate(used + read.unwrap_or(0));
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => return Ok(true),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(false)
    }

    /// The next whole line, without its end. What a process had not finished when it died is no line.
    pub(super) fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.buffer[self.begin..];
        let end = memchr::memchr(b'\n', rest)?;
        let line = rest[..end].to_vec();
        self.begin += end + 1;
        Some(line)
    }
}

/// The writing end of a pipe. What does not fit waits here, as it would in a network's queue.
#[derive(Debug)]
pub(super) struct Writer<F> {
    pipe: F,
    waiting: Vec<u8>,
}

impl<F: AsFd> Writer<F> {
    pub(super) fn new(pipe: F) -> io::Result<Writer<F>> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Writer { pipe, waiting: Vec::new() })
    }

    pub(super) fn pipe(&self) -> &F {
        &self.pipe
    }

    /// Something waits for the pipe to have room.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        self.flush()
    }

    /// Writes as much as there is room for. A reader that has gone away is no error here: its end is seen elsewhere.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match rustix::io::write(&self.pipe, &self.waiting) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::PIPE) => self.waiting.clear(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_a_full_pipe_keeps_what_does_not_fit() {
        let (from, to) = io::pipe().unwrap();
        let (mut reader, mut writer) = (LineReader::new(from).unwrap(), Writer::new(to).unwrap());
        assert!(!reader.read().unwrap(), "nothing is there");
        writer.write(b"one\ntw").unwrap();
        assert!(reader.read().unwrap());
        assert_eq!(reader.next_line().as_deref(), Some(&b"one"[..]));
        assert_eq!(reader.next_line(), None);
        let long = vec![b'x'; 1 << 20];
        writer.write(&long).unwrap();
        writer.write(b"\nrest").unwrap();
        assert!(writer.is_full());
        let mut lines = Vec::new();
        while writer.is_full() || reader.read().unwrap() {
            writer.flush().unwrap();
            let _ = reader.read().unwrap();
            lines.extend(std::iter::from_fn(|| reader.next_line()));
        }
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), 2 + long.len());
        drop(writer);
        assert!(!reader.read().unwrap() && reader.ended());
        assert_eq!(reader.next_line(), None, "what was not finished is no line");
    }
}
