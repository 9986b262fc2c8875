//! A file and its overrides into a plan: one row, or one for each value of a sweep, or one for each variant.

mod knob;
mod sweep;
mod variants;

use super::build::{Built, Frame, build};
use super::explain::{Resolved, resolved};
use super::model::{Exhibit, Expectation, OperationKind, Scenario};
use super::path::{Path, resolve};
use super::report::{Diagnostics, Problem};
use super::tree::{FILE, Item, Place, Source, Table, parse, parse_value, story};
pub use knob::Knob;
use leasehold::time::Span;
use sweep::Sweep;

/// The most rows that a sweep may have.
pub const ROWS_MAX: usize = 10_000;

/// Everything that one scenario file asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The scenario's title.
    pub title: String,
    /// The comment that the file begins with, without its `#`.
    pub story: String,
    /// At least one: a single row, the sweep's rows by value, or the variants in the order of the file.
    pub rows: Vec<Row>,
    /// What is swept.
    pub sweep: Option<SweepInfo>,
    /// What the file expects, of all rows together.
    pub expect: Expectation,
    /// The bug that it shows.
    pub exhibit: Option<Exhibit>,
    /// What can be run and may not show what its author thinks.
    pub warnings: Diagnostics,
    pub(super) resolved: Vec<Resolved>,
}

/// One scenario of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The value as written, the variant's name, or empty for a single row.
    pub label: String,
    /// The value in the sweep's unit: nanoseconds, parts per billion, or a plain number.
    pub value: Option<i128>,
    /// What to run.
    pub scenario: Scenario,
    /// What it should show.
    pub expect: RowExpectation,
    /// Path and value of each `--set` that makes this row out of the file.
    pub set: Vec<(String, String)>,
}

/// What one row should show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowExpectation {
    /// No stale read.
    None,
    /// At least one stale read.
    Some,
    /// Either will do.
    Any,
}

/// What a sweep changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepInfo {
    /// As written, with the `-` of those that are negated.
    pub paths: Vec<String>,
    /// In which unit the rows' values are.
    pub unit: UnitKind,
}

/// The unit of a sweep's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// Nanoseconds.
    Span,
    /// Parts per billion.
    Rate,
    /// A plain number.
    Number,
    /// One key as a share of another, in billionths.
    Ratio,
}

/// A row before it is built.
#[derive(Debug, Clone)]
struct Draft {
    label: String,
    value: Option<i128>,
    /// Paths and their values.
    set: Vec<(Path, Item)>,
    expect: RowExpectation,
    /// When its old lease should be over, and when its new leader should be ready.
    window: (Option<Span>, Option<Span>),
    /// In the words of a note: "in the row where ...".
    note: Option<String>,
}

/// Reads a scenario file with its overrides. `rules_known` are the names that `lease.rules` may have.
///
/// Errors come all at once. `sets` are `path=value` texts; the value is read as TOML where it is TOML and else as the
/// text it is, so that `lease.duration=2s` needs no quotes. Setting every path of a sweep leaves its one row.
pub fn load(file_name: &str, text: &str, sets: &[String], rules_known: &[&str]) -> Result<Plan, Diagnostics> {
    let mut sources = vec![Source { name: file_name.to_owned(), text: text.to_owned() }];
    sources.extend(sets.iter().map(|set| Source { name: "--set".to_owned(), text: set.clone() }));
    let mut tree = match parse(FILE, text) {
        Ok(tree) => tree,
        Err(problems) => return Err(Diagnostics::new(sources, problems)),
    };
    let mut problems = Vec::new();
    let set_paths = apply_sets(&mut tree, sets, &mut problems);
    let story = story(text);
    let frame = Frame { file_name, story: &story, rules_known };
    let base = build(&tree, &frame);
    let loader = Loader { tree: &tree, frame: &frame, base: &base, set_paths: &set_paths };
    problems.extend(base.problems.iter().cloned());
    match loader.plan(problems) {
        Ok((mut plan, warnings)) => {
            plan.warnings = Diagnostics::new(sources, warnings);
            plan.resolved = resolved(&tree, &frame, &plan, text);
            Ok(plan)
        }
        Err(problems) => Err(Diagnostics::new(sources, problems)),
    }
}

/// The number of nodes first, so that the order of `--set n5...` and `--set cluster.nodes=5` does not matter.
fn apply_sets(tree: &mut Table, sets: &[String], problems: &mut Vec<Problem>) -> Vec<(String, Place)> {
    let mut order: Vec<(usize, &String)> = sets.iter().enumerate().collect();
    order.sort_by_key(|(_, set)| !set.starts_with("cluster."));
    let mut paths = Vec::new();
    for (at, set) in order {
        let source = FILE + 1 + at;
        let whole = Place { source, start: 0, end: set.len() };
        let Some((path, value)) = set.split_once('=') else {
            let problem = Problem::error(Some(whole), "`--set` takes a path and a value");
            problems.push(problem.label("there is no `=`").help("write `--set lease.duration=2s`"));
            continue;
        };
        let place = Place { end: path.len(), ..whole };
        match resolve(path.trim_end(), tree, Some(place), true) {
            Ok(found) => {
                found.apply(tree, parse_value(source, value.trim(), path.len() + 1 + leading(value)));
                paths.push((found.text, place));
            }
            Err(problem) => problems.push(problem),
        }
    }
    paths
}

fn leading(value: &str) -> usize {
    value.len() - value.trim_start().len()
}

struct Loader<'a> {
    tree: &'a Table,
    frame: &'a Frame<'a>,
    base: &'a Built,
    /// What `--set` sets, and where it says so.
    set_paths: &'a [(String, Place)],
}

impl Loader<'_> {
    /// The plan without its warnings, and those.
    fn plan(&self, mut problems: Vec<Problem>) -> Result<(Plan, Vec<Problem>), Vec<Problem>> {
        let (sweep, variants) = (self.base.file.section("sweep"), self.base.file.list("variant"));
        let mut expect = self.base.scenario.as_ref().map_or(Expectation::None, |base| base.expect.clone());
        if let (Some(sweep), Some(variant)) = (sweep, variants.first()) {
            let problem = Problem::error(sweep.place, "a scenario has a sweep or variants, not both");
            problems.push(problem.context(variant.place, "the first variant"));
        }
        let sweep = sweep.and_then(|section| Sweep::read(self, section, &mut problems));
        if let Some(begin) = self.begin_above(sweep.as_ref(), &mut problems) {
            expect = begin;
        }
        let mut drafts = match &sweep {
            Some(sweep) => sweep.drafts(self, &mut problems),
            None => self.variant_drafts(&expect, &mut problems),
        };
        if drafts.is_empty() {
            drafts.push(Draft::single(&expect));
        }
        for draft in &mut drafts {
            if let (Expectation::BeginAbove { value, .. }, Some(own)) = (&expect, draft.value) {
                draft.expect = if own <= *value { RowExpectation::None } else { RowExpectation::Some };
            } else if sweep.is_some() {
                draft.expect = RowExpectation::from(&expect);
            }
        }
        if self.base.scenario.is_none() {
            return Err(problems);
        }
        // What is doubtful in the file alone may be what the rows replace.
        if drafts.iter().any(|draft| !draft.set.is_empty()) {
            problems.retain(|problem| problem.is_error() || !self.base.problems.contains(problem));
        }
        let rows = self.rows(drafts, &expect, &mut problems);
        if problems.iter().any(Problem::is_error) {
            return Err(problems);
        }
        self.doubts(&rows, &expect, sweep.as_ref(), &mut problems);
        let first = rows.first().map(|row| &row.scenario);
        let title = first.map(|first| first.title.clone()).unwrap_or_default();
        let exhibit = first.and_then(|first| first.exhibit.clone());
        let plan = Plan {
            title,
            story: self.frame.story.to_owned(),
            rows,
            sweep: sweep.map(|sweep| sweep.info()),
            expect,
            exhibit,
            warnings: Diagnostics::new(Vec::new(), Vec::new()),
            resolved: Vec::new(),
        };
        Ok((plan, problems))
    }

    fn rows(&self, drafts: Vec<Draft>, expect: &Expectation, problems: &mut Vec<Problem>) -> Vec<Row> {
        let mut rows = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let mut tree = self.tree.clone();
            for (path, item) in &draft.set {
                path.apply(&mut tree, item.clone());
            }
            let built = build(&tree, self.frame);
            let noted = built.problems.into_iter().map(|problem| match &draft.note {
                Some(note) => problem.note(note.clone()),
                None => problem,
            });
            let Some(mut scenario) = built.scenario else {
                problems.extend(noted.filter(Problem::is_error));
                if draft.value.is_some() {
                    // The sweep's other rows would say the same again.
                    break;
                }
                continue;
            };
            for warning in noted {
                if !problems.iter().any(|known| known.same_place(&warning)) {
                    problems.push(warning);
                }
            }
            scenario.expect = expect.clone();
            let (required, (over, ready)) = (&mut scenario.required, draft.window);
            required.lease_over_at = over.or(required.lease_over_at);
            required.leader_ready_at = ready.or(required.leader_ready_at);
            let set = draft.set.iter().map(|(path, item)| (path.text.clone(), item.for_set())).collect();
            let Draft { label, value, expect, .. } = draft;
            rows.push(Row { label, value, scenario, expect, set });
        }
        rows
    }

    fn begin_above(&self, sweep: Option<&Sweep>, problems: &mut Vec<Problem>) -> Option<Expectation> {
        let begin = self.base.file.section("expect")?.leaf("begin-above")?;
        let Some(sweep) = sweep else {
            // A sweep that could not be read was complained about.
            if self.base.file.section("sweep").is_none() {
                let problem = Problem::error(begin.place, "`begin-above` needs a sweep");
                problems
                    .push(problem.help(r#"without one, say `stale-reads = "none"`, `"some"` or `"any"`"#));
            }
            return None;
        };
        let amount = sweep.amount(begin.items().first()?, problems)?;
        Some(Expectation::BeginAbove { value_text: amount.text, value: amount.value })
    }

    fn doubts(&self, rows: &[Row], expect: &Expectation, sweep: Option<&Sweep>, problems: &mut Vec<Problem>) {
        let stale = rows.iter().find(|row| {
            let reads = |row: &Row| {
                row.scenario
                    .setup
                    .clients
                    .iter()
                    .any(|client| client.operations.contains(&OperationKind::Read))
            };
            row.expect == RowExpectation::Some && !reads(row)
        });
        if stale.is_some() {
            let place = self.base.file.section("expect").and_then(|section| section.place);
            let problem = Problem::warning(place, "stale reads are expected and no client reads");
            problems.push(problem.help(r#"give a client `operations = "read"`"#));
        }
        let Some(sweep) = sweep.filter(|_| rows.len() > 1) else {
            return;
        };
        if rows.windows(2).all(|pair| pair[0].scenario == pair[1].scenario) {
            problems.push(Problem::warning(sweep.place, "the sweep changes nothing: all rows are the same"));
        }
        if matches!(expect, Expectation::BeginAbove { .. })
            && rows.windows(2).all(|pair| pair[0].expect == pair[1].expect)
        {
            let place = self.base.file.section("expect").and_then(|section| section.given("begin-above"));
            let problem =
                Problem::warning(place, "every row of the sweep is on the same side of `begin-above`");
            problems.push(problem.help("let the sweep go from below it to above it"));
        }
    }
}

impl Draft {
    fn single(expect: &Expectation) -> Draft {
        let expect = RowExpectation::from(expect);
        Draft { label: String::new(), value: None, set: Vec::new(), expect, window: (None, None), note: None }
    }
}

impl From<&Expectation> for RowExpectation {
    /// `BeginAbove` depends on the row's value; without one, anything will do.
    fn from(expect: &Expectation) -> RowExpectation {
        match expect {
            Expectation::None => RowExpectation::None,
            Expectation::Some => RowExpectation::Some,
            Expectation::Any | Expectation::BeginAbove { .. } => RowExpectation::Any,
        }
    }
}
