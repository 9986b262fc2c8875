//! One verdict from several commands, and the formats that continuous integration reads.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::process::Command;

use serde_json::Value;

fn sim(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = command.args(arguments).current_dir(root).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A migration that the lengths do not survive, and clients that do not see it.
const NOT_SAFE: &str = r#"
duration = "20s"
seed = 1
[cluster]
first-leader = "n1"
[lease]
duration = "900ms"
election-timeout = "1s"
max-clock-skew = "0s"
[client.a]
operations = ["read", "write"]
every = "10ms"
[[fault]]
at = "10s"
for = "2s"
hypervisor-pause = { node = "n1" }
"#;

#[test]
fn run_and_explore_agree_that_a_run_without_a_stale_read_is_not_safe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("migration.toml");
    std::fs::write(&file, NOT_SAFE).unwrap();
    let file = file.to_str().unwrap();
    let explored = |number: usize, more: &[&str]| {
        let out = folder.path().join(number.to_string());
        sim(&[&["explore", file, "--seeds", "0..8", "--json", "--out", out.to_str().unwrap()], more].concat())
    };
    let (code, output, _) = sim(&["run", file, "--json"]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap()["rows"][0]["safety"], "not-safe");
    let (code, output, errors) = explored(0, &[]);
    let summary: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("NOT SAFE"), "{errors}");
    assert_eq!(
        (&summary["safety"], &summary["seeds_by_safety"]["not-safe"]),
        (&"not-safe".into(), &8.into())
    );
    assert_eq!(sim(&["run", file, "-q", "--expect", "safe"]).0, 1);
    assert_eq!(explored(1, &["--expect", "safe"]).0, 1);
    // What the finding's own line shows is the finding.
    let shrink = summary["groups"][0]["shrink"].as_str().unwrap().trim_start_matches("cargo sim ").to_owned();
    let (code, output, errors) = sim(&shrink.split(' ').collect::<Vec<_>>());
    assert_eq!(code, 0, "{shrink}: {errors}");
    assert!(output.contains("the margin is -"), "{output}");
}

#[test]
fn junit_and_markdown_have_a_case_for_each_row_and_say_which_failed() {
    let failing = ["run", "scenarios/rules/restart-forgets.toml", "--expect", "none", "--format"];
    let (code, junit, _) = sim(&[&failing[..], &["junit"]].concat());
    assert_eq!(code, 1);
    assert_eq!((junit.matches("<testcase ").count(), junit.matches("<failure ").count()), (2, 1), "{junit}");
    assert!(junit.contains("tests=\"2\"") && junit.contains("failures=\"1\""), "{junit}");
    let (_, markdown, _) = sim(&[&failing[..], &["md"]].concat());
    assert!(markdown.contains("**FAILED**: 1 of 2"), "{markdown}");
    assert!(markdown.contains("| sound | passed |"), "{markdown}");
    assert!(markdown.contains("| restart-forgets | **failed**: "), "{markdown}");
    let (code, junit, _) = sim(&["run", "scenarios/rules/restart-forgets.toml", "--format", "junit"]);
    assert_eq!((code, junit.matches("<failure ").count()), (0, 0), "{junit}");
}
