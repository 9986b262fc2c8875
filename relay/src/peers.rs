//! The other nodes' relays. Each connection carries lines in one direction, from whoever made it, so that no two relays ever
//! decide which of two connections counts.
//!
//! A connection begins with a [`Hello`]. Its certificate must have the name in it, and every later line must come from that
//! name. An answer is written only if the connection is refused.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};

use crate::complaints::Complaints;
use crate::line::{Ends, LONGEST, Read, next};
use crate::queue::Queue;
use crate::tls::{self, Identity};

/// Connecting, TLS and the hello, each.
const PATIENCE: Duration = Duration::from_secs(5);
/// Data that nobody acknowledged for so long, or silence for about as long: the other machine is gone.
const SILENCE: Duration = Duration::from_secs(5);
/// From one try to the next: the first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Strangers' connections at once, until they have shown a certificate.
const STRANGERS: usize = 64;
/// The longest hello, in bytes. A name has 253 at most.
const HELLO: usize = 1024;

/// The first line of a connection.
#[derive(Serialize, Deserialize)]
struct Hello {
    /// Of this protocol.
    version: u32,
    from: String,
    to: String,
}

const VERSION: u32 = 1;

/// What a relay answers before it closes a connection that it does not take.
#[derive(Serialize, Deserialize)]
struct Refusal {
    refused: String,
}

pub struct Peers {
    name: String,
    identity: RwLock<Arc<Identity>>,
    known: Mutex<BTreeMap<String, Peer>>,
    tasks: Mutex<JoinSet<()>>,
}

struct Peer {
    address: String,
    queue: Arc<Queue>,
    dialling: AbortHandle,
}

impl Peers {
    pub fn new(name: String, identity: Identity) -> Arc<Self> {
        let identity = RwLock::new(Arc::new(identity));
        Arc::new(Self { name, identity, known: Mutex::default(), tasks: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Peer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on, for new connections.
    pub fn replace_identity(&self, identity: Identity) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(identity);
    }

    /// These are the peers from now on: connects to those that are new or have moved, and forgets those that are gone.
    pub fn replace(self: &Arc<Self>, peers: BTreeMap<String, String>) {
        let mut known = self.known();
        known.retain(|name, peer| {
            let stays = peers.get(name) == Some(&peer.address);
            if !stays {
                peer.dialling.abort();
            }
            stays
        });
        for (name, address) in peers {
            known.entry(name.clone()).or_insert_with(|| {
                let queue = Arc::new(Queue::default());
                let dial = dial(Arc::clone(self), name, address.clone(), Arc::clone(&queue));
                let dialling = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(dial);
                Peer { address, queue, dialling }
            });
        }
    }

    /// Sends a line, which ends with `\n`, to a peer. Gives it back if there is no peer of that name.
    pub fn send(&self, name: &str, line: Vec<u8>) -> Option<Vec<u8>> {
        match self.known().get(name) {
            Some(peer) => {
                peer.queue.push_over_oldest(line);
                None
            }
            None => Some(line),
        }
    }

    /// Writes what waits, to peers that can be reached, and closes the connections.
    pub async fn finish(&self, patience: Duration) {
        self.known().values().for_each(|peer| peer.queue.close());
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = timeout(patience, async { while tasks.join_next().await.is_some() {} }).await;
    }
}

/// Nagle's algorithm would hold a heartbeat back for an answer that never comes; and a machine that lost its power says nothing.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(SILENCE / 2).with_interval(SILENCE / 5).with_retries(3),
    )?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(SILENCE))?;
    Ok(())
}

/// Keeps a connection to one peer, until its queue is closed.
async fn dial(peers: Arc<Peers>, name: String, address: String, queue: Arc<Queue>) {
    let mut pause = PAUSES.0;
    let mut said = None;
    loop {
        let begun = Instant::now();
        let error = match connect(&peers, &name, &address).await {
            Ok(stream) => {
                info!("connected to {name} at {address}");
                said = None;
                match carry(stream, &queue).await {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let error = error.to_string();
        // A peer that is down would fill the log.
        if said.as_ref() != Some(&error) {
            warn!("{name} at {address}: {error}; trying again");
            said = Some(error);
        }
        // What waits is of the past by the time that the peer is there. Raft sends again what still matters.
        queue.clear();
        if begun.elapsed() > PAUSES.1 {
            pause = PAUSES.0;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

type Outgoing = tokio_rustls::client::TlsStream<TcpStream>;

async fn connect(peers: &Peers, name: &str, address: &str) -> io::Result<Outgoing> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await.map_err(late)??;
    prepare(&stream)?;
    let peer = ServerName::try_from(name.to_owned()).expect("a peer's name was checked");
    let mut stream =
        timeout(PATIENCE, peers.identity().connector.connect(peer, stream)).await.map_err(late)??;
    let hello = Hello { version: VERSION, from: peers.name.clone(), to: name.to_owned() };
    stream.write_all(&json_line(&hello)).await?;
    stream.flush().await?;
    Ok(stream)
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("it has names and numbers alone");
    line.push(b'\n');
    line
}

/// Writes lines until the queue is closed, which is `Ok`, or the connection ends.
async fn carry(stream: Outgoing, queue: &Queue) -> io::Result<()> {
    let (from, mut to) = tokio::io::split(stream);
    let mut from = BufReader::new(from.take(HELLO as u64));
    let mut batch = Vec::new();
    let mut answer = String::new();
    loop {
        tokio::select! {
            // A peer writes only why it refuses, and then closes.
            ended = from.read_line(&mut answer) => {
                // A process that was killed says no goodbye in TLS.
                let gone = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
                ended.or_else(|error| if gone(&error) { Ok(0) } else { Err(error) })?;
                let said = serde_json::from_str(&answer).map_or_else(
                    |_| "it closed the connection".to_owned(),
                    |Refusal { refused }| format!("it refuses: {refused}"),
                );
                return Err(io::Error::other(said));
            }
            more = queue.take(&mut batch) => {
                if !more {
                    return to.shutdown().await;
                }
                to.write_all(&batch).await?;
                to.flush().await?;
                batch.clear();
            }
        }
    }
}

/// Takes other relays' connections and moves their lines to the node.
pub async fn accept(peers: Arc<Peers>, listener: TcpListener, node: Sender<Vec<u8>>) {
    let strangers = Arc::new(Semaphore::new(STRANGERS));
    // A peer that lost its power may connect again before its old connection is known to be dead.
    let current: Arc<Mutex<BTreeMap<String, AbortHandle>>> = Arc::default();
    let complaints = Arc::new(Mutex::new(Complaints::new()));
    loop {
        let place = Arc::clone(&strangers).acquire_owned().await.expect("it is never closed");
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!("cannot take a connection: {error}");
                sleep(PAUSES.0).await;
                continue;
            }
        };
        let (peers, node, current) = (Arc::clone(&peers), node.clone(), Arc::clone(&current));
        let complaints = Arc::clone(&complaints);
        tokio::spawn(async move {
            let greeted = timeout(PATIENCE, greet(&peers, stream)).await;
            drop(place);
            let error = match greeted {
                Ok(Ok((name, stream))) => {
                    info!("{name} has connected from {address}");
                    let own = tokio::spawn(receive(peers, name.clone(), stream, node)).abort_handle();
                    let former = current.lock().unwrap_or_else(PoisonError::into_inner).insert(name, own);
                    return former.iter().for_each(AbortHandle::abort);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it says nothing".to_owned(),
            };
            let refused = format!("a connection from {address} is refused: {error}");
            complaints.lock().unwrap_or_else(PoisonError::into_inner).warn(&refused);
        });
    }
}

type Incoming = BufReader<TlsStream<TcpStream>>;

/// Finds out who it is.
async fn greet(peers: &Peers, stream: TcpStream) -> io::Result<(String, Incoming)> {
    prepare(&stream)?;
    let mut stream = BufReader::new(peers.identity().acceptor.accept(stream).await?);
    let mut line = Vec::new();
    let hello: Hello = match next(&mut stream, &mut line, HELLO).await? {
        Read::Line => serde_json::from_slice(&line).map_err(io::Error::other)?,
        Read::TooLong | Read::End => return Err(io::Error::other("it does not say who it is")),
    };
    let certified =
        stream.get_ref().get_ref().1.peer_certificates().is_some_and(|chain| {
            chain.first().is_some_and(|certificate| tls::names(certificate, &hello.from))
        });
    let refused = if hello.version != VERSION {
        format!("this relay speaks version {VERSION} of the protocol, and not {}", hello.version)
    } else if !certified {
        format!("the certificate is not of {:?}", hello.from)
    } else if hello.to != peers.name {
        format!("this is {}, and not {}", peers.name, hello.to)
    } else if !peers.known().contains_key(&hello.from) {
        format!("{} is not among the peers of {}", hello.from, peers.name)
    } else {
        return Ok((hello.from, stream));
    };
    stream.write_all(&json_line(&Refusal { refused: refused.clone() })).await?;
    stream.shutdown().await?;
    Err(io::Error::other(refused))
}

/// Moves one peer's lines to the node until the connection ends. Waits when the node does not read.
async fn receive(peers: Arc<Peers>, name: String, mut stream: Incoming, node: Sender<Vec<u8>>) {
    let mut line = Vec::new();
    let why = loop {
        match next(&mut stream, &mut line, LONGEST).await {
            Ok(Read::Line) => {}
            Ok(Read::TooLong) => {
                warn!("a line of {name} is longer than {LONGEST} bytes: dropped");
                continue;
            }
            Ok(Read::End) => break "it closed the connection".to_owned(),
            Err(error) => break error.to_string(),
        }
        if !peers.known().contains_key(&name) {
            break "it is no peer any more".to_owned();
        }
        match serde_json::from_slice::<Ends<'_>>(&line) {
            Ok(ends) if ends.src == name && ends.dest == peers.name => {
                line.push(b'\n');
                if node.send(std::mem::take(&mut line)).await.is_err() {
                    break "the node has ended".to_owned();
                }
            }
            Ok(ends) => {
                break format!(
                    "it sent a line from {:?} to {:?}, under the name {name}",
                    ends.src, ends.dest
                );
            }
            Err(error) => break format!("it sent a line that is not JSON: {error}"),
        }
    };
    warn!("the connection from {name} has ended: {why}");
}
