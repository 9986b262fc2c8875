//! See docs/notes/fuzzing.md.

#![no_main]

mod mutation;
#[allow(dead_code, reason = "the tests ask for more")]
#[path = "../../tests/fuzz_support/node.rs"]
mod node;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    node::play(bytes);
});

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    mutation::mutate(data, size, size_max, seed)
});

libfuzzer_sys::fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutation::cross(one, other, out, seed)
});
