//! Names that strangers give, in the log.

/// The name as a log line shows it: 40 characters at most, and none that a terminal would act upon.
pub(super) fn quoted(name: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let end = name.char_indices().nth(SHOWN_CHARS_MAX);
    format!("{:?}", end.map_or(name, |(end, _)| &name[..end]))
}
