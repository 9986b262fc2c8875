//! `sim shrink` on the command line: what it writes, where, and with which exit code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SIM: &str = env!("CARGO_BIN_EXE_sim");
const RULE: &str = "scenarios/rules/half-quorum.toml";

fn sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(SIM);
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = sim(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A path in a folder of the test's own, where nothing is yet.
fn new_file(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("minimal.toml")
}

#[test]
fn the_file_shows_the_violation_and_is_not_overwritten() {
    let file = new_file("shrink_written");
    let path = file.to_str().unwrap();
    let (code, output, errors) = run(&["shrink", RULE, "--row", "half-quorum", "-o", path]);
    assert_eq!((code, output.as_str()), (0, ""), "{errors}");
    assert!(errors.starts_with("operations 212 -> 2, faults 1 -> 1, nodes 5 -> 5, "), "{errors}");
    assert!(errors.contains("decisions left to chance 9 -> 0"), "{errors}");
    let (code, report, errors) = run(&["run", path]);
    assert_eq!(code, 0, "{errors}");
    assert!(report.contains("STALE READ"), "{report}");

    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with(&format!("# Shrunk from {RULE}, seed 1, row half-quorum.\n")), "{written}");
    let (code, _, errors) = run(&["shrink", RULE, "--row", "half-quorum", "-o", path]);
    assert_eq!(code, 2);
    assert!(errors.contains("exists") && errors.contains("--force"), "{errors}");
    let (code, _, errors) = run(&["shrink", path, "-o", path, "--force", "-q"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "to shrink twice is to shrink once");
    for to_output in [&["shrink", path, "-q"][..], &["shrink", path, "-q", "-o", "-"]] {
        assert_eq!(run(to_output), (0, written.clone(), String::new()));
    }
}

#[test]
fn several_rows_are_refused_with_the_remedy() {
    let (code, _, errors) = run(&["shrink", RULE]);
    assert_eq!(code, 2);
    assert!(errors.contains("2 rows") && errors.contains("--row half-quorum"), "{errors}");
    let (code, _, errors) = run(&["shrink", RULE, "--row", "half"]);
    assert_eq!(code, 2);
    assert!(errors.contains("rows are sound, half-quorum"), "{errors}");
    let set = ["shrink", "scenarios/skew.toml", "--set", "clock.followers.offset=1s"];
    assert_eq!(run(&set).0, 4, "a swept key that is set leaves one row, here a clean one");
}

#[test]
fn a_clean_run_has_a_code_of_its_own_and_writes_nothing() {
    let file = new_file("shrink_clean");
    let (code, _, errors) =
        run(&["shrink", RULE, "--row", "sound", "--seed", "7", "-o", file.to_str().unwrap()]);
    assert_eq!(code, 4);
    assert!(errors.contains("nothing to shrink: seed 7 of "), "{errors}");
    assert!(errors.contains("cargo sim explore"), "{errors}");
    assert!(!file.exists());
}

#[test]
fn a_file_that_cannot_be_written_has_code_74() {
    let file = new_file("shrink_nowhere").join("below/a/file.toml");
    let (code, _, errors) = run(&["shrink", RULE, "--row", "half-quorum", "-o", file.to_str().unwrap()]);
    assert_eq!(code, 74, "{errors}");
}

#[cfg(unix)]
#[test]
#[allow(clippy::disallowed_methods, reason = "the time at which the user presses Ctrl-C")]
fn an_interrupted_search_writes_the_smallest_so_far() {
    // One that is too early kills the process, one that is too late finds it done.
    for millis in [100, 200, 400, 800, 1_600, 3_200] {
        let file = new_file("shrink_interrupted");
        let row = ["shrink", "scenarios/skew.toml", "--row", "2.001s", "-o", file.to_str().unwrap()];
        let child = sim(&row).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.is_ok());
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(130) {
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.contains("interrupted: this is the smallest so far"), "{errors}");
            let written = std::fs::read_to_string(&file).unwrap();
            assert!(written.contains("[expect]\nstale-reads = \"some\""), "{written}");
            return;
        }
    }
    panic!("no interrupt came at the right time");
}
