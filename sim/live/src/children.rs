//! The processes: started, told, listened to, stopped, killed.
//!
//! None outlives the hub. It kills them when it is dropped. If the hub itself is killed, their standard input ends, which ends
//! them; and one that stands still is sent SIGHUP and SIGCONT by the kernel, because it has a process group of its own that
//! becomes an orphan.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::Problem;
use super::pipe::{LineReader, Writer};
use leasehold::time::Span;
use leasehold_run::setup::Setup;

/// Lines of the log that are kept, for whoever asks why a node ended.
const LOG_LINES_KEPT: usize = 12;

/// A process of a node.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    pub(super) input: Writer<ChildStdin>,
    pub(super) output: LineReader<ChildStdout>,
    pub(super) log: LineReader<ChildStderr>,
    /// The end of its log, but for notes.
    recent: VecDeque<String>,
}

impl Child {
    /// Starts a process of `node`; `starts` is how often it was started before.
    pub(super) fn start(
        binary: &Path,
        directory: &Path,
        setup: &Setup,
        node: usize,
        starts: u64,
    ) -> Result<Child, Problem> {
        let failed = |error: io::Error| {
            let name = &setup.nodes[node].name;
            Problem::io(
                format!("cannot start {} as {name}; is it the `leasehold` binary?", binary.display()),
                error,
            )
        };
        let mut process = process::Command::new(binary)
            .args(flags(setup, node, starts))
            .arg("--data-dir")
            .arg(directory.join(&setup.nodes[node].name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(log)) = pipes else { unreachable!("all three are piped") };
        Ok(Child {
            process,
            input: Writer::new(input).map_err(failed)?,
            output: LineReader::new(output).map_err(failed)?,
            log: LineReader::new(log).map_err(failed)?,
            recent: VecDeque::new(),
        })
    }

    pub(super) fn keep_log_line(&mut self, line: &[u8]) {
        if self.recent.len() == LOG_LINES_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(String::from_utf8_lossy(line).into_owned());
    }

    /// Stops the process, or lets it go on.
    pub(super) fn signal(&self, goes_on: bool) -> io::Result<()> {
        let signal = if goes_on { Signal::CONT } else { Signal::STOP };
        match kill_process(Pid::from_child(&self.process), signal) {
            // It has ended by itself, which is seen at its pipes.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            done => Ok(done?),
        }
    }

    /// SIGKILL, and waits until it is gone. What it had written can still be read.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Why it ended, when it has.
    pub(super) fn ended(&mut self, name: &str, began: bool) -> Problem {
        let status = match self.process.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        Problem::Ended { node: name.to_owned(), status, began, log: self.recent.iter().cloned().collect() }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The scenario's lengths as the node's flags.
fn flags(setup: &Setup, node: usize, starts: u64) -> Vec<String> {
    let (spec, timers) = (&setup.nodes[node], &setup.timers);
    let lease = spec.lease;
    let mut flags: Vec<String> = ["--log-format=json", "-vv"].map(str::to_owned).to_vec();
    let mut length = |name: &str, span: Span| flags.push(format!("--{name}={}ns", span.as_nanos()));
    length("lease", lease.duration);
    length("election-timeout", lease.election_timeout);
    length("max-clock-skew", lease.max_clock_skew);
    length("heartbeat", timers.heartbeat);
    length("election-jitter", spec.election_jitter);
    let grace = leasehold_run::host::startup_grace(setup, node, starts);
    // At the first start nothing is promised, and the flag is the whole wait.
    length("startup-grace", if starts == 0 { lease.election_timeout + grace } else { grace });
    length("request-deadline", timers.request_deadline);
    flags.push(format!("--log-entries-max={}", setup.log.entries_max));
    flags.push(format!("--log-bytes-max={}", setup.log.bytes_max));
    // A node that starts again does not draw the same waits again.
    flags.push(format!("--seed={}", setup.seed.wrapping_add(starts)));
    if !lease.judge().safe {
        flags.push("--allow-unsafe-lease".to_owned());
    }
    // Only its first start asks.
    if node >= setup.cluster.voters {
        flags.push("--join".to_owned());
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_run::scenario;

    #[test]
    fn a_node_is_told_what_its_scenario_says() {
        let text = "duration = '10s'\nseed = 7\n[cluster]\nlearners = 1\nspares = 1\nfirst-leader = 'n1'\n[log]\n\
            entries-max = 99\n[node.n2]\nlease-duration = '6s'\n\
            election-jitter = '3ms'\n[timers]\nheartbeat = '90ms'";
        let plan = scenario::load("t", text, &[], &["sound"]).expect("a scenario");
        let setup = &plan.rows[0].scenario.setup;
        let all = |node, starts| flags(setup, node, starts).join(" ");
        let second = all(1, 0);
        for part in [
            "--lease=6000000000ns",
            "--election-timeout=5000000000ns",
            "--heartbeat=90000000ns",
            "--election-jitter=3000000ns",
            "--startup-grace=55000000000ns",
            "--request-deadline=10000000000ns",
            "--log-entries-max=99",
            "--seed=7 --allow-unsafe-lease",
        ] {
            assert!(second.contains(part), "{part}: {second}");
        }
        assert!(all(0, 0).contains("--startup-grace=5000000000ns") && !all(0, 0).contains("unsafe"));
        let joins: Vec<bool> = (0..5).map(|node| all(node, 1).contains("--join")).collect();
        assert_eq!(joins, [false, false, false, true, true]);
        assert!(all(1, 3).contains("--startup-grace=500000000ns") && all(1, 3).contains("--seed=10"));
    }
}
