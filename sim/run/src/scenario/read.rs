//! One value at a time: from what stands in the file to what the kind of its key says.

use super::model::{Delay, OperationKind, Target};
use super::report::Problem;
use super::schema::{DELAY, Kind, nearest, quoted};
use super::tree::{Data, Item, Place, Table};
use super::units::{self, UnitError};
use super::walk::{Part, Section, walk_below};
use leasehold::time::Span;

/// A value of the right kind.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A text or the name of lease rules: [`super::walk::Found::text`] has it.
    Text,
    Word(&'static str),
    Flag(bool),
    /// A count or a seed.
    Count(u64),
    Span(Span),
    Offset(i64),
    Rate(i64),
    Share(u32),
    Sigma(u64),
    Delay(Delay),
    Node(usize),
    Nodes(Vec<usize>),
    Groups(Vec<Vec<usize>>),
    Target(Target),
    Operations(Vec<OperationKind>),
    /// Unread: the sweep knows in which unit to read them.
    Items(Vec<Item>),
    Overrides(Table),
}

/// What reading a value may need to know.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// The nodes' names; `None` when how many there are could not be read.
    pub(super) names: Option<Vec<String>>,
    pub(super) rules_known: &'a [&'a str],
}

impl Context<'_> {
    /// The node of this name. Without names, every name is believed.
    pub(super) fn node(&self, name: &str, place: Option<Place>) -> Result<usize, Problem> {
        let Some(names) = &self.names else { return Ok(0) };
        names.iter().position(|known| known == name).ok_or_else(|| {
            let problem = Problem::error(place, format!("no node `{}`", name.escape_debug()));
            let problem = match nearest(name, names).filter(|_| !name.starts_with('n')) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.label("there is no such node"),
            };
            problem.help(format!("the nodes are {}", quoted(names)))
        })
    }
}

/// Reads a value, or says why not.
pub(super) fn read(
    kind: &Kind,
    item: &Item,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Value> {
    let mut reader = Reader { kind, context, problems };
    reader.value(item)
}

struct Reader<'a, 'b> {
    kind: &'a Kind,
    context: &'a Context<'b>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_, '_> {
    fn value(&mut self, item: &Item) -> Option<Value> {
        match self.kind {
            Kind::Text => self.text(item).map(|_| Value::Text),
            Kind::Word(words) => self.word(item, words).map(Value::Word),
            Kind::Rules => {
                let known = self.context.rules_known;
                self.word(item, known).map(|_| Value::Text)
            }
            Kind::Flag => match &item.data {
                Data::Flag(flag) => Some(Value::Flag(*flag)),
                _ => self.wrong(item),
            },
            Kind::Count { least, most } => match &item.data {
                Data::Integer(text) => match units::seed(text).filter(|n| (*least..=*most).contains(n)) {
                    Some(count) => Some(Value::Count(count)),
                    None => self.outside(item),
                },
                _ => self.wrong(item),
            },
            Kind::Seed => match &item.data {
                Data::Integer(text) | Data::Text(text) => match units::seed(text) {
                    Some(seed) => Some(Value::Count(seed)),
                    None => self.outside(item),
                },
                _ => self.wrong(item),
            },
            Kind::Span => self.span(item).map(Value::Span),
            Kind::Positive => {
                let span = self.span(item)?;
                if span == Span::ZERO { self.outside(item) } else { Some(Value::Span(span)) }
            }
            Kind::Offset => self.quantity(item, units::offset).map(Value::Offset),
            Kind::Rate => self.quantity(item, units::rate).map(Value::Rate),
            Kind::Share => self.quantity(item, units::share).map(Value::Share),
            Kind::Sigma => match &item.data {
                Data::Integer(text) | Data::Decimal(text) => match units::sigma(text) {
                    Ok(sigma) => Some(Value::Sigma(sigma)),
                    Err(error) => self.fail(unit_problem(item, text, &error)),
                },
                _ => self.wrong(item),
            },
            Kind::Delay => self.delay(item).map(Value::Delay),
            Kind::Node => self.node(item).map(Value::Node),
            Kind::Nodes => self.nodes(item).map(Value::Nodes),
            Kind::Groups => self.groups(item),
            Kind::Target => match self.text(item)? {
                "leader" => Some(Value::Target(Target::Leader)),
                "any" => Some(Value::Target(Target::Any)),
                text => {
                    let words = nearest(text, ["leader", "any"]).filter(|_| self.context.names.is_some());
                    match words {
                        Some(_) => self.word(item, &["leader", "any"]).map(|_| Value::Target(Target::Any)),
                        None => self.node(item).map(|node| Value::Target(Target::Node(node))),
                    }
                }
            },
            Kind::Operations => self.operations(item),
            Kind::Paths => {
                let items = one_or_more(item);
                let texts = items.iter().all(|item| matches!(item.data, Data::Text(_)));
                if items.is_empty() || !texts { self.wrong(item) } else { Some(Value::Items(items.to_vec())) }
            }
            Kind::Amount => Some(Value::Items(vec![item.clone()])),
            Kind::Amounts | Kind::TwoSpans => match &item.data {
                Data::List(items) => Some(Value::Items(items.clone())),
                _ => self.wrong(item),
            },
            Kind::Overrides => match &item.data {
                Data::Table(table) => Some(Value::Overrides(table.clone())),
                _ => self.wrong(item),
            },
            Kind::Table(_) | Kind::Given(_) | Kind::Named(..) | Kind::List(_) => {
                unreachable!("the walk goes into tables by itself")
            }
        }
    }

    fn fail<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    fn wrong<T>(&mut self, item: &Item) -> Option<T> {
        let problem = Problem::error(item.place, format!("expected {}", self.kind.words()));
        self.fail(problem.label(format!("found {}", item.words())))
    }

    fn outside<T>(&mut self, item: &Item) -> Option<T> {
        let problem = Problem::error(item.place, format!("`{}` is out of range", item.written()));
        self.fail(problem.label(format!("expected {}", self.kind.words())))
    }

    fn text<'i>(&mut self, item: &'i Item) -> Option<&'i str> {
        match &item.data {
            Data::Text(text) => Some(text),
            _ => self.wrong(item),
        }
    }

    fn word<'w>(&mut self, item: &Item, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text(item)?;
        let found = words.iter().find(|word| **word == text);
        if found.is_none() {
            let problem = Problem::error(item.place, format!("unknown word `{}`", text.escape_debug()));
            let problem = match nearest(text, words) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem,
            };
            self.problems.push(problem.help(format!("known words here: {}", quoted(words))));
        }
        found.copied()
    }

    /// Reads a text with a unit. A number without quotes is a number without a unit.
    fn quantity<T>(&mut self, item: &Item, parse: fn(&str) -> Result<T, UnitError>) -> Option<T> {
        let text = match &item.data {
            Data::Text(text) | Data::Integer(text) | Data::Decimal(text) => text,
            _ => return self.wrong(item),
        };
        parse(text).map_err(|error| self.problems.push(unit_problem(item, text, &error))).ok()
    }

    fn span(&mut self, item: &Item) -> Option<Span> {
        self.quantity(item, units::span)
    }

    fn node(&mut self, item: &Item) -> Option<usize> {
        let name = self.text(item)?;
        self.context.node(name, item.place).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn nodes(&mut self, item: &Item) -> Option<Vec<usize>> {
        let (nodes, all_there) = self.some_nodes(item);
        all_there.then_some(nodes)
    }

    /// Those that exist, and whether that is all of them and at least one.
    fn some_nodes(&mut self, item: &Item) -> (Vec<usize>, bool) {
        let items = one_or_more(item);
        if items.is_empty() {
            self.problems.push(Problem::error(item.place, "no node is named here").label("an empty list"));
        }
        let mut nodes: Vec<usize> = Vec::new();
        let mut all_there = !items.is_empty();
        for item in items {
            match self.node(item) {
                Some(node) if nodes.contains(&node) && self.context.names.is_some() => {
                    let message = format!("`{}` is named twice", item.written());
                    self.problems.push(Problem::error(item.place, message));
                }
                Some(node) => nodes.push(node),
                None => all_there = false,
            }
        }
        (nodes, all_there)
    }

    fn groups(&mut self, item: &Item) -> Option<Value> {
        let Data::List(items) = &item.data else {
            return self.wrong(item);
        };
        if items.len() < 2 {
            let problem = Problem::error(item.place, "a partition needs at least two groups");
            return self.fail(problem.help(r#"write [["n1"], ["n2", "n3"]]"#));
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut all_there = true;
        for item in items {
            let (group, whole) = self.some_nodes(item);
            all_there &= whole;
            let twice = group.iter().find(|node| groups.iter().any(|other| other.contains(node)));
            if let (Some(node), Some(names)) = (twice, &self.context.names) {
                let message = format!("`{}` is in two groups of this partition", names[*node]);
                let problem = Problem::error(item.place, message).label("the second group");
                self.problems.push(problem.help("a node can be on one side only"));
            }
            groups.push(group);
        }
        all_there.then_some(Value::Groups(groups))
    }

    fn operations(&mut self, item: &Item) -> Option<Value> {
        let items = one_or_more(item);
        if items.is_empty() {
            return self.fail(Problem::error(item.place, "a client needs at least one operation"));
        }
        let operation = |word| match word {
            "read" => OperationKind::Read,
            "write" => OperationKind::Write,
            _ => OperationKind::Cas,
        };
        let words: Vec<Option<&str>> =
            items.iter().map(|item| self.word(item, &["read", "write", "cas"])).collect();
        let operations: Option<Vec<OperationKind>> =
            words.into_iter().map(|word| word.map(operation)).collect();
        operations.map(Value::Operations)
    }

    fn delay(&mut self, item: &Item) -> Option<Delay> {
        match &item.data {
            Data::Text(_) | Data::Integer(_) | Data::Decimal(_) => self.span(item).map(Delay::Fixed),
            Data::Table(_) => {
                let before = self.problems.len();
                let section = walk_below(item, DELAY, self.context, self.problems)?;
                match (section.part("uniform"), section.part("lognormal")) {
                    (Some(Part::Leaf(found)), None) => match &found.value {
                        Value::Items(ends) => self.uniform(ends, found.place),
                        _ => None,
                    },
                    (None, Some(Part::Section(section))) => self.log_normal(section),
                    // What is wrong with it was said already.
                    _ if self.problems.len() > before => None,
                    _ => self.fail(Problem::error(
                        item.place,
                        "a delay in braces is `uniform` or `lognormal`, one of the two",
                    )),
                }
            }
            _ => self.wrong(item),
        }
    }

    fn uniform(&mut self, ends: &[Item], place: Option<Place>) -> Option<Delay> {
        let [least, most] = ends else {
            let problem = Problem::error(place, "`uniform` takes two lengths: [least, most]");
            return self.fail(problem.label(format!("found {}", ends.len())));
        };
        let (at_least, at_most) = (self.span(least), self.span(most));
        let (least_span, most_span) = (at_least?, at_most?);
        if least_span > most_span {
            let label = format!("{} is above {}", least.written(), most.written());
            return self.fail(Problem::error(place, "`uniform` takes the smaller length first").label(label));
        }
        Some(Delay::Uniform { least: least_span, most: most_span })
    }

    fn log_normal(&mut self, section: &Section) -> Option<Delay> {
        let (median, sigma, most) = (section.leaf("median")?, section.leaf("sigma")?, section.leaf("most")?);
        match (&median.value, &sigma.value, &most.value) {
            (Value::Span(least), Value::Sigma(sigma_ppm), Value::Span(longest)) => {
                if least > longest {
                    let label = format!("the median is {}", median.text);
                    let problem = Problem::error(most.place, "the longest delay is below the median");
                    return self.fail(problem.label(label));
                }
                Some(Delay::LogNormal { median: *least, sigma_ppm: *sigma_ppm, most: *longest })
            }
            _ => None,
        }
    }
}

/// A list's items; one value stands for a list of one.
fn one_or_more(item: &Item) -> &[Item] {
    match &item.data {
        Data::List(items) => items,
        _ => std::slice::from_ref(item),
    }
}

/// A quantity that could not be read.
pub(super) fn unit_problem(item: &Item, text: &str, error: &UnitError) -> Problem {
    let shown = text.escape_debug();
    let message = match error {
        UnitError::NoUnit { .. } => format!("`{shown}` needs a unit"),
        UnitError::NotANumber => format!("`{shown}` is not a number with a unit"),
        UnitError::UnknownUnit { .. } => format!("`{shown}` has no known unit"),
        UnitError::TooFine { .. } => format!("`{shown}` is too fine"),
        UnitError::OutOfRange { .. } | UnitError::Negative => format!("`{shown}` is out of range"),
    };
    let problem = Problem::error(item.place, message).label(error.to_string());
    match error.remedy() {
        Some(remedy) => problem.help(remedy),
        None => problem,
    }
}
