//! The page of a phase diagram: the plane, and the line through it.

use super::frontier::{FrontierSubject, numbers_of, value};
use crate::frontier::{Column as Judged, Judge, Verdict};
use crate::threshold::Search;
use leasehold_run::picture::Ns;
use leasehold_run::scenario::Knob;
use leasehold_run::sheet::{Axis, Block, Column, Map, Part, Sheet, Table, Tone, Value};

/// Above so many cells a page leaves their margins out.
const MARGINS_MAX: usize = 20_000;

/// The page. `command` finds it again.
pub fn frontier_sheet(subject: &FrontierSubject<'_>, command: &str) -> Sheet {
    let FrontierSubject { x, y, found, .. } = *subject;
    let question = found.question;
    let cells = || found.columns.iter().flat_map(|column| &column.cells);
    let stale = cells().filter(|cell| cell.stale).count();
    let all = cells().count();
    let (tone, word, sentence) = verdict(subject, stale, all);
    let judge = match question.judge {
        Judge::Adversary => "adversary".to_owned(),
        Judge::Seeds(seeds) => format!("{seeds} seeds"),
    };
    let xs = question.x.values();
    let columns = found.columns.iter().map(|column| one(column, &xs, y, all <= MARGINS_MAX)).collect();
    let names = |knob: &Knob| knob.keys().join(", ");
    let map = Map {
        name: format!("Where stale reads exist: {} across, {} up.", names(x), names(y)),
        x: Axis::of(&names(x), x.unit()),
        y: Axis::of(&names(y), y.unit()),
        xs: axis(&xs, x),
        ys: axis(&question.y.values(), y),
        columns,
        judge,
    };
    let mut plane = vec![Block::Map(map)];
    if all > MARGINS_MAX {
        plane.push(Block::text(format!(
            "The margins of the {all} cells are left out, to keep this page small: --csv FILE has them."
        )));
    }
    let [head, rows @ ..] = &numbers_of(subject)[..] else { unreachable!("the head is there") };
    let table = Table {
        name: "the line".to_owned(),
        columns: head.to_vec(),
        rows: rows.iter().map(|row| row.to_vec()).collect(),
    };
    Sheet {
        asked: format!("{}: {}. {} against {}", subject.file, subject.title, names(y), names(x)),
        tone,
        word,
        sentence,
        parts: vec![
            Part::new("The plane", plane),
            Part::new("The line, in numbers", vec![Block::Table(table)]),
            super::threshold_sheet::again(command),
        ],
        foot: format!(
            "sim {}, {all} cells, the line to within {}",
            env!("CARGO_PKG_VERSION"),
            y.show(question.tolerance)
        ),
        ..Sheet::default()
    }
}

fn verdict(subject: &FrontierSubject<'_>, stale: usize, all: usize) -> (Tone, String, String) {
    let FrontierSubject { x, y, found, .. } = *subject;
    let part = format!("{stale} of {all} cells have a stale read.");
    match found.verdict() {
        Verdict::Found => {
            let agree = found
                .farthest()
                .map(|(apart, _)| format!("Theory and adversary agree on it, to within {}.", y.show(apart)));
            let alone = "Nothing is compared with it here.".to_owned();
            (Tone::Plain, "There is a line.".to_owned(), format!("{part} {}", agree.unwrap_or(alone)))
        }
        Verdict::NotFound if stale == 0 => {
            (Tone::Good, "No stale read exists in this plane.".to_owned(), part)
        }
        Verdict::NotFound => (Tone::Doubtful, "There is no line in this plane.".to_owned(), part),
        Verdict::Apart(place) => (
            Tone::Bad,
            "A bug of ours.".to_owned(),
            format!(
                "Theory and measurement disagree at {}; one of them is wrong.",
                x.show(found.columns[place].x)
            ),
        ),
        Verdict::Interrupted => {
            let columns = found.question.x.steps + 1;
            let done = format!("{} of {columns} columns are done. {part}", found.columns.len());
            (Tone::Doubtful, "Interrupted.".to_owned(), done)
        }
    }
}

fn axis(values: &[i128], knob: &Knob) -> Vec<Value> {
    let value = |at: &i128| Value { at: Ns::signed(*at), text: knob.show(*at), ..Value::default() };
    values.iter().map(value).collect()
}

fn one(column: &Judged, xs: &[i128], y: &Knob, margins: bool) -> Column {
    let line = |search: &Search| match search {
        Search::Found(edge) => Some(Ns::signed(edge.stale)),
        Search::None { .. } | Search::Mixed { .. } => None,
    };
    let margin =
        |nanos: Option<i64>| nanos.filter(|nanos| *nanos > i64::MIN).map(|nanos| Ns::signed(nanos.into()));
    let place = xs.iter().position(|x| *x == column.x).unwrap_or(0);
    let theory = match &column.theory {
        Ok(search) => value(y, search),
        Err(why) => format!("not covered: {why}"),
    };
    Column {
        x: u32::try_from(place).unwrap_or(u32::MAX),
        cells: column.cells.iter().map(|cell| if cell.stale { 'x' } else { '.' }).collect(),
        margins: match margins {
            true => column.cells.iter().map(|cell| margin(cell.margin_ns)).collect(),
            false => Vec::new(),
        },
        measured: line(&column.measured),
        theory: column.theory.as_ref().ok().and_then(line),
        lines: [value(y, &column.measured), theory],
    }
}
