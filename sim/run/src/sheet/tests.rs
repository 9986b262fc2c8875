#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use super::{Album, model};
use crate::{rules, scenario};

#[test]
fn a_page_draws_runs_until_it_is_full_and_says_what_it_leaves_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("scenarios/restart.toml")).unwrap();
    let plan = scenario::load("restart.toml", &text, &[], &rules::names()).unwrap();
    let setup = Arc::new(plan.rows[0].scenario.setup.clone());
    let mut album = Album::default();
    let bytes = serde_json::to_string(&album.add("one", "", &setup, "sim x").picture.unwrap()).unwrap().len();
    let room = super::build::PICTURES_BYTES_MAX / bytes;
    assert!(room < 200, "{bytes}");
    let drawn: Vec<_> = (1..room + 2).map(|_| album.add("next", "It is small.", &setup, "sim x")).collect();
    let there = drawn.iter().take_while(|one| one.picture.is_some()).count();
    assert_eq!(there, room - 1);
    let left_out = &drawn[there..];
    assert!(left_out.len() == 2 && left_out.iter().all(|one| one.picture.is_none()));
    assert!(
        left_out[0].note.starts_with("It is small. Not drawn here") && left_out[0].note.ends_with("sim x")
    );
}

/// `LEASEHOLD_WRITE=1 cargo test -p leasehold-run typescript` writes the file.
#[test]
fn the_typescript_is_that_of_the_sheet() {
    let config = ts_rs::Config::default();
    let mut text = String::from(
        "// Written by a test of leasehold-run from sim/run/src/sheet/model.rs. Do not edit.\n\
         import type { Card, Ns, Picture } from \"./picture\";\n\n",
    );
    for declaration in model::declarations(&config) {
        text.push_str(&format!("export {declaration}\n\n"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sim/page/src/sheet-data.ts");
    if std::env::var_os("LEASEHOLD_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "sim/page/src/sheet-data.ts is stale: LEASEHOLD_WRITE=1 cargo test -p leasehold-run typescript writes it"
    );
}
