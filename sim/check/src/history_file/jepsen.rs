//! Jepsen's events: what its maps mean, and whether their values are `[key value]` pairs.
//!
//! The order of the events is the order of the file, as in Jepsen's own checkers: the times in real histories go back
//! here and there. A process whose operation crashed (`:info`) is never used again. Everything that `:nemesis` does is
//! ignored. A key has nil at the beginning.
//!
//! `[1 2]` is both "2, of key 1" and "from 1 to 2", and a register may hold pairs. The invocations tell: the first of them
//! that is a read is of `nil` on a register, and of `[key nil]` in an independent history. A write of something else
//! than a pair, or a compare-and-swap whose second part is no pair, tells as well. What comes before that is kept back.
//! The field `:key` tells at once: then it has the key, and the value is a value.

use std::io::BufRead;

use super::assemble::{Assembler, Event, Function, Kind, Refusal, Rules, Told};
use super::edn::{Datum, Reader, unclosed, wrong_bracket};
use super::fields::{Field, Ignored, refusal_named, resembled};
use super::lines::{Lines, Stop};
use super::problem::{Place, Problem, ReadError, shown};
use super::words::Word;
use super::{Format, HistoryFile, Options};
use crate::Key;

/// An event before it is known what its value means.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) place: Place,
    pub(super) process: String,
    pub(super) kind: Kind,
    pub(super) function: Function,
    pub(super) value: Datum,
    /// What `:key` says, unless it is nil.
    pub(super) key: Option<Datum>,
    pub(super) refusal: Option<Refusal>,
    pub(super) swapped: Option<bool>,
    pub(super) create_if_missing: Option<bool>,
    pub(super) time_ns: Option<u64>,
}

/// What the values of a history are.
#[derive(Debug)]
enum Values {
    /// Nobody knows yet; these wait.
    Unknown(Vec<Raw>),
    /// Those of one register, as the invocation at this line tells.
    OneRegister(u64),
    /// Pairs of a key and a value, as the invocation at this line tells, or the user.
    Pairs(Option<u64>),
    /// Those of the key in the field `:key`, as at this line.
    Keyed(u64),
}

/// Makes operations of Jepsen's events.
#[derive(Debug)]
pub(super) struct Interpreter {
    assembler: Assembler,
    values: Values,
    index_last: Option<u64>,
}

/// Reads a history in EDN: maps, one after the other or in a vector or list.
pub(super) fn read(input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let mut interpreter = Interpreter::new(options)?;
    let mut reader = Reader::new(Lines::new(input));
    match interpreter.read_all(&mut reader) {
        Ok(()) => {}
        Err(Stop::Io(error)) => return Err(ReadError::Io(error)),
        Err(Stop::Problem(problem)) => interpreter.assembler.problem(problem),
    }
    interpreter.finish(Format::Edn)
}

impl Interpreter {
    pub(super) fn new(options: &Options) -> Result<Interpreter, ReadError> {
        let initial = match &options.initial {
            None => Datum::Nil.canonical(),
            Some(text) => match Reader::new(Lines::new(text.as_bytes())).form() {
                Ok(datum) => datum.canonical(),
                Err(Stop::Problem(problem)) => return Err(ReadError::Initial(problem.to_string())),
                Err(Stop::Io(error)) => return Err(ReadError::Io(error)),
            },
        };
        let values = if options.independent { Values::Pairs(None) } else { Values::Unknown(Vec::new()) };
        let rules = Rules { initial: &initial, absent: "nil", times_decide: false, processes_survive: false };
        let assembler = Assembler::new(rules, options);
        Ok(Interpreter { assembler, values, index_last: None })
    }

    fn read_all<R: BufRead>(&mut self, reader: &mut Reader<R>) -> Result<(), Stop> {
        let mut around: Option<(Place, u8)> = None;
        while !self.is_hopeless() {
            let next = reader.next_significant()?;
            let place = reader.place();
            match (next, around) {
                (None, None) => break,
                (None, Some((open, close))) => return Err(unclosed(place, open, close)),
                (Some(b'['), None) => around = Some((place, b']')),
                (Some(b'('), None) => around = Some((place, b')')),
                (Some(byte), Some((_, close))) if byte == close => around = None,
                (Some(byte @ (b')' | b']' | b'}')), Some((open, close))) => {
                    return Err(wrong_bracket(place, byte, open, close));
                }
                (Some(b'#'), _) => {
                    reader.tag()?;
                    if reader.next_significant()? != Some(b'{') {
                        return Err(Problem::new(reader.place(), "no map after a tag", EVENT).into());
                    }
                    self.event(reader, place)?;
                    continue;
                }
                (Some(b'{'), _) => {
                    self.event(reader, place)?;
                    continue;
                }
                (Some(_), _) => {
                    let found =
                        reader.form().map_or_else(|_| "this".to_owned(), |form| shown(&form.canonical()));
                    return Err(Problem::new(place, found, EVENT).into());
                }
            }
            reader.skip(1);
        }
        Ok(())
    }

    /// Reads one map and takes it.
    fn event<R: BufRead>(&mut self, reader: &mut Reader<R>, place: Place) -> Result<(), Stop> {
        let fields = Fields::read(reader, &mut self.assembler.ignored)?;
        match self.raw(fields, place) {
            Ok(Some(raw)) => self.push(raw),
            Ok(None) => {}
            Err(problem) => self.assembler.problem(problem),
        }
        Ok(())
    }

    /// The event that a map describes; `None` if no client did it.
    fn raw(&mut self, fields: Fields, place: Place) -> Result<Option<Raw>, Problem> {
        let process = match fields.process {
            Some(process @ (Datum::Number(_) | Datum::Text(_))) => process.spelling().into_owned(),
            None | Some(Datum::Nil) => {
                return Err(Problem::new(place, "an event without :process", EVENT));
            }
            Some(Datum::Keyword(name)) if name == "nemesis" => return Ok(None),
            Some(other) => {
                // Jepsen's other threads do things of their own. One that reads or writes is a client.
                if !matches!(fields.function, Some(Ok(_))) {
                    return Ok(None);
                }
                let what = format!("the process {}", shown(&other.canonical()));
                return Err(Problem::new(place, what, "a number or a string, or :nemesis"));
            }
        };
        if let Some(index) = fields.index {
            if let Some(last) = self.index_last.filter(|last| *last >= index) {
                let what = format!(":index {index} after {last}");
                return Err(Problem::new(place, what, "one history, in the order in which it happened"));
            }
            self.index_last = Some(index);
        }
        let (kind, word) = (known_kind(fields.kind, place)?, known_function(fields.function, place)?);
        let refusal = error_name(&fields.error).and_then(|name| refusal_named(kind, name));
        let Fields { value, mut key, swapped, create_if_missing, time_ns, .. } = fields;
        let (function, value) = word.meaning(value, &mut key, place)?;
        Ok(Some(Raw {
            place,
            process,
            kind,
            function,
            value,
            key,
            refusal,
            swapped,
            create_if_missing,
            time_ns,
        }))
    }

    /// Notes what is wrong.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.assembler.problem(problem);
    }

    /// Whether so much is wrong that there is no point in reading on.
    pub(super) fn is_hopeless(&self) -> bool {
        self.assembler.is_hopeless()
    }

    /// Takes the next event.
    pub(super) fn push(&mut self, raw: Raw) {
        if let Values::Unknown(waiting) = &mut self.values {
            let line = raw.place.line;
            let tells = if raw.key.is_some() { Some(Tells::Keyed) } else { Values::told_by(&raw) };
            waiting.push(raw);
            match tells {
                None => {}
                Some(Tells::OneRegister) => self.decide(Values::OneRegister(line)),
                Some(Tells::Pairs) => self.decide(Values::Pairs(Some(line))),
                Some(Tells::Keyed) => self.decide(Values::Keyed(line)),
            }
            return;
        }
        self.take(&raw);
    }

    /// Nothing follows. If no event told what the values are, and all of them could be pairs, they are taken for pairs.
    pub(super) fn finish(mut self, format: Format) -> Result<HistoryFile, ReadError> {
        if let Values::Unknown(waiting) = &self.values {
            let single = |raw: &&Raw| match raw.kind {
                Kind::Invoke => false,
                Kind::Ok => raw.value.pair().is_none() && raw.value != Datum::Nil,
                Kind::Fail | Kind::Info => false,
            };
            let single = waiting.iter().find(single).map(|raw| raw.place.line);
            self.decide(single.map_or(Values::Pairs(None), Values::OneRegister));
        }
        self.assembler.finish(format)
    }

    fn decide(&mut self, values: Values) {
        if let Values::Unknown(waiting) = std::mem::replace(&mut self.values, values) {
            waiting.iter().for_each(|raw| self.take(raw));
        }
    }

    fn take(&mut self, raw: &Raw) {
        match self.meaning(raw) {
            Ok((key, told)) => {
                let process = self.assembler.names.intern_process(&raw.process);
                self.assembler.push(Event {
                    place: raw.place,
                    process,
                    kind: raw.kind,
                    function: raw.function,
                    key,
                    told,
                    time_ns: raw.time_ns,
                    refusal: raw.refusal,
                    swapped: raw.swapped,
                    create_if_missing: raw.create_if_missing,
                });
            }
            Err(problem) => self.assembler.problem(problem),
        }
    }

    /// What the value of an event says, and of which key.
    fn meaning(&mut self, raw: &Raw) -> Result<(Option<Key>, Told), Problem> {
        let unasked = |what: String, expected: String| Err(Problem::new(raw.place, what, expected));
        let ended = matches!(raw.kind, Kind::Fail | Kind::Info);
        let (key, value) = match (&self.values, &raw.key) {
            (Values::Unknown(_), _) => unreachable!("the values were decided on"),
            (Values::Keyed(line), None) if raw.kind == Kind::Invoke => {
                return unasked("no :key".to_owned(), format!("one on every invocation, as at line {line}"));
            }
            (Values::Keyed(_), Some(key)) if Values::told_by(raw) == Some(Tells::Pairs) => {
                let what = format!("a read of :key {} with {}", shown(&key.canonical()), pair_of(raw));
                return unasked(what, "the key once: in :key, or in :value".to_owned());
            }
            (Values::Keyed(_), key) => (key.as_ref(), &raw.value),
            (Values::OneRegister(line) | Values::Pairs(Some(line)), Some(key)) => {
                let what = format!(":key {}", shown(&key.canonical()));
                return unasked(what, format!("none, as line {line} has none"));
            }
            (Values::Pairs(None), Some(key)) => {
                let what = format!(":key {}", shown(&key.canonical()));
                return unasked(what, "[key value] pairs only, as --independent says".to_owned());
            }
            (_, None) if ended => return Ok((None, Told::Nothing)),
            (Values::Pairs(because), None) => {
                let Some((key, value)) = raw.value.pair() else {
                    let why = because.map_or(String::new(), |line| format!(", as at line {line}"));
                    let what = format!(":value {}", shown(&raw.value.canonical()));
                    return unasked(what, format!("[key value]{why}"));
                };
                (Some(key), value)
            }
            (Values::OneRegister(line), None) => {
                if Values::told_by(raw) == Some(Tells::Pairs) {
                    let what = format!("a read invoked with {}", pair_of(raw));
                    return unasked(what, format!("nil, as line {line} has values without a key"));
                }
                (None, &raw.value)
            }
        };
        let names = &mut self.assembler.names;
        let key = key.map(|key| names.intern_key(&key.spelling()));
        let told = match (raw.kind, raw.function, value) {
            _ if ended => Told::Nothing,
            (Kind::Invoke, Function::Read, _) => Told::Nothing,
            (Kind::Ok, Function::Write | Function::Cas, Datum::Nil) => Told::Nothing,
            (_, Function::Read | Function::Write, value) => Told::One(names.intern_value(&value.spelling())),
            (_, Function::Cas, value) => {
                let Some((from, to)) = value.pair() else {
                    let what = format!("a cas with {}", shown(&value.spelling()));
                    return Err(Problem::new(raw.place, what, "[from to]"));
                };
                Told::Two(names.intern_value(&from.spelling()), names.intern_value(&to.spelling()))
            }
        };
        Ok((key, told))
    }
}

const EVENT: &str = "an event, as in {:type :invoke, :f :read, :value nil, :process 0}";

/// What an event says about the values of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    OneRegister,
    Pairs,
    Keyed,
}

impl Values {
    /// What an event without `:key` says.
    fn told_by(raw: &Raw) -> Option<Tells> {
        if raw.kind != Kind::Invoke {
            return None;
        }
        match (raw.function, raw.value.pair()) {
            (Function::Read, Some((_, Datum::Nil))) => Some(Tells::Pairs),
            (Function::Read, _) | (Function::Write, None) => Some(Tells::OneRegister),
            (Function::Cas, Some((_, second))) if second.pair().is_none() => Some(Tells::OneRegister),
            (Function::Write, Some(_)) | (Function::Cas, _) => None,
        }
    }
}

fn pair_of(raw: &Raw) -> String {
    shown(&raw.value.canonical())
}

/// The fields of an event, read one by one: to build a map of each event would take most of the time.
#[derive(Debug, Default)]
struct Fields {
    /// `None` if there is none; an error if it is not known, with what is there instead.
    kind: Option<Result<Kind, String>>,
    function: Option<Result<Word, String>>,
    process: Option<Datum>,
    value: Datum,
    key: Option<Datum>,
    error: Datum,
    time_ns: Option<u64>,
    index: Option<u64>,
    swapped: Option<bool>,
    create_if_missing: Option<bool>,
}

impl Fields {
    /// Reads the map at whose bracket the reader is.
    fn read<R: BufRead>(reader: &mut Reader<R>, ignored: &mut Ignored) -> Result<Fields, Stop> {
        let open = reader.place();
        reader.skip(1);
        let mut fields = Fields::default();
        let mut read: u32 = 0;
        loop {
            match reader.next_significant()? {
                Some(b'}') => {
                    reader.skip(1);
                    return Ok(fields);
                }
                None => return Err(unclosed(reader.place(), open, b'}')),
                Some(byte @ (b')' | b']')) => return Err(wrong_bracket(reader.place(), byte, open, b'}')),
                Some(_) => {}
            }
            let place = reader.place();
            let field = reader.named(Field::of_edn)?;
            if reader.next_significant()? == Some(b'}') {
                return Err(Problem::new(reader.place(), "a key alone", "a value for every key").into());
            }
            let field = match field {
                Ok(field) => field,
                Err(name) => {
                    if let Some(meant) = resembled(&name) {
                        let expected = format!("`:{}`, or another name", meant.replace('_', "-"));
                        return Err(Problem::new(place, format!("the field {name}"), expected).into());
                    }
                    ignored.note(name.strip_prefix(':').unwrap_or(&name));
                    reader.form()?;
                    continue;
                }
            };
            let bit = 1 << (field as u32);
            if read & bit != 0 {
                return Err(Problem::new(place, "a field for the second time", "each field once").into());
            }
            read |= bit;
            match field {
                Field::Type => fields.kind = Some(reader.named(Kind::named)?),
                Field::Function => fields.function = Some(reader.named(Word::named)?),
                Field::Process => fields.process = Some(reader.form()?),
                Field::Value => fields.value = reader.form()?,
                Field::Key => fields.key = Some(reader.form()?).filter(|key| *key != Datum::Nil),
                Field::Error => fields.error = reader.form()?,
                Field::Time => fields.time_ns = reader.number()?,
                Field::Index => fields.index = reader.number()?,
                Field::Swapped => fields.swapped = truth(reader)?,
                Field::CreateIfMissing => fields.create_if_missing = truth(reader)?,
                Field::InvokedNs | Field::CompletedNs => unreachable!("EDN has no whole operations"),
            }
        }
    }
}

/// `true`, `false` or nil.
fn truth<R: BufRead>(reader: &mut Reader<R>) -> Result<Option<bool>, Stop> {
    let place = reader.place();
    let form = reader.form()?;
    match &form {
        Datum::Nil => Ok(None),
        Datum::Symbol(word) if word == "true" => Ok(Some(true)),
        Datum::Symbol(word) if word == "false" => Ok(Some(false)),
        other => Err(Problem::new(place, shown(&other.canonical()), "`true` or `false`").into()),
    }
}

/// The name of an error: a keyword alone, or first in a vector.
pub(super) fn error_name(error: &Datum) -> Option<&str> {
    match error {
        Datum::Keyword(name) | Datum::Text(name) => Some(name),
        Datum::Sequence(parts) => match parts.first()? {
            Datum::Keyword(name) | Datum::Text(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn known_kind(kind: Option<Result<Kind, String>>, place: Place) -> Result<Kind, Problem> {
    known(kind, ":type", ":invoke, :ok, :fail or :info", place)
}

pub(super) fn known_function(function: Option<Result<Word, String>>, place: Place) -> Result<Word, Problem> {
    known(function, ":f", ":read, :write or :cas", place)
}

fn known<T>(
    found: Option<Result<T, String>>,
    field: &str,
    expected: &str,
    place: Place,
) -> Result<T, Problem> {
    match found {
        Some(Ok(known)) => Ok(known),
        Some(Err(text)) => Err(Problem::new(place, format!("{field} {text}"), expected)),
        None => Err(Problem::new(place, format!("no {field}"), expected)),
    }
}
