//! `sim advise` as it is typed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(arguments: &[&str]) -> (i32, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    let output = command.arg("advise").args(arguments).current_dir(root).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> Value {
    let (_, output, errors) = run(&[arguments, &["--json"]].concat());
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}{errors}"))
}

const ASKED: [&str; 12] = [
    "--election-timeout",
    "1s",
    "--lease",
    "900ms",
    "--skew",
    "0s",
    "--drift",
    "100ppm",
    "--pause",
    "500ms",
    "--vm-pause",
    "2s",
];

#[test]
fn the_page_shows_what_is_printed() {
    let (code, output, _) = run(&ASKED);
    assert_eq!(code, 1);
    let page = include_str!("../../docs/guide/advise.md");
    assert!(page.contains(output.trim_end()), "docs/guide/advise.md does not have this:\n{output}");
}

#[test]
fn the_page_has_every_key_of_the_json_report() {
    let page = include_str!("../../docs/guide/advise.md");
    let report = json(&ASKED);
    let hazard = report["hazards"][0].as_object().unwrap();
    for key in report.as_object().unwrap().keys().chain(hazard.keys()) {
        assert!(page.contains(&format!("`{key}`")), "docs/guide/advise.md does not have `{key}`");
    }
    let (_, lines, _) = run(&[&ASKED[..], &["--format", "jsonl"]].concat());
    assert_eq!(lines.lines().count(), report["hazards"].as_array().unwrap().len() + 1);
}

#[test]
fn the_written_scenario_shows_the_limit_when_it_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worst.toml");
    let file = file.to_str().unwrap();
    let (code, _, errors) = run(&[&ASKED[..], &["-q", "-o", file]].concat());
    assert_eq!(code, 1, "{errors}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    let output = command.args(["run", file]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("no stale read up to 99.81ms, stale reads above")
    );
    let (code, _, errors) = run(&[&ASKED[..], &["-o", file]].concat());
    assert_eq!(code, 2, "a file is not overwritten");
    assert!(errors.contains("--force"), "{errors}");
}

#[test]
fn a_file_gives_settings_and_options_override_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "# ours\nelection-timeout = \"1s\"\nlease = \"900ms\"\nvoters = 5\n").unwrap();
    let file = file.to_str().unwrap();
    let report = json(&[file, "--lease", "800ms"]);
    assert_eq!(report["election_timeout_ns"], 1_000_000_000_u64);
    assert_eq!(report["lease_ns"], 800_000_000);
    assert_eq!(report["voters"], 5);
    assert_eq!(report["command"], "sim advise --election-timeout 1s --lease 800ms --voters 5");
}

#[test]
fn other_systems_options_are_understood() {
    let lengths = |arguments: &[&str]| {
        let report = json(arguments);
        (report["election_timeout_ns"].as_u64().unwrap(), report["lease_ns"].as_u64().unwrap())
    };
    let ms = |millis: u64| millis * 1_000_000;
    assert_eq!(lengths(&["--like", "kubernetes", "renew-deadline=14s"]), (ms(15_000), ms(14_000)));
    assert_eq!(lengths(&["--like", "tikv", "raft-store-max-leader-lease=8s"]), (ms(9_000), ms(8_000)));
    assert_eq!(lengths(&["--like", "etcd", "election-timeout=500"]), (ms(500), ms(1_000)));
    assert_eq!(lengths(&["--like", "consul", "performance.raft_multiplier=1"]), (ms(1_000), ms(500)));
    assert_eq!(json(&["--like", "etcd"])["safety"], "not-safe");
    assert_eq!(json(&["--like", "kubernetes"])["safety"], "safe");
    assert_eq!(json(&["--like", "consul"])["broken_rule"]["own_lengths"], false);
}

#[test]
fn what_is_wrong_is_said_with_a_remedy() {
    let wrong: [(&[&str], &str); 9] = [
        (&["--lease", "5"], "write \"5s\" or \"5ms\""),
        (&["--lease", "2000h"], "at most 720h"),
        (&["--drift", "-5ppm"], "without a sign"),
        (&["--rule", "lease-from-ack"], "did you mean lease-from-acknowledgement?"),
        (&["--form", "wall"], "elapsed, deadline"),
        (&["--voters", "8"], "from 2 to 7"),
        (&["--like", "riak"], "etcd, tikv, consul, kubernetes"),
        (&["--like", "tikv", "lease=9s"], "known are raftstore.raft-store-max-leader-lease"),
        (&["missing.toml"], "cannot read the settings missing.toml"),
    ];
    for (arguments, remedy) in wrong {
        let (code, output, errors) = run(arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains(remedy), "{arguments:?}: {errors}");
    }
}

#[test]
fn lengths_that_are_unsafe_by_themselves_are_not_blamed_on_a_hazard() {
    let (code, output, _) = run(&["--lease", "6s", "--drift", "100ppm"]);
    assert_eq!(code, 1);
    assert!(output.contains("D is 6s, not shorter than T, 5s"), "{output}");
    assert!(output.contains("a read can be stale even with perfect clocks"), "{output}");
    // s as long as D: no lease, and nothing to lose.
    let (code, output, _) = run(&["--lease", "1s", "--skew", "1s"]);
    assert_eq!(code, 0);
    assert!(output.contains("every read asks a quorum"), "{output}");
}
