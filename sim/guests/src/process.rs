//! A guest as a child process: lines over its standard input and output.
//!
//! Its standard error is read meanwhile, so that a guest that says much does not stand still, and its last lines are kept.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use leasehold::time::Reading;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::guest::{Carrier, Trouble, WORDS_BYTES_MAX, last_lines};

/// How it runs, in words.
pub(crate) const WAY: &str = "a process";

/// A guest that does nothing for so long hangs.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// A guest that has closed a pipe ends within this time, or is ended.
const ENDING: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// An answer is not longer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
    /// Read, and no whole line yet.
    read: Vec<u8>,
    /// The end of what it has written on its standard error.
    words: VecDeque<u8>,
    errors_ended: bool,
}

/// Starts the program in a shell, with a process group of its own.
pub(crate) fn begin(command: &str) -> Result<Box<dyn Carrier>, Trouble> {
    let failed = |error: io::Error| Trouble {
        what: format!("cannot be started: {error}"),
        remedy: "check the command: `sh -c` runs it, once for each node and each start",
    };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().map_err(failed)?;
    let pipe = "all three are pipes";
    let (input, output) = (child.stdin.take().expect(pipe), child.stdout.take().expect(pipe));
    let errors = child.stderr.take().expect(pipe);
    let process = Process {
        child,
        input,
        output,
        errors,
        read: Vec::new(),
        words: VecDeque::new(),
        errors_ended: false,
    };
    for pipe in [process.input.as_fd(), process.output.as_fd(), process.errors.as_fd()] {
        rustix::io::ioctl_fionbio(pipe, true).map_err(|error| failed(error.into()))?;
    }
    Ok(Box::new(process))
}

impl Carrier for Process {
    fn exchange(&mut self, _now: &Reading, line: &str) -> Result<String, Trouble> {
        if !self.read.is_empty() {
            return Err(Trouble {
                what: format!("wrote more than one line: {}", String::from_utf8_lossy(&self.read)),
                remedy: "a guest writes one line for each line that it reads, and nothing else on standard output",
            });
        }
        let mut told = line.as_bytes().to_vec();
        told.push(b'\n');
        let mut left = &told[..];
        loop {
            if let (true, Some(end)) = (left.is_empty(), self.read.iter().position(|byte| *byte == b'\n')) {
                let answer = String::from_utf8_lossy(&self.read[..end]).into_owned();
                self.read.drain(..=end);
                return Ok(answer);
            }
            if !left.is_empty() {
                left = &left[self.tell(left)?..];
                if left.is_empty() {
                    continue;
                }
            }
            self.wait(!left.is_empty())?;
        }
    }

    fn last_words(&mut self) -> Vec<String> {
        self.hear();
        last_lines(self.words.make_contiguous())
    }
}

impl Process {
    /// Writes what the pipe takes now; tells how much that was.
    fn tell(&mut self, bytes: &[u8]) -> Result<usize, Trouble> {
        match rustix::io::write(&self.input, bytes) {
            Ok(written) => Ok(written),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(_) => Err(self.ended()),
        }
    }

    /// Waits until there is something to read, or room to write.
    fn wait(&mut self, telling: bool) -> Result<(), Trouble> {
        let mut pipes = vec![PollFd::new(&self.output, PollFlags::IN)];
        if telling {
            pipes.push(PollFd::new(&self.input, PollFlags::OUT));
        }
        if !self.errors_ended {
            pipes.push(PollFd::new(&self.errors, PollFlags::IN));
        }
        match poll(&mut pipes, Some(&PATIENCE)) {
            Ok(0) => {
                return Err(Trouble {
                    what: format!("has not answered for {} s of real time", PATIENCE.tv_sec),
                    remedy: "a guest answers each line with one line and flushes it; it never waits or sleeps",
                });
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                return Err(Trouble { what: format!("cannot be waited for: {error}"), remedy: "try again" });
            }
        }
        self.hear();
        let mut chunk = [0; 64 << 10];
        match rustix::io::read(&self.output, &mut chunk) {
            Ok(0) => Err(self.ended()),
            Ok(count) if self.read.len() + count > ANSWER_BYTES_MAX => Err(Trouble {
                what: format!("wrote more than {} MiB without an end of line", ANSWER_BYTES_MAX >> 20),
                remedy: "an answer is one line",
            }),
            Ok(count) => {
                self.read.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(error) => Err(Trouble { what: format!("cannot be read from: {error}"), remedy: "try again" }),
        }
    }

    /// Reads its standard error, as far as there is something.
    fn hear(&mut self) {
        let mut chunk = [0; 4 << 10];
        while !self.errors_ended {
            match rustix::io::read(&self.errors, &mut chunk) {
                Ok(0) => self.errors_ended = true,
                Ok(count) => {
                    self.words.extend(&chunk[..count]);
                    let over = self.words.len().saturating_sub(WORDS_BYTES_MAX);
                    self.words.drain(..over);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.errors_ended = true,
            }
        }
    }

    /// It closed a pipe: it has ended, or soon does.
    fn ended(&mut self) -> Trouble {
        // One that ends by itself says more than one that is killed.
        let pid = Pid::from_raw(self.child.id().cast_signed());
        if let Some(Ok(ending)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
            let _ = poll(&mut [PollFd::new(&ending, PollFlags::IN)], Some(&ENDING));
        }
        let status = self.kill();
        Trouble {
            what: format!("has ended ({status})"),
            remedy: "a guest ends when its standard input ends, and not before; run its command by hand to see why",
        }
    }

    fn kill(&mut self) -> String {
        let ended = self.child.try_wait().ok().flatten();
        if let (None, Some(group)) = (ended, Pid::from_raw(self.child.id().cast_signed())) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
