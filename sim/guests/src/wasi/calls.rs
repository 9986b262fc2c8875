//! The functions of WASI preview 1 that a guest has: clocks, random numbers, arguments, standard input, output and error.
//! There are no files and no sockets: every other function answers "not supported".

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use leasehold::time::Reading;
use leasehold_run::guest::GuestClock;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wasmi::errors::HostError;
use wasmi::{Caller, Error, ExternType, Linker, Module, Val};

use super::{MEMORY, keep_end};

const MODULE: &str = "wasi_snapshot_preview1";

/// Error numbers of WASI.
mod errno {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const BADF: i32 = 8;
    pub(super) const FAULT: i32 = 21;
    pub(super) const INVAL: i32 = 28;
    pub(super) const NOSYS: i32 = 52;
}

/// What a module is on: its clocks, its chance, its streams.
pub(super) struct Machine {
    arguments: Arc<[String]>,
    random: ChaCha8Rng,
    /// No two processes begin in the same nanosecond.
    phase: u64,
    pub(super) now: Reading,
    pub(super) input: VecDeque<u8>,
    pub(super) output: Vec<u8>,
    /// The end of what it wrote on its standard error.
    pub(super) words: VecDeque<u8>,
    /// The `fd_read` that found no input: its vectors, their number, and where the count goes.
    wanted: (u32, u32, u32),
}

/// The module reads, and there is no input.
#[derive(Debug)]
pub(super) struct Wants;

impl fmt::Display for Wants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it waits for its next line")
    }
}

impl HostError for Wants {}

/// Memory outside of the module's.
struct Outside;

type Done = Result<(), Outside>;

/// A function that is known.
#[derive(Debug, Clone, Copy)]
enum Call {
    ArgsGet,
    ArgsSizesGet,
    EnvironGet,
    EnvironSizesGet,
    ClockResGet,
    ClockTimeGet,
    FdClose,
    FdFdstatGet,
    FdFdstatSetFlags,
    FdPrestatGet,
    FdRead,
    FdWrite,
    PollOneoff,
    ProcExit,
    RandomGet,
    SchedYield,
    Other,
}

fn known(name: &str) -> Call {
    match name {
        "args_get" => Call::ArgsGet,
        "args_sizes_get" => Call::ArgsSizesGet,
        "environ_get" => Call::EnvironGet,
        "environ_sizes_get" => Call::EnvironSizesGet,
        "clock_res_get" => Call::ClockResGet,
        "clock_time_get" => Call::ClockTimeGet,
        "fd_close" => Call::FdClose,
        "fd_fdstat_get" => Call::FdFdstatGet,
        "fd_fdstat_set_flags" => Call::FdFdstatSetFlags,
        "fd_prestat_get" => Call::FdPrestatGet,
        "fd_read" => Call::FdRead,
        "fd_write" => Call::FdWrite,
        "poll_oneoff" => Call::PollOneoff,
        "proc_exit" => Call::ProcExit,
        "random_get" => Call::RandomGet,
        "sched_yield" => Call::SchedYield,
        _ => Call::Other,
    }
}

/// Gives a module's imports their functions.
pub(super) fn link(linker: &mut Linker<Machine>, module: &Module) -> Result<(), String> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let ExternType::Func(signature) = import.ty() else {
            return Err(format!("it imports {from}.{name}, which is no function"));
        };
        if from != MODULE {
            return Err(format!(
                "it imports {from}.{name}; a guest has the functions of {MODULE} and no others"
            ));
        }
        let call = known(name);
        let function = move |caller: Caller<'_, Machine>, inputs: &[Val], outputs: &mut [Val]| {
            let errno = perform(call, caller, inputs)?;
            if let Some(output) = outputs.first_mut() {
                *output = Val::I32(errno);
            }
            Ok(())
        };
        linker.func_new(from, name, signature.clone(), function).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn perform(call: Call, mut caller: Caller<'_, Machine>, inputs: &[Val]) -> Result<i32, Error> {
    let number = |place: usize| match inputs.get(place) {
        Some(Val::I32(number)) => number.cast_unsigned(),
        _ => 0,
    };
    if let Call::ProcExit = call {
        return Err(Error::i32_exit(number(0).cast_signed()));
    }
    let Some(memory) = caller.get_export(MEMORY).and_then(wasmi::Extern::into_memory) else {
        return Ok(errno::FAULT);
    };
    let (memory, machine) = memory.data_and_store_mut(&mut caller);
    let mut memory = Bytes(memory);
    let (a, b, c, d) = (number(0), number(1), number(2), number(3));
    let done = match call {
        Call::ArgsSizesGet => machine.argument_sizes(&mut memory, a, b),
        Call::ArgsGet => machine.put_arguments(&mut memory, a, b),
        Call::EnvironSizesGet => memory.put_u32(a, 0).and_then(|()| memory.put_u32(b, 0)),
        Call::ClockResGet => memory.put_u64(b, 1),
        // clock, precision (64 bits), where to
        Call::ClockTimeGet => memory.put_u64(c, machine.clock(a)),
        Call::FdFdstatGet if a <= 2 => memory.put(b, &STREAM),
        Call::FdFdstatGet | Call::FdPrestatGet => return Ok(errno::BADF),
        Call::FdRead if a == 0 && machine.input.is_empty() => {
            machine.wanted = (b, c, d);
            return Err(Error::host(Wants));
        }
        Call::FdRead if a == 0 => machine.read(&mut memory, (b, c, d)),
        Call::FdWrite if a == 1 || a == 2 => machine.write(&mut memory, a, (b, c, d)),
        Call::FdRead | Call::FdWrite => return Ok(errno::BADF),
        Call::PollOneoff if c == 0 => return Ok(errno::INVAL),
        Call::PollOneoff => poll(&mut memory, a, b, c, d),
        Call::RandomGet => memory.slice(a, b).map(|bytes| machine.random.fill_bytes(bytes)),
        Call::EnvironGet | Call::FdClose | Call::FdFdstatSetFlags | Call::SchedYield => Ok(()),
        Call::ProcExit | Call::Other => return Ok(errno::NOSYS),
    };
    Ok(done.map_or(errno::FAULT, |()| errno::SUCCESS))
}

/// A stream's `fdstat`: a character device with all rights.
const STREAM: [u8; 24] = {
    let mut stat = [0xff; 24];
    let mut place = 0;
    while place < 8 {
        stat[place] = 0;
        place += 1;
    }
    stat[0] = 2;
    stat
};

/// A module does not wait: the first clock that is waited for has come, or else the first stream is ready.
fn poll(memory: &mut Bytes<'_>, subscriptions: u32, events: u32, count: u32, ready: u32) -> Done {
    const SUBSCRIPTION_BYTES: u32 = 48;
    let mut chosen = (subscriptions, 0);
    for number in 0..count.min(64) {
        let at = subscriptions + number * SUBSCRIPTION_BYTES;
        let kind = memory.slice(at + 8, 1)?[0];
        if kind == 0 || number == 0 {
            chosen = (at, kind);
        }
        if kind == 0 {
            break;
        }
    }
    let mut event = [0; 32];
    event[..8].copy_from_slice(memory.slice(chosen.0, 8)?);
    event[10] = chosen.1;
    memory.put(events, &event)?;
    memory.put_u32(ready, 1)
}

impl Machine {
    pub(super) fn new(arguments: Arc<[String]>, seed: u64, now: Reading) -> Machine {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let phase = random.next_u64() % 1_000;
        let (input, output, words) = (VecDeque::new(), Vec::new(), VecDeque::new());
        Machine { arguments, random, phase, now, input, output, words, wanted: (0, 0, 0) }
    }

    /// Carries out the read that found no input, now that there is some.
    pub(super) fn read_again(&mut self, memory: &mut [u8]) -> i32 {
        let wanted = self.wanted;
        self.read(&mut Bytes(memory), wanted).map_or(errno::FAULT, |()| errno::SUCCESS)
    }

    /// 0 is the wall clock; the others count as `CLOCK_MONOTONIC_RAW` does.
    fn clock(&self, id: u32) -> u64 {
        let wall = GuestClock::Wall.shows(&self.now).unwrap_or(self.now.stamp.boot().0);
        if id == 0 { wall + self.phase } else { self.now.stamp.raw().0 }
    }

    fn read(&mut self, memory: &mut Bytes<'_>, (vectors, count, read): (u32, u32, u32)) -> Done {
        let mut total = 0;
        for number in 0..count {
            let (at, length) = memory.vector(vectors, number)?;
            let into = memory.slice(at, length)?;
            let taken = into.len().min(self.input.len());
            for (byte, next) in into.iter_mut().zip(self.input.drain(..taken)) {
                *byte = next;
            }
            total += u32::try_from(taken).expect("a part of 32 bits");
        }
        memory.put_u32(read, total)
    }

    fn write(
        &mut self,
        memory: &mut Bytes<'_>,
        stream: u32,
        (vectors, count, written): (u32, u32, u32),
    ) -> Done {
        let mut total = 0_u32;
        for number in 0..count {
            let (at, length) = memory.vector(vectors, number)?;
            let bytes = memory.slice(at, length)?;
            match stream {
                1 => self.output.extend_from_slice(bytes),
                _ => keep_end(&mut self.words, bytes),
            }
            total = total.saturating_add(length);
        }
        memory.put_u32(written, total)
    }

    fn argument_sizes(&self, memory: &mut Bytes<'_>, count: u32, bytes: u32) -> Done {
        let length: usize = self.arguments.iter().map(|word| word.len() + 1).sum();
        memory.put_u32(count, u32::try_from(self.arguments.len()).map_err(|_| Outside)?)?;
        memory.put_u32(bytes, u32::try_from(length).map_err(|_| Outside)?)
    }

    fn put_arguments(&self, memory: &mut Bytes<'_>, pointers: u32, text: u32) -> Done {
        let (mut pointer, mut at) = (pointers, text);
        for word in &*self.arguments {
            memory.put_u32(pointer, at)?;
            memory.put(at, word.as_bytes())?;
            at += u32::try_from(word.len()).map_err(|_| Outside)?;
            memory.put(at, &[0])?;
            (pointer, at) = (pointer + 4, at + 1);
        }
        Ok(())
    }
}

/// A module's memory.
struct Bytes<'a>(&'a mut [u8]);

impl Bytes<'_> {
    fn slice(&mut self, at: u32, length: u32) -> Result<&mut [u8], Outside> {
        let (at, length) = (at as usize, length as usize);
        at.checked_add(length).and_then(|end| self.0.get_mut(at..end)).ok_or(Outside)
    }

    fn put(&mut self, at: u32, bytes: &[u8]) -> Done {
        let length = u32::try_from(bytes.len()).map_err(|_| Outside)?;
        self.slice(at, length)?.copy_from_slice(bytes);
        Ok(())
    }

    fn put_u32(&mut self, at: u32, value: u32) -> Done {
        self.put(at, &value.to_le_bytes())
    }

    fn put_u64(&mut self, at: u32, value: u64) -> Done {
        self.put(at, &value.to_le_bytes())
    }

    /// Address and length of an entry of a list of vectors.
    fn vector(&mut self, vectors: u32, number: u32) -> Result<(u32, u32), Outside> {
        let at = number.checked_mul(8).and_then(|offset| vectors.checked_add(offset)).ok_or(Outside)?;
        let entry = self.slice(at, 8)?;
        let part = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        Ok((part(0), part(4)))
    }
}
