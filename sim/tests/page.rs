//! `sim run --html`: one file that needs nothing else, the same bytes each time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).args(arguments);
    command
}

fn page(scenario: &str, more: &[&str], file: &Path) -> String {
    let mut arguments = vec!["run", scenario, "--quiet", "--html", file.to_str().unwrap()];
    arguments.extend(more);
    sim(&arguments).assert().success();
    std::fs::read_to_string(file).unwrap()
}

fn data(page: &str) -> Value {
    let begin = page.split_once("id=\"data\">").unwrap().1;
    serde_json::from_str(begin.split_once("</script>").unwrap().0).unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    (folder, file)
}

#[test]
fn a_page_is_one_file_and_the_same_twice() {
    let (_folder, file) = folder();
    let first = page("scenarios/suspend.toml", &["--jobs", "1"], &file);
    assert_eq!(
        first,
        page("scenarios/suspend.toml", &["--jobs", "2"], &file),
        "bytes do not depend on threads"
    );
    assert!(first.len() < 1_000_000, "{}", first.len());
    for outside in [" src=", "<link", "@import", "url(http"] {
        assert!(!first.contains(outside), "the page asks for something outside: {outside}");
    }
    let data = data(&first);
    assert_eq!(data["label"], "raw clock alone");
    assert_eq!(data["rows"].as_array().unwrap().len(), 3);
    assert!(data["replay"].as_str().unwrap().starts_with("cargo sim run scenarios/suspend.toml"));
    let picture = &data["picture"];
    assert_eq!(picture["verdict"]["safety"], "stale");
    assert!(picture["messages"].as_array().unwrap().len() > 20, "what happened near the story is drawn");
    assert!(picture["inevitable"]["too_late_at"].is_u64());
}

#[test]
fn a_run_without_a_stale_read_has_a_page_that_says_how_safe_it_is() {
    let (_folder, file) = folder();
    let data = data(&page("scenarios/suspend.toml", &["--row", "two clocks", "--html-marks", "0"], &file));
    let verdict = &data["picture"]["verdict"];
    assert_eq!(
        (verdict["word"].as_str(), verdict["margin"].as_i64()),
        (Some("Safe"), Some(4_900_195_214)),
        "{verdict}"
    );
    assert_eq!(data["picture"]["messages"], Value::Array(Vec::new()), "no mark was wanted");
    assert!(data["picture"].get("inevitable").is_none());
}

#[test]
fn a_page_overwrites_no_scenario_and_says_where_it_cannot_be_written() {
    let (folder, _) = folder();
    let scenario = folder.path().join("own.toml");
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/suspend.toml")).unwrap();
    std::fs::write(&scenario, &text).unwrap();
    let path = scenario.to_str().unwrap();
    let refused = sim(&["run", path, "--html", path]).assert().code(2);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("would overwrite") && said.contains("--html"), "{said}");
    assert_eq!(std::fs::read_to_string(&scenario).unwrap(), text);
    let nowhere = folder.path().join("no/such/folder/page.html");
    let failed = sim(&["run", path, "--html", nowhere.to_str().unwrap()]).assert().code(74);
    assert!(String::from_utf8_lossy(&failed.get_output().stderr).contains("cannot write the page to"));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_page_stays_a_link() {
    let (folder, file) = folder();
    let link = folder.path().join("link.html");
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let written = page("scenarios/membership.toml", &[], &link);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "what the link leads to has the page");
    assert!(written.contains("id=\"data\">"));
}

#[test]
fn a_page_of_a_run_that_is_not_as_expected_says_so() {
    let (_folder, file) = folder();
    let asked =
        ["run", "scenarios/alive/leader-comes-back.toml", "--quiet", "--set", "expect.write-gap-at-most=1s"];
    sim(&asked).args(["--html", file.to_str().unwrap()]).assert().code(1);
    let said = data(&std::fs::read_to_string(&file).unwrap())["unexpected"].as_str().unwrap().to_owned();
    assert!(said.starts_with("NOT AS EXPECTED") && said.contains("no write was answered for 16"), "{said}");
    assert!(data(&page(asked[1], &[], &file))["unexpected"].is_null());
}
