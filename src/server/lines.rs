//! Bytes in, lines out. A line that is too long is skipped without being kept.

use std::ops::Range;

use memchr::memchr;

/// A line, without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line within the limit, without its newline.
    Whole(&'a [u8]),
    /// A line that was too long, and how long it was.
    TooLong {
        /// The length of the whole line in bytes.
        bytes: usize,
    },
}

/// The bytes that have come in and are no line yet.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Everything before this was taken.
    start: usize,
    /// The line that was taken last, without its newline, while nothing has been pushed since.
    last: Range<usize>,
    /// There is no newline between `start` and this.
    searched: usize,
    /// Bytes of a line that is too long that were thrown away.
    skipped: usize,
    line_bytes_max: usize,
}

impl Lines {
    pub(super) fn new(line_bytes_max: usize) -> Lines {
        Lines { buffer: Vec::new(), start: 0, last: 0..0, searched: 0, skipped: 0, line_bytes_max }
    }

    /// Takes bytes. Keeps at most the longest line and what was pushed.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.last = 0..0;
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line that is complete.
    pub(super) fn next_line(&mut self) -> Option<Line<'_>> {
        let Some(found) = memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            let kept = self.searched - self.start;
            if self.skipped > 0 || kept > self.line_bytes_max {
                self.skipped += kept;
                self.start = self.searched;
            }
            return None;
        };
        let (from, to) = (self.start, self.searched + found);
        self.start = to + 1;
        self.searched = self.start;
        Some(self.line(from, to))
    }

    /// What is left when the input has ended: a last line without a newline.
    pub(super) fn last_line(&mut self) -> Option<Line<'_>> {
        let (from, to) = (self.start, self.buffer.len());
        self.start = to;
        self.searched = to;
        (from < to || self.skipped > 0).then(|| self.line(from, to))
    }

    fn line(&mut self, from: usize, to: usize) -> Line<'_> {
        self.last = from..to;
        let bytes = std::mem::take(&mut self.skipped) + (to - from);
        if bytes > self.line_bytes_max {
            Line::TooLong { bytes }
        } else {
            Line::Whole(&self.buffer[from..to])
        }
    }

    /// The first bytes of the line that was taken last, unless something was pushed since.
    pub(super) fn last_taken(&self, bytes_max: usize) -> &[u8] {
        let last = &self.buffer[self.last.clone()];
        &last[..last.len().min(bytes_max)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(lines: &mut Lines) -> Vec<String> {
        let mut taken = Vec::new();
        while let Some(line) = lines.next_line() {
            taken.push(shown(&line));
        }
        taken
    }

    fn shown(line: &Line<'_>) -> String {
        match line {
            Line::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Line::TooLong { bytes } => format!("<{bytes}>"),
        }
    }

    #[test]
    fn lines_come_out_whole_however_they_came_in() {
        let input = b"one\n\ntwo two\nlast";
        for size in 1..=input.len() {
            let mut lines = Lines::new(7);
            let mut all = Vec::new();
            for piece in input.chunks(size) {
                lines.push(piece);
                all.extend(taken(&mut lines));
            }
            all.extend(lines.last_line().map(|line| shown(&line)));
            assert_eq!(all, ["one", "", "two two", "last"], "{size} bytes at a time");
            assert_eq!(lines.last_line(), None);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_measured() {
        for size in 1..=30 {
            let mut lines = Lines::new(4);
            let mut all = Vec::new();
            for piece in b"1234\n12345678901\n12\n12345".chunks(size) {
                lines.push(piece);
                all.extend(taken(&mut lines));
                assert!(lines.buffer.len() - lines.start <= 4, "nothing too long is kept");
            }
            all.extend(lines.last_line().map(|line| shown(&line)));
            assert_eq!(all, ["1234", "<11>", "12", "<5>"], "{size} bytes at a time");
        }
    }
}
