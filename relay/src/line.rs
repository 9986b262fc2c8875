//! Lines: how they are read, and whom they are for.

use std::borrow::Cow;
use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest line that is carried, in bytes. Far above the node's own bound for its default `--line-max`.
pub const LONGEST: usize = 16 << 20;

/// From whom a line is, and for whom.
#[derive(Deserialize)]
pub struct Ends<'a> {
    #[serde(borrow, default)]
    pub src: Cow<'a, str>,
    #[serde(borrow, default)]
    pub dest: Cow<'a, str>,
}

/// A client's line. Its `src` does not count.
#[derive(Deserialize)]
pub struct Request<'a> {
    #[serde(borrow, default)]
    pub dest: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// What of a request's body concerns the relay.
#[derive(Deserialize)]
pub struct Asked<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub msg_id: Option<&'a RawValue>,
    #[serde(default)]
    pub apply: serde_json::Value,
}

/// What [`next`] read.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// A line, without its end.
    Line,
    /// A line of more than the most bytes. It is left out.
    TooLong,
    End,
}

/// Reads the next line into `line`. What stands after the last line end is no line: its writer ended in the middle of it.
pub async fn next(
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    most: usize,
) -> io::Result<Read> {
    line.clear();
    let mut fits = true;
    loop {
        let chunk = from.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(Read::End);
        }
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        fits &= line.len() + part.len() <= most;
        if fits {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return Ok(if fits { Read::Line } else { Read::TooLong });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Read, next};

    #[tokio::test(flavor = "current_thread")]
    async fn a_line_that_is_too_long_is_left_out_alone_and_half_a_line_is_none() {
        // A buffer of three bytes: lines lie across its ends.
        let mut from = tokio::io::BufReader::with_capacity(3, &b"ab\n12345\n1234\n\nhalf"[..]);
        let mut line = Vec::new();
        for (read, text) in [
            (Read::Line, &b"ab"[..]),
            (Read::TooLong, b""),
            (Read::Line, b"1234"),
            (Read::Line, b""),
            (Read::End, b""),
        ] {
            assert_eq!(next(&mut from, &mut line, 4).await.unwrap(), read);
            if read == Read::Line {
                assert_eq!(line, text);
            }
        }
    }
}
