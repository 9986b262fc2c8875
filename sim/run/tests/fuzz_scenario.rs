//! Fuzz target: the reader of scenarios.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../../../tests/fuzz_support/drive.rs"]
mod drive;
#[path = "../../../tests/fuzz_support/scenario.rs"]
mod scenario;

use std::path::Path;

#[test]
fn no_text_breaks_the_reader() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
    let mut corpus = drive::corpus(&root.join("scenarios"));
    corpus.extend(drive::corpus(&root.join("tests/fuzz_corpus/scenario")));
    drive::drive("scenario", &corpus, 2_000, 400, scenario::check);
}
