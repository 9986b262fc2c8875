//! Our own format: one event a line, as a JSON object.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::assemble::{Assembler, Event, Function, Kind, Order, Told};
use super::lines::{Lines, Stop};
use super::problem::{Place, Problem, ReadError, shown, shown_up_to};
use super::{Format, HistoryFile, Options};

/// One line. Fields that are not known are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    process: &'a RawValue,
    #[serde(rename = "type")]
    kind: KindName,
    f: FunctionName,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    value: Option<&'a RawValue>,
    time_ns: Option<u64>,
    swapped: Option<bool>,
    create_if_missing: Option<bool>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Invoke,
    Ok,
    Fail,
    Info,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum FunctionName {
    Read,
    Write,
    Cas,
}

/// `null` is a value: that of a key that does not exist.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
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
    let mut assembler = Assembler::new(&initial, Order::Lines, true);
    let mut lines = Lines::new(input);
    let mut first = true;
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
        match event(&lines, &mut assembler) {
            Ok(None) => {}
            Ok(Some(event)) => {
                if std::mem::take(&mut first) && event.time_ns.is_some() {
                    assembler.set_order(Order::Times);
                }
                assembler.push(event);
            }
            Err(problem) => assembler.problem(problem),
        }
    }
    assembler.finish(Format::JsonLines)
}

/// The event of the current line; `None` if it is the nemesis's.
fn event<R: BufRead>(lines: &Lines<R>, assembler: &mut Assembler) -> Result<Option<Event>, Problem> {
    let text = lines.line();
    let place = lines.place(text.len() - text.trim_ascii_start().len());
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| {
        let column = u64::try_from(error.column()).expect("a length in memory");
        let said = error.to_string();
        let what = said.rsplit_once(" at line ").map_or(&said[..], |(what, _)| what);
        let place = Place { line: place.line, column: column.max(1) };
        Problem::new(place, shown_up_to(what, 200), "an event, as `sim help history` describes them")
    })?;
    // Where a part of the line begins.
    let at = |raw: &RawValue| lines.place(raw.get().as_ptr().addr() - text.as_ptr().addr());
    let process = line.process.get();
    if process == "\"nemesis\"" {
        return Ok(None);
    }
    if !process.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let what = format!("the process {}", shown(process));
        return Err(Problem::new(at(line.process), what, "a number or a string"));
    }
    let too_deep = |raw: &RawValue| Problem::new(at(raw), DEEP, format!("at most {DEPTH_MAX} levels"));
    let text_of = |raw: &RawValue| canonical(raw, DEPTH_MAX).map_err(|_| too_deep(raw));
    let function = match line.f {
        FunctionName::Read => Function::Read,
        FunctionName::Write => Function::Write,
        FunctionName::Cas => Function::Cas,
    };
    let kind = match line.kind {
        KindName::Invoke => Kind::Invoke,
        KindName::Ok => Kind::Ok,
        KindName::Fail => Kind::Fail,
        KindName::Info => Kind::Info,
    };
    let names = &mut assembler.names;
    let mut value = |raw: &RawValue| -> Result<_, Problem> {
        match plain(raw.get()) {
            true => Ok(names.intern_value(raw.get())),
            false => Ok(names.intern_value(&text_of(raw)?)),
        }
    };
    let told = match (kind, function, line.value) {
        (Kind::Fail | Kind::Info, ..) | (_, _, None) => Told::Nothing,
        (Kind::Invoke, Function::Read, _) => Told::Nothing,
        (Kind::Ok, Function::Write | Function::Cas, Some(raw)) if raw.get() == "null" => Told::Nothing,
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
    Ok(Some(Event {
        place,
        process,
        kind,
        function,
        key,
        told,
        time_ns: line.time_ns,
        swapped: line.swapped.unwrap_or(true),
        create_if_missing: line.create_if_missing.unwrap_or(false),
    }))
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
