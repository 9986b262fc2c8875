//! What the checker says of a history from a file, as a page: for every violation the operations around it on lanes, the
//! longest order that works, and the first operation that it has no place for.
//!
//! A drawing has a lane for each process and a bar for each operation, from its invocation to its end. The horizontal
//! axis is the order of the events, not time: what matters is which ended before which was invoked.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_check::history_file::{HistoryFile, shown};
use leasehold_check::{Action, Outcome, Verdict, Violation};
use leasehold_run::display::count;
use leasehold_run::picture::Ns;
use leasehold_run::report::Style;
use leasehold_run::sheet::{Block, Fact, Fold, Interval, Kind, Part, Sheet, Table, Timeline, Tone};

use super::history::{HistorySubject, counts, explain, history_text, phrase, told};
use super::no_order;

/// How many violations are drawn.
const DRAWN_MAX: usize = 10;
/// How many operations of the longest order are drawn.
const ORDER_MAX: usize = 16;
/// How many operations a drawing has at most.
const BARS_MAX: usize = 80;

/// The page.
pub(crate) fn history_sheet(subject: &HistorySubject<'_>) -> Sheet {
    let HistorySubject { name, file, report } = *subject;
    let (tone, word) = match report.outcome {
        Outcome::Linearizable => (Tone::Good, "Linearizable."),
        Outcome::NotLinearizable => (Tone::Bad, "Not linearizable."),
        Outcome::Undecided => (Tone::Doubtful, "Undecided: the checker gave up."),
    };
    let violated: Vec<_> = report
        .keys
        .iter()
        .filter_map(|key| match &key.verdict {
            Verdict::NotLinearizable { violation } => Some((file.key(key.key), violation)),
            Verdict::Linearizable | Verdict::Undecided { .. } => None,
        })
        .collect();
    let mut parts = Vec::new();
    if !violated.is_empty() {
        let drawn = violated.iter().take(DRAWN_MAX);
        let mut blocks =
            vec![Block::Folds { folds: drawn.map(|(key, violation)| fold(file, *key, violation)).collect() }];
        if let Some(more) = violated.len().checked_sub(DRAWN_MAX).filter(|more| *more > 0) {
            blocks.push(Block::text(format!(
                "{} more keys are not linearizable, and are not drawn.",
                count(more as u64)
            )));
        }
        parts.push(Part::new("What contradicts", blocks));
    } else {
        parts.push(Part::new("Violations", vec![Block::text("There is none, so nothing is drawn.")]));
    }
    let text = history_text(subject, Style::PLAIN);
    parts.push(Part::new("The report", vec![Block::Code { name: "report".to_owned(), text }]));
    Sheet {
        asked: format!("sim check {}", shown(name)),
        tone,
        word: word.to_owned(),
        sentence: format!("{}.", counts(subject)),
        parts,
        foot: format!("sim {}", env!("CARGO_PKG_VERSION")),
        ..Sheet::default()
    }
}

fn fold(file: &HistoryFile, key: Option<&str>, violation: &Violation) -> Fold {
    let which = key.map_or("The register".to_owned(), |key| format!("Key {}", shown(key)));
    let lines = explain(file, violation, Style::PLAIN);
    // The order has a table of its own.
    let said: Vec<&str> = match violation {
        Violation::NoOrder { .. } => lines.iter().take(1).map(|line| line.trim()).collect(),
        _ => lines.iter().map(|line| line.trim()).collect(),
    };
    let head = said.first().map_or("", |line| line.trim_start_matches("violation: ")).to_owned();
    let mut blocks = vec![Block::Text { text: said.join(". ").replace("violation: ", ""), tone: Tone::Bad }];
    blocks.push(Block::Timeline(drawing(&Region::around(file, violation))));
    blocks.extend(order(file, violation));
    Fold { title: format!("{which}: {head}"), tone: Tone::Bad, blocks }
}

/// The longest order that works, its end, and why the next operation has no place after it.
fn order(file: &HistoryFile, violation: &Violation) -> Vec<Block> {
    let Violation::NoOrder { blocked, order, .. } = violation else { return Vec::new() };
    let from = order.len().saturating_sub(ORDER_MAX);
    let ends =
        |index: usize| file.origins[index].completed_line.map_or("-".to_owned(), |line| line.to_string());
    let row = |place: String, index: usize| {
        vec![place, phrase(file, index), file.origins[index].invoked_line.to_string(), ends(index)]
    };
    let mut rows: Vec<Vec<String>> =
        (from..order.len()).map(|place| row((place + 1).to_string(), order[place])).collect();
    rows.push(row("✗ no place".to_owned(), *blocked));
    let which = match from {
        0 => format!("The longest order that works has {} operations.", count(order.len() as u64)),
        _ => format!(
            "The longest order that works has {} operations. These are the last {ORDER_MAX}.",
            count(order.len() as u64)
        ),
    };
    let columns = ["place", "operation", "from line", "to line"].map(str::to_owned).to_vec();
    let table = Table { name: "the longest order that works".to_owned(), columns, rows };
    let fact = |line: &String| match line.trim().strip_prefix("source: ") {
        Some(source) => Fact::new("source", source),
        None => Fact::new("value", line.trim()),
    };
    let facts = no_order::why(file, violation).iter().map(fact).collect();
    vec![Block::text(which), Block::Table(table), Block::Facts { facts }]
}

/// What an operation is in a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// The response that nothing explains, or an end of the contradiction.
    Blamed,
    /// It wrote what the blamed one needs.
    Source,
    /// It is in the longest order.
    Ordered,
    /// It was under way.
    Pending,
}

impl Role {
    const ALL: [Role; 4] = [Role::Blamed, Role::Source, Role::Ordered, Role::Pending];

    fn kind(self) -> Kind {
        let (style, words) = match self {
            Role::Blamed => ("bad", "✗ what contradicts"),
            Role::Source => ("source", "● wrote the value that is missing"),
            Role::Ordered => ("ordered", "in the end of the longest order that works, numbered"),
            Role::Pending => ("pending", "was under way"),
        };
        Kind { style: style.to_owned(), words: words.to_owned() }
    }

    /// Before the label: no meaning rests on colour.
    fn sign(self, place: Option<&usize>) -> String {
        match (self, place) {
            (Role::Blamed, _) => "✗ ".to_owned(),
            (_, Some(place)) => format!("{place}. "),
            (Role::Source, None) => "● ".to_owned(),
            (Role::Ordered | Role::Pending, None) => String::new(),
        }
    }
}

/// The operations around a violation.
struct Region<'a> {
    file: &'a HistoryFile,
    /// What each of them is.
    parts: BTreeMap<usize, Role>,
    /// Their numbers in the end of the order.
    places: BTreeMap<usize, usize>,
}

impl<'a> Region<'a> {
    fn around(file: &'a HistoryFile, violation: &Violation) -> Region<'a> {
        let mut region = Region { file, parts: BTreeMap::new(), places: BTreeMap::new() };
        match violation {
            Violation::NoOrder { blocked, pending, order, .. } => {
                region.add(*blocked, Role::Blamed);
                for source in no_order::look_into(file, violation).iter().flat_map(|it| &it.sources) {
                    region.add(source.writer, Role::Source);
                }
                let end = order.len().saturating_sub(ORDER_MAX);
                for (place, &index) in order.iter().enumerate().skip(end) {
                    region.add(index, Role::Ordered);
                    region.places.insert(index, place + 1);
                }
                pending.iter().for_each(|&index| region.add(index, Role::Pending));
            }
            other => other.operations().into_iter().for_each(|index| region.add(index, Role::Blamed)),
        }
        region
    }

    fn add(&mut self, index: usize, role: Role) {
        if self.parts.len() < BARS_MAX {
            self.parts.entry(index).or_insert(role);
        }
    }
}

fn drawing(region: &Region<'_>) -> Timeline {
    let file = region.file;
    let operations = || region.parts.keys().map(|&index| (index, &file.operations[index]));
    let mut events: BTreeSet<(u64, bool, usize)> = BTreeSet::new();
    for (index, operation) in operations() {
        events.insert((operation.invoked, false, index));
        events.extend(operation.responded.map(|at| (at, true, index)));
    }
    let column: BTreeMap<(u64, bool, usize), u64> = events.into_iter().zip(0..).collect();
    let processes: BTreeSet<u32> = operations().map(|(_, operation)| operation.client).collect();
    let lane: BTreeMap<u32, u32> = processes.iter().copied().zip(0..).collect();
    let bar = |(index, operation): (usize, &leasehold_check::Operation)| {
        let role = region.parts[&index];
        Interval {
            lane: lane[&operation.client],
            from: Ns::of(column[&(operation.invoked, false, index)]),
            to: operation.responded.map(|at| Ns::of(column[&(at, true, index)])),
            kind: Role::ALL.iter().zip(0..).find(|(known, _)| **known == role).map_or(0, |(_, place)| place),
            label: format!("{}{}", role.sign(region.places.get(&index)), label(file, index)),
            what: told(file, index),
        }
    };
    Timeline {
        name: "Operations around the violation, a lane a process. Equal distances are events, not times."
            .to_owned(),
        axis: "order".to_owned(),
        lanes: processes.iter().map(|process| format!("process {}", shown(file.process(*process)))).collect(),
        bars: operations().map(bar).collect(),
        legend: Role::ALL.map(Role::kind).to_vec(),
        end: Ns::of(column.len() as u64),
    }
}

/// `r 4`, `w 5`, `4 to 5`.
fn label(file: &HistoryFile, index: usize) -> String {
    let name = |value| shown(file.value(value));
    let known = file.operations[index].responded.is_some();
    match file.operations[index].action {
        Action::Read { returned } if known => format!("r {}", name(returned)),
        Action::Read { .. } => "r".to_owned(),
        Action::Write { value } => format!("w {}", name(value)),
        Action::Cas { from, swapped: false, .. } if known => format!("not {}", name(from)),
        Action::Cas { from, to, .. } => format!("{} to {}", name(from), name(to)),
    }
}
