//! Events to operations: pairs every invocation with its end, and says what cannot be.

use super::fields::Ignored;
use super::intern::Interner;
use super::problem::{PROBLEMS_MAX, Place, Problem, ReadError, shown};
use super::{Format, HistoryFile, Options, Origin};
use crate::{Action, Key, Operation, Value};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A process asks.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows whether it happened, or ever will.
    Info,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Read,
    Write,
    Cas,
}

impl Function {
    /// By the word for it.
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "read" | "get" => Some(Function::Read),
            "write" | "put" => Some(Function::Write),
            "cas" => Some(Function::Cas),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Function::Read => "read",
            Function::Write => "write",
            Function::Cas => "cas",
        }
    }
}

/// What a definite refusal says about the value, and so observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The key did not exist.
    Absent,
    /// The value was another one than a compare-and-swap expected.
    Mismatch,
}

/// The values that an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    One(Value),
    /// What a compare-and-swap expects and writes.
    Two(Value, Value),
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) place: Place,
    pub(super) process: u32,
    pub(super) kind: Kind,
    pub(super) function: Function,
    /// `None` if the event does not say.
    pub(super) key: Option<Key>,
    pub(super) told: Told,
    pub(super) time_ns: Option<u64>,
    /// What a failed operation says about the value.
    pub(super) refusal: Option<Refusal>,
    /// Of a compare-and-swap that is ok: whether the value was replaced. `None`: it was.
    pub(super) swapped: Option<bool>,
    /// Of the invocation of a compare-and-swap: whether a missing key is created. `None`: it is not.
    pub(super) create_if_missing: Option<bool>,
}

/// What decides which operation came before which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The lines' order.
    Lines,
    /// The events' times, which must be there and must not go back; equal times are concurrent.
    Times,
}

/// The texts behind the numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    processes: Interner,
    keys: Interner,
    /// 0 is what every key has at the beginning.
    values: Interner,
}

/// The key of operations that have none.
const NO_KEY: Key = Key(0);

impl Kind {
    /// By the word for it.
    pub(super) fn named(name: &str) -> Option<Kind> {
        match name {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }
}

impl Names {
    fn new(initial: &str) -> Names {
        let mut names = Names::default();
        let first = names.values.intern(initial);
        assert_eq!(Value(first as u64), Value::MISSING, "the first number is 0");
        names
    }

    /// # Panics
    ///
    /// If there are 2^32 processes.
    pub(super) fn intern_process(&mut self, text: &str) -> u32 {
        u32::try_from(self.processes.intern(text)).expect("a process takes more than a byte of memory")
    }

    pub(super) fn intern_key(&mut self, text: &str) -> Key {
        Key(self.keys.intern(text) as u64 + 1)
    }

    pub(super) fn intern_value(&mut self, text: &str) -> Value {
        Value(self.values.intern(text) as u64)
    }

    pub(super) fn process(&self, process: u32) -> &str {
        self.processes.text(usize::try_from(process).expect("a number of something in memory"))
    }

    pub(super) fn key(&self, key: Key) -> Option<&str> {
        let number = key.0.checked_sub(1)?;
        Some(self.keys.text(usize::try_from(number).expect("a number of something in memory")))
    }

    pub(super) fn value(&self, value: Value) -> &str {
        self.values.text(usize::try_from(value.0).expect("a number of something in memory"))
    }
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    Idle,
    /// With the operation of this number.
    With(usize),
    /// It crashed on this line, and is never heard of again.
    Crashed(u64),
}

/// The operations so far.
#[derive(Debug)]
pub(super) struct Assembler {
    pub(super) names: Names,
    /// What is wrong so far; reading stops when it is full.
    problems: Vec<Problem>,
    order: Order,
    times_decide: bool,
    /// Whether a process may go on after an operation of unknown outcome.
    processes_survive: bool,
    operations: Vec<Operation>,
    origins: Vec<Origin>,
    /// Those that are left out.
    failed: Vec<usize>,
    processes: Vec<Busy>,
    events: u64,
    time_ns_last: u64,
    time_backwards_line: Option<u64>,
    keyed: bool,
    /// The value of a key that does not exist.
    absent: Value,
    /// Whether a definite refusal says nothing about the value.
    ignore_refusals: bool,
    refused: usize,
    nil_reads_say_nothing: bool,
    nil_reads: usize,
    pub(super) ignored: Ignored,
}

/// What an assembler must know of the format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// What every key has at the beginning.
    pub(super) initial: &'a str,
    /// What the format writes for a key that does not exist.
    pub(super) absent: &'a str,
    /// Whether times decide the order. They do if the first event has one; then all must.
    pub(super) times_decide: bool,
    /// Whether a process may go on after an operation of unknown outcome.
    pub(super) processes_survive: bool,
}

impl Assembler {
    /// No operations yet.
    pub(super) fn new(rules: Rules<'_>, options: &Options) -> Assembler {
        let Rules { initial, absent, times_decide, processes_survive } = rules;
        let mut names = Names::new(initial);
        let absent = names.intern_value(absent);
        Assembler {
            names,
            problems: Vec::new(),
            order: Order::Lines,
            times_decide,
            processes_survive,
            operations: Vec::new(),
            origins: Vec::new(),
            failed: Vec::new(),
            processes: Vec::new(),
            events: 0,
            time_ns_last: 0,
            time_backwards_line: None,
            keyed: false,
            absent,
            ignore_refusals: options.ignore_refusals,
            refused: 0,
            nil_reads_say_nothing: options.nil_reads_say_nothing,
            nil_reads: 0,
            ignored: Ignored::default(),
        }
    }

    /// Notes what is wrong.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether so much is wrong that there is no point in reading on.
    pub(super) fn is_hopeless(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// Takes the next event.
    pub(super) fn push(&mut self, event: Event) {
        self.events += 1;
        if self.events == 1 && self.times_decide && event.time_ns.is_some() {
            self.order = Order::Times;
        }
        let done = self.instant(&event).and_then(|instant| match event.kind {
            Kind::Invoke => self.invoke(&event, instant),
            Kind::Ok | Kind::Fail | Kind::Info => self.complete(&event, instant),
        });
        if let Err(problem) = done {
            self.problems.push(problem);
        }
    }

    /// Takes a whole operation, invoked at one time and ended at another. An end that is unknown needs no time.
    pub(super) fn push_whole(&mut self, event: Event, invoked_ns: u64, completed_ns: Option<u64>) {
        self.events += 1;
        let result = self.whole(event, invoked_ns, completed_ns);
        // What a process does at one time is known by the times alone.
        *self.busy(event.process) = Busy::Idle;
        if let Err(problem) = result {
            self.problems.push(problem);
        }
    }

    fn whole(&mut self, event: Event, invoked_ns: u64, completed_ns: Option<u64>) -> Result<(), Problem> {
        let expected = "times below 2^64 - 3, the end not before the invocation";
        let known = matches!(event.kind, Kind::Ok | Kind::Fail);
        let wrong = match completed_ns {
            Some(completed) => invoked_ns > completed || completed >= u64::MAX - 2,
            None => invoked_ns >= u64::MAX - 2,
        };
        if wrong {
            let what = format!("invoked at {invoked_ns}, ended at {}", completed_ns.unwrap_or(u64::MAX));
            return Err(Problem::new(event.place, what, expected));
        }
        if known && completed_ns.is_none() {
            return Err(Problem::new(event.place, "an end without a time", "completed_ns, or the type info"));
        }
        let told = if event.function == Function::Read { Told::Nothing } else { event.told };
        let (refusal, swapped) = (None, None);
        let invocation =
            Event { kind: Kind::Invoke, told, time_ns: Some(invoked_ns), refusal, swapped, ..event };
        self.invoke(&invocation, invoked_ns)?;
        let end = Event { time_ns: completed_ns, ..event };
        self.complete(&end, completed_ns.unwrap_or(invoked_ns))
    }

    /// Nothing follows.
    pub(super) fn finish(mut self, format: Format) -> Result<HistoryFile, ReadError> {
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| problem.place);
            self.problems.truncate(PROBLEMS_MAX);
            return Err(ReadError::Problems(self.problems));
        }
        self.failed.sort_unstable();
        let mut left_out = self.failed.iter().copied().peekable();
        let mut keep: Vec<bool> = Vec::with_capacity(self.operations.len());
        keep.extend((0..self.operations.len()).map(|number| left_out.next_if_eq(&number).is_none()));
        let mut kept = keep.iter();
        self.operations.retain(|_| *kept.next().expect("one for each operation"));
        let mut kept = keep.iter();
        self.origins.retain(|_| *kept.next().expect("one for each operation"));
        Ok(HistoryFile {
            format,
            operations: self.operations,
            origins: self.origins,
            failed: self.failed.len() - self.nil_reads,
            refused: self.refused,
            nil_reads: self.nil_reads,
            ignored_fields: self.ignored.into_names(),
            keyed: self.keyed,
            time_backwards_line: self.time_backwards_line,
            names: self.names,
        })
    }

    /// When an event was, for the checker.
    fn instant(&mut self, event: &Event) -> Result<u64, Problem> {
        let goes_back = event.time_ns.is_some_and(|time| time < self.time_ns_last);
        if let Some(time) = event.time_ns {
            self.time_ns_last = self.time_ns_last.max(time);
        }
        match (self.order, event.time_ns) {
            (Order::Lines, Some(_)) if self.times_decide => {
                let what = "a time_ns, after lines without one";
                Err(Problem::new(event.place, what, "one on every line, or on none"))
            }
            (Order::Lines, _) => {
                if goes_back {
                    self.time_backwards_line = self.time_backwards_line.or(Some(event.place.line));
                }
                Ok(self.events)
            }
            (Order::Times, None) => {
                Err(Problem::new(event.place, "no time_ns", "one on every line, as on the first"))
            }
            (Order::Times, Some(time)) if goes_back => {
                let what = format!("time goes back from {} to {time}", self.time_ns_last);
                Err(Problem::new(event.place, what, "lines sorted by time_ns"))
            }
            (Order::Times, Some(time)) if time >= u64::MAX - 2 => {
                Err(Problem::new(event.place, format!("time_ns is {time}"), "a time below 2^64 - 3"))
            }
            (Order::Times, Some(time)) => Ok(time),
        }
    }

    fn busy(&mut self, process: u32) -> &mut Busy {
        let process = usize::try_from(process).expect("a number of something in memory");
        if process >= self.processes.len() {
            self.processes.resize(process + 1, Busy::Idle);
        }
        &mut self.processes[process]
    }

    fn invoke(&mut self, event: &Event, instant: u64) -> Result<(), Problem> {
        let name = |names: &Names| shown(names.process(event.process));
        match *self.busy(event.process) {
            Busy::Idle => {}
            Busy::With(number) => {
                let what = format!("process {} invokes a {}", name(&self.names), event.function.name());
                let expected =
                    format!("the end of what it invoked at line {}", self.origins[number].invoked_line);
                return Err(Problem::new(event.place, what, expected));
            }
            Busy::Crashed(line) => {
                let what = format!("process {} invokes a {}", name(&self.names), event.function.name());
                let expected = format!("nothing more of it: it crashed (info) at line {line}");
                return Err(Problem::new(event.place, what, expected));
            }
        }
        let creates = event.create_if_missing.unwrap_or(false);
        if creates && event.function != Function::Cas {
            let what = format!("a {} with create_if_missing", event.function.name());
            return Err(Problem::new(event.place, what, "it on the invocation of a cas only"));
        }
        if creates && self.absent != Value::MISSING {
            let expected = "keys that are missing at the beginning, so no --initial";
            return Err(Problem::new(event.place, "a cas with create_if_missing", expected));
        }
        if event.swapped.is_some() {
            return Err(Problem::new(event.place, "an invocation with swapped", SWAPPED));
        }
        let action = match (event.function, event.told) {
            (Function::Read, _) => Action::Read { returned: Value::MISSING },
            (Function::Write, Told::One(value)) => Action::Write { value },
            (Function::Cas, Told::Two(from, to)) => {
                Action::Cas { from, to, create_if_missing: creates, swapped: false }
            }
            (Function::Write, _) => {
                return Err(Problem::new(event.place, "a write of nothing", "the value that is written"));
            }
            (Function::Cas, _) => {
                return Err(Problem::new(event.place, "a cas of nothing", "the values [from to]"));
            }
        };
        *self.busy(event.process) = Busy::With(self.operations.len());
        self.keyed |= event.key.is_some();
        self.operations.push(Operation {
            client: event.process,
            key: event.key.unwrap_or(NO_KEY),
            invoked: instant,
            responded: None,
            action,
        });
        self.origins.push(Origin {
            invoked_line: event.place.line,
            completed_line: None,
            refusal: None,
            invoked_ns: event.time_ns,
            completed_ns: None,
        });
        Ok(())
    }

    fn complete(&mut self, event: &Event, instant: u64) -> Result<(), Problem> {
        let Busy::With(number) = *self.busy(event.process) else {
            // Its invocation may be what is wrong.
            if !self.problems.is_empty() {
                return Ok(());
            }
            let process = shown(self.names.process(event.process));
            let what = format!("process {process} ends a {}", event.function.name());
            return Err(Problem::new(event.place, what, "an invocation of it on an earlier line"));
        };
        let (operation, origin) = (&mut self.operations[number], &mut self.origins[number]);
        let line = origin.invoked_line;
        let asked = function_of(operation.action);
        *self.processes.get_mut(index(event.process)).expect("it is busy") = Busy::Idle;
        if asked != event.function {
            let what = format!("the end of a {}", event.function.name());
            let expected = format!("the end of the {} invoked at line {line}", asked.name());
            return Err(Problem::new(event.place, what, expected));
        }
        if event.key.is_some_and(|key| key != operation.key) {
            let expected = format!("the key of the invocation at line {line}");
            return Err(Problem::new(event.place, "another key", expected));
        }
        if let Some(said) = event.create_if_missing
            && !matches!(operation.action, Action::Cas { create_if_missing, .. } if create_if_missing == said)
        {
            let what = format!("create_if_missing is {said}");
            return Err(Problem::new(event.place, what, format!("what was asked at line {line}")));
        }
        if event.swapped.is_some() && (event.kind, event.function) != (Kind::Ok, Function::Cas) {
            return Err(Problem::new(event.place, "swapped", SWAPPED));
        }
        origin.completed_line = Some(event.place.line);
        origin.completed_ns = event.time_ns;
        match event.kind {
            Kind::Invoke => unreachable!("an invocation completes nothing"),
            Kind::Ok => {
                operation.responded = Some(instant);
                operation.action = answered(operation.action, event).map_err(|what| {
                    let expected = match asked {
                        Function::Read => "the value that was read".to_owned(),
                        Function::Write | Function::Cas => {
                            format!("what was asked at line {line}, or no value")
                        }
                    };
                    Problem::new(event.place, what, expected)
                })?;
                let says_nothing = self.nil_reads_say_nothing
                    && matches!(operation.action, Action::Read { returned } if returned == self.absent);
                if says_nothing {
                    self.failed.push(number);
                    self.nil_reads += 1;
                }
            }
            Kind::Fail => {
                let refusal = event.refusal.filter(|_| !self.ignore_refusals);
                let observed = refusal.map(|refusal| refused(operation.action, refusal, self.absent));
                match observed.transpose().map_err(|(what, expected)| {
                    Problem::new(event.place, what, format!("{expected}, as asked at line {line}"))
                })? {
                    Some(Some(observed)) => {
                        operation.responded = Some(instant);
                        operation.action = observed;
                        origin.refusal = refusal;
                        self.refused += 1;
                    }
                    Some(None) | None => self.failed.push(number),
                }
            }
            Kind::Info if self.processes_survive => {}
            Kind::Info => *self.busy(event.process) = Busy::Crashed(event.place.line),
        }
        Ok(())
    }
}

const SWAPPED: &str = "it on the `ok` of a cas only";

/// What a refused operation observed, as the operation that observes it. `None` if the refusal says nothing about the
/// value. An error: what is wrong, and what was expected.
fn refused(
    asked: Action,
    refusal: Refusal,
    absent: Value,
) -> Result<Option<Action>, (&'static str, &'static str)> {
    match (refusal, asked) {
        (Refusal::Absent, Action::Cas { create_if_missing: true, .. }) => {
            Err(("a cas that failed because the key does not exist", "a cas that creates it"))
        }
        (Refusal::Absent, _) => Ok(Some(Action::Read { returned: absent })),
        (Refusal::Mismatch, Action::Cas { from, to, create_if_missing, .. }) => {
            Ok(Some(Action::Cas { from, to, create_if_missing, swapped: false }))
        }
        (Refusal::Mismatch, Action::Read { .. } | Action::Write { .. }) => Ok(None),
    }
}

fn index(process: u32) -> usize {
    usize::try_from(process).expect("a number of something in memory")
}

fn function_of(action: Action) -> Function {
    match action {
        Action::Read { .. } => Function::Read,
        Action::Write { .. } => Function::Write,
        Action::Cas { .. } => Function::Cas,
    }
}

/// The action with what the answer says, or what is wrong with the answer.
fn answered(asked: Action, event: &Event) -> Result<Action, String> {
    match (asked, event.told) {
        (Action::Read { .. }, Told::One(returned)) => Ok(Action::Read { returned }),
        (Action::Read { .. }, _) => Err("a read of nothing".to_owned()),
        (Action::Write { .. }, Told::Nothing) => Ok(asked),
        (Action::Write { value }, Told::One(told)) if told == value => Ok(asked),
        (Action::Write { .. }, _) => Err("a write of another value".to_owned()),
        (Action::Cas { from, to, create_if_missing, .. }, told) => {
            if told != Told::Nothing && told != Told::Two(from, to) {
                return Err("a cas of other values".to_owned());
            }
            Ok(Action::Cas { from, to, create_if_missing, swapped: event.swapped.unwrap_or(true) })
        }
    }
}
