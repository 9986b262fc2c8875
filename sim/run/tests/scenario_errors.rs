//! What a user sees when a scenario is wrong, and that everything wrong is seen at once.

use leasehold_run::scenario::{Severity, load};

const RULES: [&str; 3] = ["sound", "lease-from-receipt", "no-restart-promise"];

/// Loads what must not load, and gives what is shown.
fn shown(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    load("scenarios/skew.toml", text, &sets, &RULES).expect_err("a mistake").render(false)
}

#[track_caller]
fn check(name: &str, text: &str, sets: &[&str]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("scenario_error__{name}"), shown(text, sets)));
}

#[test]
fn not_toml() {
    check("not_toml", "title = \"skew\nduration = \"20s\"\nseed = = 3\n", &[]);
}

#[test]
fn unknown_keys() {
    check(
        "unknown_keys",
        r#"duration = "20s"
colour = "blue"
[lease]
duraton = "3s"
heartbeat = "100ms"
[[fault]]
at = "1s"
crash = { nod = "n1" }
"#,
        &[],
    );
}

#[test]
fn units() {
    check(
        "units",
        r#"duration = 20
[lease]
duration = "3"
election-timeout = "0s"
max-clock-skew = "-500ms"
[timers]
heartbeat = "100 msec"
election-jitter = "0.1ns"
[network]
loss = "120%"
delay = { uniform = ["10ms", "1ms"] }
[clock.n1]
rate = "-100%"
offset = true
"#,
        &[],
    );
}

#[test]
fn nodes_that_do_not_exist() {
    check(
        "nodes",
        r#"duration = "20s"
[cluster]
nodes = 3
learners = 1
first-leader = "n4"
[node.n9]
disk-sync = "1ms"
[clock.folowers]
offset = "2s"
[client.reader]
target = "leder"
operations = ["read", "wirte"]
every = "10ms"
[[fault]]
at = "1s"
partition = { between = [["n1"], ["n1", "n7"], []] }
"#,
        &[],
    );
}

#[test]
fn faults() {
    check(
        "faults",
        r#"duration = "20s"
[[fault]]
at = "21s"
when = { event = "lease-renewd", nth = 0 }
heal = {}
for = "1s"
[[fault]]
crash = { node = "n1" }
pause = { node = "n1" }
[[fault]]
at = "19s"
after = "2s"
[[fault]]
at = "1s"
cut = { from = ["n1", "n2"], to = "n2" }
"#,
        &[],
    );
}

#[test]
fn clients() {
    check(
        "clients",
        r#"duration = "20s"
[client.a]
operations = "read"
every = "10ms"
think = "10ms"
start = "5s"
stop = "4s"
[client.b]
every = "0s"
[client.c]
operations = []
timeout = "0s"
[client.d]
operations = "cas"
think = "0s"
delay = "0s"
"#,
        &[],
    );
}

const SKEW: &str = r#"# The skew grows until reads turn stale.
title = "skew"
duration = "20s"

[clock.followers]
nodes = ["n2", "n3"]

[client.reader]
operations = "read"
every = "10ms"

[sweep]
set = "clock.followers.offset"
from = "0s"
to = "4s"
step = "500ms"

[expect]
begin-above = "2s"
"#;

#[test]
fn overrides() {
    check(
        "overrides",
        SKEW,
        &[
            "lease.duraton=2s",
            "lease.duration=2",
            "client.raeder.keys=3",
            "fault[0].at=1s",
            "max-clock-skew=1s",
            "lease=3s",
            "clock.n7.offset=1s",
            "duration",
            "network.delay.uniform=1ms",
            "cluster.nodes=99",
        ],
    );
}

#[test]
fn a_sweep_that_cannot_be() {
    let text = SKEW
        .replace("clock.followers.offset\"", "clock.folowers.offset\"")
        .replace("begin-above = \"2s\"", "begin-above = \"2s\"\nstale-reads = \"some\"");
    check("sweep_path", &text, &[]);
}

#[test]
fn a_sweep_over_what_cannot_be_swept() {
    let text =
        SKEW.replace("\"clock.followers.offset\"", "[\"title\", \"lease.duration\", \"-clock.n1.rate\"]");
    check("sweep_units", &text, &[]);
}

#[test]
fn a_range_that_cannot_be() {
    let text =
        SKEW.replace("step = \"500ms\"", "step = \"1ns\"").replace("begin-above = \"2s\"", "begin-above = 2");
    check("sweep_range", &text, &[]);
}

#[test]
fn a_row_that_cannot_be() {
    let text = SKEW
        .replace("clock.followers.offset\"", "lease.duration\"")
        .replace("from = \"0s\"", "from = \"-1s\"");
    check("sweep_row", &text, &[]);
}

#[test]
fn variants() {
    check(
        "variants",
        r#"duration = "20s"
[[variant]]
name = "raw clock alone"
set = { clock.n1.stamp = "row", "expect.stale-reads" = "any" }
[[variant]]
name = "raw clock alone"
set = { "clock.n1.stmp" = "raw" }
expect = "maybe"
[expect]
begin-above = "2s"
"#,
        &[],
    );
}

#[test]
fn an_override_and_the_file_disagree() {
    let text = format!("{SKEW}[[fault]]\nat = \"10s\"\nisolate = {{ node = \"n1\" }}\n");
    check("override_past_end", &text, &["duration=5s"]);
}

#[test]
fn doubts() {
    let text = r#"duration = "20s"
[cluster]
learners = 1
[lease]
duration = "400ms"
[client.writer]
target = "n4"
operations = "write"
every = "10ms"
[[fault]]
at = "1s"
release = { from = "n1", to = "n2" }
[expect]
stale-reads = "some"
"#;
    let plan = load("scenarios/skew.toml", text, &[], &RULES).expect("only doubtful");
    assert!(plan.warnings.findings().all(|finding| finding.severity == Severity::Warning));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("scenario_error__doubts", plan.warnings.render(false)));
}

#[test]
fn every_error_of_a_file_is_shown_at_once() {
    let text = r#"duration = "20s"
colour = 1
[lease]
duration = 3
[cluster]
first-leader = "n8"
[client.c]
operations = "read"
[[fault]]
at = "30s"
heal = {}
[expect]
begin-above = "2s"
"#;
    let errors = load("a.toml", text, &["seed=-1".to_owned()], &RULES).expect_err("six mistakes");
    let lines: Vec<(&str, usize)> =
        errors.findings().filter_map(|finding| finding.at.map(|(name, line, _)| (name, line))).collect();
    assert_eq!(
        lines,
        [
            ("a.toml", 2),
            ("a.toml", 4),
            ("a.toml", 6),
            ("a.toml", 7),
            ("a.toml", 10),
            ("a.toml", 13),
            ("--set", 1)
        ],
        "{errors}"
    );
}

#[test]
fn colour_is_for_those_who_ask() {
    let errors = load("a.toml", "duration = 1", &[], &RULES).expect_err("no unit");
    assert!(errors.render(true).contains('\u{1b}') && !errors.render(false).contains('\u{1b}'));
}
