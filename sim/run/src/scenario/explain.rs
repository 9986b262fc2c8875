//! Every value that a plan rests on, and where it came from.

use super::build::{Built, Frame, NodeSettings, build};
use super::path::{node_names, resolve};
use super::read::Context;
use super::report::line_and_column;
use super::rows::{Plan, Row};
use super::schema::{CLOCK, Default, Field, NODE, ROOT};
use super::tree::{FILE, Item, Place, Table, parse_value};
use super::walk::{Found, Part, Section, below};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The path that `--set` would take.
    pub path: String,
    /// As it was written, or the default's text.
    pub value_text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was not given.
    Default,
    /// It was not given, and is a share of another key, in words.
    Share(String),
    /// The file.
    File {
        /// Counted from 1.
        line: usize,
    },
    /// A `--set`.
    Set,
    /// The sweep: another one in each row.
    Sweep,
    /// The variants: not the same in each row.
    Variant,
}

/// Every value, in the order of the documentation: for each node what holds for it, whether it was written for the
/// node, for a group or for the cluster.
pub fn explain(plan: &Plan) -> Vec<Resolved> {
    plan.resolved.clone()
}

/// Stands for a row's source: no text is there.
const ROW: usize = usize::MAX;

/// How many values of a sweep are shown before the rest is left out.
const VALUES_SHOWN_MAX: usize = 6;

/// Reads the tree once more, with marks where rows differ.
pub(super) fn resolved(tree: &Table, frame: &Frame<'_>, plan: &Plan, text: &str) -> Vec<Resolved> {
    let mut marked = tree.clone();
    let mut swept: Vec<&str> = Vec::new();
    for (path, value) in plan.rows.iter().flat_map(|row| &row.set) {
        if swept.contains(&path.as_str()) {
            continue;
        }
        let mark = Some(Place { source: ROW, start: swept.len(), end: swept.len() });
        if let Ok(found) = resolve(path, tree, None, false) {
            found.apply(&mut marked, Item { place: mark, ..parse_value(FILE, value, 0) });
        }
        swept.push(path);
    }
    let built = build(&marked, frame);
    let context = Context { names: node_names(&marked), rules_known: frame.rules_known };
    let settings = NodeSettings::new(&built.file, &built.names, &context, &mut Vec::new());
    let mut lister = Lister { built: &built, settings, plan, text, swept, found: Vec::new() };
    lister.section(&built.file, ROOT, true);
    lister.found
}

struct Lister<'a> {
    built: &'a Built,
    settings: NodeSettings<'a>,
    plan: &'a Plan,
    text: &'a str,
    /// What rows set.
    swept: Vec<&'a str>,
    found: Vec<Resolved>,
}

impl Lister<'_> {
    /// `whole`: keys that nobody gave are listed too.
    fn section(&mut self, section: &Section, fields: &'static [Field], whole: bool) {
        for field in fields {
            let path = below(&section.path, field.name);
            match (&field.kind, section.part(field.name)) {
                _ if ["sweep", "variant", "exhibit"].contains(&path.as_str()) => {}
                _ if path == "node" => self.nodes(&path, NODE),
                _ if path == "clock" => self.nodes(&path, CLOCK),
                (_, Some(Part::Leaf(leaf))) => match field.default {
                    Default::Share(of, _) if leaf.place.is_none() => self.share(path, field, leaf, of),
                    _ => self.leaf(path, leaf),
                },
                (_, Some(Part::Section(below))) => {
                    let fields = field.kind.fields().unwrap_or_default();
                    if fields.is_empty() {
                        self.found.push(Resolved {
                            path,
                            value_text: "{}".into(),
                            origin: self.origin(below.place),
                        });
                    }
                    self.section(below, fields, whole);
                }
                (_, Some(Part::Named(sections))) => {
                    for (_, below) in sections {
                        self.section(below, field.kind.fields().unwrap_or_default(), false);
                    }
                }
                (_, Some(Part::List(sections))) => {
                    for below in sections {
                        self.section(below, field.kind.fields().unwrap_or_default(), false);
                    }
                }
                (_, Some(Part::Broken(_)) | None) => self.absent(path, field, whole),
            }
        }
    }

    fn nodes(&mut self, table: &str, fields: &'static [Field]) {
        for (node, name) in self.built.names.iter().enumerate() {
            for field in fields.iter().filter(|field| field.name != "nodes") {
                let found = match table {
                    "node" => self.settings.node(node, field.name),
                    _ => self.settings.clock(node, field.name),
                };
                if let Some(found) = found.cloned() {
                    self.leaf(format!("{table}.{name}.{}", field.name), &found);
                }
            }
        }
    }

    fn leaf(&mut self, path: String, leaf: &Found) {
        let value_text = match leaf.place {
            Some(place) if place.source == ROW => self.row_values(place.start, leaf),
            _ => leaf.text.clone(),
        };
        self.found.push(Resolved { path, value_text, origin: self.origin(leaf.place) });
    }

    fn share(&mut self, path: String, field: &Field, leaf: &Found, of: &str) {
        let of = self.found.iter().find(|found| found.path == of);
        let one_value = of.is_none_or(|of| !matches!(of.origin, Origin::Sweep | Origin::Variant));
        let value_text = if one_value { leaf.text.clone() } else { "another one in each row".to_owned() };
        self.found.push(Resolved { path, value_text, origin: Origin::Share(field.default.words()) });
    }

    fn absent(&mut self, path: String, field: &Field, whole: bool) {
        let value_text = match field.default {
            Default::Same(other) => {
                let other = self.found.iter().find(|found| found.path == other);
                other.map(|other| other.value_text.clone())
            }
            _ if path == "title" => Some(self.plan.title.clone()),
            Default::Unset(words)
                if whole && !words.ends_with("instead") && field.kind.fields().is_none() =>
            {
                Some(words.replace('`', ""))
            }
            _ => None,
        };
        let found = value_text.map(|value_text| Resolved { path, value_text, origin: Origin::Default });
        self.found.extend(found);
    }

    fn origin(&self, place: Option<Place>) -> Origin {
        match place {
            None => Origin::Default,
            Some(Place { source: ROW, .. }) if self.plan.sweep.is_some() => Origin::Sweep,
            Some(Place { source: ROW, .. }) => Origin::Variant,
            Some(Place { source: FILE, start, .. }) => {
                Origin::File { line: line_and_column(self.text, start).0 }
            }
            Some(_) => Origin::Set,
        }
    }

    /// What the rows set this path to.
    fn row_values(&self, swept: usize, leaf: &Found) -> String {
        let Some(path) = self.swept.get(swept) else {
            return leaf.text.clone();
        };
        let of_row = |row: &Row| {
            let (_, value) = row.set.iter().find(|(set, _)| set == path)?;
            Some(match self.plan.sweep {
                Some(_) => value.clone(),
                None => format!("{value} (in `{}`)", row.label),
            })
        };
        let mut values: Vec<String> = self.plan.rows.iter().filter_map(of_row).collect();
        let count = values.len();
        if count <= VALUES_SHOWN_MAX {
            return values.join(", ");
        }
        let last = values.pop().unwrap_or_default();
        values.truncate(2);
        format!("{}, ... {last} ({count} rows)", values.join(", "))
    }
}
