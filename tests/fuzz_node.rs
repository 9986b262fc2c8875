//! Fuzz target: what goes into a node. Bytes become a sequence of absurd, replayed and honest messages, requests, confirmed
//! writes, wake-ups and clock readings. A shadow keeps its own account of what was sent and acknowledged, and whatever the
//! node does must agree with it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "fuzz_support/drive.rs"]
mod drive;
#[path = "fuzz_support/node_input.rs"]
mod node_input;
#[path = "fuzz_support/shadow.rs"]
mod shadow;
#[path = "fuzz_support/snapshots.rs"]
mod snapshots;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use self::node_input::play;
use self::shadow::Reached;

#[test]
fn no_input_breaks_a_node() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_corpus/node");
    let reached = RefCell::new(BTreeSet::new());
    drive::drive("node", &drive::corpus(&folder), 4_000, 1_500, |bytes| {
        reached.borrow_mut().extend(play(bytes));
    });
    // A fuzz target that gets nowhere finds nothing.
    for wanted in Reached::ALL {
        assert!(reached.borrow().contains(&wanted), "no input has come to {wanted:?}");
    }
}
