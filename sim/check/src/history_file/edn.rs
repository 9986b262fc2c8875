//! EDN, the notation of Jepsen's histories: a reader of one form at a time.
//!
//! Not a crate: a history is read form by form from something that may be a pipe, every problem has a place, and a number
//! is the text that it is written with (those there are want the whole text in memory, or turn numbers into i64 and f64).
//! Everything of <https://github.com/edn-format/edn> is read; what a tag means is not known, so that a tagged form is
//! equal to another one only if the tags are.

use std::borrow::Cow;
use std::io::BufRead;

use super::lines::{Lines, Stop};
use super::problem::{Place, Problem, shown};

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Datum {
    #[default]
    Nil,
    /// Without `+` and the `N` of whole numbers.
    Number(String),
    /// As it is written between the quotes.
    Text(String),
    /// Without the colon.
    Keyword(String),
    /// Symbols, `true` and `false`, characters.
    Symbol(String),
    /// Lists and vectors: Clojure holds those with the same members equal.
    Sequence(Vec<Datum>),
    Map(Vec<(Datum, Datum)>),
    Set(Vec<Datum>),
    Tagged(String, Box<Datum>),
}

impl Datum {
    /// The one spelling of all forms that are equal.
    pub(super) fn canonical(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(" ");
        match self {
            Datum::Nil => "nil".to_owned(),
            Datum::Number(text) | Datum::Symbol(text) => text.clone(),
            Datum::Text(text) => format!("\"{text}\""),
            Datum::Keyword(name) => format!(":{name}"),
            Datum::Sequence(parts) => format!("[{}]", joined(parts.iter().map(Datum::canonical).collect())),
            Datum::Set(parts) => {
                let mut parts: Vec<String> = parts.iter().map(Datum::canonical).collect();
                parts.sort_unstable();
                format!("#{{{}}}", joined(parts))
            }
            Datum::Map(entries) => {
                let entry =
                    |(key, value): &(Datum, Datum)| format!("{} {}", key.canonical(), value.canonical());
                let mut entries: Vec<String> = entries.iter().map(entry).collect();
                entries.sort_unstable();
                format!("{{{}}}", entries.join(", "))
            }
            Datum::Tagged(tag, datum) => format!("#{tag} {}", datum.canonical()),
        }
    }

    /// The same, without a copy where there is one already.
    pub(super) fn spelling(&self) -> Cow<'_, str> {
        match self {
            Datum::Nil => Cow::Borrowed("nil"),
            Datum::Number(text) | Datum::Symbol(text) => Cow::Borrowed(text),
            _ => Cow::Owned(self.canonical()),
        }
    }

    /// The name of a keyword, symbol or string, without a namespace.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Datum::Text(name) => Some(name),
            Datum::Keyword(name) | Datum::Symbol(name) => {
                Some(name.rsplit_once('/').map_or(name, |(_, name)| name))
            }
            _ => None,
        }
    }

    /// The two members of a pair.
    pub(super) fn pair(&self) -> Option<(&Datum, &Datum)> {
        match self {
            Datum::Sequence(parts) => match &parts[..] {
                [first, second] => Some((first, second)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// How deep forms may be nested.
const DEPTH_MAX: usize = 64;

/// Reads forms.
#[derive(Debug)]
pub(super) struct Reader<R> {
    lines: Lines<R>,
    position: usize,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(lines: Lines<R>) -> Reader<R> {
        Reader { lines, position: 0, ended: false }
    }

    /// Where the reader is.
    pub(super) fn place(&self) -> Place {
        self.lines.place(self.position)
    }

    /// The next byte, which is not consumed; `None` at the end.
    fn peek(&mut self) -> Result<Option<u8>, Stop> {
        while !self.ended && self.position >= self.lines.line().len() {
            self.ended = !self.lines.advance()?;
            self.position = 0;
        }
        Ok(self.lines.line().as_bytes().get(self.position).copied())
    }

    /// The byte after the next one, if it is on the same line.
    fn peek_second(&self) -> Option<u8> {
        self.lines.line().as_bytes().get(self.position + 1).copied()
    }

    /// Consumes bytes that were seen.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.position += bytes;
    }

    /// Skips blanks, commas, comments and discarded forms, and looks at the next byte.
    pub(super) fn next_significant(&mut self) -> Result<Option<u8>, Stop> {
        self.significant(DEPTH_MAX)
    }

    fn significant(&mut self, depth: usize) -> Result<Option<u8>, Stop> {
        loop {
            match self.peek()? {
                Some(byte) if is_blank(byte) => self.skip(1),
                Some(b';') => self.position = self.lines.line().len(),
                Some(b'#') if self.peek_second() == Some(b'_') => {
                    self.skip(2);
                    self.nested(depth)?;
                }
                other => return Ok(other),
            }
        }
    }

    /// The tag at which the reader is, without the `#`.
    pub(super) fn tag(&mut self) -> Result<String, Stop> {
        let place = self.place();
        self.skip(1);
        let tag = self.token();
        if tag.is_empty() {
            return Err(Problem::new(place, "`#` without a tag", "`#tag`, `#{` or `#_`").into());
        }
        Ok(tag)
    }

    /// The next form.
    pub(super) fn form(&mut self) -> Result<Datum, Stop> {
        self.nested(DEPTH_MAX)
    }

    fn nested(&mut self, depth: usize) -> Result<Datum, Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            let expected = format!("at most {DEPTH_MAX} levels");
            return Err(Problem::new(self.place(), "forms nested too deeply", expected).into());
        };
        let next = self.significant(depth)?;
        let place = self.place();
        match next {
            None => Err(Problem::new(place, "the end of the text", "a value").into()),
            Some(b'(') => Ok(Datum::Sequence(self.members(b')', depth)?)),
            Some(b'[') => Ok(Datum::Sequence(self.members(b']', depth)?)),
            Some(b'{') => self.map(depth),
            Some(b'"') => self.text(),
            Some(b'\\') => {
                self.skip(1);
                let first = self.lines.line()[self.position..].chars().next().map_or(0, char::len_utf8);
                let start = self.position;
                self.position += first;
                self.token();
                Ok(Datum::Symbol(format!("\\{}", &self.lines.line()[start..self.position])))
            }
            Some(b'#') => match self.peek_second() {
                Some(b'{') => {
                    self.skip(1);
                    Ok(Datum::Set(self.members(b'}', depth)?))
                }
                Some(b'#') => {
                    self.skip(2);
                    Ok(Datum::Symbol(format!("##{}", self.token())))
                }
                _ => {
                    let tag = self.tag()?;
                    Ok(Datum::Tagged(tag, Box::new(self.nested(depth)?)))
                }
            },
            Some(_) => self.atom(place),
        }
    }

    /// The forms up to the bracket that closes the one at which the reader is.
    fn members(&mut self, close: u8, depth: usize) -> Result<Vec<Datum>, Stop> {
        let open = self.place();
        self.skip(1);
        let mut members = Vec::new();
        loop {
            match self.significant(depth)? {
                Some(byte) if byte == close => {
                    self.skip(1);
                    return Ok(members);
                }
                None => return Err(unclosed(self.place(), open, close)),
                Some(byte @ (b')' | b']' | b'}')) => {
                    return Err(wrong_bracket(self.place(), byte, open, close));
                }
                Some(_) => members.push(self.nested(depth)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Datum, Stop> {
        let place = self.place();
        let mut members = self.members(b'}', depth)?.into_iter();
        let mut entries = Vec::with_capacity(members.len() / 2);
        while let Some(key) = members.next() {
            let Some(value) = members.next() else {
                let what = format!("a map with the key {} alone", shown(&key.canonical()));
                return Err(Problem::new(place, what, "a value for every key").into());
            };
            entries.push((key, value));
        }
        Ok(Datum::Map(entries))
    }

    /// A string, which may go over lines. Escapes stay as they are.
    fn text(&mut self) -> Result<Datum, Stop> {
        let open = self.place();
        self.skip(1);
        let mut text = String::new();
        loop {
            if self.peek()?.is_none() {
                return Err(unclosed(self.place(), open, b'"'));
            }
            let rest = &self.lines.line()[self.position..];
            let Some(end) = rest.find(['"', '\\']) else {
                text.push_str(rest);
                self.position = self.lines.line().len();
                continue;
            };
            text.push_str(&rest[..end]);
            if rest.as_bytes()[end] == b'"' {
                self.skip(end + 1);
                return Ok(Datum::Text(text));
            }
            let escaped = rest[end..].chars().nth(1).map_or(1, |character| 1 + character.len_utf8());
            text.push_str(&rest[end..end + escaped]);
            self.skip(end + escaped);
        }
    }

    /// Everything up to the next delimiter, which is on the same line.
    pub(super) fn word(&mut self) -> &str {
        let start = self.position;
        let rest = &self.lines.line()[start..];
        self.position += rest.bytes().position(is_delimiter).unwrap_or(rest.len());
        &self.lines.line()[start..self.position]
    }

    fn token(&mut self) -> String {
        self.word().to_owned()
    }

    /// What the next form names, without building the form; or what is there instead, as it may be shown.
    pub(super) fn named<T>(&mut self, known: impl Fn(&str) -> Option<T>) -> Result<Result<T, String>, Stop> {
        if self.next_significant()? == Some(b':') {
            let word = self.word();
            let name = word.rsplit_once('/').map_or(&word[1..], |(_, name)| name);
            return Ok(known(name).ok_or_else(|| shown(word)));
        }
        let form = self.form()?;
        Ok(form.name().and_then(known).ok_or_else(|| shown(&form.canonical())))
    }

    /// The next form if it is a number that is not negative.
    pub(super) fn number(&mut self) -> Result<Option<u64>, Stop> {
        match self.next_significant()? {
            Some(b'0'..=b'9') => Ok(self.word().parse().ok()),
            _ => self.form().map(|_| None),
        }
    }

    fn atom(&mut self, place: Place) -> Result<Datum, Stop> {
        let token = self.token();
        let digits = token.trim_start_matches(['+', '-']);
        if digits.starts_with(|c: char| c.is_ascii_digit()) && token.len() - digits.len() <= 1 {
            let whole = digits.strip_suffix('N').unwrap_or(digits);
            let zero = whole == "0";
            let sign = if token.starts_with('-') && !zero { "-" } else { "" };
            return Ok(Datum::Number(format!("{sign}{whole}")));
        }
        match token.strip_prefix(':') {
            Some(name) if name.is_empty() || name.starts_with(':') => {
                Err(Problem::new(place, format!("`{}`", shown(&token)), "a keyword, as in `:ok`").into())
            }
            Some(name) => Ok(Datum::Keyword(name.to_owned())),
            None if token == "nil" => Ok(Datum::Nil),
            None if token.is_empty() => {
                let found = self.lines.line()[self.position..].chars().next().unwrap_or(' ');
                Err(Problem::new(place, format!("`{}`", shown(&found.to_string())), "a value").into())
            }
            None => Ok(Datum::Symbol(token)),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'\n' | b'\t' | b'\r' | b'\x0C')
}

fn is_delimiter(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';')
}

/// The text ends where a bracket had to be closed.
pub(super) fn unclosed(place: Place, open: Place, close: u8) -> Stop {
    let expected = format!("`{}` for what begins at {}:{}", char::from(close), open.line, open.column);
    Problem::new(place, "the end of the text", expected).into()
}

/// Another bracket is closed.
pub(super) fn wrong_bracket(place: Place, found: u8, open: Place, close: u8) -> Stop {
    let expected = format!("`{}` for what begins at {}:{}", char::from(close), open.line, open.column);
    Problem::new(place, format!("`{}`", char::from(found)), expected).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut reader = Reader::new(Lines::new(text.as_bytes()));
        match reader.form() {
            Ok(datum) => datum.canonical(),
            Err(Stop::Problem(problem)) => format!("{problem}"),
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn equal_forms_have_one_spelling() {
        for (text, expected) in [
            (" ,; comment\n nil", "nil"),
            ("+7N", "7"),
            ("-0", "0"),
            ("1.50M", "1.50M"),
            ("- ", "-"),
            ("(1, [2 3])", "[1 [2 3]]"),
            ("{:b 1 :a #{2 1}}", "{:a #{1 2}, :b 1}"),
            ("[#_ {:x 1} 2 #_3]", "[2]"),
            ("\"a\\\"b\nc\"", "\"a\\\"b\nc\""),
            ("[\\a \\newline \\( ##Inf true a/b :c/d]", "[\\a \\newline \\( ##Inf true a/b :c/d]"),
            ("#inst \"2020\"", "#inst \"2020\""),
            ("#jepsen.history.Op{:index 0}", "#jepsen.history.Op {:index 0}"),
            ("\"äöü\"", "\"äöü\""),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, expected) in [
            ("", "1:1: the end of the text; expected a value"),
            ("[1 2", "2:1: the end of the text; expected `]` for what begins at 1:1"),
            ("[1\n )", "2:2: `)`; expected `]` for what begins at 1:1"),
            ("{:a}", "1:1: a map with the key :a alone; expected a value for every key"),
            ("\"abc", "2:1: the end of the text; expected `\"` for what begins at 1:1"),
            ("[: 1]", "1:2: `:`; expected a keyword, as in `:ok`"),
            ("# {}", "1:1: `#` without a tag; expected `#tag`, `#{` or `#_`"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
        assert!(canonical(&"[".repeat(100_000)).contains("nested too deeply"));
        assert!(canonical(&"#_".repeat(100_000)).contains("nested too deeply"));
    }
}
