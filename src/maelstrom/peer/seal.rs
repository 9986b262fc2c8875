//! The checksum of a fellow node's line: what was damaged on its way is noticed before it is believed.
//!
//! It is the XXH3 (64 bits) of all bytes of the line before it, as its sender wrote them: names, type, numbers, entries. It
//! stands at the end, as `,"sum":"0123456789abcdef"}}`. A carrier may write the line anew, with other spaces and another
//! order of fields, as Maelstrom does. Then the receiver writes what it has read as the sender would have written it, and
//! compares that.
//!
//! It is no signature: who can write a line can compute its checksum.

use xxhash_rust::xxh3::xxh3_64;

use super::{PeerContent, PeerError, body};
use crate::maelstrom::MsgId;
use crate::maelstrom::outgoing::Envelope;

const BEFORE: &[u8] = br#","sum":""#;
const AFTER: &[u8] = br#""}}"#;
const DIGITS: usize = 16;
const SEAL_BYTES: usize = BEFORE.len() + DIGITS + AFTER.len();

/// Puts the checksum into a whole line that begins at `start` and ends with two braces.
pub(in crate::maelstrom) fn seal(lines: &mut Vec<u8>, start: usize) {
    lines.truncate(lines.len() - 2);
    let digits = digits_of(&lines[start..]);
    lines.extend_from_slice(BEFORE);
    lines.extend_from_slice(&digits);
    lines.extend_from_slice(AFTER);
}

fn digits_of(bytes: &[u8]) -> [u8; DIGITS] {
    let sum = xxh3_64(bytes);
    std::array::from_fn(|place| {
        let nibble = sum >> (4 * (DIGITS - 1 - place)) & 0xf;
        b"0123456789abcdef"[usize::try_from(nibble).expect("four bits")]
    })
}

/// A fellow node's line, and what was read in it.
#[derive(Debug)]
pub(in crate::maelstrom) struct SealedLine<'a> {
    pub(in crate::maelstrom) line: &'a str,
    pub(in crate::maelstrom) src: &'a str,
    pub(in crate::maelstrom) dest: &'a str,
    pub(in crate::maelstrom) msg_id: Option<MsgId>,
    pub(in crate::maelstrom) cluster: Option<&'a str>,
    pub(in crate::maelstrom) sum: Option<&'a str>,
}

impl SealedLine<'_> {
    /// Is the line as its sender wrote it?
    pub(in crate::maelstrom) fn check(&self, content: &PeerContent) -> Result<(), PeerError> {
        if is_verbatim(self.line.as_bytes().trim_ascii()) {
            return Ok(());
        }
        let sum = self.sum.ok_or(PeerError::NoChecksum)?;
        let msg_id = self.msg_id.and_then(|id| u64::try_from(id.number()).ok()).ok_or(PeerError::Checksum)?;
        let body = body(content.into(), msg_id, self.cluster);
        let mut written = serde_json::to_vec(&Envelope { src: self.src, dest: self.dest, body })
            .expect("memory takes every byte, and a number came off the wire as JSON");
        written.truncate(written.len() - 2);
        let same = sum.as_bytes() == digits_of(&written);
        if same { Ok(()) } else { Err(PeerError::Checksum) }
    }
}

/// Does the line end with the checksum of the bytes before it?
fn is_verbatim(line: &[u8]) -> bool {
    let Some((written, seal)) = line.split_last_chunk::<SEAL_BYTES>() else {
        return false;
    };
    let digits = seal.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
    digits.is_some_and(|digits| *digits == digits_of(written))
}
