//! How sheets are put together.

use std::sync::Arc;

use super::{Axis, Block, Command, Drawn, Fact, Part, Tone};
use crate::picture::{Bounds, Picture, draw, inevitable};
use crate::scenario::UnitKind;
use crate::setup::Setup;

/// What the pictures of a page may weigh together, bytes of JSON. With the viewer a page stays below a million.
pub const PICTURES_BYTES_MAX: usize = 750_000;

/// The most messages and operations that one of several pictures draws one by one.
const MARKS_MAX: usize = 600;

impl Part {
    /// A part.
    pub fn new(title: &str, blocks: Vec<Block>) -> Part {
        Part { title: title.to_owned(), blocks }
    }
}

impl Block {
    /// A paragraph that judges nothing.
    pub fn text(text: impl Into<String>) -> Block {
        Block::Text { text: text.into(), tone: Tone::Plain }
    }

    /// One command.
    pub fn command(what: &str, line: &str) -> Block {
        Block::Commands { commands: vec![Command { what: what.to_owned(), line: line.to_owned() }] }
    }
}

impl Fact {
    /// A name and what it is.
    pub fn new(name: &str, text: impl Into<String>) -> Fact {
        Fact { name: name.to_owned(), text: text.into(), address: None }
    }
}

impl Axis {
    /// An axis of a scenario's key.
    pub fn of(name: &str, unit: UnitKind) -> Axis {
        let unit = match unit {
            UnitKind::Span => "span",
            UnitKind::Rate => "rate",
            UnitKind::Ratio => "ratio",
            UnitKind::Number => "number",
        };
        Axis { name: name.to_owned(), unit: unit.to_owned() }
    }

    /// An axis of lengths of time.
    pub fn of_time(name: &str) -> Axis {
        Axis::of(name, UnitKind::Span)
    }
}

/// Draws runs until a page is full. What it leaves out it says.
#[derive(Debug)]
pub struct Album {
    left_bytes: usize,
}

impl Default for Album {
    fn default() -> Album {
        Album { left_bytes: PICTURES_BYTES_MAX }
    }
}

impl Album {
    /// Draws a run, with the moment from which on it could not be avoided. `again` is the command that draws it by itself.
    pub fn add(&mut self, label: &str, note: &str, setup: &Arc<Setup>, again: &str) -> Drawn {
        if self.left_bytes == 0 {
            return left_out(label, note, again);
        }
        let mut picture = draw(setup, Bounds { marks_max: MARKS_MAX });
        picture.inevitable = inevitable::point_of_no_return(setup, &picture);
        self.place(label, note, picture, again)
    }

    fn place(&mut self, label: &str, note: &str, picture: Picture, again: &str) -> Drawn {
        let bytes = serde_json::to_string(&picture).map_or(usize::MAX, |text| text.len());
        match self.left_bytes.checked_sub(bytes) {
            Some(left) => {
                self.left_bytes = left;
                Drawn { label: label.to_owned(), picture: Some(Box::new(picture)), note: note.to_owned() }
            }
            None => {
                // What comes later is less important, even if it is smaller.
                self.left_bytes = 0;
                left_out(label, note, again)
            }
        }
    }
}

fn left_out(label: &str, note: &str, again: &str) -> Drawn {
    let more = format!("Not drawn here: the page would be too large. To draw it:  {again}");
    let note = if note.is_empty() { more } else { format!("{note} {more}") };
    Drawn { label: label.to_owned(), picture: None, note }
}
