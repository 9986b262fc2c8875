//! A part that is there.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::{Digest, Header, PartError};

/// How the names of parts end.
pub(crate) const EXTENSION: &str = ".jsonl.gz";

/// How the last line of a part begins. No row begins so.
pub(crate) const FOOTER: &str = "{\"end\":";

/// The longest line that is read, bytes. A damaged file must not take all memory.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// The last line of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Footer {
    /// How many rows there are.
    pub rows: u64,
    /// Their digest.
    pub digest: Digest,
    /// What they show in a few numbers; what that is depends on the command.
    pub found: Value,
}

/// A part whose header has been read. Its rows have not been checked before [`Part::read`].
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The file.
    pub path: PathBuf,
    /// Its first line.
    pub header: Header,
}

impl Part {
    /// Reads the header of a part.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no part, or is cut off before its rows.
    pub fn open(path: &Path) -> Result<Part, PartError> {
        let mut lines = Lines::open(path)?;
        let header = lines.header()?;
        Ok(Part { path: path.to_owned(), header })
    }

    /// Hands on every row, as the line that it is, and checks every byte. The rows are only known to be whole when this has
    /// returned.
    ///
    /// # Errors
    ///
    /// The file cannot be read; it is damaged; or `each` fails.
    pub fn read<E: From<PartError>>(&self, each: &mut dyn FnMut(&str) -> Result<(), E>) -> Result<Footer, E> {
        let mut lines = Lines::open(&self.path)?;
        if lines.header()? != self.header {
            return Err(PartError::damaged(&self.path, "it has changed while it was read").into());
        }
        let mut digest = Digest::default();
        let mut rows = 0;
        loop {
            let checksum = lines.checksum.digest();
            let row = lines.next()?;
            if let Some(footer) = row.strip_prefix(FOOTER).and_then(|footer| footer.strip_suffix('}')) {
                let footer = footer.to_owned();
                return Ok(lines.end(&footer, rows, digest, checksum)?);
            }
            digest.add(row);
            rows += 1;
            each(row)?;
        }
    }

    /// Checks every byte.
    ///
    /// # Errors
    ///
    /// As for [`Part::read`].
    pub fn check(&self) -> Result<Footer, PartError> {
        self.read(&mut |_| Ok::<(), PartError>(()))
    }
}

/// The lines of a part, one at a time, in bounded memory.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<GzDecoder<BufReader<File>>>,
    /// Of all lines so far.
    checksum: Xxh3,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Lines<'a>, PartError> {
        let file = File::open(path).map_err(|error| PartError::io("read", path, error))?;
        let reader = BufReader::with_capacity(1 << 16, GzDecoder::new(BufReader::new(file)));
        Ok(Lines { path, reader, checksum: Xxh3::new(), line: Vec::new() })
    }

    fn header(&mut self) -> Result<Header, PartError> {
        let path = self.path;
        let value = serde_json::from_str::<Value>(self.next()?);
        let value = value.map_err(|_| PartError::damaged(path, "its first line is no header"))?;
        Header::from_json(&value).map_err(|why| PartError::damaged(path, why))
    }

    /// The next line, without its end. There must be one.
    fn next(&mut self) -> Result<&str, PartError> {
        self.line.clear();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line);
        read.map_err(|error| unreadable(self.path, error))?;
        self.checksum.update(&self.line);
        match self.line.split_last() {
            Some((b'\n', line)) => {
                std::str::from_utf8(line).map_err(|_| PartError::damaged(self.path, "a line is not UTF-8"))
            }
            _ => Err(PartError::damaged(self.path, "it ends in the middle")),
        }
    }

    /// Compares what the footer says with what was read, and demands that nothing follows it.
    fn end(mut self, footer: &str, rows: u64, digest: Digest, checksum: u64) -> Result<Footer, PartError> {
        let damaged = |why: &str| PartError::damaged(self.path, why);
        let value: Value = serde_json::from_str(footer).map_err(|_| damaged("its last line is no footer"))?;
        let hex = |key: &str| u64::from_str_radix(value.get(key)?.as_str()?, 16).ok();
        let said =
            (|| Some((value.get("rows")?.as_u64()?, Digest::parse(value.get("digest")?.as_str()?)?)))();
        if said != Some((rows, digest)) || hex("xxh3") != Some(checksum) {
            return Err(damaged("its checksum is not that of its rows"));
        }
        // The decoder compares its own checksum at the end of the stream.
        let rest = self.reader.read(&mut [0]).map_err(|error| unreadable(self.path, error))?;
        let file = self.reader.get_mut().get_mut();
        let beyond = file.fill_buf().map_err(|error| unreadable(self.path, error))?;
        if rest > 0 || !beyond.is_empty() {
            return Err(damaged("something follows its footer"));
        }
        Ok(Footer { rows, digest, found: value.get("found").cloned().unwrap_or_default() })
    }
}

/// What a decoder says of bytes that it does not understand is damage; anything else is the operating system's.
fn unreadable(path: &Path, error: std::io::Error) -> PartError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::UnexpectedEof => PartError::damaged(path, "it ends in the middle"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => PartError::damaged(path, error.to_string()),
        _ => PartError::io("read", path, error),
    }
}
