//! The gallery shows what its plates say, and nothing else than the bug makes its reads stale.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use leasehold_run::gallery::{CONTROL, FILES, FIXED, Piece, SHIPPED, page};
use leasehold_run::rules;
use leasehold_run::scenario::{Row, RowExpectation, load};
use leasehold_run::study::{Finding, Study, Verdict, run_row};
use leasehold_run::watch::LeaseOver;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Is this what the row is called, or does its label go on after a colon?
fn is(row: &Row, kind: &str) -> bool {
    row.label == kind || row.label.starts_with(&format!("{kind}: "))
}

#[test]
fn every_file_of_the_folder_is_an_exhibit() {
    let found: BTreeSet<String> = fs::read_dir(root().join("scenarios/gallery"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let known: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known, "left: the folder; right: `FILES` in sim/run/src/gallery.rs");
}

#[test]
fn each_variant_shows_what_its_label_says() {
    for piece in Piece::all() {
        let replay = format!("cargo sim gallery {}", piece.name);
        for kind in [SHIPPED, FIXED, CONTROL] {
            assert!(piece.plan.rows.iter().any(|row| is(row, kind)), "{replay}: no variant {kind:?}");
        }
        assert!(is(&piece.plan.rows[0], SHIPPED), "{replay}: the bug comes first");
        for row in &piece.plan.rows {
            let wanted = match row {
                row if is(row, SHIPPED) => RowExpectation::Some,
                row if is(row, FIXED) || is(row, CONTROL) => RowExpectation::None,
                _ => panic!("{replay}: what is {:?}?", row.label),
            };
            assert_eq!(row.expect, wanted, "{replay}: {}", row.label);
        }
        let rows = piece.plan.rows.iter().map(run_row).collect();
        let study = Study::of_rows(&piece.plan, rows);
        assert_eq!(study.verdict, Verdict::AsExpected, "{replay}");
        for row in study.rows.iter().filter(|row| row.expect == RowExpectation::None) {
            assert!(row.reads_under_lease > 0, "{replay}: {}: no read was served under a lease", row.label);
        }
    }
}

/// The same run without what the variant sets fails what the variant expects.
#[test]
fn without_the_bug_there_is_no_stale_read() {
    for (name, text) in FILES {
        let piece = Piece::named(name).unwrap();
        let alone = text.split("[[variant]]").next().unwrap();
        let plan = load(name, alone, &[], &rules::names()).unwrap_or_else(|wrong| panic!("{wrong}"));
        for shipped in piece.plan.rows.iter().filter(|row| is(row, SHIPPED)) {
            assert!(!shipped.set.is_empty(), "{name}: there is nothing to take away");
            let mut without = plan.rows[0].clone();
            without.expect = shipped.expect;
            without.scenario.required = shipped.scenario.required;
            let found = run_row(&without);
            assert_eq!(found.finding, Finding::Clean, "{name}");
            assert!(!found.as_expected(), "{name}: it expects nothing that its bug brings about");
        }
    }
}

/// A plain control has the faults of the bug to the last number, and rules that are broken elsewhere.
#[test]
fn a_control_differs_in_the_rules_alone() {
    for piece in Piece::all() {
        let shipped = &piece.plan.rows[0].scenario.setup;
        for row in piece.plan.rows.iter().filter(|row| row.label == CONTROL) {
            let control = &row.scenario.setup;
            assert_eq!(control.faults, shipped.faults, "{}", piece.name);
            assert_ne!(control.rules, rules::SOUND, "{}", piece.name);
            assert_ne!(control.rules, shipped.rules, "{}", piece.name);
        }
    }
}

/// Where two leaders can answer, the file says when, to the microsecond. A wrong instant is noticed.
#[test]
fn windows_are_expected_to_the_microsecond() {
    for piece in Piece::all() {
        let row = &piece.plan.rows[0];
        let found = run_row(row);
        if found.margin.unwrap() >= 0 {
            continue;
        }
        let required = row.scenario.required;
        let ready = required.leader_ready_at.unwrap_or_else(|| panic!("{}: when is n2 ready?", piece.name));
        let never = found.changes.iter().any(|change| change.lease_over == Some(LeaseOver::Never));
        assert_eq!(required.lease_over_at.is_none(), never, "{}", piece.name);
        let mut wrong = row.clone();
        wrong.scenario.required.leader_ready_at = Some(ready + leasehold::time::Span::micros(2));
        let missed = run_row(&wrong).missed;
        assert!(matches!(&missed[..], [one] if one.contains("the new leader was ready")), "{missed:?}");
    }
}

/// A pattern that no vendor has confirmed names none.
#[test]
fn plates_are_whole() {
    for piece in Piece::all() {
        let plate = &piece.plate;
        let urls: Vec<&String> = plate.url.iter().chain(&plate.question_url).collect();
        assert!(urls.iter().all(|url| url.starts_with("https://")), "{}: {urls:?}", piece.name);
        assert_eq!(plate.question.is_some(), plate.question_url.is_some(), "{}", piece.name);
        match plate.evidence {
            "pattern" => assert!(plate.system.starts_with("a pattern"), "{}", piece.name),
            _ => assert!(plate.url.is_some(), "{}: where is it told?", piece.name),
        }
        assert!(!piece.plan.story.is_empty(), "{}", piece.name);
    }
}

#[test]
fn the_page_is_up_to_date() {
    let written = fs::read_to_string(root().join("docs/gallery.md")).unwrap();
    assert!(written == page(), "write it anew: cargo sim gallery --page > docs/gallery.md");
}
