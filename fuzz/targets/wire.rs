//! See docs/notes/fuzzing.md.

#![no_main]

#[path = "../../tests/fuzz_support/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::check(bytes));
