//! The tree against the table of keys: shapes, unknown keys, missing keys, defaults. Collects every problem.

use super::read::{Context, Value, read};
use super::report::Problem;
use super::schema::{Default, Field, Kind, Names, ROOT, find, nearest, quoted};
use super::tree::{Data, Entry, Item, Place, Table, parse_value};
use leasehold::time::Span;
use std::collections::BTreeMap;

/// A table whose keys are all known and whose values are all of the right kind, or missing because they were not.
#[derive(Debug)]
pub(super) struct Section {
    /// `lease`, `client.reader`, `fault[0]`; empty for the file.
    pub(super) path: String,
    /// Where its header or its braces stand; `None` when it was not given.
    pub(super) place: Option<Place>,
    parts: BTreeMap<&'static str, Part>,
}

#[derive(Debug)]
pub(super) enum Part {
    Leaf(Found),
    Section(Section),
    Named(Vec<(String, Section)>),
    List(Vec<Section>),
    /// It was given, and was wrong: a problem says so already.
    Broken(Option<Place>),
}

/// A value of the right kind.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) value: Value,
    /// `None` for a default.
    pub(super) place: Option<Place>,
    /// As it was written.
    pub(super) text: String,
}

/// Walks a whole file.
pub(super) fn walk(tree: &Table, context: &Context<'_>, problems: &mut Vec<Problem>) -> Section {
    let mut walker = Walker { context, problems };
    let mut file = walker.section(tree, ROOT, String::new(), None);
    file.settle_shares();
    file
}

/// The defaults of a table that nobody wrote.
pub(super) fn defaults(fields: &'static [Field], context: &Context<'_>) -> Section {
    let mut walker = Walker { context, problems: &mut Vec::new() };
    walker.section(&Table::new(), fields, String::new(), None)
}

/// Walks a table that stands where a value might stand.
pub(super) fn walk_below(
    item: &Item,
    fields: &'static [Field],
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Section> {
    let mut walker = Walker { context, problems };
    let table = walker.table(item, "a delay")?;
    Some(walker.section(table, fields, "the delay".into(), item.place))
}

/// A [`Default::Share`], rounded down.
pub(super) fn hundredths_of(whole: Span, hundredths: u64) -> Span {
    let share = u128::from(whole.as_nanos()) * u128::from(hundredths) / 100;
    Span::nanos(u64::try_from(share).unwrap_or(u64::MAX))
}

/// What a key of this kind takes from the text of a default.
pub(super) fn default(field: &Field, text: &str) -> Option<Found> {
    let item = Item { place: None, ..parse_value(0, text, 0) };
    let context = Context { names: None, rules_known: &[text] };
    let value = read(&field.kind, &item, &context, &mut Vec::new())?;
    Some(Found { value, place: None, text: text.into() })
}

struct Walker<'a, 'b> {
    context: &'a Context<'b>,
    problems: &'a mut Vec<Problem>,
}

impl Walker<'_, '_> {
    fn section(
        &mut self,
        table: &Table,
        fields: &'static [Field],
        path: String,
        place: Option<Place>,
    ) -> Section {
        for (key, entry) in table {
            if find(fields, key).is_none() {
                self.problems.push(unknown_key(key, entry, fields, &path));
            }
        }
        let mut parts = BTreeMap::new();
        for field in fields {
            let part = match table.get(field.name) {
                Some(entry) => Some(self.given(entry, field, below(&path, field.name))),
                None => self.absent(field, &path, place),
            };
            parts.extend(part.map(|part| (field.name, part)));
        }
        Section { path, place, parts }
    }

    fn given(&mut self, entry: &Entry, field: &'static Field, path: String) -> Part {
        let item = &entry.item;
        let header = entry.key.or(item.place);
        let part = match &field.kind {
            Kind::Table(fields) | Kind::Given(fields) => {
                self.table(item, &path).map(|table| Part::Section(self.section(table, fields, path, header)))
            }
            Kind::Named(names, fields) => {
                self.table(item, &path).map(|table| Part::Named(self.named(table, *names, fields, &path)))
            }
            Kind::List(fields) => self.list(item, fields, &path).map(Part::List),
            kind => {
                let value = read(kind, item, self.context, self.problems);
                value.map(|value| Part::Leaf(Found { value, place: item.place, text: item.written() }))
            }
        };
        part.unwrap_or(Part::Broken(item.place))
    }

    fn absent(&mut self, field: &'static Field, path: &str, place: Option<Place>) -> Option<Part> {
        match (&field.kind, field.default) {
            (Kind::Table(fields), _) => {
                Some(Part::Section(self.section(&Table::new(), fields, below(path, field.name), None)))
            }
            (_, Default::Needed) => {
                let whose = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
                let example = format!("`{}` takes {}", field.name, field.kind.words());
                let problem = Problem::error(place, format!("`{}` is missing{whose}", field.name));
                self.problems.push(problem.help(example));
                Some(Part::Broken(place))
            }
            (kind, Default::Is(text)) => {
                let item = Item { place: None, ..parse_value(0, text, 0) };
                let value = read(kind, &item, self.context, self.problems)?;
                Some(Part::Leaf(Found { value, place: None, text: text.into() }))
            }
            (_, Default::Unset(_) | Default::Same(_) | Default::Share(..)) => None,
        }
    }

    fn named(
        &mut self,
        table: &Table,
        names: Names,
        fields: &'static [Field],
        path: &str,
    ) -> Vec<(String, Section)> {
        // In the order of the file, not of the alphabet.
        let mut entries: Vec<(&String, &Entry)> = table.iter().collect();
        entries.sort_by_key(|(_, entry)| entry.key);
        let mut sections = Vec::new();
        for (name, entry) in entries {
            let header = entry.key.or(entry.item.place);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                let problem = Problem::error(header, format!("`{}` is no name", name.escape_debug()));
                self.problems.push(problem.help("names are letters, digits, `-` and `_`"));
                continue;
            }
            if names == Names::Nodes {
                let found = self.context.node(name, header);
                self.problems.extend(found.err());
            }
            if let Some(table) = self.table(&entry.item, &below(path, name)) {
                sections.push((name.clone(), self.section(table, fields, below(path, name), header)));
            }
        }
        sections
    }

    fn list(&mut self, item: &Item, fields: &'static [Field], path: &str) -> Option<Vec<Section>> {
        let Data::List(items) = &item.data else {
            let label = format!("found {}", item.words());
            let problem = Problem::error(item.place, format!("`{path}` is a list of tables")).label(label);
            self.problems.push(problem.help(format!("write `[[{path}]]` above it")));
            return None;
        };
        let mut sections = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            if let Some(table) = self.table(item, &path) {
                sections.push(self.section(table, fields, path, item.place));
            }
        }
        Some(sections)
    }

    fn table<'i>(&mut self, item: &'i Item, path: &str) -> Option<&'i Table> {
        if let Data::Table(table) = &item.data {
            return Some(table);
        }
        let label = format!("found {}", item.words());
        self.problems.push(Problem::error(item.place, format!("`{path}` is a table")).label(label));
        None
    }
}

/// The path of a key in a table of this path.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown_key(key: &str, entry: &Entry, fields: &'static [Field], path: &str) -> Problem {
    let whose = if path.is_empty() { "at the top".to_owned() } else { format!("in `{path}`") };
    let problem = Problem::error(entry.key, format!("unknown key `{}` {whose}", key.escape_debug()));
    suggest(problem, key, fields)
}

/// Adds the nearest known key, or the table that it belongs to, and the known ones.
pub(super) fn suggest(problem: Problem, key: &str, fields: &'static [Field]) -> Problem {
    let names = || fields.iter().map(|field| field.name);
    let known = if fields.is_empty() {
        "there are no keys here".to_owned()
    } else {
        format!("known keys here: {}", quoted(names()))
    };
    let home = ROOT.iter().find(|table| {
        let fields = table.kind.fields();
        fields.is_some_and(|fields| find(fields, key).is_some()) && !matches!(table.kind, Kind::List(_))
    });
    match (nearest(key, names()), home) {
        (Some(near), _) => problem.label(format!("did you mean `{near}`?")).help(known),
        (None, Some(home)) => {
            let name = if matches!(home.kind, Kind::Named(..)) { ".NAME" } else { "" };
            problem.label(format!("`{key}` belongs in `[{}{name}]`", home.name)).help(known)
        }
        (None, None) => problem.help(known),
    }
}

impl Section {
    /// Stands for a table where something else was written.
    pub(super) const EMPTY: Section = Section { path: String::new(), place: None, parts: BTreeMap::new() };

    pub(super) fn part(&self, key: &str) -> Option<&Part> {
        self.parts.get(key)
    }

    /// Of a whole file: gives the keys that take a share of another key their values.
    fn settle_shares(&mut self) {
        let tables = ROOT.iter().filter_map(|table| match table.kind {
            Kind::Table(fields) => Some((table.name, fields)),
            _ => None,
        });
        for (table, field) in
            tables.flat_map(|(table, fields)| fields.iter().map(move |field| (table, field)))
        {
            let Default::Share(of, hundredths) = field.default else { continue };
            let least = Span::nanos(u64::from(matches!(field.kind, Kind::Positive)));
            let share = self.at(of).map(|of| hundredths_of(of.span(), hundredths).max(least));
            if let (Some(share), Some(Part::Section(section))) = (share, self.parts.get_mut(table)) {
                let found = Found { value: Value::Span(share), place: None, text: share.to_string() };
                section.parts.entry(field.name).or_insert(Part::Leaf(found));
            }
        }
    }

    /// The parts in the order of the alphabet.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &Part)> {
        self.parts.iter().map(|(key, part)| (*key, part))
    }

    /// The value of this key, or its default. `None` when it was wrong, or is not given and has no default.
    pub(super) fn leaf(&self, key: &str) -> Option<&Found> {
        match self.parts.get(key) {
            Some(Part::Leaf(found)) => Some(found),
            _ => None,
        }
    }

    /// The key was given, rightly or wrongly. Here is where.
    pub(super) fn given(&self, key: &str) -> Option<Place> {
        match self.parts.get(key)? {
            Part::Leaf(found) => found.place,
            Part::Section(section) => section.place,
            Part::Broken(place) => *place,
            Part::Named(_) | Part::List(_) => None,
        }
    }

    /// What holds for this path of a file: what was given, the default, or what holds for the key that it follows.
    pub(super) fn at(&self, path: &str) -> Option<&Found> {
        let (table, name) = path.split_once('.')?;
        let follows = || match find(find(ROOT, table)?.kind.fields()?, name)?.default {
            Default::Same(other) => self.at(other),
            Default::Needed | Default::Unset(_) | Default::Is(_) | Default::Share(..) => None,
        };
        self.section(table)?.leaf(name).or_else(follows)
    }

    /// The table under this key.
    pub(super) fn section(&self, key: &str) -> Option<&Section> {
        match self.parts.get(key) {
            Some(Part::Section(section)) => Some(section),
            _ => None,
        }
    }

    /// The named tables under this key, in the order of the file.
    pub(super) fn named(&self, key: &str) -> &[(String, Section)] {
        match self.parts.get(key) {
            Some(Part::Named(sections)) => sections,
            _ => &[],
        }
    }

    /// The tables in the list under this key.
    pub(super) fn list(&self, key: &str) -> &[Section] {
        match self.parts.get(key) {
            Some(Part::List(sections)) => sections,
            _ => &[],
        }
    }
}
