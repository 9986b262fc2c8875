//! The node's process: its standard streams, its start and its end.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::warn;

/// So many lines wait for a node that does not read. Then connections wait.
const WAITING: usize = 256;

pub struct Node {
    child: Child,
    /// Lines for its standard input, each with its end.
    pub input: Sender<Vec<u8>>,
}

impl Node {
    /// Starts it. It is in a process group of its own: an interrupt at the terminal must reach it once, through us.
    pub fn start(command: &[String]) -> io::Result<(Self, ChildStdout)> {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (input, lines) = channel(WAITING);
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        tokio::spawn(write(stdin.expect("it is piped"), lines));
        Ok((Self { child, input }, stdout.expect("it is piped")))
    }

    /// Asks it to stop. Asked again, it ends at once.
    pub fn stop(&self) {
        if let Some(id) = self.child.id()
            && let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw)
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            warn!("cannot stop the node: {error}");
        }
    }

    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

/// Until the node reads no more.
async fn write(mut stdin: ChildStdin, mut lines: Receiver<Vec<u8>>) {
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, WAITING).await > 0 {
        if stdin.write_all(&batch.concat()).await.is_err() {
            return;
        }
        batch.clear();
    }
}
