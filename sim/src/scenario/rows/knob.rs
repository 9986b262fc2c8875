//! One scenario with keys that are set to any value, one after another: what a search for a threshold turns.

use super::super::build::{Frame, build};
use super::super::path::{Path, resolve};
use super::super::report::{Diagnostics, Problem};
use super::super::tree::{Data, FILE, Item, Place, Source, Table, parse};
use super::super::units::{PARTS, Quantity, TIME, UnitError};
use super::sweep::write_span;
use super::{UnitKind, apply_sets};
use crate::display;
use crate::setup::Setup;

/// A scenario without its sweep, variants and expectations, and the keys that are to be turned together.
#[derive(Debug, Clone)]
pub struct Knob {
    file_name: String,
    sources: Vec<Source>,
    tree: Table,
    rules_known: Vec<String>,
    /// With whether the key gets the negated value, and where it was named.
    paths: Vec<(Path, bool, Place)>,
    unit: UnitKind,
}

impl Knob {
    /// Reads a scenario file with its overrides. `keys` are paths of keys of one unit, as in a sweep: a `-` in front sets
    /// the negated value. Says all that is wrong with the keys at once.
    pub fn new(
        file_name: &str,
        text: &str,
        sets: &[String],
        keys: &[String],
        rules_known: &[&str],
    ) -> Result<Knob, Diagnostics> {
        let mut sources = vec![Source { name: file_name.to_owned(), text: text.to_owned() }];
        sources.extend(sets.iter().map(|set| Source { name: "--set".to_owned(), text: set.clone() }));
        sources.extend(keys.iter().map(|key| Source { name: "--vary".to_owned(), text: key.clone() }));
        let failed = |problems| Err(Diagnostics::new(sources.clone(), problems));
        let mut tree = match parse(FILE, text) {
            Ok(tree) => tree,
            Err(problems) => return failed(problems),
        };
        let mut problems = Vec::new();
        apply_sets(&mut tree, sets, &mut problems);
        for rows in ["sweep", "variant", "expect"] {
            tree.remove(rows);
        }
        let mut paths = Vec::new();
        let mut unit = None;
        for (number, key) in keys.iter().enumerate() {
            let place = Place { source: FILE + 1 + sets.len() + number, start: 0, end: key.len() };
            let (negated, bare) = match key.strip_prefix('-') {
                Some(bare) => (true, bare),
                None => (false, key.as_str()),
            };
            match resolve(bare, &tree, Some(place), false) {
                Ok(path) => {
                    let own = path.kind.unit();
                    if own.is_none() {
                        problems.push(Problem::error(Some(place), format!("`{bare}` is no number")));
                    } else if unit.is_some_and(|unit| own != Some(unit)) {
                        problems
                            .push(Problem::error(Some(place), format!("`{bare}` counts in another unit")));
                    }
                    unit = unit.or(own);
                    paths.push((path, negated, place));
                }
                Err(problem) => problems.push(problem),
            }
        }
        let Some(unit) = unit.filter(|_| problems.is_empty()) else {
            if problems.is_empty() {
                problems.push(Problem::error(None, "no key to vary"));
            }
            return failed(problems);
        };
        let rules_known = rules_known.iter().map(|name| (*name).to_owned()).collect();
        Ok(Knob { file_name: file_name.to_owned(), sources, tree, rules_known, paths, unit })
    }

    /// In which unit values are.
    pub fn unit(&self) -> UnitKind {
        self.unit
    }

    /// The keys, with the `-` of those that get the negated value.
    pub fn keys(&self) -> Vec<String> {
        let sign = |negated: &bool| if *negated { "-" } else { "" };
        self.paths.iter().map(|(path, negated, _)| format!("{}{}", sign(negated), path.text)).collect()
    }

    /// A value as people write it.
    pub fn read(&self, text: &str) -> Result<i128, UnitError> {
        match self.unit {
            UnitKind::Span => Quantity::parse(text, &TIME).map(|quantity| quantity.value),
            UnitKind::Rate => Quantity::parse(text, &PARTS).map(|quantity| quantity.value),
            UnitKind::Number => text.parse().map_err(|_| UnitError::NotANumber),
        }
    }

    /// A value as people read it.
    pub fn show(&self, value: i128) -> String {
        match (self.unit, i64::try_from(value)) {
            (UnitKind::Span, _) => write_span(value),
            (UnitKind::Rate, Ok(ppb)) => display::rate(ppb).trim_start_matches('+').to_owned(),
            _ => value.to_string(),
        }
    }

    /// `--set`'s argument for each key.
    pub fn sets(&self, value: i128) -> Vec<String> {
        self.paths
            .iter()
            .map(|(path, negated, _)| format!("{}={}", path.text, self.text(value, *negated)))
            .collect()
    }

    fn text(&self, value: i128, negated: bool) -> String {
        self.show(if negated { -value } else { value })
    }

    /// The scenario with its keys set to that value.
    pub fn at(&self, value: i128) -> Result<Setup, Diagnostics> {
        let mut tree = self.tree.clone();
        for (path, negated, place) in &self.paths {
            let text = self.text(value, *negated);
            let data = if self.unit == UnitKind::Number { Data::Integer(text) } else { Data::Text(text) };
            path.apply(&mut tree, Item { place: Some(*place), data });
        }
        let rules: Vec<&str> = self.rules_known.iter().map(String::as_str).collect();
        let built = build(&tree, &Frame { file_name: &self.file_name, story: "", rules_known: &rules });
        match built.scenario {
            Some(scenario) => Ok(scenario.setup),
            None => {
                let set = self.sets(value).join(", ");
                let noted = built.problems.into_iter().map(|problem| problem.note(format!("with {set}")));
                Err(Diagnostics::new(self.sources.clone(), noted.filter(Problem::is_error).collect()))
            }
        }
    }
}
