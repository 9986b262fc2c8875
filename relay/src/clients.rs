//! Clients on this machine: JSON lines over TCP, each connection under a name that the relay chooses.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::args::Denied;
use crate::line::{Asked, LONGEST, Read, Request, next};
use crate::queue::Queue;

/// Whether a name is one that the relay of `node` gives to its clients.
pub fn is_name_of_one(node: &str, name: &str) -> bool {
    name.strip_prefix(node).is_some_and(|rest| rest.starts_with("-client-"))
}

/// Connections at once. The next one waits.
const MOST: usize = 1024;

/// A client that sends no more still gets its answers: `printf ... | nc` closes its side at once. The node answers every request
/// in an election timeout or two, unless it stops.
const LAST_ANSWERS: Duration = Duration::from_secs(60);

pub struct Clients {
    node: String,
    denied: Vec<Denied>,
    count: AtomicU64,
    known: Mutex<BTreeMap<String, Arc<Client>>>,
}

#[derive(Default)]
struct Client {
    answers: Queue,
    /// Requests that the node has and has not answered.
    owed: watch::Sender<u64>,
}

impl Clients {
    pub fn new(node: String, denied: Vec<Denied>) -> Arc<Self> {
        Arc::new(Self { node, denied, count: AtomicU64::new(0), known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Client>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a name is of a client of this relay, one that has gone included.
    pub fn had(&self, name: &str) -> bool {
        is_name_of_one(&self.node, name)
    }

    /// Sends a line, which ends with `\n`, to a client that is still there. One that does not read its answers is cut off.
    pub fn send(&self, name: &str, line: Vec<u8>) {
        let Some(client) = self.known().get(name).cloned() else { return };
        if !client.answers.push(line) {
            warn!("{name} does not read its answers: cut off");
            client.answers.clear();
            client.answers.close();
        }
        client.owed.send_modify(|owed| *owed = owed.saturating_sub(1));
    }

    /// Takes connections.
    pub async fn accept(self: Arc<Self>, listener: TcpListener, node: Sender<Vec<u8>>) {
        let places = Arc::new(Semaphore::new(MOST));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (clients, node) = (Arc::clone(&self), node.clone());
                    tokio::spawn(async move {
                        clients.serve(stream, node).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!("cannot take a client: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn serve(&self, stream: TcpStream, node: Sender<Vec<u8>>) {
        let name = format!("{}-client-{}", self.node, self.count.fetch_add(1, Ordering::Relaxed) + 1);
        let _ = stream.set_nodelay(true);
        let (from, to) = stream.into_split();
        let client = Arc::<Client>::default();
        self.known().insert(name.clone(), Arc::clone(&client));
        let mut written = pin!(tokio::spawn(write(to, Arc::clone(&client))));
        let exchange = async {
            self.requests(&name, from, &client, &node).await?;
            let answered = async { drop(client.owed.subscribe().wait_for(|owed| *owed == 0).await) };
            timeout(LAST_ANSWERS, answered).await.map_err(io::Error::from)
        };
        let ended = tokio::select! {
            ended = exchange => ended,
            _ = &mut written => Ok(()),
        };
        self.known().remove(&name);
        if let Err(error) = ended {
            debug!("{name} has gone: {error}");
        }
        // What it was answered already is written still.
        client.answers.close();
        let _ = written.await;
    }

    /// Moves requests to the node until the client sends no more.
    async fn requests(
        &self,
        name: &str,
        from: OwnedReadHalf,
        client: &Client,
        node: &Sender<Vec<u8>>,
    ) -> io::Result<()> {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            let taken = match next(&mut from, &mut line, LONGEST).await? {
                Read::Line => self.request(name, &line),
                Read::TooLong => Err((Value::Null, MALFORMED, format!("a line has {LONGEST} bytes at most"))),
                Read::End => return Ok(()),
            };
            match taken {
                Ok(line) => {
                    client.owed.send_modify(|owed| *owed += 1);
                    node.send(line).await.map_err(io::Error::other)?;
                }
                Err((msg_id, code, text)) => {
                    let body = json!({ "type": "error", "in_reply_to": msg_id, "code": code, "text": text });
                    let line = json!({ "src": self.node, "dest": name, "body": body });
                    client.answers.push(format!("{line}\n").into());
                }
            }
        }
    }

    /// A client's line as the node gets it; or the number of the request, and an error of Maelstrom's.
    fn request(&self, name: &str, line: &[u8]) -> Result<Vec<u8>, (Value, u64, String)> {
        let malformed = |error: serde_json::Error| {
            (Value::Null, MALFORMED, format!("not a request, which is {{\"body\":{{...}}}}: {error}"))
        };
        let request: Request<'_> = serde_json::from_slice(line).map_err(malformed)?;
        let asked: Asked<'_> = serde_json::from_str(request.body.get()).map_err(malformed)?;
        let msg_id =
            asked.msg_id.map_or(Value::Null, |id| serde_json::from_str(id.get()).unwrap_or(Value::Null));
        if let Some(dest) = request.dest.filter(|dest| *dest != self.node) {
            let text =
                format!("this is the relay of {}, and not of {dest}: any node takes any request", self.node);
            return Err((msg_id, MALFORMED, text));
        }
        let denied = self.denied.iter().find(|denied| match denied {
            // Whatever is not plainly `false`: the node decides what counts as true.
            Denied::Apply => {
                asked.kind == "lease_read_config" && !matches!(asked.apply, Value::Null | Value::Bool(false))
            }
            Denied::Membership => asked.kind == "membership",
            Denied::Transfer => asked.kind == "transfer",
        });
        if let Some(denied) = denied {
            let text = format!("this relay was started with --deny {}", format!("{denied:?}").to_lowercase());
            return Err((msg_id, NOT_SUPPORTED, text));
        }
        let mut line =
            format!("{{\"src\":{},\"dest\":{},\"body\":", json!(name), json!(self.node)).into_bytes();
        line.extend_from_slice(request.body.get().as_bytes());
        line.extend_from_slice(b"}\n");
        Ok(line)
    }
}

/// Maelstrom's codes: definite, the request was not done.
const NOT_SUPPORTED: u64 = 10;
const MALFORMED: u64 = 12;

async fn write(mut to: OwnedWriteHalf, client: Arc<Client>) {
    let mut batch = Vec::new();
    while client.answers.take(&mut batch).await {
        if to.write_all(&batch).await.is_err() {
            return;
        }
        batch.clear();
    }
}
