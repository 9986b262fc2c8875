//! `sim live`: real processes under kill -9, SIGSTOP and a partition. Nothing here depends on how fast the machine is.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Five seconds with one of everything, on lengths that a loaded machine can keep.
const SHORT: &str = r#"
title = "one of everything"
duration = "5s"
seed = 42
[lease]
duration = "450ms"
election-timeout = "500ms"
max-clock-skew = "50ms"
[timers]
heartbeat = "25ms"
election-jitter = "200ms"
request-deadline = "2s"
[network]
delay = { uniform = ["100us", "1ms"] }
client-delay = "100us"
loss = "0.1%"
duplicate = "1%"
[client.readers]
target = "any"
operations = "read"
every = "10ms"
keys = 4
timeout = "3s"
[client.writers]
target = "any"
operations = "write"
every = "20ms"
keys = 4
timeout = "3s"
[client.swapper]
operations = ["cas", "read"]
think = "30ms"
first-key = 4
timeout = "3s"
[[fault]]
at = "1s"
for = "300ms"
crash = { node = "n1" }
[[fault]]
at = "2s"
for = "700ms"
pause = { node = "n2" }
[[fault]]
at = "3.2s"
for = "800ms"
partition = { between = [["n3"], ["n1", "n2"]] }
"#;

/// The node's binary belongs to another package: it is built as everything else here was, which takes no time when it is
/// there.
fn node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_sim")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "leasehold", "--bin", "leasehold", "--target-dir"]);
        build.arg(folder.parent().unwrap()).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the node can be built");
        folder.join("leasehold")
    })
}

fn file(test: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live").join(test);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn scenario(test: &str, text: &str) -> PathBuf {
    let path = file(test, "scenario.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn sim(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).args(words).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_cluster_of_real_processes_survives_a_kill_a_pause_and_a_partition() {
    let (scenario, history) = (scenario("short", SHORT), file("short", "history.jsonl"));
    let page = file("short", "page.html");
    let output = sim(&[
        "live",
        scenario.to_str().unwrap(),
        "--node",
        node().to_str().unwrap(),
        "--history",
        history.to_str().unwrap(),
        "--html",
        page.to_str().unwrap(),
        "--json",
        "--no-progress",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (row, live) = (&report["rows"][0], &report["live"]);
    assert_eq!(row["finding"], "linearizable");
    assert_eq!(live["lost_acknowledged_writes"], 0);
    assert_eq!((&live["keys"], &live["keys_read_at_the_end"]), (&5.into(), &5.into()));
    for fault in ["crash", "pause", "partition"] {
        assert_eq!(live["faults"][fault], 1, "{live}");
    }
    // The cluster has worked: otherwise nothing was tested.
    assert!(row["reads"].as_u64().unwrap() >= 50, "{row}");
    assert!(row["reads_under_lease"].as_u64().unwrap() >= 1, "{row}");
    let latencies = live["latencies"].as_array().unwrap();
    assert!(latencies.iter().any(|latency| latency["kind"] == "write or cas"), "{live}");
    // Whoever led has died, stood still or been cut off: somebody else has led since, on notes of both.
    assert!(!row["leadership_changes"].as_array().unwrap().is_empty(), "{row}");
    assert!(
        live["margins_ns"].as_array().unwrap().iter().all(|margin| margin.as_i64().unwrap() > 0),
        "{live}"
    );
    assert_eq!(live["simulated"]["stale_reads"], 0);
    let page = std::fs::read_to_string(page).unwrap();
    for known in ["leader, term 1", "was killed", "by SIGSTOP", "had a lease of term"] {
        assert!(page.contains(known), "the page does not say: {known}");
    }

    let checked = sim(&["check", history.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
}

/// What faults ask of leaders, each again and again, as a busy machine may be late for the first time. n4 is a learner from the
/// beginning, and cannot be a leader's successor.
const ORDERS: &str = r#"
[[fault]]
at = "2s"
every = "300ms"
add = { node = "n5" }
[[fault]]
at = "2.1s"
every = "300ms"
promote = { node = "n5" }
[[fault]]
at = "4s"
every = "500ms"
remove = { node = "n1" }
[[fault]]
at = "3s"
every = "900ms"
transfer = { to = "n2" }
[[fault]]
at = "3.5s"
every = "900ms"
transfer = { to = "n4" }
[[fault]]
at = "3.2s"
every = "800ms"
apply = { duration = "700ms", election-timeout = "800ms", max-clock-skew = "50ms" }
[[fault]]
at = "5s"
for = "300ms"
crash = { node = "n3" }
"#;

#[test]
fn transfers_members_and_lengths_are_asked_for_and_what_is_refused_is_told() {
    let quiet = SHORT.split("[[fault]]").next().unwrap();
    let text = quiet.replace(r#"duration = "5s""#, r#"duration = "8s""#);
    let text = text.replace("[lease]", "[cluster]\nlearners = 1\nspares = 1\n[lease]") + ORDERS;
    let scenario = scenario("orders", &text);
    let node = node().to_str().unwrap();
    let output = sim(&["live", scenario.to_str().unwrap(), "--node", node, "--json", "--no-progress"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (row, live) = (&report["rows"][0], &report["live"]);
    assert_eq!(row["finding"], "linearizable");
    assert_eq!((&live["lost_acknowledged_writes"], &live["keys_read_at_the_end"]), (&0.into(), &5.into()));
    assert_eq!(live["simulated"]["as_expected"], true, "{live}");
    let of = |kind: &str| {
        let requests = live["requests"].as_array().unwrap();
        requests.iter().find(|request| request["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {live}"))
    };
    for kind in ["learners", "add", "promote", "remove", "transfer", "apply"] {
        let number = |of: &Value| of.as_u64().unwrap();
        let request = of(kind);
        assert!(number(&request["done"]) >= 1, "{request}");
        // Nothing is asked that has no end.
        let errors = request["errors"].as_object().unwrap().values();
        let refused: u64 = errors.map(|error| number(&error["times"])).sum();
        let told = number(&request["done"]) + refused + number(&request["unanswered"]);
        assert_eq!(number(&request["asked"]), told, "{request}");
    }
    // A learner is no successor, and it is no failure of the run that the leader says so.
    assert!(!of("transfer")["errors"].as_object().unwrap().is_empty(), "{live}");
    assert!(live["members"]["voters"].as_array().unwrap().contains(&"n5".into()), "{live}");
    assert_eq!(live["members"]["learners"], serde_json::json!(["n4"]), "{live}");
}

/// A leader that is cut off and stands still, with a lease of 4 s on promises of half a second. When it goes on it answers
/// what has come meanwhile, and another leads already: the run must find it out.
const UNSAFE: &str = r#"
title = "an unsafe lease"
duration = "4s"
seed = 42
[cluster]
first-leader = "n1"
[lease]
duration = "4s"
election-timeout = "500ms"
max-clock-skew = "0s"
[timers]
heartbeat = "25ms"
election-jitter = "100ms"
[client.reader]
target = "n1"
operations = "read"
every = "5ms"
[client.writer]
operations = "write"
every = "10ms"
[[fault]]
when = { event = "lease-renewed", node = "n1", from = "1s" }
isolate = { node = "n1" }
[[fault]]
when = { event = "lease-renewed", node = "n1", from = "1s" }
after = "50ms"
for = "1.5s"
pause = { node = "n1" }
[expect]
stale-reads = "some"
"#;

#[test]
fn an_unsafe_lease_is_found_out() {
    let scenario = scenario("unsafe", UNSAFE);
    let output = sim(&[
        "live",
        scenario.to_str().unwrap(),
        "--node",
        node().to_str().unwrap(),
        "--json",
        "--no-progress",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &report["rows"][0];
    assert_eq!(row["finding"], "stale-reads", "{row}");
    assert!(row["margin_ns_min"].as_i64().unwrap() < 0, "{row}");
    assert!(row["two_leases_at_ns"].is_u64(), "{row}");
}

/// All nodes die at once, and what starts them again has lost their directories.
#[test]
fn acknowledged_writes_that_are_lost_are_found_out() {
    use std::os::unix::fs::PermissionsExt;
    let mut text = SHORT.split("[[fault]]").next().unwrap().to_owned();
    for node in ["n1", "n2", "n3"] {
        text.push_str(&format!("[[fault]]\nat = \"2s\"\nfor = \"200ms\"\ncrash = {{ node = \"{node}\" }}\n"));
    }
    // Only last reads can tell what is lost.
    let text = text.replace("[client.writers]", "[client.writers]\nstop = \"1.9s\"");
    let text = text.replace("[client.readers]", "[client.readers]\nstop = \"1.9s\"");
    let text = text.replace("[client.swapper]", "[client.swapper]\nstop = \"1.9s\"");
    let (scenario, forgetful) = (scenario("lost", &text), file("lost", "forgetful"));
    let script = format!(
        "#!/bin/sh\nfor word; do directory=$word; done\nrm -rf \"$directory\"\nexec '{}' \"$@\"\n",
        node().display()
    );
    std::fs::write(&forgetful, script).unwrap();
    std::fs::set_permissions(&forgetful, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output =
        sim(&["live", scenario.to_str().unwrap(), "--node", forgetful.to_str().unwrap(), "--no-progress"]);
    let text = String::from_utf8_lossy(&output.stdout);
    // 70 when a term has two leaders as well: votes are forgotten, too.
    assert!(matches!(output.status.code(), Some(1 | 70)), "{text}{}", errors(&output));
    assert!(text.contains("ACKNOWLEDGED WRITES ARE LOST: of"), "{text}");
    assert!(errors(&output).contains("run it again with:  cargo sim live "), "{}", errors(&output));
}

#[test]
fn no_process_outlives_a_hub_that_is_killed_not_even_one_that_stands_still() {
    let keep = file("orphans", "data");
    let _ = std::fs::remove_dir_all(&keep);
    let text = SHORT
        .replace(r#"duration = "5s""#, r#"duration = "10m""#)
        .replace(r#"for = "700ms""#, r#"for = "9m""#);
    let scenario = scenario("orphans", &text);
    let mut hub = Command::new(env!("CARGO_BIN_EXE_sim"))
        .arg("live")
        .arg(scenario)
        .arg("--node")
        .arg(node())
        .arg("--keep")
        .arg(&keep)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first word of progress comes at 5 s, when n2 stands still.
    let mut progress = String::new();
    BufReader::new(hub.stderr.take().unwrap()).read_line(&mut progress).unwrap();
    assert!(progress.starts_with("live: 5.0"), "{progress}");
    let nodes = nodes_of(&keep);
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    hub.kill().unwrap();
    hub.wait().unwrap();
    let gone = (0..600).any(|_| {
        assert!(Command::new("sleep").arg("0.1").status().unwrap().success());
        nodes_of(&keep).is_empty()
    });
    assert!(gone, "{:?}", nodes_of(&keep));
}

/// The processes whose command line names a folder, but for those that have ended and are not buried yet.
fn nodes_of(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let (command, status) = (String::from_utf8_lossy(&read("cmdline")).into_owned(), read("stat"));
        let dead =
            String::from_utf8_lossy(&status).rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"));
        if !dead && command.contains("--data-dir") && command.contains(folder.to_str().unwrap()) {
            found.push(command);
        }
    }
    found
}

#[test]
fn what_real_processes_cannot_do_is_refused_before_anything_starts() {
    let text = format!("{SHORT}[[fault]]\nat = \"1s\"\nstep = {{ node = \"n2\", by = \"1s\" }}\n");
    let scenario = scenario("refused", &text);
    let output = sim(&["live", scenario.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("fault[3] (at 1s: "), "{}", errors(&output));
    assert!(errors(&output).contains("sim help processes"), "{}", errors(&output));
}

#[test]
fn a_node_that_is_not_there_or_ends_by_itself_is_said() {
    let scenario = scenario("no_node", SHORT);
    let with = |node: &str| sim(&["live", scenario.to_str().unwrap(), "--node", node]);
    let missing = with("/no/such/leasehold");
    assert_eq!(missing.status.code(), Some(2));
    assert!(errors(&missing).contains("no such file"), "{}", errors(&missing));
    let other = with("/bin/false");
    assert_eq!(other.status.code(), Some(70), "{}", errors(&other));
    assert!(errors(&other).contains("ended by itself: exit status: 1"), "{}", errors(&other));
    assert!(errors(&other).contains("is the node's binary the `leasehold`"), "{}", errors(&other));
}
