//! Overrides: `lease.duration`, `fault[0].at`, `clock.followers.offset`, and what they do to the tree.

use super::report::Problem;
use super::schema::{Default, Field, Kind, Names, ROOT, find, nearest, quoted};
use super::tree::{Data, Entry, Item, Place, Table};
use super::units;
use super::walk::{below, suggest};

/// The path of a key that exists and holds a value.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) kind: &'static Kind,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// The nodes that a file has: `None` when its counts cannot be read.
pub(super) fn node_names(tree: &Table) -> Option<Vec<String>> {
    let cluster = tree.get("cluster").map(|entry| &entry.item.data);
    let fields = find(ROOT, "cluster")?.kind.fields()?;
    let count = |name: &str| {
        let field = find(fields, name)?;
        let (Kind::Count { least, most }, Default::Is(default)) = (&field.kind, field.default) else {
            return None;
        };
        let given = match cluster {
            Some(Data::Table(cluster)) => cluster.get(name).map(|entry| &entry.item.data),
            _ => None,
        };
        let text = match given {
            Some(Data::Integer(text)) => text,
            Some(_) => return None,
            None => default,
        };
        units::seed(text).filter(|count| (*least..=*most).contains(count))
    };
    Some(
        (1..=count("nodes")? + count("learners")? + count("spares")?)
            .map(|number| format!("n{number}"))
            .collect(),
    )
}

/// Finds the key that a path leads to. Keys that the file does not give are found; nodes, groups, clients and faults
/// that it does not have are not. `place` is where the path stands; with `exact`, a part of it can be pointed at.
pub(super) fn resolve(text: &str, tree: &Table, place: Option<Place>, exact: bool) -> Result<Path, Problem> {
    let at = |start: usize, length: usize| {
        place.map(|place| match exact {
            true => Place { start: place.start + start, end: place.start + start + length, ..place },
            false => place,
        })
    };
    let mut steps = Vec::new();
    let (mut fields, mut here) = (ROOT, String::new());
    // The part of the tree that the path has come to, if it is there.
    let mut table = Some(tree);
    let mut parts = parts(text).peekable();
    while let Some((start, part)) = parts.next() {
        let (name, index) = split_index(part);
        let Some(field) = find(fields, name) else {
            let whose = if here.is_empty() { String::new() } else { format!(" in `{here}`") };
            let problem =
                Problem::error(at(start, name.len()), format!("no key `{}`{whose}", name.escape_debug()));
            return Err(suggest(problem, name, fields));
        };
        here = below(&here, name);
        steps.push(Step::Key(name.to_owned()));
        let item = table.and_then(|table| table.get(name)).map(|entry| &entry.item);
        let whole = at(start, part.len());
        match (&field.kind, index) {
            (Kind::List(below_fields), Some(index)) => {
                let items = match item.map(|item| &item.data) {
                    Some(Data::List(items)) => items.as_slice(),
                    _ => &[],
                };
                let Some(item) = items.get(index) else {
                    return Err(no_such_index(field, whole, items.len()));
                };
                steps.push(Step::Index(index));
                (fields, here) = (below_fields, format!("{here}[{}]", index));
                table = as_table(Some(item));
            }
            (Kind::List(_), None) => {
                let problem = Problem::error(whole, format!("`{here}` is a list"));
                return Err(problem.help(format!("name one of its tables, counted from 0: `{here}[0]`")));
            }
            (_, Some(_)) => {
                return Err(
                    Problem::error(whole, format!("`{here}` is no list")).label("remove the brackets")
                );
            }
            (Kind::Table(below_fields) | Kind::Given(below_fields), None) => {
                (fields, table) = (below_fields, as_table(item));
            }
            (Kind::Named(names, below_fields), None) => {
                let Some((start, name)) = parts.next() else {
                    return Err(incomplete(whole, &here, below_fields, "NAME."));
                };
                let there = as_table(item);
                named(*names, name, &here, there, tree, at(start, name.len()))?;
                steps.push(Step::Key(name.to_owned()));
                here = below(&here, name);
                let item = there.and_then(|table| table.get(name)).map(|entry| &entry.item);
                (fields, table) = (below_fields, as_table(item));
            }
            (kind, None) => {
                return match parts.peek() {
                    None => Ok(Path { text: text.to_owned(), kind, steps }),
                    Some((start, _)) => {
                        let problem = Problem::error(
                            at(*start, text.len() - start),
                            format!("`{here}` has no keys below it"),
                        );
                        Err(problem.help(format!("give it as a whole: {}", kind.words())))
                    }
                };
            }
        }
    }
    Err(incomplete(at(0, text.len()), &here, fields, ""))
}

fn as_table(item: Option<&Item>) -> Option<&Table> {
    match item.map(|item| &item.data) {
        Some(Data::Table(table)) => Some(table),
        _ => None,
    }
}

/// The parts between the dots, each with its start.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split('.').map(move |part| {
        let at = start;
        start += part.len() + 1;
        (at, part)
    })
}

/// `fault[0]` is `fault` and 0. What is no index is an index that no list has.
fn split_index(part: &str) -> (&str, Option<usize>) {
    match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, index)) => (name, Some(index.parse().unwrap_or(usize::MAX))),
        None => (part, None),
    }
}

fn no_such_index(field: &Field, place: Option<Place>, count: usize) -> Problem {
    let name = field.name;
    let problem = Problem::error(place, format!("there is no such `{name}`"));
    match count {
        0 => problem.help(format!("the file has no `{name}`")),
        1 => problem.help(format!("the file has one: `{name}[0]`")),
        _ => problem.help(format!("the file has `{name}[0]` to `{name}[{}]`", count - 1)),
    }
}

fn incomplete(place: Option<Place>, here: &str, fields: &'static [Field], between: &str) -> Problem {
    let names = fields.iter().map(|field| format!("{}{between}{}", below(here, ""), field.name));
    let names: Vec<String> = names.map(|name| name.trim_start_matches('.').to_owned()).collect();
    Problem::error(place, "this path leads to a table, not to a value")
        .help(format!("name one of its keys: {}", quoted(names)))
}

fn named(
    names: Names,
    name: &str,
    here: &str,
    there: Option<&Table>,
    tree: &Table,
    place: Option<Place>,
) -> Result<(), Problem> {
    let mut known: Vec<String> = match names {
        Names::Free => Vec::new(),
        Names::Nodes | Names::NodesAndGroups => match node_names(tree) {
            Some(names) => names,
            None => return Ok(()),
        },
    };
    if names != Names::Nodes {
        known.extend(there.into_iter().flat_map(|table| table.keys().cloned()));
    }
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    known.sort_unstable();
    known.dedup();
    let problem = Problem::error(place, format!("no `{}` in `{here}`", name.escape_debug()));
    let problem = match nearest(name, &known) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem,
    };
    Err(match known.is_empty() {
        true => problem.help(format!("the file has no `[{here}.NAME]`; write one first")),
        false => problem.help(format!("known here: {}", quoted(known))),
    })
}

impl Path {
    /// Puts a value there, and the tables on the way that are missing. Does nothing where the file has something else
    /// than a table on the way: reading it complains about that.
    pub(super) fn apply(&self, tree: &mut Table, item: Item) {
        let mut table = tree;
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let Step::Key(key) = step else { return };
            if steps.peek().is_none() {
                let place = item.place;
                let entry =
                    table.entry(key.clone()).or_insert_with(|| Entry { key: place, item: item.clone() });
                entry.item = item;
                return;
            }
            let empty = Item { place: item.place, data: Data::Table(Table::new()) };
            let entry = table.entry(key.clone()).or_insert_with(|| Entry { key: item.place, item: empty });
            let mut next = &mut entry.item;
            while let Some(Step::Index(index)) = steps.peek() {
                steps.next();
                let Data::List(items) = &mut next.data else { return };
                let Some(item) = items.get_mut(*index) else { return };
                next = item;
            }
            let Data::Table(below) = &mut next.data else {
                return;
            };
            table = below;
        }
    }

    /// The value there, if the file gives it.
    pub(super) fn look_up<'t>(&self, tree: &'t Table) -> Option<&'t Item> {
        let mut steps = self.steps.iter();
        let Some(Step::Key(first)) = steps.next() else {
            return None;
        };
        let mut item = &tree.get(first)?.item;
        for step in steps {
            item = match (step, &item.data) {
                (Step::Key(key), Data::Table(table)) => &table.get(key)?.item,
                (Step::Index(index), Data::List(items)) => items.get(*index)?,
                _ => return None,
            };
        }
        Some(item)
    }
}
