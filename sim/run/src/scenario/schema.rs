//! The table of keys: the only list of keys there is.
//!
//! A [`Field`] is a key with its kind, its default and its meaning. The reader walks the file and this table side by
//! side, so a key that is not here does not exist and a default that is not here is not used.

mod json;
// One key a line, as a table should be.
#[rustfmt::skip]
mod table;

pub use json::json_schema;
pub(super) use table::{CLIENT, CLOCK, DELAY, GUEST, LEASE, LINK, LOG, NETWORK, NODE, ROOT, TIMERS, key};

use super::held::Slot;
use super::rows::UnitKind;

/// One key of one table.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    /// One line for the documentation.
    pub(super) meaning: &'static str,
    /// Where the value stands in a setup; `None` for a key that needs more than its own value to be understood.
    pub(super) slot: Option<Slot>,
    /// What a shrunk scenario should say, where that is not the default.
    pub(super) simplest: Option<&'static str>,
}

/// What a key takes when it is not given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Default {
    /// It must be given.
    Needed,
    /// Nothing; what that means, in words.
    Unset(&'static str),
    /// This text, read as `--set` would read it.
    Is(&'static str),
    /// What another key has.
    Same(&'static str),
    /// So many hundredths of another key, a length of time that has a default of its own.
    Share(&'static str, u64),
}

impl Default {
    /// In words: "must be given", "that of `lease.duration`".
    pub(super) fn words(&self) -> String {
        match self {
            Default::Needed => "must be given".into(),
            Default::Unset(words) => (*words).into(),
            Default::Is(text) => format!("`{text}`"),
            Default::Same(path) => format!("that of `{path}`"),
            Default::Share(path, 10) => format!("a tenth of `{path}`"),
            Default::Share(path, 20) => format!("a fifth of `{path}`"),
            Default::Share(path, 200) => format!("twice `{path}`"),
            Default::Share(path, hundredths) => format!("{hundredths} % of `{path}`"),
        }
    }
}

/// What a key's value must be.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of the lease rules that the caller knows.
    Rules,
    Flag,
    Count {
        least: u64,
        most: u64,
    },
    Seed,
    /// A length of time.
    Span,
    /// A length of time above zero.
    Positive,
    /// A length of time with a sign.
    Offset,
    Rate,
    Share,
    Sigma,
    Delay,
    Node,
    Nodes,
    Groups,
    Target,
    Operations,
    /// Paths of keys, each perhaps with a `-` in front.
    Paths,
    /// A value for the sweep's paths.
    Amount,
    Amounts,
    /// The ends of a uniform delay.
    TwoSpans,
    /// A table from paths to values.
    Overrides,
    /// A table that always exists: its defaults hold when it is not given.
    Table(&'static [Field]),
    /// A table that means something by being given.
    Given(&'static [Field]),
    /// Tables under names of the user's.
    Named(Names, &'static [Field]),
    /// `[[...]]`.
    List(&'static [Field]),
}

/// What the names in a [`Kind::Named`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Nodes.
    Nodes,
    /// Nodes, or groups of nodes.
    NodesAndGroups,
    /// Whatever the user likes.
    Free,
}

impl Kind {
    /// In the words of an error message: "expected ...".
    pub(super) fn words(&self) -> String {
        match self {
            Kind::Text => "text".into(),
            Kind::Word(words) => format!("one of {}", quoted(*words)),
            Kind::Rules => "the name of lease rules".into(),
            Kind::Flag => "true or false".into(),
            Kind::Count { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Seed => {
                "a seed: a whole number, or text in decimal, 0x hexadecimal or as a 40-digit hash".into()
            }
            Kind::Span => r#"a length of time such as "1.5s""#.into(),
            Kind::Positive => r#"a length of time above zero such as "1.5s""#.into(),
            Kind::Offset => r#"a length of time with a sign such as "-1.5s""#.into(),
            Kind::Rate => r#"a rate such as "+200ppm" or "-8.3%""#.into(),
            Kind::Share => r#"a share such as "0.1%""#.into(),
            Kind::Sigma => "a number from 0 to 5".into(),
            Kind::Delay => r#"a delay: "2ms", { uniform = [...] } or { lognormal = {...} }"#.into(),
            Kind::Node => r#"a node such as "n1""#.into(),
            Kind::Nodes => r#"a node or a list of nodes such as ["n1", "n2"]"#.into(),
            Kind::Groups => r#"a list of lists of nodes such as [["n1"], ["n2", "n3"]]"#.into(),
            Kind::Target => r#"a node, "leader" or "any""#.into(),
            Kind::Operations => r#""read", "write", "cas" or a list of them"#.into(),
            Kind::Paths => "a key's path or a list of paths".into(),
            Kind::Amount => "a value for the sweep".into(),
            Kind::Amounts => "a list of values for the sweep".into(),
            Kind::TwoSpans => r#"two lengths of time such as ["1ms", "10ms"]"#.into(),
            Kind::Overrides => "a table of paths and values".into(),
            Kind::Table(_) | Kind::Given(_) | Kind::Named(..) => "a table".into(),
            Kind::List(_) => "a list of tables".into(),
        }
    }

    /// In which unit a sweep over such a key counts; `None` when it cannot be swept.
    pub(super) fn unit(&self) -> Option<UnitKind> {
        match self {
            Kind::Span | Kind::Positive | Kind::Offset | Kind::Delay => Some(UnitKind::Span),
            Kind::Rate | Kind::Share => Some(UnitKind::Rate),
            Kind::Count { .. } | Kind::Seed => Some(UnitKind::Number),
            _ => None,
        }
    }

    /// The keys below it.
    pub(super) fn fields(&self) -> Option<&'static [Field]> {
        match self {
            Kind::Table(fields) | Kind::Given(fields) | Kind::Named(_, fields) | Kind::List(fields) => {
                Some(fields)
            }
            _ => None,
        }
    }
}

/// The key of this name.
pub(super) fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

/// "`a`, `b`, `c`".
pub(super) fn quoted<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    quoted.join(", ")
}

/// The nearest of these words, if one is near enough to be meant.
pub(super) fn nearest<S: AsRef<str>>(word: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let closeness = |known: &str| {
        let alike = strsim::jaro_winkler(word, known);
        (alike > 0.8 || strsim::damerau_levenshtein(word, known) <= 1).then_some(alike)
    };
    known
        .into_iter()
        .filter_map(|known| Some((closeness(known.as_ref())?, known.as_ref().to_owned())))
        .max_by(|(a, left), (b, right)| a.total_cmp(b).then_with(|| right.cmp(left)))
        .map(|(_, known)| known)
}

/// A key, for documentation and completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// `lease.duration`, `clock.NAME.offset`, `fault[].at`, `DELAY.uniform`.
    pub path: String,
    /// What its value must be, in words.
    pub kind: String,
    /// What it takes when it is not given, in words.
    pub default: String,
    /// What it is for.
    pub meaning: &'static str,
}

/// Every key that a scenario file may hold, in the order of the documentation.
pub fn known_keys() -> Vec<KnownKey> {
    let mut keys = Vec::new();
    list(ROOT, "", &mut keys);
    list(DELAY, "DELAY.", &mut keys);
    keys
}

fn list(fields: &'static [Field], prefix: &str, keys: &mut Vec<KnownKey>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        let below = match field.kind {
            Kind::Table(_) | Kind::Given(_) => format!("{path}."),
            Kind::Named(..) => format!("{path}.NAME."),
            _ => format!("{path}[]."),
        };
        let fields = field.kind.fields();
        if fields.is_none() || matches!(field.kind, Kind::Given(_)) {
            keys.push(KnownKey {
                path,
                kind: field.kind.words(),
                default: field.default.words(),
                meaning: field.meaning,
            });
        }
        list(fields.unwrap_or_default(), &below, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["lease-duration", "election-timeout", "disk-sync"];
        assert_eq!(nearest("lease-duraton", known).as_deref(), Some("lease-duration"));
        assert_eq!(nearest("lease_duration", known).as_deref(), Some("lease-duration"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("n7", ["n1", "n2"]).as_deref(), Some("n1"));
    }

    #[test]
    fn every_key_is_listed_once_and_says_what_it_is_for() {
        let keys = known_keys();
        for (at, key) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other.path != key.path), "{} twice", key.path);
            assert!(key.meaning.ends_with('.'), "{}", key.path);
        }
    }
}
