//! See docs/notes/fuzzing.md.

#![no_main]

#[path = "../../tests/fuzz_support/scenario.rs"]
mod scenario;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenario::check(bytes));
