//! A guest as a WASI module (preview 1), run by an interpreter: the same program as the process, but its clocks, its random
//! numbers, its input and its output are ours. A program that looks at a clock or draws a seed of its own is deterministic
//! here.
//!
//! The module's `_start` runs until it reads its input and there is none: then it is left as it is, and goes on there with the
//! next line. What it wrote meanwhile is its answer.

mod calls;

use std::collections::VecDeque;
use std::sync::Arc;

use leasehold::time::{Nanos, Reading, Stamp};
use wasmi::{
    Config, Engine, Error, Linker, Memory, Module, ResumableCall, ResumableCallHostTrap, Store, Val,
};

use self::calls::{Machine, Wants};
use crate::guest::{Begin, Carrier, Trouble};

/// How it runs, in words.
pub(crate) const WAY: &str = "a WASI module";

/// Instructions that a guest may spend on one line: seconds of them. A start of the Go runtime takes some millions.
const FUEL: u64 = 300_000_000;

/// The linear memory's export.
const MEMORY: &str = "memory";

/// Compiles the module that the command names first; its other words are the module's arguments.
///
/// # Errors
///
/// The file cannot be read, is no module, or has no `_start`.
pub(crate) fn host(command: &str) -> Result<Begin, String> {
    let words: Arc<[String]> = command.split_whitespace().map(str::to_owned).collect();
    let file = words.first().map_or("", String::as_str);
    let bytes =
        std::fs::read(file).map_err(|error| format!("cannot read the WASI module {file}: {error}"))?;
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module =
        Module::new(&engine, &bytes[..]).map_err(|error| format!("{file} is no WASI module: {error}"))?;
    if !module.exports().any(|export| export.name() == "_start") {
        return Err(format!(
            "{file} has no `_start`: compile it as a WASI command (preview 1), not as a library"
        ));
    }
    let mut linker = Linker::new(&engine);
    // Some compilers import a function twice.
    linker.allow_shadowing(true);
    calls::link(&mut linker, &module).map_err(|error| format!("{file}: {error}"))?;
    let compiled = Arc::new(Compiled { engine, module, linker, words });
    Ok(Arc::new(move |seed| compiled.begin(seed).map(|guest| Box::new(guest) as Box<dyn Carrier>)))
}

struct Compiled {
    engine: Engine,
    module: Module,
    linker: Linker<Machine>,
    words: Arc<[String]>,
}

struct Instance {
    store: Store<Machine>,
    memory: Memory,
    state: State,
}

/// How far the module has come.
enum State {
    /// It has not begun.
    New(wasmi::Func),
    /// It waits for input.
    Waits(ResumableCallHostTrap),
    /// It has ended, or failed.
    Over,
}

impl Compiled {
    fn begin(&self, seed: u64) -> Result<Instance, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble {
            what: format!("cannot be started: {error}"),
            remedy: "compile it as a WASI command (preview 1)",
        };
        let zero = Stamp::new(Nanos(0), Nanos(0));
        let now = Reading { stamp: zero, wall: None };
        let mut store = Store::new(&self.engine, Machine::new(self.words.clone(), seed, now));
        store.set_fuel(FUEL).map_err(|error| failed(&error))?;
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).map_err(|error| failed(&error))?;
        let memory = instance.get_memory(&store, MEMORY).ok_or_else(|| failed(&"it exports no memory"))?;
        let start = instance.get_func(&store, "_start").ok_or_else(|| failed(&"it exports no `_start`"))?;
        Ok(Instance { store, memory, state: State::New(start) })
    }
}

impl Carrier for Instance {
    fn exchange(&mut self, now: &Reading, line: &str) -> Result<String, Trouble> {
        let machine = self.store.data_mut();
        machine.now = *now;
        machine.input.extend(line.as_bytes());
        machine.input.push_back(b'\n');
        machine.output.clear();
        let filled =
            self.store.set_fuel(FUEL).and_then(|()| match std::mem::replace(&mut self.state, State::Over) {
                State::New(start) => start.call_resumable(&mut self.store, &[], &mut []),
                State::Waits(call) => {
                    let (memory, machine) = self.memory.data_and_store_mut(&mut self.store);
                    // What it wants to read into was looked at when it asked.
                    let errno = machine.read_again(memory);
                    call.resume(&mut self.store, &[Val::I32(errno)], &mut [])
                }
                State::Over => Ok(ResumableCall::Finished),
            });
        match filled {
            Ok(ResumableCall::HostTrap(call)) if call.host_error().downcast_ref::<Wants>().is_some() => {
                self.state = State::Waits(call);
                self.answer()
            }
            Ok(ResumableCall::HostTrap(call)) => Err(ended(call.host_error())),
            Ok(ResumableCall::Finished) => Err(Trouble { what: "has ended".to_owned(), remedy: ENDS }),
            Ok(ResumableCall::OutOfFuel(_)) => Err(Trouble {
                what: format!("has computed {FUEL} instructions and has not answered"),
                remedy: "a guest answers each line with one line; it never waits or sleeps",
            }),
            Err(error) => Err(ended(&error)),
        }
    }

    fn last_words(&mut self) -> Vec<String> {
        crate::guest::last_lines(self.store.data_mut().words.make_contiguous())
    }
}

const ENDS: &str = "a guest ends when its standard input ends, and not before";

fn ended(error: &Error) -> Trouble {
    let what = match error.i32_exit_status() {
        Some(status) => format!("has ended (exit status: {status})"),
        None => format!("has failed: {error}"),
    };
    Trouble { what, remedy: ENDS }
}

impl Instance {
    /// What it wrote before it asked for the next line.
    fn answer(&mut self) -> Result<String, Trouble> {
        let output = std::mem::take(&mut self.store.data_mut().output);
        let text = String::from_utf8_lossy(&output);
        let wrong = |what: String| Trouble {
            what,
            remedy: "a guest writes one line for each line that it reads, and nothing else on standard output",
        };
        match text.strip_suffix('\n') {
            Some(line) if !line.contains('\n') => Ok(line.to_owned()),
            Some(lines) => Err(wrong(format!("wrote more than one line: {lines}"))),
            None => Err(wrong(format!("reads the next line before it has written a whole one: {text:?}"))),
        }
    }
}

/// Keeps the end of what is written on the standard error.
fn keep_end(words: &mut VecDeque<u8>, bytes: &[u8]) {
    words.extend(bytes);
    let over = words.len().saturating_sub(crate::guest::WORDS_BYTES_MAX);
    words.drain(..over);
}
