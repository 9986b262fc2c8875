//! Fuzz target: the reader of the wire.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "fuzz_support/drive.rs"]
mod drive;
#[path = "fuzz_support/wire.rs"]
mod wire;

use std::path::Path;

#[test]
fn no_line_breaks_the_reader() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_corpus/wire");
    drive::drive("wire", &drive::corpus(&folder), 5_000, 600, wire::check);
}
