//! The form of a node's input: records, each behind a byte that holds its length.

/// Bytes of one record.
pub(crate) const LENGTH_MAX: usize = 63;

/// The first record, and what comes behind it. Any bytes are some records: what a length has too much is ignored.
pub(crate) fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let length = usize::from(*length) & LENGTH_MAX;
    Some(rest.split_at(length.min(rest.len())))
}
