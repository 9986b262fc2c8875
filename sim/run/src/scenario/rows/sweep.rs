//! The sweep: which keys it sets, and to which values.

use super::super::path::{Path, resolve};
use super::super::read::unit_problem;
use super::super::report::Problem;
use super::super::tree::{Data, Item, Place};
use super::super::units::{PARTS, Quantity, TIME, Unit};
use super::super::walk::Section;
use super::{Draft, Loader, ROWS_MAX, RowExpectation, SweepInfo, UnitKind};

/// A sweep whose paths all lead somewhere and count in the same unit.
#[derive(Debug)]
pub(super) struct Sweep<'a> {
    pub(super) place: Option<Place>,
    section: &'a Section,
    paths: Vec<SweptPath>,
    unit: UnitKind,
}

#[derive(Debug)]
struct SweptPath {
    path: Path,
    negated: bool,
}

/// A value of a sweep.
#[derive(Debug, Clone)]
pub(super) struct Amount {
    pub(super) value: i128,
    pub(super) text: String,
    place: Option<Place>,
    /// The unit that it was written in; `None` for plain numbers.
    unit: Option<&'static Unit>,
}

impl<'a> Sweep<'a> {
    pub(super) fn read(
        loader: &Loader<'_>,
        section: &'a Section,
        problems: &mut Vec<Problem>,
    ) -> Option<Sweep<'a>> {
        let items = section.leaf("set")?.items();
        let mut paths: Vec<SweptPath> = Vec::new();
        let mut unit: Option<UnitKind> = None;
        let before = problems.len();
        for item in items {
            let text = item.written();
            let (negated, bare) = match text.strip_prefix('-') {
                Some(bare) => (true, bare),
                None => (false, text.as_str()),
            };
            let path = match resolve(bare, loader.tree, item.place, false) {
                Ok(path) => path,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let Some(own) = path.kind.unit() else {
                let problem = Problem::error(item.place, format!("`{bare}` cannot be swept"));
                let label = format!("it is {}", path.kind.words());
                problems.push(
                    problem.label(label).help("a sweep sets lengths of time, rates, shares and numbers"),
                );
                continue;
            };
            if unit.is_some_and(|unit| unit != own) {
                let problem = Problem::error(item.place, "the paths of a sweep count in different units");
                problems.push(problem.label(format!("this one takes {}", path.kind.words())));
            }
            if paths.iter().any(|other| other.path.text == path.text) {
                problems.push(Problem::error(item.place, format!("the sweep sets `{bare}` twice")));
            }
            unit = unit.or(Some(own));
            paths.push(SweptPath { path, negated });
        }
        let sound = problems.len() == before;
        unit.filter(|_| sound).map(|unit| Sweep { place: section.place, section, paths, unit })
    }

    pub(super) fn info(&self) -> SweepInfo {
        let paths = self.paths.iter().map(|swept| {
            let sign = if swept.negated { "-" } else { "" };
            format!("{sign}{}", swept.path.text)
        });
        SweepInfo { paths: paths.collect(), unit: self.unit }
    }

    /// A value in this sweep's unit.
    pub(super) fn amount(&self, item: &Item, problems: &mut Vec<Problem>) -> Option<Amount> {
        let units = match (self.unit, &item.data) {
            (UnitKind::Number, Data::Integer(text)) => {
                let value = match text.strip_prefix("0x") {
                    Some(hex) => i128::from_str_radix(hex, 16).ok(),
                    None => text.parse().ok(),
                };
                if let Some(value) = value {
                    return Some(Amount { value, text: value.to_string(), place: item.place, unit: None });
                }
                problems.push(Problem::error(item.place, format!("`{text}` is out of range")));
                return None;
            }
            (UnitKind::Number, _) => {
                let problem = Problem::error(item.place, "this sweep counts in whole numbers");
                problems.push(problem.label(format!("found {}", item.words())));
                return None;
            }
            (UnitKind::Span, _) => TIME.as_slice(),
            // No key by itself is a ratio.
            (UnitKind::Rate | UnitKind::Ratio, _) => PARTS.as_slice(),
        };
        let (Data::Text(text) | Data::Integer(text) | Data::Decimal(text)) = &item.data else {
            let problem = Problem::error(item.place, "expected a value with a unit");
            problems.push(problem.label(format!("found {}", item.words())));
            return None;
        };
        match Quantity::parse(text, units) {
            Ok(Quantity { value, unit }) => {
                Some(Amount { value, text: text.clone(), place: item.place, unit: Some(unit) })
            }
            Err(error) => {
                problems.push(unit_problem(item, text, &error));
                None
            }
        }
    }

    /// One draft for each value, smallest first.
    pub(super) fn drafts(&self, loader: &Loader<'_>, problems: &mut Vec<Problem>) -> Vec<Draft> {
        if let Some(amount) = self.set_by_hand(loader, problems) {
            let expect = RowExpectation::Any;
            let (label, value) = (amount.text, Some(amount.value));
            return vec![Draft { label, value, set: Vec::new(), expect, window: (None, None), note: None }];
        }
        let mut amounts = self.single_values(problems);
        amounts.extend(self.range(problems));
        if amounts.is_empty() && !problems.iter().any(Problem::is_error) {
            let problem = Problem::error(self.place, "the sweep has no values");
            problems.push(problem.help(r#"give `values = ["1s", "2s"]`, or `from`, `to` and `step`"#));
        }
        // Single values come first, and of equals the first stays: a value is shown as its author wrote it.
        amounts.sort_by_key(|amount| amount.value);
        amounts.dedup_by_key(|amount| amount.value);
        amounts.into_iter().map(|amount| self.draft(amount)).collect()
    }

    fn draft(&self, amount: Amount) -> Draft {
        let item = |swept: &SweptPath| {
            let text = if swept.negated { negate(&amount) } else { amount.text.clone() };
            let data = match self.unit {
                UnitKind::Number => Data::Integer(text),
                UnitKind::Span | UnitKind::Rate | UnitKind::Ratio => Data::Text(text),
            };
            Item { place: amount.place, data }
        };
        let set: Vec<(Path, Item)> =
            self.paths.iter().map(|swept| (swept.path.clone(), item(swept))).collect();
        let note = set.first().map(|(path, item)| {
            format!("in the row of the sweep where `{}` is {}", path.text, item.written())
        });
        let (label, value) = (amount.text.clone(), Some(amount.value));
        Draft { label, value, set, expect: RowExpectation::Any, window: (None, None), note }
    }

    /// The value, if `--set` sets what the sweep would.
    fn set_by_hand(&self, loader: &Loader<'_>, problems: &mut Vec<Problem>) -> Option<Amount> {
        let by_hand = |swept: &&SweptPath| loader.set_paths.iter().find(|(path, _)| *path == swept.path.text);
        let first = self.paths.iter().find_map(|swept| by_hand(&swept))?;
        if let Some(free) = self.paths.iter().find(|swept| by_hand(swept).is_none()) {
            let problem = Problem::error(Some(first.1), "the sweep sets this path and others with it");
            problems.push(problem.help(format!("set `{}` too, and the sweep is off", free.path.text)));
            return None;
        }
        let swept = self.paths.first()?;
        let amount = self.amount(swept.path.look_up(loader.tree)?, problems)?;
        let text = if swept.negated { negate(&amount) } else { amount.text.clone() };
        let value = if swept.negated { -amount.value } else { amount.value };
        Some(Amount { value, text, ..amount })
    }

    fn single_values(&self, problems: &mut Vec<Problem>) -> Vec<Amount> {
        let Some(found) = self.section.leaf("values") else {
            return Vec::new();
        };
        if found.items().len() > ROWS_MAX {
            problems.push(Problem::error(found.place, format!("a sweep has at most {ROWS_MAX} rows")));
            return Vec::new();
        }
        found.items().iter().filter_map(|item| self.amount(item, problems)).collect()
    }

    fn range(&self, problems: &mut Vec<Problem>) -> Vec<Amount> {
        let keys = ["from", "to", "step"];
        let given: Vec<&str> = keys.into_iter().filter(|key| self.section.given(key).is_some()).collect();
        if given.is_empty() {
            return Vec::new();
        }
        if let Some(missing) = keys.iter().find(|key| !given.contains(key)) {
            let place = given.first().and_then(|key| self.section.given(key));
            let problem = Problem::error(place, format!("a range needs `{missing}` too"));
            problems.push(problem.help("`from`, `to` and `step` belong together"));
            return Vec::new();
        }
        let mut amount = |key| {
            let item = self.section.leaf(key).and_then(|found| found.items().first());
            item.and_then(|item| self.amount(item, problems))
        };
        let (Some(from), Some(to), Some(step)) = (amount("from"), amount("to"), amount("step")) else {
            return Vec::new();
        };
        if step.value <= 0 {
            let problem = Problem::error(step.place, "the step of a range is above zero");
            problems.push(problem.label(format!("{} is not", step.text)));
            return Vec::new();
        }
        if from.value > to.value {
            let problem = Problem::error(to.place, format!("the range ends at {} below its start", to.text));
            problems.push(problem.context(from.place, "the start"));
            return Vec::new();
        }
        let steps = to.value.saturating_sub(from.value) / step.value;
        let Some(steps) = usize::try_from(steps).ok().filter(|steps| *steps < ROWS_MAX) else {
            let problem = Problem::error(step.place, format!("a sweep has at most {ROWS_MAX} rows"));
            problems.push(problem.label(format!("this makes {}", steps.saturating_add(1))));
            return Vec::new();
        };
        let values = (0..).map(|index| from.value + index * step.value).take(steps + 1);
        values
            .map(|value| {
                let text = match (self.unit, step.unit) {
                    (UnitKind::Span, _) => write_span(value),
                    (_, Some(unit)) => Quantity::write(value, unit),
                    (_, None) => value.to_string(),
                };
                Amount { value, text, place: from.place, unit: step.unit }
            })
            .collect()
    }
}

/// A length of time in the largest unit that it has one of.
pub(super) fn write_span(value: i128) -> String {
    let large_first =
        ["s", "ms", "us", "ns"].into_iter().filter_map(|name| TIME.iter().find(|unit| unit.name == name));
    let fits = |unit: &&Unit| value == 0 || value.abs() >= unit.worth;
    match large_first.into_iter().find(fits) {
        Some(unit) => Quantity::write(value, unit),
        None => value.to_string(),
    }
}

/// The text of the negated value.
fn negate(amount: &Amount) -> String {
    match amount.unit {
        _ if amount.value == 0 => amount.text.clone(),
        Some(unit) if TIME.iter().any(|time| time.name == unit.name) => write_span(-amount.value),
        Some(unit) => Quantity::write(-amount.value, unit),
        None => (-amount.value).to_string(),
    }
}
