//! One scenario with keys that are set to any value, one after another: what a search for a threshold turns.

use std::sync::Arc;

use super::super::build::{Frame, build};
use super::super::path::{Path, resolve};
use super::super::report::{Diagnostics, Problem};
use super::super::tree::{Data, FILE, Item, Place, Source, Table, parse};
use super::super::units::{PARTS, Quantity, TIME, UnitError};
use super::sweep::write_span;
use super::{UnitKind, apply_sets};
use crate::display;
use crate::guest::Host;
use crate::setup::Setup;

/// A scenario without its sweep, variants and expectations, and the keys that are to be turned together.
#[derive(Debug, Clone)]
pub struct Knob {
    file_name: String,
    sources: Vec<Source>,
    tree: Table,
    rules_known: Vec<String>,
    turned: Vec<Turned>,
    unit: UnitKind,
    /// Who hosts the guest, if the scenario has one.
    host: Option<Arc<dyn Host>>,
}

/// A key that is turned.
#[derive(Debug, Clone)]
struct Turned {
    /// As it was named, without the `-`.
    name: String,
    path: Path,
    /// It gets the negated value.
    negated: bool,
    /// Where it was named.
    place: Place,
    /// In which unit the key itself is.
    unit: UnitKind,
    /// Values are shares of this.
    whole: Option<i128>,
}

const BILLION: i128 = 1_000_000_000;

impl Knob {
    /// Reads a scenario file with its overrides. `keys` are paths of keys of one unit, as in a sweep: a `-` in front sets
    /// the negated value; `KEY/OTHER` sets the key to a share of what the other key has. Says all that is wrong with the
    /// keys at once.
    pub fn new(
        file_name: &str,
        text: &str,
        sets: &[String],
        keys: &[String],
        rules_known: &[&str],
    ) -> Result<Knob, Diagnostics> {
        Knob::of_option("--vary", file_name, text, sets, keys, rules_known)
    }

    /// The same, for keys that were given as this option's.
    pub fn of_option(
        option: &str,
        file_name: &str,
        text: &str,
        sets: &[String],
        keys: &[String],
        rules_known: &[&str],
    ) -> Result<Knob, Diagnostics> {
        let mut sources = vec![Source { name: file_name.to_owned(), text: text.to_owned() }];
        sources.extend(sets.iter().map(|set| Source { name: "--set".to_owned(), text: set.clone() }));
        sources.extend(keys.iter().map(|key| Source { name: option.to_owned(), text: key.clone() }));
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
        let mut turned: Vec<Turned> = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let place = Place { source: FILE + 1 + sets.len() + number, start: 0, end: key.len() };
            match Turned::read(key, place, &tree) {
                Ok(found) if turned.first().is_some_and(|first| first.counts_in() != found.counts_in()) => {
                    let name = &found.name;
                    problems.push(Problem::error(Some(place), format!("`{name}` counts in another unit")));
                }
                Ok(found) => turned.push(found),
                Err(problem) => problems.push(problem),
            }
        }
        let unit = turned.first().map(Turned::counts_in);
        let Some(unit) = unit.filter(|_| problems.is_empty()) else {
            if problems.is_empty() {
                problems.push(Problem::error(None, "no key to vary"));
            }
            return failed(problems);
        };
        let rules_known = rules_known.iter().map(|name| (*name).to_owned()).collect();
        Ok(Knob { file_name: file_name.to_owned(), sources, tree, rules_known, turned, unit, host: None })
    }

    /// Says who hosts the scenario's guest, if it has one.
    pub fn hosted_by(&mut self, host: Arc<dyn Host>) {
        self.host = Some(host);
    }

    /// In which unit values are.
    pub fn unit(&self) -> UnitKind {
        self.unit
    }

    /// The keys, with the `-` of those that get the negated value.
    pub fn keys(&self) -> Vec<String> {
        let sign = |negated: bool| if negated { "-" } else { "" };
        self.turned.iter().map(|turned| format!("{}{}", sign(turned.negated), turned.name)).collect()
    }

    /// A value as people write it.
    pub fn read(&self, text: &str) -> Result<i128, UnitError> {
        read(self.unit, text)
    }

    /// A value as people read it.
    pub fn show(&self, value: i128) -> String {
        show(self.unit, value)
    }

    /// `--set`'s argument for each key.
    pub fn sets(&self, value: i128) -> Vec<String> {
        self.turned.iter().map(|turned| format!("{}={}", turned.path.text, turned.text(value))).collect()
    }

    /// The scenario with its keys set to that value.
    pub fn at(&self, value: i128) -> Result<Setup, Diagnostics> {
        let mut tree = self.tree.clone();
        for turned in &self.turned {
            let text = turned.text(value);
            let data = if turned.unit == UnitKind::Number { Data::Integer(text) } else { Data::Text(text) };
            turned.path.apply(&mut tree, Item { place: Some(turned.place), data });
        }
        let rules: Vec<&str> = self.rules_known.iter().map(String::as_str).collect();
        let built = build(&tree, &Frame { file_name: &self.file_name, story: "", rules_known: &rules });
        match built.scenario {
            Some(scenario) => {
                let mut setup = scenario.setup;
                if let (Some(guest), Some(host)) = (&mut setup.guest, &self.host) {
                    guest.hosted_by(host.clone());
                }
                Ok(setup)
            }
            None => {
                let set = self.sets(value).join(", ");
                let noted = built.problems.into_iter().map(|problem| problem.note(format!("with {set}")));
                Err(Diagnostics::new(self.sources.clone(), noted.filter(Problem::is_error).collect()))
            }
        }
    }
}

impl Turned {
    fn read(key: &str, place: Place, tree: &Table) -> Result<Turned, Problem> {
        let (negated, name) = match key.strip_prefix('-') {
            Some(bare) => (true, bare),
            None => (false, key),
        };
        let (own, other) = match name.split_once('/') {
            Some((own, other)) => (own, Some(other)),
            None => (name, None),
        };
        let numeric = |text: &str| {
            let path = resolve(text, tree, Some(place), false)?;
            match path.kind.unit() {
                Some(unit) => Ok((path, unit)),
                None => Err(Problem::error(Some(place), format!("`{text}` is no number"))),
            }
        };
        let (path, unit) = numeric(own)?;
        let whole = match other {
            None => None,
            Some(other) => {
                let (other_path, other_unit) = numeric(other)?;
                if other_unit != unit {
                    return Err(Problem::error(Some(place), format!("`{other}` counts in another unit")));
                }
                let value =
                    other_path.look_up(tree).map(Item::written).and_then(|text| read(unit, &text).ok());
                let missing = || {
                    let problem = Problem::error(Some(place), format!("the file does not give `{other}`"));
                    problem.help(format!("a ratio needs it: add `--set {other}=VALUE`"))
                };
                Some(value.ok_or_else(missing)?)
            }
        };
        Ok(Turned { name: name.to_owned(), path, negated, place, unit, whole })
    }

    /// The unit of the values that it is turned to.
    fn counts_in(&self) -> UnitKind {
        if self.whole.is_some() { UnitKind::Ratio } else { self.unit }
    }

    /// What the key gets.
    fn text(&self, value: i128) -> String {
        let value = if self.negated { -value } else { value };
        show(self.unit, self.whole.map_or(value, |whole| whole.saturating_mul(value).div_euclid(BILLION)))
    }
}

fn read(unit: UnitKind, text: &str) -> Result<i128, UnitError> {
    match unit {
        UnitKind::Span => Quantity::parse(text, &TIME).map(|quantity| quantity.value),
        UnitKind::Rate => Quantity::parse(text, &PARTS).map(|quantity| quantity.value),
        UnitKind::Number => text.parse().map_err(|_| UnitError::NotANumber),
        UnitKind::Ratio if text.ends_with('%') => {
            Quantity::parse(text, &PARTS).map(|quantity| quantity.value)
        }
        UnitKind::Ratio => {
            let hundredth = Quantity::parse(&format!("{text}%"), &PARTS)?;
            Ok(hundredth.value * 100)
        }
    }
}

fn show(unit: UnitKind, value: i128) -> String {
    match (unit, i64::try_from(value)) {
        (UnitKind::Span, _) => write_span(value),
        (UnitKind::Rate, Ok(ppb)) => display::rate(ppb).trim_start_matches('+').to_owned(),
        (UnitKind::Ratio, _) => {
            let sign = if value < 0 { "-" } else { "" };
            let (whole, rest) = (value.unsigned_abs() / 1_000_000_000, value.unsigned_abs() % 1_000_000_000);
            let text = format!("{sign}{whole}.{rest:09}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => value.to_string(),
    }
}
