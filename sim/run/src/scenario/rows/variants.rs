//! Variants: rows with names, each with changes of its own.

use super::super::model::Expectation;
use super::super::path::{Path, node_names, resolve};
use super::super::read::{Context, Value, read};
use super::super::report::Problem;
use super::super::schema::{Kind, ROOT, find};
use super::super::tree::{Data, Entry, Item, Table};
use super::super::walk::{Found, below};
use super::{Draft, Loader, RowExpectation};

/// A variant changes what is run, not which rows there are or what the file expects.
const NOT_FOR_VARIANTS: [&str; 4] = ["sweep", "variant", "expect", "exhibit"];

impl Loader<'_> {
    pub(super) fn variant_drafts(&self, expect: &Expectation, problems: &mut Vec<Problem>) -> Vec<Draft> {
        let mut drafts: Vec<Draft> = Vec::new();
        for section in self.base.file.list("variant") {
            let (Some(name), Some(changes)) = (section.leaf("name"), section.leaf("set")) else {
                continue;
            };
            if drafts.iter().any(|draft| draft.label == name.text) {
                problems.push(Problem::error(name.place, format!("two variants are called `{}`", name.text)));
            }
            let set = match &changes.value {
                Value::Overrides(table) => self.changes(table, problems),
                _ => Vec::new(),
            };
            let expect = match section.leaf("expect").map(|found| found.text.as_str()) {
                Some("none") => RowExpectation::None,
                Some("some") => RowExpectation::Some,
                Some(_) => RowExpectation::Any,
                None => RowExpectation::from(expect),
            };
            let note = Some(format!("in the variant `{}`", name.text));
            let span = |key| section.leaf(key).map(Found::span);
            let window = (span("lease-over-at"), span("leader-ready-at"));
            drafts.push(Draft { label: name.text.clone(), value: None, set, expect, window, note });
        }
        drafts
    }

    fn changes(&self, table: &Table, problems: &mut Vec<Problem>) -> Vec<(Path, Item)> {
        let mut changes = flat(table, "");
        // The number of nodes first: what comes after may name one that only this variant has.
        changes.sort_by_key(|(text, _)| !text.starts_with("cluster."));
        let mut tree = self.tree.clone();
        let mut set = Vec::new();
        for (text, entry) in changes {
            match self.change(&text, entry, &tree, problems) {
                Ok(path) => {
                    let by_hand = self.set_paths.iter().find(|(set, _)| *set == path.text);
                    if let Some((_, place)) = by_hand {
                        let message = format!("the variant sets `{}` too, and decides", path.text);
                        problems.push(Problem::warning(Some(*place), message).context(entry.key, "here"));
                    }
                    path.apply(&mut tree, entry.item.clone());
                    set.push((path, entry.item.clone()));
                }
                Err(problem) => problems.extend(problem),
            }
        }
        set
    }

    /// A value that is wrong by itself is told even if the rest of the file keeps rows from being built.
    fn change(
        &self,
        text: &str,
        entry: &Entry,
        tree: &Table,
        problems: &mut Vec<Problem>,
    ) -> Result<Path, Option<Problem>> {
        let first = text.split(['.', '[']).next().unwrap_or_default();
        if NOT_FOR_VARIANTS.contains(&first) {
            let problem = Problem::error(entry.key, format!("a variant cannot set `{text}`"));
            return Err(Some(problem.help("what it should show is its own `expect`")));
        }
        let path = resolve(text, tree, entry.key, false)?;
        // While the number of nodes changes, the row itself knows better which there are.
        let names = node_names(tree).filter(|_| first != "cluster");
        let context = Context { names, rules_known: self.frame.rules_known };
        match read(path.kind, &entry.item, &context, problems) {
            Some(_) => Ok(path),
            None => Err(None),
        }
    }
}

/// Paths and their values: `"clock.n1.stamp" = "raw"` and `clock.n1.stamp = "raw"` mean the same.
fn flat<'t>(table: &'t Table, above: &str) -> Vec<(String, &'t Entry)> {
    let mut found = Vec::new();
    for (key, entry) in table {
        let text = below(above, key);
        match &entry.item.data {
            Data::Table(inner) if !leads_to_value(&text) => found.extend(flat(inner, &text)),
            _ => found.push((text, entry)),
        }
    }
    found
}

/// The path ends at a key that takes a value, which may be written in braces.
fn leads_to_value(text: &str) -> bool {
    let mut fields = ROOT;
    let mut parts = text.split('.');
    while let Some(part) = parts.next() {
        let name = part.split('[').next().unwrap_or_default();
        let Some(field) = find(fields, name) else {
            return false;
        };
        match field.kind.fields() {
            Some(below) => fields = below,
            None => return true,
        }
        if matches!(field.kind, Kind::Named(..)) {
            parts.next();
        }
    }
    false
}
