//! Guests as WASI modules: their clocks and their random numbers are the world's.
#![cfg(feature = "wasi")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold::raft::Note;
use leasehold_guests::Guests;
use leasehold_run::guest::Host;
use leasehold_run::hosted::Hosted;
use leasehold_run::run::{run, run_watched};
use leasehold_run::scenario::load;
use leasehold_run::setup::Setup;
use leasehold_world::{Event, Happening, Reader, World};

const SCENARIO: &str = "duration = '4s'\nseed = 1\n[cluster]\nnodes = 2\n[client.c]\ntarget = 'n1'\noperations = 'read'\n\
    times = 1\nstart = '3s'\n";

/// A module from its text, in a file of the test's own.
fn module(test: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.wasm"));
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    file
}

fn guest(test: &str) -> PathBuf {
    module(test, include_str!("guest.wat"))
}

fn setup(file: &Path, seed: u64, more: &str) -> (Arc<Setup>, Guests) {
    let command = format!("{} one two", file.display());
    let sets = [format!("guest.command={command:?}")];
    let mut plan = load("t", &format!("{SCENARIO}{more}"), &sets, &["sound"]).unwrap();
    let mut setup = plan.rows.remove(0).scenario.setup;
    let guests = Guests::new(&command).unwrap();
    setup.seed = seed;
    setup.guest.as_mut().unwrap().hosted_by(Arc::new(guests.clone()));
    (Arc::new(setup), guests)
}

/// The terms that nodes were elected in.
#[derive(Default)]
struct Terms(Vec<(usize, u64)>);

impl<P: Hosted> Reader<P> for Terms {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if let Happening::Noted { node, note: Note::Elected { term } } = event.what {
            self.0.push((node, term.0));
        }
    }
}

fn terms(setup: &Arc<Setup>, guests: &Guests) -> Vec<(usize, u64)> {
    let mut terms = Terms::default();
    let _ = run_watched(setup, &mut terms);
    assert_eq!(guests.failure(), None);
    terms.0
}

#[test]
fn what_a_module_looks_at_is_the_worlds() {
    let file = guest("looks");
    let (one, guests) = setup(&file, 1, "");
    let found = terms(&one, &guests);
    assert_eq!(
        found.iter().map(|(node, _)| *node).collect::<Vec<_>>(),
        [0, 1, 0],
        "two starts and a request"
    );
    let parts = |(_, term): (usize, u64)| (term >> 40, term >> 32 & 0xff, term & 0xffff_ffff);
    assert_eq!(parts(found[0]).0, 0, "the clock at the start");
    assert_eq!(parts(found[2]).0, 3, "the clock at the request");
    assert_eq!(parts(found[0]).1, 3, "the program and two arguments");
    assert_ne!(parts(found[0]).2, parts(found[1]).2, "two nodes have two seeds");
    assert_eq!(run(&one).trace_hash, run(&one).trace_hash);
    assert_eq!(terms(&one, &guests), found);
    let (two, guests) = setup(&file, 2, "");
    assert_ne!(parts(terms(&two, &guests)[0]).2, parts(found[0]).2, "another seed");
    // A clock of twice the rate.
    let (fast, guests) = setup(&file, 1, "[clock.n1]\nrate = '+100%'\n");
    assert_eq!(parts(terms(&fast, &guests)[2]).0, 6);
}

#[test]
fn what_goes_wrong_in_a_module_is_said() {
    let failure = |test: &str, text: &str| {
        let (setup, guests) = setup(&module(test, text), 1, "");
        let _ = run(&setup);
        guests.failure().unwrap()
    };
    let start = |body: &str| {
        format!(
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
             (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))
             (memory (export \"memory\") 1) (func (export \"_start\") {body}))"
        )
    };
    let read = "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))";
    for (test, body, said) in [
        ("exits", "(call $exit (i32.const 3))".to_owned(), "has ended (exit status: 3)"),
        ("returns", String::new(), "has ended"),
        ("traps", "unreachable".to_owned(), "has failed"),
        ("spins", "(loop $l (br $l))".to_owned(), "has not answered"),
        ("silent", format!("{read}(loop $l {read}(br $l))"), "reads the next line before it has written"),
        // Memory that is not there is an error of the call (21), and no harm to us.
        (
            "outside",
            "(call $exit (call $read (i32.const 0) (i32.const -8) (i32.const 9) (i32.const 8)))".to_owned(),
            "has ended (exit status: 21)",
        ),
    ] {
        let failure = failure(test, &start(&body));
        assert!(failure.contains(said) && failure.contains("the guest on n1"), "{test}: {failure}");
    }
    let refused =
        |test: &str, text: &str| Guests::new(&module(test, text).display().to_string()).unwrap_err();
    assert!(refused("no_start", "(module)").contains("has no `_start`"));
    let other = "(module (import \"env\" \"sleep\" (func)) (func (export \"_start\")))";
    assert!(refused("other", other).contains("it imports env.sleep"));
    assert!(Guests::new("missing.wasm").unwrap_err().contains("cannot read the WASI module missing.wasm"));
}
