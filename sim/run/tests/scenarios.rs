//! Every scenario of the repository shows what it says it shows, to the byte. The files are found, not listed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use leasehold_run::report::{Style, Subject, text_report};
use leasehold_run::study::{Study, Verdict, run_row};
use leasehold_run::{rules, scenario};
use rayon::prelude::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All scenario files, as paths from the repository's root with `/`.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("scenarios")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.push(name.replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The report of one scenario file, and what it is a report of.
fn report(file: &str, all_rows: bool) -> (String, Study) {
    let (mut texts, study) = styled(file, &[Style { all_rows, ..Style::PLAIN }]);
    (texts.remove(0), study)
}

/// The same in several styles, run once.
fn styled(file: &str, styles: &[Style]) -> (Vec<String>, Study) {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let plan = match scenario::load(file, &text, &[], &rules::names()) {
        Ok(plan) => plan,
        Err(errors) => panic!("{}", errors.render(false)),
    };
    let study = Study::of_rows(&plan, plan.rows.par_iter().map(run_row).collect());
    let explanation = study.explanation();
    let subject =
        Subject { file, arguments: "", plan: &plan, study: &study, explanation: explanation.as_ref() };
    (styles.iter().map(|style| text_report(&subject, *style)).collect(), study)
}

#[test]
fn every_scenario_shows_what_it_says_it_shows() {
    let files = files();
    assert!(files.len() > 20, "the scenarios are where they were: {files:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in files {
            let (text, study) = report(&file, true);
            let name = file.trim_start_matches("scenarios/").trim_end_matches(".toml").replace('/', "__");
            insta::assert_snapshot!(format!("report__{name}"), text);
            assert_eq!(study.verdict, Verdict::AsExpected, "see: cargo sim run {file}");
        }
    });
}

#[test]
fn the_readme_shows_the_real_report() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (report, _) = report("scenarios/skew.toml", false);
    assert!(
        readme.contains(report.trim_end()),
        "copy the output of `cargo sim run scenarios/skew.toml`:\n{report}"
    );
}

#[test]
fn a_story_fits_a_screen() {
    for file in files() {
        let (text, _) = report(&file, true);
        let story =
            text.lines().skip_while(|line| !line.contains("true time  ")).take_while(|line| !line.is_empty());
        assert!(
            story.count() <= 30,
            "{file}: a header, at most 25 moments, and a few lines that are wrapped"
        );
    }
}

/// The lane of a node in the drawing of a stale read, and the columns of the steps.
fn lane(text: &str, node: &str) -> (Vec<char>, Vec<usize>) {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("  step "));
    let header: Vec<char> = lines.next().unwrap().chars().collect();
    let begins = |at: &usize| header[*at].is_ascii_digit() && header[at - 1] == ' ';
    let columns = (7..header.len()).filter(begins).collect();
    let lane = lines.take_while(|line| !line.is_empty()).find(|line| line.starts_with(&format!("  {node} ")));
    (lane.unwrap().chars().collect(), columns)
}

#[test]
fn the_drawing_shows_who_held_a_lease_when_the_stale_read_was_answered() {
    let (text, _) = report("scenarios/skew.toml", false);
    let numbered = |words: &str| {
        let line = text.lines().find(|line| line.contains(words)).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() - 1
    };
    let campaign = numbered("n3's promise is over: it asks for pre-votes");
    let (ready, read) = (numbered("n3 can acknowledge writes"), numbered("n1 answers the stale read"));
    let (n1, columns) = lane(&text, "n1");
    let (n3, _) = lane(&text, "n3");
    assert_eq!(n1[columns[read]], '✗');
    // n1's lease runs on both sides of the answer; n3 promises until it campaigns, and holds a lease from then on.
    assert_eq!((n1[columns[read] - 1], n1[columns[read] + 1]), ('═', '═'));
    assert_eq!((n3[columns[campaign - 1]], n3[columns[campaign]]), ('─', ' '));
    assert_eq!((n3[columns[ready] - 1], n3[columns[ready]]), (' ', '═'));
    assert!(n3[..columns[read]].contains(&'●'));
    assert!(n3.iter().collect::<String>().ends_with("clock +2.001s"), "n3's clock is 2.001 s ahead");
    // A narrow terminal has fewer steps, and those that decide are among them.
    let (texts, _) = styled("scenarios/skew.toml", &[Style { width: 60, ..Style::PLAIN }]);
    let (n1, fewer) = lane(&texts[0], "n1");
    assert!(fewer.len() < columns.len() && n1.contains(&'✗'), "{n1:?}");
}

/// Lines that hold a command to paste, or one headline, are not broken.
#[test]
fn reports_fit_narrow_and_wide_terminals_and_lose_no_word() {
    for file in ["scenarios/skew.toml", "scenarios/drift.toml", "scenarios/suspend.toml"] {
        let widths = [120, 60, 80, 200];
        let (texts, _) = styled(file, &widths.map(|width| Style { width, ..Style::PLAIN }));
        let sentences = |text: &str| {
            let told = text.split_once("theory").unwrap().1.split_once("service").unwrap().0.to_owned();
            told.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        for (width, text) in widths.into_iter().zip(&texts).skip(1) {
            for line in text.lines().filter(|line| !line.contains("replay with:") && !line.contains("key=")) {
                assert!(line.chars().count() <= width, "{file} at {width}: {line}");
            }
            assert_eq!(sentences(text), sentences(&texts[0]), "{file} at {width}");
        }
    }
}
