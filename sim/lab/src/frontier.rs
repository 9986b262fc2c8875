//! The phase diagram over two keys: where in their plane a stale read exists, and the line between the two sides, by the
//! most harmful run and by arithmetic.
//!
//! The plane is cut into columns. In each column every cell is judged by itself; where neighbours differ, the value between
//! them is halved down to the tolerance. Arithmetic does the same on its own, to the smallest part of the unit. The two
//! know nothing of each other and must agree, column by column.

use std::borrow::Cow;
use std::ops::Range as Places;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::adversary::worst;
use crate::threshold::{Range, Refusal, Search, Side, any_stale, search};
use leasehold_run::scenario::Knob;
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::{Bound, bound};

/// A range of values, cut into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The smallest value, in the smallest part of the axis's unit.
    pub from: i128,
    /// The largest.
    pub to: i128,
    /// So many steps lead from one to the other; at least one.
    pub steps: usize,
}

impl Extent {
    /// All values, the ends among them.
    pub fn values(self) -> Vec<i128> {
        let steps = self.steps as i128;
        (0..=steps).map(|step| self.from + (self.to - self.from) * step / steps).collect()
    }
}

/// Who says whether a cell has a stale read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The most harmful run that is known: exact.
    Adversary,
    /// So many plain seeds of the scenario as it is written: what chance shows.
    Seeds(u64),
}

/// One value pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The value on the y axis.
    pub y: i128,
    /// A stale read was found.
    pub stale: bool,
    /// The smallest margin that the adversary found, ns; `None` for other judges, and where nobody is elected.
    pub margin_ns: Option<i64>,
    /// Arithmetic says that there is one; `None` where it does not cover the setup.
    pub theory: Option<bool>,
}

/// All cells of one value on the x axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The value on the x axis.
    pub x: i128,
    /// By their values on the y axis.
    pub cells: Vec<Cell>,
    /// Where the judge finds the line: by the adversary to the tolerance, by seeds between two cells.
    pub measured: Search,
    /// Where arithmetic puts it, exactly, or why it does not cover this.
    pub theory: Result<Search, Cow<'static, str>>,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The x axis.
    pub x: Extent,
    /// The y axis.
    pub y: Extent,
    /// How close the two sides of the line are to be, on the y axis.
    pub tolerance: i128,
    /// Who judges cells.
    pub judge: Judge,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Frontier {
    /// What was asked.
    pub question: Question,
    /// By their values on the x axis. Fewer than asked for when interrupted.
    pub columns: Vec<Column>,
    /// The user stopped it.
    pub interrupted: bool,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is a line, and theory and adversary agree on it, or theory says nothing.
    Found,
    /// No column has a line.
    NotFound,
    /// They disagree in the column with this place: one of them is wrong.
    Apart(usize),
    /// The user stopped it.
    Interrupted,
}

/// What arithmetic says about a setup.
type Theory = fn(&Setup) -> Result<Option<Bound>, &'static str>;

/// Judges the plane, its columns side by side. `knob_at` gives the knob of the y axis with the x axis's keys set to a value.
/// `progress` is told of each cell.
pub fn frontier(
    question: Question,
    knob_at: &(dyn Fn(i128) -> Result<Knob, Refusal> + Sync),
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Result<Frontier, Refusal> {
    frontier_by(bound, question, knob_at, stop, progress)
}

fn frontier_by(
    theory: Theory,
    question: Question,
    knob_at: &(dyn Fn(i128) -> Result<Knob, Refusal> + Sync),
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Result<Frontier, Refusal> {
    let all = 0..question.x.values().len();
    let columns = columns_by(theory, question, all.clone(), knob_at, stop, progress)?;
    let interrupted = columns.len() < all.len();
    Ok(Frontier { question, columns, interrupted })
}

/// Judges some of the columns, by their places from 0 on. Those that were stopped are not there.
///
/// # Errors
///
/// The scenario is wrong at some value, or the judge does not know how to judge it.
pub fn columns(
    question: Question,
    places: Places<usize>,
    knob_at: &(dyn Fn(i128) -> Result<Knob, Refusal> + Sync),
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<Column>, Refusal> {
    columns_by(bound, question, places, knob_at, stop, progress)
}

fn columns_by(
    theory: Theory,
    question: Question,
    places: Places<usize>,
    knob_at: &(dyn Fn(i128) -> Result<Knob, Refusal> + Sync),
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<Column>, Refusal> {
    let column = |x: i128| -> Result<Option<Column>, Refusal> {
        let knob = knob_at(x)?;
        let mut cells = Vec::new();
        for y in question.y.values() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            cells.push(cell(theory, &question, y, &knob.at(y).map_err(Refusal::Scenario)?)?);
            progress();
        }
        line(theory, &question, x, cells, &knob).map(Some)
    };
    let values = question.x.values()[places].to_vec();
    let columns: Vec<Option<Column>> = values.into_par_iter().map(column).collect::<Result<_, _>>()?;
    Ok(columns.into_iter().flatten().collect())
}

fn cell(theory: Theory, question: &Question, y: i128, setup: &Setup) -> Result<Cell, Refusal> {
    let theory = room(theory, setup).ok();
    Ok(match question.judge {
        Judge::Adversary => {
            let harm = worst(setup).map_err(Refusal::NotKnown)?;
            let stale = harm.as_ref().is_some_and(|harm| harm.stale > 0);
            Cell { y, stale, margin_ns: harm.map(|harm| harm.margin), theory }
        }
        Judge::Seeds(seeds) => Cell { y, stale: any_stale(setup, 0..seeds), margin_ns: None, theory },
    })
}

fn room(theory: Theory, setup: &Setup) -> Result<bool, &'static str> {
    Ok(theory(setup)?.is_some_and(|bound| bound.room_ns >= 0))
}

/// Looks for the line in a column whose cells are judged.
fn line(
    theory: Theory,
    question: &Question,
    x: i128,
    cells: Vec<Cell>,
    knob: &Knob,
) -> Result<Column, Refusal> {
    let at = |y: i128| knob.at(y).map_err(Refusal::Scenario);
    let tolerance = match question.judge {
        Judge::Adversary => question.tolerance,
        // Chance is not asked twice.
        Judge::Seeds(_) => i128::MAX / 4,
    };
    let measured = between(&cells, &|cell| cell.stale, tolerance, &mut |y| {
        Ok(worst(&at(y)?).map_err(Refusal::NotKnown)?.is_some_and(|harm| harm.stale > 0))
    })?;
    let said: Option<Vec<bool>> = cells.iter().map(|cell| cell.theory).collect();
    let theory = match said {
        Some(_) => {
            let stale = |cell: &Cell| cell.theory == Some(true);
            Ok(between(&cells, &stale, 1, &mut |y| room(theory, &at(y)?).map_err(Refusal::NotKnown))?)
        }
        None => Err(Cow::Borrowed(match cells.iter().find(|cell| cell.theory.is_none()) {
            Some(cell) => room(theory, &at(cell.y)?).err().unwrap_or_default(),
            None => "",
        })),
    };
    Ok(Column { x, cells, measured, theory })
}

/// The line between the cells that are stale and those that are not.
fn between(
    cells: &[Cell],
    stale: &dyn Fn(&Cell) -> bool,
    tolerance: i128,
    at: &mut dyn FnMut(i128) -> Result<bool, Refusal>,
) -> Result<Search, Refusal> {
    let mut changes = cells.windows(2).filter(|pair| stale(&pair[0]) != stale(&pair[1]));
    let Some(pair) = changes.next() else {
        return Ok(Search::None { stale: cells.first().is_some_and(stale) });
    };
    if let Some(other) = changes.next() {
        return Ok(Search::Mixed { at: other[1].y });
    }
    let (from, to) = (pair[0].y, pair[1].y);
    let (below, above) = (stale(&pair[0]), stale(&pair[1]));
    // The two ends are known.
    let mut known = |y: i128| match y {
        _ if y == from => Ok(below),
        _ if y == to => Ok(above),
        _ => at(y),
    };
    search(Range { from, to, tolerance: tolerance.min(to - from) }, 0, &mut known)
}

impl Column {
    /// One JSON object, for a column on its way to others. Values of axes are text: they may be beyond 64 bits.
    pub fn to_json(&self) -> Value {
        let cell = |cell: &Cell| {
            json!({
                "y": cell.y.to_string(),
                "stale": cell.stale,
                "margin_ns": cell.margin_ns,
                "theory": cell.theory,
            })
        };
        json!({
            "x": self.x.to_string(),
            "cells": self.cells.iter().map(cell).collect::<Vec<_>>(),
            "measured": self.measured.to_json(),
            "theory": self.theory.as_ref().ok().map(|search| search.to_json()),
            "not_covered": self.theory.as_ref().err(),
        })
    }

    /// The inverse of [`Column::to_json`]; `None` for anything else.
    pub fn from_json(value: &Value) -> Option<Column> {
        let number = |value: &Value, key: &str| value.get(key)?.as_str()?.parse::<i128>().ok();
        let cell = |value: &Value| {
            Some(Cell {
                y: number(value, "y")?,
                stale: value.get("stale")?.as_bool()?,
                margin_ns: value.get("margin_ns")?.as_i64(),
                theory: value.get("theory")?.as_bool(),
            })
        };
        Some(Column {
            x: number(value, "x")?,
            cells: value.get("cells")?.as_array()?.iter().map(cell).collect::<Option<Vec<_>>>()?,
            measured: Search::from_json(value.get("measured")?)?,
            theory: match value.get("not_covered")?.as_str() {
                Some(why) => Err(Cow::Owned(why.to_owned())),
                None => Ok(Search::from_json(value.get("theory")?)?),
            },
        })
    }

    /// How far theory and measurement are apart, in the smallest part of the y axis's unit; `None` where theory says
    /// nothing, or where they have not found the same kind of line.
    pub fn apart(&self, y: Extent) -> Option<i128> {
        let theory = self.theory.as_ref().ok()?;
        match (theory, &self.measured) {
            (Search::Found(theory), Search::Found(measured)) if theory.side() == measured.side() => {
                Some((theory.stale - measured.stale).abs())
            }
            // One has the line just inside of an end of the range, the other just outside.
            (Search::Found(edge), Search::None { stale }) | (Search::None { stale }, Search::Found(edge)) => {
                Some(match (edge.side(), *stale) {
                    (Side::Above, false) => y.to - edge.stale,
                    (Side::Below, false) => edge.stale - y.from,
                    (Side::Above, true) => edge.clean - y.from,
                    (Side::Below, true) => y.to - edge.clean,
                })
            }
            (theory, measured) if theory == measured => Some(0),
            _ => None,
        }
    }
}

impl Frontier {
    /// The largest distance between theory and adversary, and its column's place; `None` where theory says nothing at all,
    /// or chance was asked.
    pub fn farthest(&self) -> Option<(i128, usize)> {
        if self.question.judge != Judge::Adversary {
            return None;
        }
        let apart = self.columns.iter().enumerate();
        let apart = apart.filter_map(|(place, column)| Some((column.apart(self.question.y)?, place)));
        apart.max_by_key(|(apart, place)| (*apart, std::cmp::Reverse(*place)))
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        let wrong = |column: &Column| match self.question.judge {
            Judge::Adversary => {
                let apart = column.apart(self.question.y);
                column.theory.is_ok() && apart.is_none_or(|apart| apart > self.question.tolerance)
            }
            // What arithmetic finds safe, chance must not break.
            Judge::Seeds(_) => column.cells.iter().any(|cell| cell.stale && cell.theory == Some(false)),
        };
        if let Some(place) = self.columns.iter().position(wrong) {
            return Verdict::Apart(place);
        }
        if self.interrupted {
            return Verdict::Interrupted;
        }
        let line = |column: &Column| !matches!(column.measured, Search::None { .. });
        if self.columns.iter().any(line) { Verdict::Found } else { Verdict::NotFound }
    }
}

impl Verdict {
    /// The exit code of `sim frontier`.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Found => 0,
            Verdict::NotFound => 3,
            Verdict::Apart(_) => 70,
            Verdict::Interrupted => 130,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Edge;

    const SKEW: &str = r#"
        duration = "16s"
        [cluster]
        first-leader = "n1"
        [lease]
        form = "deadline"
        duration = "3s"
        election-timeout = "5s"
        max-clock-skew = "0s"
        [clock.followers]
        nodes = ["n2", "n3"]
        offset = "0s"
        [network]
        delay = "20us"
    "#;

    fn verdict(theory: Theory, y: Extent) -> (Verdict, i32) {
        let knob_at = |offset: i128| {
            let sets = [format!("clock.followers.offset={offset}ns")];
            let keys = ["lease.duration/lease.election-timeout".to_owned()];
            Knob::new("skew", SKEW, &sets, &keys, &leasehold_run::rules::names()).map_err(Refusal::Scenario)
        };
        let x = Extent { from: 500_000_000, to: 2_000_000_000, steps: 2 };
        let question = Question { x, y, tolerance: 1_000, judge: Judge::Adversary };
        let found = frontier_by(theory, question, &knob_at, &AtomicBool::new(false), &|| ()).unwrap();
        (found.verdict(), i32::from(found.verdict().exit_code()))
    }

    fn off_by(setup: &Setup, error: i128) -> Result<Option<Bound>, &'static str> {
        let right = bound(setup)?;
        Ok(right.map(|bound| Bound { room_ns: bound.room_ns + error, ..bound }))
    }

    #[test]
    fn a_wrong_theory_is_our_own_bug_and_a_right_one_is_not() {
        let y = Extent { from: 500_000_000, to: 1_100_000_000, steps: 4 };
        assert_eq!(verdict(bound, y), (Verdict::Found, 0));
        assert_eq!(verdict(|setup| off_by(setup, 20_000), y), (Verdict::Apart(0), 70));
        assert_eq!(verdict(|setup| off_by(setup, -20_000), y), (Verdict::Apart(0), 70));
        assert_eq!(verdict(|setup| off_by(setup, 10_000_000_000), y), (Verdict::Apart(0), 70));
        let clean = Extent { from: 100_000_000, to: 500_000_000, steps: 2 };
        assert_eq!(verdict(bound, clean), (Verdict::NotFound, 3));
    }

    #[test]
    fn a_column_says_the_same_after_a_trip_through_json() {
        let knob_at = |offset: i128| {
            let sets = [format!("clock.followers.offset={offset}ns")];
            let keys = ["lease.duration/lease.election-timeout".to_owned()];
            Knob::new("skew", SKEW, &sets, &keys, &leasehold_run::rules::names()).map_err(Refusal::Scenario)
        };
        let x = Extent { from: 500_000_000, to: 2_000_000_000, steps: 2 };
        let y = Extent { from: 500_000_000, to: 1_100_000_000, steps: 4 };
        let question = Question { x, y, tolerance: 1_000, judge: Judge::Adversary };
        let not_covered = |_: &Setup| Err("a reason");
        for theory in [bound as Theory, not_covered] {
            let never = AtomicBool::new(false);
            let all = columns_by(theory, question, 0..3, &knob_at, &never, &|| ()).unwrap();
            assert_eq!(all.len(), 3);
            assert_eq!(columns_by(theory, question, 1..2, &knob_at, &never, &|| ()).unwrap(), all[1..2]);
            for column in all {
                let text = column.to_json().to_string();
                assert_eq!(Column::from_json(&serde_json::from_str(&text).unwrap()), Some(column));
            }
        }
    }

    #[test]
    fn a_line_at_an_end_of_the_range_is_as_far_as_what_is_beyond_it() {
        let y = Extent { from: 0, to: 100, steps: 1 };
        let apart =
            |theory, measured| Column { x: 0, cells: Vec::new(), theory: Ok(theory), measured }.apart(y);
        let above = Search::Found(Edge { stale: 98, clean: 97 });
        let below = Search::Found(Edge { stale: 2, clean: 3 });
        let none = |stale| Search::None { stale };
        assert_eq!(apart(above, none(false)), Some(2));
        assert_eq!(apart(above, none(true)), Some(97));
        assert_eq!(apart(below, none(false)), Some(2));
        assert_eq!(apart(none(true), below), Some(97));
        assert_eq!(apart(none(true), none(false)), None);
        assert_eq!(apart(above, below), None);
    }
}
