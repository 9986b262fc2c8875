//! `sim run --out`, `sim replay` and `sim diff` as they are typed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

fn sim(arguments: &[&str]) -> (i32, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).current_dir(root).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A small scenario with a stale read, and the folder to keep it in.
fn keep(folder: &Path, more: &[&str]) -> String {
    let out = folder.to_str().unwrap().to_owned();
    let asked = ["run", "scenarios/rules/restart-forgets.toml", "--out", &out, "-q"];
    let (code, _, errors) = sim(&[&asked[..], more].concat());
    assert!(code < 2, "{errors}");
    out
}

#[test]
fn a_kept_run_is_whole_and_replays_to_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let out = keep(&folder.path().join("one"), &[]);
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{out}/manifest.json")).unwrap()).unwrap();
    let rows = manifest["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let results: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{out}/results.json")).unwrap()).unwrap();
    assert_eq!(manifest["trace"], results["trace"]);
    let (_, report, _) = sim(&["run", "scenarios/rules/restart-forgets.toml", "--all-rows"]);
    assert_eq!(std::fs::read_to_string(format!("{out}/report.txt")).unwrap(), report);
    let (code, output, errors) = sim(&["replay", &out]);
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(output.matches("the same, ").count(), 2, "{output}");
    // A row's own scenario is that run.
    let (_, output, _) = sim(&["run", &format!("{out}/rows/001/scenario.toml"), "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap()["trace"], rows[0]["trace"]);
}

#[test]
fn both_histories_get_the_verdict_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = keep(&folder.path().join("one"), &[]);
    for history in ["history.jsonl", "history.edn"] {
        for (row, verdict) in [("001", 0), ("002", 1)] {
            let (code, output, errors) = sim(&["check", &format!("{out}/rows/{row}/{history}")]);
            assert_eq!(code, verdict, "{row} {history}: {output}{errors}");
        }
    }
}

#[test]
fn an_event_that_differs_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let out = keep(&folder.path().join("one"), &[]);
    let path = format!("{out}/rows/002/trace.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let write = |lines: &[String]| {
        let mut file = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
        file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        file.finish().unwrap();
    };
    let whole: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut other = whole.clone();
    other[17] = other[17].replace("\"at_ns\":", "\"at_ns\":1");
    write(&other);
    let (code, output, _) = sim(&["replay", &out]);
    assert_eq!(code, 5, "{output}");
    assert!(output.contains("DIFFERS from event 17 on"), "{output}");
    write(&whole[..100]);
    let (code, output, _) = sim(&["replay", &out]);
    assert_eq!(code, 5, "{output}");
    assert!(output.contains("from event 100 on\n  kept: (the run had ended)"), "{output}");
    let mut longer = whole.clone();
    longer.push(whole[0].clone());
    write(&longer);
    let (code, output, _) = sim(&["replay", &out]);
    assert_eq!(code, 5, "{output}");
    assert!(output.contains("now:  (the run had ended)"), "{output}");
}

#[test]
fn two_runs_are_compared_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let one = keep(&folder.path().join("one"), &[]);
    let same = keep(&folder.path().join("same"), &[]);
    let other = keep(&folder.path().join("other"), &["--set", "network.delay=2ms", "--expect", "any"]);
    let (code, output, _) = sim(&["diff", &one, &same]);
    assert_eq!((code, output.lines().count()), (0, 2), "{output}");
    let (code, output, _) = sim(&["diff", &one, &other]);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("  from event "), "{output}");
    assert!(output.contains("stale_by_ns_max "), "{output}");
}

#[test]
fn what_cannot_be_kept_or_replayed_is_said_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "precious").unwrap();
    let full = folder.path().to_str().unwrap();
    let (code, _, errors) = sim(&["run", "scenarios/pause.toml", "-q", "--out", full]);
    assert_eq!(code, 2);
    assert!(errors.contains("is not empty"), "{errors}");
    assert_eq!(std::fs::read_to_string(folder.path().join("mine")).unwrap(), "precious");
    let (code, _, errors) = sim(&["replay", full]);
    assert_eq!(code, 2);
    assert!(errors.contains("`sim run SCENARIO --out DIR` writes such a folder"), "{errors}");
    std::fs::write(folder.path().join("manifest.json"), "{\"what\":\"explore\"}").unwrap();
    let (code, _, errors) = sim(&["diff", full, full]);
    assert_eq!(code, 2);
    assert!(errors.contains("is not the manifest of a run"), "{errors}");
}
