//! The command line as its users meet it: exit codes, what goes to which stream, and lines that can be pasted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use leasehold_run::study::Verdict;
use serde_json::Value;

const SIM: &str = env!("CARGO_BIN_EXE_sim");

/// Three rows, the last of which has stale reads. Milliseconds to run.
const SMALL: &str = r#"
title = "small"
duration = "14s"
seed = 7
[lease]
form = "deadline"
max-clock-skew = "0s"
[timers]
election-jitter = "50ms"
[cluster]
first-leader = "n1"
[clock.followers]
nodes = ["n2", "n3"]
[client.reader]
target = "n1"
operations = "read"
every = "20ms"
start = "9s"
[client.writer]
operations = "write"
every = "20ms"
start = "9s"
[[fault]]
when = { event = "lease-renewed", node = "n1", from = "9s" }
isolate = { node = "n1" }
[sweep]
set = "clock.followers.offset"
values = ["-1s", "1s", "3s"]
[expect]
begin-above = "2s"
"#;

/// `sim` in the repository's root, whatever the caller's environment says of colour.
fn sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(SIM);
    command.args(arguments).current_dir(root());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM"] {
        command.env_remove(variable);
    }
    command
}

/// Runs it and gives exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = sim(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
    (output.status.code().expect("nothing killed it"), text(output.stdout), text(output.stderr))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A new file of this name, in a folder of the test's own.
fn file(test: &str, name: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn small(test: &str) -> String {
    file(test, "small.toml", SMALL)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_scenario_that_shows_what_it_should_exits_with_0() {
    let small = small("as_expected");
    let (code, output, errors) = run(&["run", &small]);
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains("✓ as expected"), "{output}");
    assert!(!errors.contains("NOT AS EXPECTED"), "{errors}");
    assert_eq!(run(&["run", &small, "--row", "-1s"]).0, 0);
    assert_eq!(run(&["run", &small, "--expect", "any"]).0, 0);
}

#[test]
fn a_scenario_that_does_not_exits_with_1_and_says_how_to_replay_it() {
    let small = small("not_as_expected");
    let (code, output, errors) = run(&["run", &small, "--row", "1s", "--expect", "some"]);
    assert_eq!(code, 1);
    assert!(output.contains("<- not as expected"), "{output}");
    assert!(errors.contains("NOT AS EXPECTED at 1s: expected stale reads"), "{errors}");
    assert!(errors.contains("replay with:  cargo sim run "), "{errors}");
    assert!(!errors.contains("shrink with:"), "there is nothing to shrink: {errors}");
    let (code, output, errors) = run(&["run", &small, "--expect", "none", "--quiet"]);
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.starts_with("NOT AS EXPECTED at 3s"), "quiet leaves the failure alone: {errors}");
    let shrink = errors.lines().find_map(|line| line.strip_prefix("  shrink with:  cargo sim ")).unwrap();
    assert!(shrink.starts_with("shrink ") && shrink.ends_with("=3s -o minimal.toml"), "{shrink}");
}

#[test]
fn mistakes_exit_with_2_and_name_the_place_and_the_remedy() {
    let small = small("mistakes");
    let folder = Path::new(&small).parent().unwrap().to_str().unwrap();
    let broken = file("mistakes", "broken.toml", "duration = \"5\"\nsead = 3\n");
    let cases: &[(&[&str], &[&str])] = &[
        (&["runn"], &["a similar subcommand exists: 'run'"]),
        (&["run"], &["<SCENARIO>"]),
        (&["run", &small, "--sead", "3"], &["a similar argument exists: '--seed'"]),
        (&["run", &small, "--jobs", "0"], &["--jobs"]),
        (&["run", &small, "--json", "--format", "human"], &["--json", "--format"]),
        (&["run", &small, "--seed", "nonsense"], &["'nonsense' for '--seed <SEED>'", "decimal (42)"]),
        (&["run", &small, "--seed", "-5"], &["'-5' for '--seed <SEED>'"]),
        (&["run", &small, "--seed", "1\"2"], &["--seed <SEED>"]),
        (&["run", &small, "--seed", "18446744073709551616"], &["below 2^64"]),
        (&["explain", &small, "--seed", "0b11"], &["--seed <SEED>"]),
        (&["run", &small, "--row", "5s"], &["no row `5s`", "rows are -1s, 1s, 3s"]),
        (&["run", &small, "--set", "nonsense"], &["there is no `=`", "write `--set lease.duration=2s`"]),
        (
            &["run", &small, "--set", "lease.durations=2s", "--set", "lease.duration=2"],
            &["did you mean `duration`?", "--set:1:16", "the unit is missing"],
        ),
        (&["run", &broken], &["broken.toml:1:12", "needs a unit", "broken.toml:2:1", "did you mean `seed`?"]),
        (&["run", "nowhere.toml"], &["cannot read the scenario nowhere.toml", "`sim list`"]),
        (&["run", "scenarios/skw.toml"], &["did you mean scenarios/skew.toml?"]),
        (&["run", folder], &["is a folder", "`sim list "]),
        (&["run", &small, "--trace", &small], &["the trace would overwrite the scenario"]),
        (&["lint", "scenarios/skew.toml", &broken], &["needs a unit"]),
        (&["list", "nowhere"], &["no scenario below nowhere"]),
        (&["help", "scenaros"], &["a similar value exists: 'scenarios'"]),
    ];
    for (arguments, wanted) in cases {
        let (code, output, errors) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {errors}");
        assert!(output.is_empty() || arguments[0] == "lint", "{arguments:?}: {output}");
        for wanted in *wanted {
            assert!(errors.contains(wanted), "{arguments:?} must say {wanted}: {errors}");
        }
    }
    assert_eq!(std::fs::read_to_string(&small).unwrap(), SMALL, "nobody wrote to the scenario");
}

#[test]
fn output_that_cannot_be_written_exits_with_74_before_anything_is_run() {
    let small = small("unwritable");
    let nowhere = format!("{small}/trace.jsonl");
    let (code, output, errors) = run(&["run", &small, "--trace", &nowhere]);
    assert_eq!((code, output.as_str()), (74, ""));
    assert!(errors.starts_with("error: cannot write the trace to "), "{errors}");
    let (code, _, errors) = run(&["man", &nowhere]);
    assert_eq!(code, 74, "{errors}");
}

/// What no scenario can show, as long as we have no bug.
#[test]
fn a_bug_of_ours_has_code_70_and_an_undecided_run_3() {
    assert_eq!(Verdict::OurBug(0, "two leaders".to_owned()).exit_code(), 70);
    assert_eq!(Verdict::Undecided(vec![0]).exit_code(), 3);
}

#[test]
fn a_seed_may_be_written_in_four_ways_and_is_drawn_and_said_where_nobody_gives_one() {
    let small = small("seeds");
    let seed_of = |seed: &str| {
        let (code, output, errors) = run(&["run", &small, "--row", "1s", "--json", "--seed", seed]);
        assert_eq!(code, 0, "{errors}");
        json(&output)["rows"][0]["seed"].as_u64().unwrap()
    };
    assert_eq!(seed_of("1_000"), 1_000);
    assert_eq!(seed_of("0xff"), 255);
    assert_eq!(seed_of("7f3a7f3a7f3a7f3a7f3a7f3a7f3a7f3a7f3a7f3a"), 0x7f3a_7f3a_7f3a_7f3a);
    assert_eq!(seed_of("1234567812345678123456781234567812345678"), 0x1234_5678_1234_5678);

    let seedless = file("seeds", "seedless.toml", &SMALL.replace("seed = 7\n", ""));
    // Not under every seed does a client read in the window, so nothing below may rest on a stale row.
    let (code, output, errors) = run(&["run", &seedless, "--expect", "any", "--json"]);
    assert_eq!(code, 0, "{errors}");
    let seed = errors.strip_prefix("seed ").and_then(|rest| rest.split_once(',')).expect("it comes first").0;
    for row in json(&output)["rows"].as_array().unwrap() {
        assert_eq!(row["seed"].as_u64(), seed.parse().ok(), "{row}");
        assert!(row["replay"].as_str().unwrap().contains(&format!(" --seed {seed} ")), "{row}");
    }
    let (_, again, errors) = run(&["run", &seedless, "--expect", "any", "--json", "--seed", seed]);
    assert_eq!(output, again);
    assert!(!errors.contains("drawn"), "{errors}");
}

/// The lines are given to a shell as they are. Only `cargo sim`, which would build, stands for the program under test.
#[cfg(unix)]
#[test]
fn a_pasted_replay_line_reproduces_the_row() {
    for name in ["small.toml", "it's a \"name\" with $signs.toml", "-leading-dash.toml"] {
        let path = file("replay", name, SMALL);
        let folder = Path::new(&path).parent().unwrap();
        let in_folder = |arguments: &[&str]| {
            let output = sim(arguments).current_dir(folder).output().unwrap();
            json(&String::from_utf8(output.stdout).unwrap())
        };
        let whole = in_folder(&["run", "--json", "--seed", "0x2a", "--set", "network.delay=2ms", "--", name]);
        let rows = whole["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        for row in rows {
            let line =
                format!("cargo() {{ shift; \"$SIM\" \"$@\"; }}; {} --json", row["replay"].as_str().unwrap());
            let replayed =
                Command::new("sh").args(["-c", &line]).env("SIM", SIM).current_dir(folder).output().unwrap();
            assert!(replayed.status.success(), "{line}: {replayed:?}");
            let replayed = json(&String::from_utf8(replayed.stdout).unwrap());
            assert_eq!(replayed["rows"][0]["trace"], row["trace"], "{line}");
            assert_eq!(
                replayed["trace"], row["trace"],
                "the last line of a row's report is comparable: {line}"
            );
        }
        let human = sim(&["run", "--seed", "0x2a", "--set", "network.delay=2ms", "--", name])
            .current_dir(folder)
            .output()
            .unwrap();
        let human = String::from_utf8(human.stdout).unwrap();
        assert!(
            human.contains(&format!("replay with:  {}\n", rows[2]["replay"].as_str().unwrap())),
            "{human}"
        );
    }
}

#[test]
fn variants_are_replayed_by_their_label() {
    let text = SMALL.split("[sweep]").next().unwrap().to_owned()
        + "[[variant]]\nname = \"the first; it's safe\"\nset = { \"network.delay\" = \"1ms\" }\n\
           [[variant]]\nname = \"-second\"\nset = { \"network.delay\" = \"2ms\" }\n";
    let path = file("variants", "variants.toml", &text);
    let (code, output, errors) = run(&["run", &path, "--json"]);
    assert_eq!(code, 0, "{errors}");
    for row in json(&output)["rows"].as_array().unwrap() {
        let (_, alone, _) = run(&["run", &path, "--json", "--row", row["label"].as_str().unwrap()]);
        assert_eq!(json(&alone)["rows"][0]["trace"], row["trace"]);
    }
}

#[test]
fn the_number_of_jobs_changes_no_byte_and_no_colour_leaves_a_terminal() {
    let small = small("jobs");
    for format in ["human", "json", "jsonl"] {
        let arguments = ["run", &small, "-vv", "--format", format, "--jobs"];
        let (_, one, errors) = run(&[&arguments[..], &["1"]].concat());
        let (_, two, _) = run(&[&arguments[..], &["2"]].concat());
        assert_eq!(one, two);
        assert!(!one.contains('\x1b') && !errors.contains('\x1b'), "no escape codes off a terminal");
    }
    let (_, _, errors) = run(&["run", &small, "--set", "x=1"]);
    assert!(!errors.contains('\x1b'));
    assert!(run(&["run", &small, "--color", "always"]).1.contains('\x1b'));
    let forced = sim(&["run", &small]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
}

#[test]
fn standard_output_has_the_report_alone() {
    let small = small("streams");
    let (_, output, errors) = run(&["run", &small, "--check-determinism"]);
    assert!(output.starts_with("small\n"), "{output}");
    assert!(errors.contains("two runs of each row are the same"), "{errors}");
    assert!(errors.contains("simulated seconds per second") && !output.contains("per second"));
    let (code, output, errors) = run(&["run", &small, "--check-determinism", "--quiet"]);
    assert_eq!((code, output.as_str(), errors.as_str()), (0, "", ""));
    let (_, output, _) = run(&["run", &small, "--format", "jsonl"]);
    let lines: Vec<Value> = output.lines().map(json).collect();
    assert_eq!(lines.len(), 4, "a line for each row and one for the whole");
    assert_eq!(lines[3]["schema"], 1);
    assert_eq!(lines[2]["label"], "3s");
}

#[test]
fn every_command_that_reports_has_the_same_formats() {
    let small = small("formats");
    let history = "scenarios/histories/example.edn";
    let ends = ["--vary", "clock.n1.rate", "--from=-10%", "--to=0%", "--seeds", "0"];
    let axes = ["--x", "clock.n1.rate=-10%..0%", "--y", "lease.duration=1s..3s", "--steps", "1"];
    let few = ["--row", "3s", "--particles", "10", "--replications", "5"];
    let folder = file("formats", "beside", "").replace("beside", "explored");
    let explored = ["explore", "--seeds", "0..2", "--out", &folder];
    let commands = [
        ["threshold", &small].iter().chain(&ends).copied().collect::<Vec<&str>>(),
        ["frontier", &small].iter().chain(&axes).copied().collect(),
        ["probability", &small].iter().chain(&few).copied().collect(),
        vec!["exhaust", &small, "--row", "3s", "--choices", "1"],
        vec!["run", &small],
        vec!["check", history],
        vec!["gallery"],
        vec!["gallery", "transfer"],
        explored.to_vec(),
    ];
    for command in &commands {
        let again = |format: &[&str]| {
            let _ = std::fs::remove_dir_all(&folder);
            run(&[&command[..], format].concat()).1
        };
        let lines = again(&["--format", "jsonl"]);
        let whole = json(lines.lines().last().unwrap_or_else(|| panic!("{command:?} says nothing")));
        assert_eq!((&whole["schema"], whole["version"].is_string()), (&json("1"), true), "{command:?}");
        let object = again(&["--format", "json"]);
        assert_eq!(object, again(&["--json"]), "{command:?}");
        let apart = json(&object).as_object().unwrap().len() - whole.as_object().unwrap().len();
        assert!(apart <= 1, "all fields of {command:?} but its parts");
        assert!(apart == 1 || lines.lines().count() == 1, "{command:?}");
        assert_eq!(again(&["--quiet"]), "", "{command:?}");
    }
}

/// The exhibits are part of the program.
#[test]
fn the_gallery_works_in_any_folder() {
    let elsewhere = |arguments: &[&str]| {
        let mut command = sim(arguments);
        let output = command.current_dir(std::env::temp_dir()).output().expect("sim starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("sim writes UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, list, errors) = elsewhere(&["gallery"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        list.contains("restart-forgets-promise") && list.contains("need no clock that is wrong"),
        "{list}"
    );
    let (code, shown, errors) = elsewhere(&["gallery", "restart-forgets-promise"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    for part in ["TiKV (2023, reported)", "believed", "as shipped", "as fixed", "control", "STALE READ"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (code, nothing, errors) = elsewhere(&["gallery", "restart-forget-promise"]);
    assert_eq!((code, nothing.as_str()), (Some(2), ""));
    assert!(errors.contains("did you mean restart-forgets-promise?"), "{errors}");
    for command in [&["gallery", "--json"][..], &["gallery", "transfer", "--json"]] {
        let mut found = BTreeSet::new();
        fields(&json(&elsewhere(command).1), &mut found);
        assert_documented(&found);
    }
}

#[test]
fn verbose_reports_say_more() {
    let small = small("verbose");
    let (_, plain, _) = run(&["run", &small]);
    let (_, more, _) = run(&["run", &small, "-v"]);
    let (_, most, _) = run(&["run", &small, "-vv"]);
    assert!(more.starts_with(&plain) && most.lines().count() > more.lines().count());
    assert!(more.contains("could acknowledge writes from") && most.contains("of unknown outcome"));
}

/// Every key of an object, at any depth. The keys of `set` are the scenario's.
fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                if key != "set" {
                    fields(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

fn assert_documented(found: &BTreeSet<String>) {
    let document = std::fs::read_to_string(root().join("docs/guide/reports.md")).unwrap();
    let missing: Vec<&String> =
        found.iter().filter(|field| !document.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "docs/guide/reports.md does not mention {missing:?}");
}

#[test]
fn every_field_of_the_json_report_is_documented() {
    let small = small("fields");
    let mut found = BTreeSet::new();
    for arguments in [
        &["run", &small, "--json"][..],
        &["run", &small, "--json", "--expect", "none"],
        &["run", "scenarios/rules/restart-forgets.toml", "--json"],
        &["run", "scenarios/rules/transfer-keeps-lease.toml", "--json"],
    ] {
        let report = json(&run(arguments).1);
        assert_eq!(report["schema"], 1);
        fields(&report, &mut found);
    }
    for wanted in ["verdict_detail", "boundary", "first_stale_read", "story", "invariant", "why", "slack_ns"]
    {
        assert!(found.contains(wanted), "the reports looked at have {wanted}");
    }
    assert_documented(&found);
}

#[test]
fn every_event_and_field_of_a_trace_is_documented() {
    let trace = file("trace", "trace.jsonl", "");
    let swaps = SMALL.replace(
        "[[fault]]",
        "[client.swapper]\ntarget = \"n2\"\noperations = [\"read\", \"write\", \"cas\"]\nevery = \"50ms\"\nfirst-key = 5\nstart = \"6s\"\nstop = \"8s\"\n[[fault]]",
    );
    let swaps = file("trace", "swaps.toml", &swaps);
    let mut found = BTreeSet::new();
    for scenario in
        ["scenarios/rules/restart-forgets.toml", "scenarios/rules/transfer-keeps-lease.toml", swaps.as_str()]
    {
        let (code, _, errors) = run(&["run", scenario, "--quiet", "--trace", &trace]);
        assert_eq!(code, 0, "{errors}");
        for line in std::fs::read_to_string(&trace).unwrap().lines() {
            let line = json(line);
            fields(&line, &mut found);
            assert!(
                ["from", "to", "node"].iter().all(|field| line[field].is_string() || line[field].is_null())
            );
            for word in ["event", "milestone", "message", "reply", "request", "cause"] {
                found.extend(line[word].as_str().map(str::to_owned));
            }
        }
    }
    for wanted in ["lease-renewed", "append", "crashed", "completed", "cas_from", "row"] {
        assert!(found.contains(wanted), "the traces looked at have {wanted}");
    }
    assert_documented(&found);
}

#[test]
fn every_topic_and_command_can_be_explained() {
    let (code, overview, _) = run(&["help"]);
    assert_eq!(code, 0);
    let topics: Vec<&str> = overview
        .split_once("Topics (sim help TOPIC):\n")
        .expect("there are topics")
        .1
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        topics,
        [
            "scenarios",
            "report",
            "history",
            "checking",
            "thresholds",
            "frontiers",
            "gallery",
            "exploring",
            "shrinking",
            "searching",
            "processes",
            "disks",
            "page",
            "traces",
            "serve",
            "playground",
            "fleet",
            "guests",
            "guests-run",
            "guest-protocol",
            "tutorial",
            "safe",
            "advice",
            "node",
            "relay",
            "library",
            "maelstrom",
            "membership",
            "protocol",
            "storage",
            "limits",
            "benchmarks",
            "glossary",
            "clocks",
            "security",
            "proof",
            "lease-reads",
            "rules",
            "exit-codes"
        ]
    );
    let commands = [
        "run",
        "shrink",
        "live",
        "threshold",
        "frontier",
        "exhaust",
        "probability",
        "check",
        "list",
        "lint",
        "explain",
        "gallery",
        "rules",
        "completions",
        "man",
        "help",
    ];
    for word in topics.iter().chain(&commands) {
        let (code, text, errors) = run(&["help", word]);
        assert_eq!(code, 0, "{word}: {errors}");
        assert!(text.lines().count() > 3, "{word}: {text}");
    }
    assert!(run(&["help", "run"]).1.contains("Usage: sim run [OPTIONS] <SCENARIO>"));
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"], &[]] {
        let (code, text, errors) = run(arguments);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(!text.is_empty());
    }
}

/// The table in the document, the topic and the codes are three copies of one list.
#[test]
fn the_exit_codes_are_documented() {
    let document = std::fs::read_to_string(root().join("docs/guide/reports.md")).unwrap();
    let topic = run(&["help", "exit-codes"]).1;
    for code in [0, 1, 2, 3, 5, 70, 74, 130] {
        assert!(document.contains(&format!("| {code} | ")), "{code}");
        assert!(topic.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{code}");
    }
}

#[test]
fn every_listed_scenario_passes_lint() {
    let (code, listed, errors) = run(&["list"]);
    assert_eq!(code, 0, "{errors}");
    let files: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(files.len() > 20, "{listed}");
    let (code, output, errors) = run(&[&["lint"][..], &files].concat());
    assert_eq!(code, 0, "{errors}");
    let warnings: Vec<&str> = errors.lines().filter(|line| line.starts_with("warning")).collect();
    let about = ["D is 5.2s, T is 5s", "D is 60s, T is 60s", "D is 1s, T is 1s"];
    let known = |warning: &&str| about.iter().any(|lengths| warning.contains(lengths));
    assert!(warnings.iter().all(known), "{errors}");
    for file in ["formula-gap", "gallery/least-timeout", "gallery/promise-in-ticks"] {
        assert!(
            errors.contains(&format!("scenarios/{file}.toml")),
            "it shows what such lengths do: {errors}"
        );
    }
    assert_eq!(output.lines().filter(|line| line.contains(": ok, ")).count(), files.len());
}

#[test]
fn explain_tells_where_each_value_came_from() {
    let small = small("explain");
    let (code, text, errors) = run(&["explain", &small, "--set", "lease.duration=2s", "--seed", "0x10"]);
    assert_eq!(code, 0, "{errors}");
    let origin = |path: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(path)).unwrap_or_default();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(origin("lease.duration"), "2s --set");
    assert_eq!(origin("seed"), "0x10 --set");
    assert_eq!(origin("cluster.nodes"), "3 default");
    assert!(origin("lease.form").ends_with("small.toml:6"), "{text}");
    assert!(origin("clock.n2.offset").ends_with("the sweep"), "{text}");
}

#[test]
fn completions_and_manual_pages_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(script.contains("check-determinism"), "{shell}");
    }
    let folder = format!("{}/pages/new", env!("CARGO_TARGET_TMPDIR"));
    let (code, _, errors) = run(&["man", &folder]);
    assert_eq!(code, 0, "{errors}");
    for page in ["sim.1", "sim-run.1", "sim-explain.1"] {
        let text = std::fs::read_to_string(format!("{folder}/{page}")).unwrap();
        assert!(text.contains(".TH sim"), "{page}");
    }
}

#[cfg(unix)]
mod interrupts {
    use super::*;

    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, ChildStderr, Stdio};

    /// A sweep that takes far longer than the test, begun: it has said the seed that it drew.
    fn long_sweep(test: &str) -> (Child, BufReader<ChildStderr>) {
        let text = SMALL
            .replace("seed = 7\n", "")
            .replace("values = [\"-1s\", \"1s\", \"3s\"]", "from = \"0s\"\nto = \"4s\"\nstep = \"1ms\"");
        let path = file(test, "long.toml", &text);
        let mut child = std::process::Command::new(SIM)
            .args(["run", &path, "--json", "--jobs", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.contains("drawn"), "{line}");
        (child, errors)
    }

    fn interrupt(child: &Child) {
        let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    }

    #[test]
    fn one_gives_a_partial_report_that_says_so_and_130() {
        let (mut child, mut errors) = long_sweep("interrupted");
        interrupt(&child);
        let mut report = String::new();
        child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
        let mut said = String::new();
        errors.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
        assert!(said.contains("Ctrl-C again stops at once"), "{said}");
        let report = json(&report);
        assert_eq!(report["interrupted"], true);
        assert_eq!(report["exit_code"], 130);
        assert_eq!(report["rows_planned"], 4001);
        assert!(report["rows"].as_array().unwrap().len() < 4001);
    }

    #[test]
    fn two_end_the_process_with_130() {
        let (mut child, mut errors) = long_sweep("interrupted_twice");
        interrupt(&child);
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.contains("stopping"), "{line}");
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error() {
        let path = small("enough");
        let output = Command::new("sh")
            .args(["-c", "{ \"$SIM\" run \"$0\"; echo \"code $?\" >&2; } | head -1", &path])
            .env("SIM", SIM)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("code 0") && !errors.contains("panic"), "{errors}");
    }
}
