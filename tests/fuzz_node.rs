//! Fuzz target: what goes into a node.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "fuzz_support/broken.rs"]
mod broken;
#[path = "fuzz_support/drive.rs"]
mod drive;
#[path = "fuzz_support/node.rs"]
mod node;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

use self::broken::Broken;
use self::node::shadow::reached::Reached;

fn corpus() -> Vec<(String, Vec<u8>)> {
    drive::corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_corpus/node"))
}

#[test]
fn no_input_breaks_a_node() {
    let reached: RefCell<BTreeMap<Reached, u64>> = RefCell::default();
    drive::drive("node", &corpus(), 4_000, 3_000, |bytes| {
        for place in node::play(bytes) {
            *reached.borrow_mut().entry(place).or_default() += 1;
        }
    });
    #[allow(
        clippy::print_stdout,
        reason = "how many inputs came how far, for whoever asked with --nocapture"
    )]
    let () = println!("{:?}", reached.borrow());
    // A fuzz target that gets nowhere finds nothing.
    for wanted in Reached::ALL {
        assert!(reached.borrow().contains_key(&wanted), "no input has come to {wanted:?}");
    }
}

#[test]
fn the_corpus_notices_each_broken_rule() {
    let corpus = corpus();
    for rule in Broken::ALL {
        let noticed = corpus.iter().any(|(_, bytes)| catch_unwind(|| node::play_by(rule, bytes)).is_err());
        assert!(noticed, "no input of the corpus shows that {rule:?} is broken");
    }
}
