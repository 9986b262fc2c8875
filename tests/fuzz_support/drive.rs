//! Drives a fuzz target without a fuzzer: the corpus first, then inputs that are drawn at random or made by damaging the
//! corpus. The same inputs every time, until `LEASEHOLD_FUZZ_SECONDS` asks for more. `LEASEHOLD_FUZZ_CORPUS` names a folder
//! with a corpus that comes on top, that of a fuzzer at work, for one.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// What takes the place of a number.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "1e99",
    "-0",
    "",
];

/// What may have a meaning where it does not belong.
const WORDS: [&str; 16] = [
    "\"", "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", "[[", "null", "\n", "\"\"\"", "\u{0}", "ü", "=",
    "# ",
];

/// One change of an input.
#[derive(Debug, Clone)]
struct Edit {
    kind: u8,
    place: u16,
    length: u8,
    pick: u8,
}

fn edit() -> impl Strategy<Value = Edit> {
    (any::<u8>(), any::<u16>(), any::<u8>(), any::<u8>()).prop_map(|(kind, place, length, pick)| Edit {
        kind,
        place,
        length,
        pick,
    })
}

fn damaged(mut bytes: Vec<u8>, edits: &[Edit], corpus: &[Vec<u8>]) -> Vec<u8> {
    for edit in edits {
        let place = usize::from(edit.place) % (bytes.len() + 1);
        let end = (place + usize::from(edit.length)).min(bytes.len());
        let pick = usize::from(edit.pick);
        match edit.kind % 7 {
            0 => drop(bytes.drain(place..end)),
            1 => {
                let copy = bytes[place..end].to_vec();
                bytes.splice(place..place, copy);
            }
            2 => drop(bytes.splice(place..place, WORDS[pick % WORDS.len()].bytes())),
            3 if place < bytes.len() => bytes[place] = edit.pick,
            4 if place < bytes.len() => bytes[place] ^= 1 << (edit.pick % 8),
            5 => {
                let other = &corpus[pick % corpus.len()];
                let from = usize::from(edit.place.rotate_left(7)) % (other.len() + 1);
                let to = (from + usize::from(edit.length)).min(other.len());
                bytes.splice(place..place, other[from..to].iter().copied());
            }
            _ => {
                let digit = |byte: &u8| byte.is_ascii_digit();
                if let Some(first) = bytes[place..].iter().position(digit).map(|at| place + at) {
                    let last = bytes[first..]
                        .iter()
                        .position(|byte| !digit(byte))
                        .map_or(bytes.len(), |at| first + at);
                    bytes.splice(first..last, NUMBERS[pick % NUMBERS.len()].bytes());
                }
            }
        }
    }
    bytes
}

/// The files of a folder, by name, and whatever is in folders below it.
pub(crate) fn corpus(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files.extend(corpus(&path));
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    files
}

/// Runs `target` on the corpus and on `cases` more inputs of at most about `length_max` bytes.
pub(crate) fn drive(
    name: &str,
    corpus: &[(String, Vec<u8>)],
    cases: u32,
    length_max: usize,
    target: impl Fn(&[u8]),
) {
    let mut corpus = corpus.to_vec();
    if let Ok(folder) = std::env::var("LEASEHOLD_FUZZ_CORPUS") {
        corpus.extend(self::corpus(Path::new(&folder)));
    }
    for (path, bytes) in &corpus {
        let done = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        assert!(done.is_ok(), "the target {name} fails on {path}");
    }
    let inputs: Vec<Vec<u8>> = corpus.iter().map(|(_, bytes)| bytes.clone()).collect();
    let place = 0..inputs.len();
    let strategy = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..length_max),
        3 => (place, prop::collection::vec(edit(), 1..12))
            .prop_map(move |(place, edits)| damaged(inputs[place].clone(), &edits, &inputs)),
    ];
    let seconds: Option<u64> = std::env::var("LEASEHOLD_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let first: u64 = std::env::var("LEASEHOLD_FUZZ_SEED").map_or(0, |text| text.parse().unwrap());
    #[allow(clippy::disallowed_methods, reason = "how long to go on is not part of any input")]
    let start = Instant::now();
    let count = AtomicU64::new(0);
    for round in first.. {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        let config =
            Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let done = runner.run(&strategy, |bytes| {
            count.fetch_add(1, Ordering::Relaxed);
            target(&bytes);
            Ok(())
        });
        if let Err(TestError::Fail(reason, bytes)) = &done {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-failure"));
            fs::write(&path, bytes).unwrap();
            panic!(
                "{reason}\nthe input, made as small as it could be, is in {}: add it to the corpus\n{:?}",
                path.display(),
                String::from_utf8_lossy(bytes)
            );
        }
        done.unwrap();
        if seconds.is_none_or(|seconds| start.elapsed() >= Duration::from_secs(seconds)) {
            break;
        }
    }
    #[allow(clippy::print_stdout, reason = "how many there were, for whoever asked with --nocapture")]
    let () = println!("{name}: {} inputs besides the corpus in {:?}", count.into_inner(), start.elapsed());
}
