//! What an exhibit's plate says, for people and for machines.

use serde_json::{Value, json};

use super::Piece;
use crate::report::Style;
use crate::scenario::Exhibit;

/// The plate, above a report.
pub fn plate_text(piece: &Piece, style: Style) -> String {
    let plate = &piece.plate;
    let found = format!("{} ({}, {})", plate.system, plate.year, evidence(plate));
    let mut lines = vec![style.strong(&format!("{}: {}", piece.name, plate.mechanism))];
    let clock = if plate.clock_fault { "needed" } else { "not needed: the clocks are right" };
    for (name, text) in [
        ("found", Some(found.as_str())),
        ("source", plate.url.as_deref()),
        ("believed", Some(&plate.believed)),
        ("happened", Some(&plate.happened)),
        ("a clock fault is", Some(clock)),
        ("note", plate.note.as_deref()),
        ("question", plate.question.as_deref()),
        ("asked at", plate.question_url.as_deref()),
    ] {
        let Some(text) = text else { continue };
        lines.extend(style.wrapped(&format!("  {name:<17} "), text));
    }
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}

/// How sure it is, in words.
pub(super) fn evidence(plate: &Exhibit) -> &'static str {
    match plate.evidence {
        "reported" => "reported",
        "proposed" => "proposed, not merged",
        _ => "a pattern: no vendor has confirmed it",
    }
}

/// The plate as an object.
pub fn plate_json(piece: &Piece) -> Value {
    let plate = &piece.plate;
    json!({
        "name": piece.name,
        "scenario": piece.file,
        "system": plate.system,
        "year": plate.year,
        "evidence": plate.evidence,
        "url": plate.url,
        "mechanism": plate.mechanism,
        "clock_fault": plate.clock_fault,
        "believed": plate.believed,
        "happened": plate.happened,
        "note": plate.note,
        "question": plate.question,
        "question_url": plate.question_url,
    })
}
