//! Our own format: one event a line, as a JSON object.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::assemble::{Assembler, Event, Function, Kind, Rules, Told};
use super::fields::{Field, Ignored, refusal_named, resembled};
use super::lines::{Lines, Stop};
use super::problem::{Place, Problem, ReadError, shown, shown_up_to};
use super::{Format, HistoryFile, Options};

/// One line.
#[derive(Debug, Default)]
struct Line<'a> {
    process: Option<&'a RawValue>,
    kind: Option<&'a RawValue>,
    function: Option<&'a RawValue>,
    key: Option<&'a RawValue>,
    /// `null` is a value: that of a key that does not exist.
    value: Option<&'a RawValue>,
    time_ns: Option<u64>,
    index: Option<u64>,
    error: Option<&'a RawValue>,
    swapped: Option<bool>,
    create_if_missing: Option<bool>,
    invoked_ns: Option<u64>,
    completed_ns: Option<u64>,
}

/// Reads a line and notes the fields that are ignored.
struct LineReader<'i> {
    ignored: &'i mut Ignored,
}

impl<'de> DeserializeSeed<'de> for LineReader<'_> {
    type Value = Line<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Line<'de>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LineReader<'_> {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
        let mut line = Line::default();
        let mut read: u32 = 0;
        while let Some(name) = map.next_key::<Name>()? {
            let field = match name {
                Name::Known(field) => field,
                Name::Other(name) => {
                    if let Some(meant) = resembled(&name) {
                        let what = format!("the field `{}`: is it `{meant}`?", shown(&name));
                        return Err(A::Error::custom(what));
                    }
                    self.ignored.note(&name);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let bit = 1 << (field as u32);
            if read & bit != 0 {
                return Err(A::Error::custom("a field for the second time"));
            }
            read |= bit;
            match field {
                Field::Type => line.kind = Some(map.next_value()?),
                Field::Function => line.function = Some(map.next_value()?),
                Field::Process => line.process = Some(map.next_value()?),
                Field::Value => line.value = Some(map.next_value()?),
                Field::Key => line.key = map.next_value()?,
                Field::Time => line.time_ns = map.next_value()?,
                Field::Index => line.index = map.next_value()?,
                Field::Error => line.error = map.next_value()?,
                Field::Swapped => line.swapped = map.next_value()?,
                Field::CreateIfMissing => line.create_if_missing = map.next_value()?,
                Field::InvokedNs => line.invoked_ns = map.next_value()?,
                Field::CompletedNs => line.completed_ns = map.next_value()?,
            }
        }
        Ok(line)
    }
}

/// The name of a field.
enum Name {
    Known(Field),
    Other(String),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        struct NameReader;
        impl Visitor<'_> for NameReader {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                Ok(Field::of_json(name).map_or_else(|| Name::Other(name.to_owned()), Name::Known))
            }
        }
        from.deserialize_str(NameReader)
    }
}

/// How deep a value may be nested.
const DEPTH_MAX: usize = 64;

/// Reads a history in our format.
pub(super) fn read(input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let initial = match &options.initial {
        None => "null".to_owned(),
        Some(text) => serde_json::from_str::<&RawValue>(text)
            .map_err(|error| ReadError::Initial(error.to_string()))
            .and_then(|raw| canonical(raw, DEPTH_MAX).map_err(ReadError::Initial))?,
    };
    let rules = Rules { initial: &initial, absent: "null", times_decide: true, processes_survive: true };
    let mut assembler = Assembler::new(rules, options);
    let mut lines = Lines::new(input);
    let (mut index_last, mut whole) = (None, None);
    while !assembler.is_hopeless() {
        match lines.advance() {
            Ok(true) => {}
            Ok(false) => break,
            Err(Stop::Io(error)) => return Err(ReadError::Io(error)),
            Err(Stop::Problem(problem)) => {
                assembler.problem(problem);
                break;
            }
        }
        if lines.line().trim_ascii().is_empty() {
            continue;
        }
        match event(&lines, &mut index_last, &mut assembler) {
            Ok(None) => {}
            Ok(Some((event, times))) => {
                // All lines are as the first one: the two kinds have no common order.
                if *whole.get_or_insert(times.is_some()) != times.is_some() {
                    let what = "whole operations and single events in one file";
                    assembler.problem(Problem::new(event.place, what, "invoked_ns on all lines or on none"));
                    continue;
                }
                match times {
                    Some((invoked, completed)) => assembler.push_whole(event, invoked, completed),
                    None => assembler.push(event),
                }
            }
            Err(problem) => assembler.problem(problem),
        }
    }
    assembler.finish(Format::JsonLines)
}

/// When a whole operation was invoked, and when it ended.
type Times = (u64, Option<u64>);

/// The event of the current line, with times if it is a whole operation; `None` if it is the nemesis's.
fn event<'a, R: BufRead>(
    lines: &'a Lines<R>,
    index_last: &mut Option<u64>,
    assembler: &mut Assembler,
) -> Result<Option<(Event, Option<Times>)>, Problem> {
    let text = lines.line();
    let place = lines.place(text.len() - text.trim_ascii_start().len());
    let reader = LineReader { ignored: &mut assembler.ignored };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let line = reader.deserialize(&mut deserializer).and_then(|line| deserializer.end().map(|()| line));
    let line = line.map_err(|error| {
        let column = u64::try_from(error.column()).expect("a length in memory");
        let said = error.to_string();
        let what = said.rsplit_once(" at line ").map_or(&said[..], |(what, _)| what);
        let place = Place { line: place.line, column: column.max(1) };
        Problem::new(place, shown_up_to(what, 200), "an event, as `sim help history` describes them")
    })?;
    // Where a part of the line begins.
    let at = |raw: &RawValue| lines.place(raw.get().as_ptr().addr() - text.as_ptr().addr());
    let given = |field: Option<&'a RawValue>, name: &str, expected: &str| {
        field.ok_or_else(|| Problem::new(place, format!("no {name}"), expected))
    };
    let raw_process = given(line.process, "process", PROCESSES)?;
    let process = raw_process.get();
    if process == "\"nemesis\"" {
        return Ok(None);
    }
    if !process.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let what = format!("the process {}", shown(process));
        return Err(Problem::new(at(raw_process), what, PROCESSES));
    }
    let is_whole = line.invoked_ns.is_some() || line.completed_ns.is_some();
    let (times, kind) = match (line.invoked_ns, line.kind) {
        (Some(invoked), None) => {
            let kind = if line.completed_ns.is_some() { Kind::Ok } else { Kind::Info };
            (Some((invoked, line.completed_ns)), Some(kind))
        }
        (Some(invoked), Some(_)) => (Some((invoked, line.completed_ns)), None),
        (None, _) if is_whole => {
            return Err(Problem::new(place, "completed_ns alone", "invoked_ns beside it"));
        }
        (None, _) => (None, None),
    };
    if is_whole && line.time_ns.is_some() {
        return Err(Problem::new(place, "time_ns beside invoked_ns", "the one or the other"));
    }
    let kind = match kind {
        Some(kind) => kind,
        None => {
            let raw = given(line.kind, "type", KINDS)?;
            let named = word(raw, Kind::named).filter(|kind| !is_whole || *kind != Kind::Invoke);
            named.ok_or_else(|| Problem::new(at(raw), format!("the type {}", shown(raw.get())), KINDS))?
        }
    };
    let function = given(line.function, "f", FUNCTIONS)?;
    let function = word(function, Function::named)
        .ok_or_else(|| Problem::new(at(function), format!("the f {}", shown(function.get())), FUNCTIONS))?;
    if let Some(index) = line.index
        && let Some(last) = index_last.replace(index).filter(|last| *last >= index)
    {
        let what = format!("index {index} after {last}");
        return Err(Problem::new(place, what, "one history, in the order in which it happened"));
    }
    let too_deep = |raw: &RawValue| Problem::new(at(raw), DEEP, format!("at most {DEPTH_MAX} levels"));
    let text_of = |raw: &RawValue| canonical(raw, DEPTH_MAX).map_err(|_| too_deep(raw));
    let names = &mut assembler.names;
    let mut value = |raw: &RawValue| -> Result<_, Problem> {
        match plain(raw.get()) {
            true => Ok(names.intern_value(raw.get())),
            false => Ok(names.intern_value(&text_of(raw)?)),
        }
    };
    let told = match (kind, function, line.value) {
        (_, _, None) => Told::Nothing,
        (Kind::Fail | Kind::Info, ..) if !is_whole => Told::Nothing,
        (Kind::Fail | Kind::Info, Function::Read, _) => Told::Nothing,
        (Kind::Invoke, Function::Read, _) => Told::Nothing,
        (Kind::Ok, Function::Write | Function::Cas, Some(raw)) if raw.get() == "null" && !is_whole => {
            Told::Nothing
        }
        (_, Function::Cas, Some(raw)) => match serde_json::from_str::<[&RawValue; 2]>(raw.get()) {
            Ok([from, to]) => Told::Two(value(from)?, value(to)?),
            Err(_) => {
                let what = format!("the cas value {}", shown(raw.get()));
                return Err(Problem::new(at(raw), what, "[from, to]"));
            }
        },
        (_, Function::Read | Function::Write, Some(raw)) => Told::One(value(raw)?),
    };
    let key = match line.key {
        None => None,
        Some(raw) if plain(raw.get()) => Some(assembler.names.intern_key(raw.get())),
        Some(raw) => Some(assembler.names.intern_key(&text_of(raw)?)),
    };
    let process = assembler.names.intern_process(process);
    let event = Event {
        place,
        process,
        kind,
        function,
        key,
        told,
        time_ns: line.time_ns,
        refusal: line.error.and_then(error_name).and_then(|name| refusal_named(kind, &name)),
        swapped: line.swapped,
        create_if_missing: line.create_if_missing,
    };
    Ok(Some((event, times)))
}

const PROCESSES: &str = "a number or a string";
const KINDS: &str = "invoke, ok, fail or info";
const FUNCTIONS: &str = "read, write or cas";

fn word<T>(raw: &RawValue, named: fn(&str) -> Option<T>) -> Option<T> {
    serde_json::from_str::<&str>(raw.get()).ok().and_then(named)
}

/// The name of an error: a string alone, or first in an array.
fn error_name(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if text.starts_with('[') {
        let parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return serde_json::from_str(parts.first()?.get()).ok();
    }
    serde_json::from_str(text).ok()
}

const DEEP: &str = "a value nested too deeply";

/// Whether a JSON text has no other spelling that means the same: numbers are compared by their spelling.
fn plain(text: &str) -> bool {
    match text.as_bytes() {
        [b'"', inner @ .., b'"'] => !inner.contains(&b'\\'),
        [b'"' | b'[' | b'{', ..] => false,
        _ => true,
    }
}

/// The one spelling of a JSON text: no blanks, objects sorted by key, strings with as few escapes as can be.
fn canonical(raw: &RawValue, depth: usize) -> Result<String, String> {
    let text = raw.get();
    if plain(text) {
        return Ok(text.to_owned());
    }
    let depth = depth.checked_sub(1).ok_or_else(|| DEEP.to_owned())?;
    let wrong = |error: serde_json::Error| error.to_string();
    let string = |text: &str| serde_json::to_string(text).map_err(wrong);
    match text.as_bytes()[0] {
        b'"' => string(&serde_json::from_str::<String>(text).map_err(wrong)?),
        b'[' => {
            let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let parts: Result<Vec<String>, String> =
                parts.into_iter().map(|part| canonical(part, depth)).collect();
            Ok(format!("[{}]", parts?.join(",")))
        }
        _ => {
            let parts: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let parts: Result<Vec<String>, String> = parts
                .into_iter()
                .map(|(name, part)| Ok(format!("{}:{}", string(&name)?, canonical(part, depth)?)))
                .collect();
            Ok(format!("{{{}}}", parts?.join(",")))
        }
    }
}
