//! The data of a sheet. `sim/page/src/sheet-data.ts` holds the same as TypeScript; a test says when that is stale.

use serde::Serialize;

use crate::picture::{Card, Ns, Picture};

/// The page of a result.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Sheet {
    /// What was asked, in small print above the verdict.
    pub asked: String,
    /// Whether that is good.
    pub tone: Tone,
    /// The verdict, a word or two.
    pub word: String,
    /// The verdict, one sentence.
    pub sentence: String,
    /// The questions that a reader asks first.
    pub cards: Vec<Card>,
    /// Everything else.
    pub parts: Vec<Part>,
    /// What is small: versions, numbers.
    pub foot: String,
}

/// Is something as it should be?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Yes.
    Good,
    /// No.
    Bad,
    /// It is not known.
    Doubtful,
    /// Nothing is judged.
    #[default]
    Plain,
}

/// A heading and what stands below it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Part {
    /// The heading.
    pub title: String,
    /// What stands below it, in order.
    pub blocks: Vec<Block>,
}

/// One thing on a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text {
        /// Its sentences.
        text: String,
        /// Whether they are good news.
        tone: Tone,
    },
    /// Boxes side by side.
    Boxes {
        /// From left to right.
        boxes: Vec<Tile>,
    },
    /// Names and what they are.
    Facts {
        /// In order.
        facts: Vec<Fact>,
    },
    /// Rows and columns.
    Table(Table),
    /// Lines over an axis, with the same as a table.
    Curve(Curve),
    /// A plane of cells with lines through it, with the same as a table.
    Map(Map),
    /// Bars with a number each, with the same as a table.
    Bars(Bars),
    /// Bars on lanes, from a beginning to an end, with the same as a table.
    Timeline(Timeline),
    /// Runs that can be looked at, one at a time.
    Runs {
        /// The first is shown first.
        runs: Vec<Drawn>,
    },
    /// Blocks that are shown when asked for.
    Folds {
        /// The first is open.
        folds: Vec<Fold>,
    },
    /// Commands to copy.
    Commands {
        /// In order.
        commands: Vec<Command>,
    },
    /// A file to copy.
    Code {
        /// What it is, and what it may be called.
        name: String,
        /// What stands in it.
        text: String,
    },
}

/// A box.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Tile {
    /// Its heading.
    pub title: String,
    /// Whether it is good news.
    pub tone: Tone,
    /// What it says first.
    pub answer: String,
    /// What it says then.
    pub facts: Vec<String>,
}

/// A name and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Fact {
    /// The name.
    pub name: String,
    /// What it is.
    pub text: String,
    /// An address that says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Rows and columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Table {
    /// What it is, for those who do not see it.
    pub name: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// As many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Axis {
    /// What is on it.
    pub name: String,
    /// `span` (ns), `rate` (parts per billion), `ratio` (billionths) or `number`.
    pub unit: String,
}

/// A value on an axis.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Value {
    /// Where, in the axis's unit.
    pub at: Ns,
    /// As the scenario writes it.
    pub text: String,
    /// Something is wrong there: a stale read.
    pub bad: bool,
    /// More about it, in a few words.
    pub what: String,
}

/// Lines over an axis.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Curve {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// The values across.
    pub values: Vec<Value>,
    /// The lines.
    pub lines: Vec<Series>,
    /// From where on something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border: Option<Border>,
}

/// A line of a curve.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Series {
    /// What it is.
    pub name: String,
    /// `measured`, `theory` or `staleness`: how it is drawn.
    pub style: String,
    /// One a value across; `null` where there is none.
    pub points: Vec<Option<Ns>>,
}

/// Where something begins to be wrong on an axis.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Border {
    /// Where.
    pub at: Ns,
    /// It is wrong above, else below.
    pub above: bool,
    /// As the scenario writes it.
    pub text: String,
}

/// A plane of cells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Map {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// The values across.
    pub xs: Vec<Value>,
    /// The values up.
    pub ys: Vec<Value>,
    /// One a value across; fewer where it was interrupted.
    pub columns: Vec<Column>,
    /// Who judged the cells.
    pub judge: String,
}

/// All cells of one value across.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Column {
    /// The place of its value across.
    pub x: u32,
    /// A sign a cell, from the lowest: `x` is stale, `.` is not.
    pub cells: String,
    /// The margin of each cell; empty where it is not known, or where there are too many.
    pub margins: Vec<Option<Ns>>,
    /// Where the judge finds the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Ns>,
    /// Where arithmetic finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theory: Option<Ns>,
    /// Both lines in words.
    pub lines: [String; 2],
}

/// Bars with a number each.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Bars {
    /// What they show, for those who do not see them.
    pub name: String,
    /// Each tenfold is as long as the next, for numbers of very different size.
    pub logarithmic: bool,
    /// The heads of the table: of the label, of the number, of the remark.
    pub columns: [String; 3],
    /// From above.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Bar {
    /// What it is.
    pub label: String,
    /// How long it is.
    pub value: f64,
    /// From where to where the value may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// The number as it is written.
    pub text: String,
    /// What else there is to say.
    pub remark: String,
    /// Whether it is good news.
    pub tone: Tone,
}

/// Bars on lanes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Timeline {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// `time` (ns), or `order`: equal distances are events.
    pub axis: String,
    /// The lanes' names, from above.
    pub lanes: Vec<String>,
    /// The bars.
    pub bars: Vec<Interval>,
    /// What each kind of bar means.
    pub legend: Vec<Kind>,
    /// The end of the axis.
    pub end: Ns,
}

/// A bar on a lane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Interval {
    /// Which lane.
    pub lane: u32,
    /// Its beginning.
    pub from: Ns,
    /// Its end; none that is known where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Ns>,
    /// Its place in the legend.
    pub kind: u32,
    /// What stands in it.
    pub label: String,
    /// What it is, in words.
    pub what: String,
}

/// What a kind of bar means.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Kind {
    /// `bad`, `source`, `ordered`, `pending`, `lead`, `lease`, `down`, `fault`: how it is drawn.
    pub style: String,
    /// What it means.
    pub words: String,
}

/// A run that can be looked at.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Drawn {
    /// What it is called.
    pub label: String,
    /// It, unless there is a reason why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<Box<Picture>>,
    /// What there is to say about it, or why it is not drawn.
    pub note: String,
}

/// Blocks that are shown when asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Fold {
    /// What is below, in a line.
    pub title: String,
    /// Whether it is good news.
    pub tone: Tone,
    /// What is below.
    pub blocks: Vec<Block>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Command {
    /// What it does.
    pub what: String,
    /// It, quoted for a shell.
    pub line: String,
}

/// Every declaration as TypeScript, in the order of this file.
#[cfg(test)]
pub(super) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    use ts_rs::TS;
    vec![
        Sheet::decl(config),
        Tone::decl(config),
        Part::decl(config),
        Block::decl(config),
        Tile::decl(config),
        Fact::decl(config),
        Table::decl(config),
        Axis::decl(config),
        Value::decl(config),
        Curve::decl(config),
        Series::decl(config),
        Border::decl(config),
        Map::decl(config),
        Column::decl(config),
        Bars::decl(config),
        Bar::decl(config),
        Timeline::decl(config),
        Interval::decl(config),
        Kind::decl(config),
        Drawn::decl(config),
        Fold::decl(config),
        Command::decl(config),
    ]
}
