//! `--html` of every command: what is on the page is what the report says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).args(arguments);
    command
}

/// Runs it with a page, and gives the page's data and the report as JSON.
fn page(arguments: &[&str], code: i32) -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let run = sim(arguments).args(["--json", "--html", file.to_str().unwrap()]).assert().code(code);
    let report = serde_json::from_slice(&run.get_output().stdout).unwrap_or(Value::Null);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    for outside in [" src=", "<link", "@import", "url(http"] {
        assert!(!text.contains(outside), "the page asks for something outside: {outside}");
    }
    (data(&text), report)
}

fn data(page: &str) -> Value {
    let begin = page.split_once("id=\"data\">").unwrap().1;
    serde_json::from_str(begin.split_once("</script>").unwrap().0).unwrap()
}

/// All blocks of a kind, those in folds too.
fn blocks<'a>(data: &'a Value, kind: &str) -> Vec<&'a Value> {
    fn collect<'a>(blocks: &'a Value, kind: &str, found: &mut Vec<&'a Value>) {
        for block in blocks.as_array().unwrap() {
            if block["is"] == kind {
                found.push(block);
            }
            for fold in block["folds"].as_array().into_iter().flatten() {
                collect(&fold["blocks"], kind, found);
            }
        }
    }
    let mut found = Vec::new();
    for part in data["parts"].as_array().unwrap() {
        collect(&part["blocks"], kind, &mut found);
    }
    found
}

fn picture(data: &Value, run: usize) -> &Value {
    &blocks(data, "runs")[run]["runs"][0]["picture"]
}

fn out(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

#[test]
fn a_threshold_draws_the_boundary_that_it_reports() {
    let (data, report) = page(&["threshold", "scenarios/skew.toml", "--seeds", "0"], 0);
    let curves = blocks(&data, "curve");
    assert_eq!(curves.len(), 2, "the whole range, and near the boundary");
    for curve in curves {
        assert_eq!(curve["border"]["at"], report["adversary"]["stale"]);
        let values = curve["values"].as_array().unwrap();
        // Between the two sides, which are a tolerance apart, nothing is said.
        let at = |side: &str| report["adversary"][side].as_i64().unwrap();
        for value in values {
            let here = value["at"].as_i64().unwrap();
            assert!(here > at("clean") || value["bad"] == false, "{value}");
            assert!(here < at("stale") || value["bad"] == true, "{value}");
        }
        for line in curve["lines"].as_array().unwrap() {
            assert_eq!(line["points"].as_array().unwrap().len(), values.len());
        }
        // Theory's line is below zero exactly where the adversary has a stale read; staleness begins there.
        let points = |style: &str| {
            let line = curve["lines"].as_array().unwrap().iter().find(|line| line["style"] == style).unwrap();
            line["points"].as_array().unwrap().iter().map(|point| point.as_i64().unwrap()).collect::<Vec<_>>()
        };
        for ((value, left), stale) in values.iter().zip(points("theory")).zip(points("staleness")) {
            assert_eq!((value["bad"] == true, value["bad"] == true), (left <= 0, stale > 0), "{value}");
        }
    }
    assert_eq!(picture(&data, 0)["verdict"]["safety"], "stale", "the run just beyond has a stale read");
    assert!(blocks(&data, "code")[0]["text"].as_str().unwrap().contains("expect"));
}

#[test]
fn a_frontier_draws_the_cells_and_the_line_that_it_reports() {
    let (data, report) = page(
        &[
            "frontier",
            "scenarios/skew.toml",
            "--x=lease.election-timeout=4s..6s",
            "--y=clock.followers.offset=0s..4s",
            "--steps=4,6",
        ],
        0,
    );
    let map = blocks(&data, "map")[0];
    let (columns, reported) = (map["columns"].as_array().unwrap(), report["columns"].as_array().unwrap());
    assert_eq!((columns.len(), reported.len()), (5, 5));
    for (column, reported) in columns.iter().zip(reported) {
        let cells: String = reported["cells"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cell| if cell["stale"] == true { 'x' } else { '.' })
            .collect();
        assert_eq!(column["cells"], cells);
        assert_eq!(column["measured"], reported["measured"]["stale"]);
        assert_eq!(column["theory"], reported["theory"]["stale"]);
    }
    let command = blocks(&data, "commands")[0]["commands"][0]["line"].as_str().unwrap();
    assert!(command.starts_with("sim frontier") && !command.contains("--html"), "{command}");
}

#[test]
fn an_exploration_draws_each_cause_with_its_run_and_its_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = out(&folder, "explored");
    let (data, report) = page(
        &["explore", "--seeds", "0..60", "--rules", "nothing-withheld", "--out", path.to_str().unwrap()],
        0,
    );
    let folds = blocks(&data, "folds")[0]["folds"].as_array().unwrap();
    let groups = report["groups"].as_array().unwrap();
    assert!(!groups.is_empty() && folds.len() == groups.len());
    for (fold, group) in folds.iter().zip(groups) {
        let commands = fold["blocks"][1]["commands"].as_array().unwrap();
        assert_eq!((&commands[0]["line"], &commands[1]["line"]), (&group["replay"], &group["shrink"]));
        let run = &fold["blocks"][2]["runs"][0];
        let drawn = &run["picture"]["setting"]["seed"];
        if drawn.is_null() {
            assert!(run["note"].as_str().unwrap().contains(group["replay"].as_str().unwrap()), "{run}");
        } else {
            assert_eq!(drawn.as_str().unwrap(), group["simplest_seed"].to_string());
        }
    }
    assert!(!folds[0]["blocks"][2]["runs"][0]["picture"].is_null(), "the most frequent cause is drawn");
}

#[test]
fn a_clean_exploration_has_a_page_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = page(&["explore", "--seeds", "0..3", "--out", out(&folder, "x").to_str().unwrap()], 0);
    assert_eq!((&data["tone"], &data["word"]), (&"good".into(), &"Nothing was found.".into()));
}

#[test]
fn a_history_draws_the_order_that_works_and_what_it_has_no_place_for() {
    let (data, report) = page(&["check", "sim/check/tests/histories/etcd_099.log"], 1);
    let timeline = blocks(&data, "timeline")[0];
    let bars = timeline["bars"].as_array().unwrap();
    let kind = |style: &str| {
        let place =
            timeline["legend"].as_array().unwrap().iter().position(|kind| kind["style"] == style).unwrap();
        bars.iter().filter(|bar| bar["kind"] == place).collect::<Vec<_>>()
    };
    let blocked = report["violations"][0]["blocked"]["completed_line"].as_u64().unwrap();
    assert!(
        kind("bad")[0]["what"].as_str().unwrap().starts_with(&format!("line {blocked}:")),
        "{:?}",
        kind("bad")
    );
    let order = &report["violations"][0]["order_length"];
    let rows = blocks(&data, "table")[0]["rows"].as_array().unwrap();
    assert_eq!(rows[rows.len() - 2][0], order.to_string(), "the last place of the order");
    assert_eq!(rows.last().unwrap()[0], "✗ no place");
    for bar in bars {
        assert!(bar["to"].is_null() || bar["to"].as_u64() > bar["from"].as_u64(), "{bar}");
        assert!(bar["lane"].as_u64().unwrap() < timeline["lanes"].as_array().unwrap().len() as u64);
    }
}

#[test]
fn an_exhibit_draws_its_variants_side_by_side() {
    let (data, report) = page(&["gallery", "suspend"], 0);
    let rows = report["rows"].as_array().unwrap();
    let (boxes, runs) = (blocks(&data, "boxes")[0], blocks(&data, "runs")[0]);
    for (place, row) in rows.iter().enumerate() {
        let tile = &boxes["boxes"][place];
        assert_eq!(tile["title"], row["label"]);
        let stale = row["stale_reads"].as_u64().unwrap();
        assert_eq!(tile["tone"] == "bad", stale > 0, "{tile}");
        let run = &runs["runs"][place];
        assert_eq!(
            run["picture"]["trace"], row["trace"],
            "the run that is drawn is the one that is reported"
        );
    }
    assert!(rows.len() >= 3 && data["sentence"].as_str().unwrap().len() > 10);
    assert!(
        blocks(&data, "facts")[0]["facts"].as_array().unwrap().iter().any(|fact| fact["address"].is_string())
    );
}

#[test]
fn a_shrunk_run_is_drawn_beside_the_one_that_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let (file, html) = (out(&folder, "small.toml"), out(&folder, "page.html"));
    let (small, path) = (file.to_str().unwrap(), html.to_str().unwrap());
    let rule = ["shrink", "scenarios/rules/half-quorum.toml", "--row", "half-quorum", "-q", "-o", small];
    sim(&rule).args(["--html", path]).assert().success();
    let data = data(&std::fs::read_to_string(&html).unwrap());
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(blocks(&data, "code")[0]["text"], written);
    let runs = blocks(&data, "runs")[0]["runs"].as_array().unwrap();
    assert_eq!((&runs[0]["label"], &runs[1]["label"]), (&"after".into(), &"before".into()));
    let report = sim(&["run", small, "--json"]).assert().success();
    let report: Value = serde_json::from_slice(&report.get_output().stdout).unwrap();
    assert_eq!(runs[0]["picture"]["trace"], report["rows"][0]["trace"]);
    assert_ne!(runs[1]["picture"]["trace"], report["rows"][0]["trace"]);
    // The scenario is not written over by its page.
    let refused = sim(&rule).args(["--force", "--html", small]).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("would overwrite"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn a_probability_draws_its_levels_and_a_run_that_has_the_event() {
    let few = ["--particles", "20", "--replications", "5", "--plain", "20"];
    let asked = [&["probability", "scenarios/chance.toml"][..], &few].concat();
    let (data, report) = page(&asked, 0);
    let bars = blocks(&data, "bars");
    let levels = report["levels"].as_array().unwrap();
    assert_eq!(bars[1]["bars"].as_array().unwrap().len(), levels.len());
    for (bar, level) in bars[1]["bars"].as_array().unwrap().iter().zip(levels) {
        assert_eq!((&bar["label"], &bar["value"]), (&level["level"], &level["probability"]));
    }
    assert_eq!(bars[0]["bars"][0]["range"][1], report["high"]);
    assert_eq!(picture(&data, 0)["verdict"]["safety"], "stale");
}

#[test]
fn an_exhaustive_search_draws_what_all_schedules_showed() {
    let (data, report) =
        page(&["exhaust", "scenarios/skew.toml", "--row", "2.001s", "--choices", "1", "--delivered"], 0);
    let bars = blocks(&data, "bars")[0]["bars"].as_array().unwrap();
    assert_eq!(bars[0]["value"].as_f64(), report["found"]["schedules"].as_f64());
    assert_eq!(bars[1]["value"].as_f64(), report["found"]["stale"].as_f64());
    assert_eq!(picture(&data, 0)["verdict"]["safety"], "stale", "the adversary's run");
}

#[test]
fn advice_is_a_page_with_a_row_for_each_hazard() {
    let (data, report) =
        page(&["advise", "--lease", "900ms", "--election-timeout", "1s", "--drift", "100ppm"], 0);
    let rows = blocks(&data, "table")[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), report["hazards"].as_array().unwrap().len());
    assert_eq!((&data["word"], &report["safety"]), (&"Safe.".into(), &"safe".into()));
}

#[test]
fn a_page_that_cannot_be_written_is_known_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str], code: i32| {
        let failed = sim(arguments).assert().code(code);
        assert!(failed.get_output().stdout.is_empty(), "nothing was run");
        String::from_utf8_lossy(&failed.get_output().stderr).into_owned()
    };
    let here = folder.path().to_str().unwrap();
    let history = "sim/check/tests/histories/etcd_007.log";
    let before = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(history)).unwrap();
    assert!(said(&["check", history, "--html", history], 2).contains("would overwrite"));
    let after = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(history)).unwrap();
    assert_eq!(before, after);
    let threshold = ["threshold", "scenarios/skew.toml", "--html"];
    assert!(said(&[&threshold[..], &[here]].concat(), 2).contains("is a folder"));
    assert!(said(&[&threshold[..], &["-"]].concat(), 2).contains("not to standard output"));
    let nowhere = format!("{here}/no/such/page.html");
    assert!(said(&[&threshold[..], &[&nowhere]].concat(), 74).contains("cannot write the page"));
    let shard = ["explore", "--seeds", "0..8", "--shard", "1/2", "--out", here, "--html"];
    assert!(said(&[&shard[..], &[&format!("{here}/page.html")]].concat(), 2).contains("sim merge"));
    // A wrong argument leaves no empty page.
    let page = format!("{here}/left.html");
    sim(&["threshold", "scenarios/skew.toml", "--vary", "no.such.key", "--html", &page]).assert().code(2);
    assert!(!Path::new(&page).exists());
}

#[test]
fn a_page_does_not_depend_on_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = out(&folder, name);
        sim(&["gallery", "-q", "--html", path.to_str().unwrap()]).assert().success();
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(write("one.html"), write("another.html"));
}
