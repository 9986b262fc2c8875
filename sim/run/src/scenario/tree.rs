//! TOML text as a tree in which every key and every value knows where it stands.

use super::report::Problem;
use std::collections::BTreeMap;
use toml::de::{DeInteger, DeTable, DeValue};

/// A text that a scenario is made of: the file, or one `--set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The file's name, or `--set`.
    pub(super) name: String,
    pub(super) text: String,
}

/// The file's index among the sources; every other source is a `--set`.
pub(super) const FILE: usize = 0;

/// The most bytes that a scenario file may have.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;

/// Nothing below this depth is looked at: every key that exists is above it.
const DEPTH_MAX: usize = 32;

/// The most braces that may be open at once. Every pair may hold a key of 80 parts, and dropping a tree costs stack.
const BRACES_MAX: usize = 16;

/// A stretch of a source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// `None` for a default.
    pub(super) place: Option<Place>,
    pub(super) data: Data,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Text(String),
    /// As decimal digits with a sign, or with a prefix such as `0x`.
    Integer(String),
    /// As written.
    Decimal(String),
    Flag(bool),
    Moment(String),
    List(Vec<Item>),
    Table(Table),
}

/// Keys in alphabetical order, so that nothing depends on a hash.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the key stands.
    pub(super) key: Option<Place>,
    pub(super) item: Item,
}

/// Reads a file. All syntax errors at once; the tree is of no use when there are any.
pub(super) fn parse(source: usize, text: &str) -> Result<Table, Vec<Problem>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![Problem::error(None, format!("the file is longer than {FILE_BYTES_MAX} bytes"))]);
    }
    if let Some(start) = too_many_braces(text) {
        let place = Place { source, start, end: start + 1 };
        return Err(vec![Problem::error(
            Some(place),
            format!("more than {BRACES_MAX} braces are open here"),
        )]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(convert_table(source, table.into_inner()));
    }
    let problem = |error: &toml::de::Error| {
        let place = error.span().map(|span| Place { source, start: span.start, end: span.end });
        Problem::error(place, "this is not TOML").label(error.message())
    };
    Err(errors.iter().map(problem).collect())
}

/// Reads one value: as TOML if it is TOML, and else as the text it is.
pub(super) fn parse_value(source: usize, text: &str, start: usize) -> Item {
    let place = Place { source, start, end: start + text.len() };
    let value = too_many_braces(text).map_or_else(|| DeValue::parse(text).ok(), |_| None);
    let data = match value {
        Some(value) => convert(source, value.into_inner(), start, 0),
        None => Data::Text(text.to_owned()),
    };
    Item { place: Some(place), data }
}

/// Where the last brace that is allowed is opened once more. Looks over strings and comments.
fn too_many_braces(text: &str) -> Option<usize> {
    let (mut open, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
        at += match (quote, rest.as_bytes()[0]) {
            (Some(quote), _) => quote.len() + string_length(&rest[quote.len()..], quote),
            (None, b'#') => rest.find('\n').unwrap_or(rest.len()),
            (None, b'{') if open == BRACES_MAX => return Some(at),
            (None, byte) => {
                open = if byte == b'{' { open + 1 } else { open.saturating_sub(usize::from(byte == b'}')) };
                rest.chars().next().map_or(1, char::len_utf8)
            }
        };
    }
    None
}

/// How long a string is that has just begun, with its end. One that does not end stops at the end of its line, or of
/// the text where it may have many lines.
fn string_length(text: &str, quote: &str) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = quote.starts_with('"'),
            '\n' if quote.len() == 1 => return at,
            _ if text[at..].starts_with(quote) => return at + quote.len(),
            _ => {}
        }
    }
    text.len()
}

fn convert_table(source: usize, table: DeTable<'_>) -> Table {
    match convert(source, DeValue::Table(table), 0, 0) {
        Data::Table(table) => table,
        _ => Table::new(),
    }
}

/// `offset` is added to every place: the value may be the end of a longer text.
fn convert(source: usize, value: DeValue<'_>, offset: usize, depth: usize) -> Data {
    if depth > DEPTH_MAX {
        return Data::Table(Table::new());
    }
    let place = |span: std::ops::Range<usize>| {
        Some(Place { source, start: span.start + offset, end: span.end + offset })
    };
    match value {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(integer) => Data::Integer(integer_text(&integer)),
        DeValue::Float(float) => Data::Decimal(float.as_str().to_owned()),
        DeValue::Boolean(flag) => Data::Flag(flag),
        DeValue::Datetime(moment) => Data::Moment(format!("{moment:?}")),
        DeValue::Array(list) => Data::List(
            list.into_iter()
                .map(|item| Item {
                    place: place(item.span()),
                    data: convert(source, item.into_inner(), offset, depth + 1),
                })
                .collect(),
        ),
        DeValue::Table(table) => Data::Table(
            table
                .into_iter()
                .map(|(key, item)| {
                    let at = place(item.span());
                    let item =
                        Item { place: at, data: convert(source, item.into_inner(), offset, depth + 1) };
                    (key.get_ref().clone().into_owned(), Entry { key: place(key.span()), item })
                })
                .collect(),
        ),
    }
}

/// Decimal, or hexadecimal with its prefix; as it was written where it can be.
fn integer_text(integer: &DeInteger<'_>) -> String {
    let digits = integer.as_str().trim_start_matches('+');
    match (integer.radix(), u128::from_str_radix(digits, integer.radix())) {
        (2 | 8, Ok(value)) => value.to_string(),
        (16, _) => format!("0x{digits}"),
        _ => digits.to_owned(),
    }
}

impl Item {
    /// In the words of an error message: "found ...".
    pub(super) fn words(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "text",
            Data::Integer(_) => "a number",
            Data::Decimal(_) => "a decimal number",
            Data::Flag(_) => "true or false",
            Data::Moment(_) => "a date",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }

    /// As it was written, in one line and without the quotes of a text.
    pub(super) fn written(&self) -> String {
        match &self.data {
            Data::Text(text) => text.clone(),
            _ => self.toml(),
        }
    }

    /// As `--set` must be given it to read the same again.
    pub(super) fn for_set(&self) -> String {
        match &self.data {
            Data::Text(text) if parse_value(FILE, text, 0).data == self.data => text.clone(),
            _ => self.toml(),
        }
    }

    /// As TOML, in one line.
    fn toml(&self) -> String {
        match &self.data {
            Data::Text(text) => format!("{text:?}"),
            Data::Integer(text) | Data::Decimal(text) | Data::Moment(text) => text.clone(),
            Data::Flag(flag) => flag.to_string(),
            Data::List(items) => {
                let items: Vec<String> = items.iter().map(Item::toml).collect();
                format!("[{}]", items.join(", "))
            }
            Data::Table(table) if table.is_empty() => "{}".into(),
            Data::Table(table) => {
                let pairs: Vec<String> =
                    table.iter().map(|(key, entry)| format!("{key} = {}", entry.item.toml())).collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }
}

/// The comment that a file begins with, without its `#`.
pub(super) fn story(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().skip_while(|line| line.trim().is_empty());
    let comment = lines.map_while(|line| line.trim_start().strip_prefix('#'));
    // `#:schema` is for editors.
    let told = comment.filter(|line| !line.starts_with(':'));
    let bare: Vec<&str> = told.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    bare.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_read_is_no_part_of_the_story() {
        assert_eq!(
            story("#:schema ./scenario.schema.json\n# Told.\n#\n# More.\nduration = \"1s\""),
            "Told.\n\nMore."
        );
    }

    #[test]
    fn the_deepest_file_that_the_parser_takes_is_no_trouble() {
        let key = vec!["a"; 79].join(".");
        for (nested, taken) in [(BRACES_MAX, true), (BRACES_MAX + 1, false), (75, false)] {
            let text = format!("{}b = 1{}", format!("{key} = {{").repeat(nested), "}".repeat(nested));
            assert_eq!(parse(FILE, &text).is_ok(), taken, "{nested}");
        }
        let in_strings = format!("a = \"\\\"{0}\" # {0}\nb = '{0}'\nc = '''\n{0}'''", "{".repeat(20));
        assert!(parse(FILE, &in_strings).is_ok(), "{in_strings}");
        assert!(parse(FILE, &format!("{} = 1", vec!["a"; 100_000].join("."))).is_err());
        assert!(parse(FILE, &format!("x = {}", "[".repeat(100_000))).is_err());
        assert!(matches!(parse_value(1, &"{a=".repeat(10_000), 0).data, Data::Text(_)));
    }

    #[test]
    fn a_value_is_toml_where_it_can_be_and_text_where_not() {
        let data = |text: &str| parse_value(1, text, 0).data;
        assert_eq!(data("2s"), Data::Text("2s".into()));
        assert_eq!(data("'2'"), Data::Text("2".into()));
        assert_eq!(data("2"), Data::Integer("2".into()));
        assert_eq!(data("0x1_f"), Data::Integer("0x1f".into()));
        assert_eq!(data("+1_7"), Data::Integer("17".into()));
        assert_eq!(data("0b101"), Data::Integer("5".into()));
        assert_eq!(data("true"), Data::Flag(true));
        assert_eq!(data(""), Data::Text(String::new()));
        for text in ["2s", "'2'", "0x1f", "true", "[1, \"a b\"]", "{ x = [0.5], y = 'it''s' }", "\"'\""] {
            let once = parse_value(1, text, 0);
            assert_eq!(data(&once.for_set()), strip(once.data), "{text}");
        }
    }

    /// Lists and tables hold places, which differ.
    fn strip(data: Data) -> Data {
        match parse_value(1, &Item { place: None, data: data.clone() }.for_set(), 0).data {
            list @ (Data::List(_) | Data::Table(_)) => list,
            _ => data,
        }
    }

    #[test]
    fn the_story_is_the_comment_at_the_top() {
        assert_eq!(story("# One.\n#\n#   Two.\n\n# Not this.\na = 1"), "One.\n\n  Two.");
        assert_eq!(story("\u{feff}\n# BOM\n"), "BOM");
        assert_eq!(story("a = 1 # no"), "");
    }
}
