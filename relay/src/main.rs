//! Carries the lines of one Leasehold node between machines.
//!
//! ```text
//!             TLS, one direction a connection            loopback
//!   other relays  ---->  peers::accept  --+      +--  clients::accept  <----  clients
//!                                         v      v         ^
//!                                       node's input       |
//!                                       node's output -> route
//!                                                          |
//!   other relays  <----  peers::dial   <-------------------+
//! ```

mod args;
mod clients;
mod complaints;
mod line;
mod node;
mod peers;
mod queue;
mod tls;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::process::ChildStdout;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use args::{Args, LogFormat};
use clients::Clients;
use line::{Ends, LONGEST, Read, next};
use node::Node;
use peers::Peers;
use tls::Identity;

/// The command line or a file is wrong.
const USAGE: u8 = 2;
/// An address or the node's program cannot be had.
const UNAVAILABLE: u8 = 74;
/// When the node has ended, its last lines are written for so long: a successor waits for one of them.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Under this name the relay sends `init`.
const SELF: &str = "relay";

fn main() -> ExitCode {
    let args = Args::parse();
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_target(false);
    match args.log_format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(run(args));
            // Connections that still wait for something have no one to wait for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err((UNAVAILABLE, error.to_string())),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err((code, text)) => {
            error!("{text}");
            ExitCode::from(code)
        }
    }
}

async fn run(args: Args) -> Result<u8, (u8, String)> {
    let usage = |text| (USAGE, text);
    args.check().map_err(usage)?;
    let peers = Peers::new(args.name.clone(), Identity::read(&args).map_err(usage)?);
    let clients = Clients::new(args.name.clone(), args.deny.clone());
    let listener = listen("--listen", args.listen).await?;
    let for_clients = match args.clients {
        Some(address) => Some(listen("--clients", address).await?),
        None => None,
    };
    let unavailable = |what: &str, error: io::Error| (UNAVAILABLE, format!("{what}: {error}"));
    let listens_to = |kind| signal(kind).map_err(|error| unavailable("signals", error));
    let (mut term, mut int, mut hup) = (
        listens_to(SignalKind::terminate())?,
        listens_to(SignalKind::interrupt())?,
        listens_to(SignalKind::hangup())?,
    );

    let (mut node, output) = Node::start(&args.node).map_err(|error| unavailable(&args.node[0], error))?;
    let body = json!({ "type": "init", "msg_id": 1, "node_id": args.name, "node_ids": args.init });
    let init = json!({ "src": SELF, "dest": args.name, "body": body });
    let _ = node.input.send(format!("{init}\n").into()).await;

    peers.replace(args.peers().map_err(usage)?);
    tokio::spawn(peers::accept(Arc::clone(&peers), listener, node.input.clone()));
    if let Some(listener) = for_clients {
        tokio::spawn(Arc::clone(&clients).accept(listener, node.input.clone()));
    }
    let output = tokio::spawn(route(output, Arc::clone(&peers), clients));

    let status = loop {
        tokio::select! {
            status = node.ended() => break status,
            _ = term.recv() => node.stop(),
            _ = int.recv() => node.stop(),
            _ = hup.recv() => reload(&args, &peers),
        }
    };
    let _ = output.await;
    peers.finish(LAST_LINES).await;
    let status = status.map_err(|error| unavailable("the node", error))?;
    info!("the node has ended: {status}");
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(UNAVAILABLE))
}

async fn listen(option: &str, address: SocketAddr) -> Result<TcpListener, (u8, String)> {
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.map_err(|error| (UNAVAILABLE, format!("{option}: cannot listen at {address}: {error}")))?;
    info!("{option}: listening at {}", listener.local_addr().unwrap_or(address));
    Ok(listener)
}

/// Reads the files again. With a fault in one of them everything stays as it was.
fn reload(args: &Args, peers: &Arc<Peers>) {
    match args.peers().and_then(|list| Ok((list, Identity::read(args)?))) {
        Ok((list, identity)) => {
            info!("read again: {} peers", list.len());
            peers.replace_identity(identity);
            peers.replace(list);
        }
        Err(error) => error!("nothing has changed: {error}"),
    }
}

/// Moves the node's lines to whom they are for, until its output ends. Never waits for a peer or a client, so that the node is
/// always read.
async fn route(output: ChildStdout, peers: Arc<Peers>, clients: Arc<Clients>) {
    /// Names that nobody has, which were complained of.
    const COMPLAINTS: usize = 1000;
    let mut output = BufReader::with_capacity(256 << 10, output);
    let mut unknown = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        match next(&mut output, &mut line, LONGEST).await {
            Ok(Read::Line) => {}
            Ok(Read::TooLong) => {
                warn!("a line of the node is longer than {LONGEST} bytes: dropped");
                continue;
            }
            Ok(Read::End) | Err(_) => return,
        }
        line.push(b'\n');
        let Ok(ends) = serde_json::from_slice::<Ends<'_>>(&line) else {
            warn!("the node wrote a line that is no message: {}", String::from_utf8_lossy(&line).trim_end());
            continue;
        };
        let dest = ends.dest.into_owned();
        if clients.had(&dest) {
            clients.send(&dest, std::mem::take(&mut line));
        } else if dest == SELF {
            if memchr::memmem::find(&line, b"\"init_ok\"").is_none() {
                error!("the node refuses its init: {}", String::from_utf8_lossy(&line).trim_end());
            }
        } else if peers.send(&dest, std::mem::take(&mut line)).is_some()
            && unknown.len() < COMPLAINTS
            && unknown.insert(dest.clone())
        {
            warn!("{dest} is no peer, so the node's lines to it are dropped: add it with --peer or --peers");
        }
    }
}
