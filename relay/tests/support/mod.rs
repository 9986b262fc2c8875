//! Relays as processes, certificates made by the script that users have, clients, and strangers.

#![allow(dead_code, reason = "no test file uses everything")]

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// Far above what anything takes on a machine that does something else too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is true, or fails with what `what` says.
pub fn until(what: impl Fn() -> String, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "not after {PATIENCE:?}: {}", what());
        thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with the certificates of an authority of its own.
pub struct Certificates(pub tempfile::TempDir);

impl Certificates {
    pub fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/certificates"))
            .arg(folder.path())
            .args(names)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(folder)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The options that name them for a node.
    pub fn options(&self, name: &str) -> Vec<String> {
        [("--ca", "ca.pem".to_owned()), ("--cert", format!("{name}.pem")), ("--key", format!("{name}.key"))]
            .into_iter()
            .flat_map(|(option, file)| [option.to_owned(), self.file(&file).display().to_string()])
            .collect()
    }
}

/// Ports that nobody listens at.
pub fn ports<const N: usize>() -> [u16; N] {
    // All are held until all are known, so that no two are the same.
    [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()).map(|held| held.local_addr().unwrap().port())
}

/// The node's binary: `LEASEHOLD`, or what is built beside this folder.
pub fn leasehold() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let built = ["debug", "release"].map(|profile| target.join(profile).join("leasehold"));
    std::env::var_os("LEASEHOLD")
        .map(PathBuf::from)
        .or_else(|| built.into_iter().find(|path| path.exists()))
        .expect("no node: cargo build --package leasehold, or set LEASEHOLD to its path")
}

/// A relay with its node.
pub struct Relay {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Relay {
    pub fn start<S: AsRef<str>>(options: &[S], node: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold-relay"))
            .args(options.iter().map(AsRef::as_ref))
            .arg("--")
            .args(node)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self { child, log }
    }

    /// What it and its node have logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn until_logged(&self, text: &str) {
        until(|| format!("{text:?} in the log:\n{}", self.log()), || self.log().contains(text));
    }

    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn ended(&mut self) -> ExitStatus {
        let (child, log) = (&mut self.child, &self.log);
        let mut status = None;
        until(
            || format!("the relay has ended:\n{}", log.lock().unwrap()),
            || {
                status = child.try_wait().unwrap();
                status.is_some()
            },
        );
        status.unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Its node reads the end of its input, and ends too.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- a relay's log\n{}", self.log());
        }
    }
}

/// A client on this machine.
pub struct Client {
    stream: BufReader<TcpStream>,
    count: u64,
}

impl Client {
    pub fn of(port: u16) -> Self {
        let mut found = None;
        until(
            || format!("a relay takes clients at port {port}"),
            || {
                found = TcpStream::connect(("127.0.0.1", port)).ok();
                found.is_some()
            },
        );
        let stream = found.unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream), count: 0 }
    }

    pub fn write(&mut self, line: &str) {
        writeln!(self.stream.get_mut(), "{line}").unwrap();
    }

    /// Closes its side, and reads on.
    pub fn sends_no_more(&mut self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Waits until the relay closes its side.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.stream.read_line(&mut String::new()), Ok(0))
    }

    /// The next answer's body.
    pub fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let mut answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        answer["body"].take()
    }

    pub fn ask(&mut self, mut body: Value) -> Value {
        self.count += 1;
        body["msg_id"] = json!(self.count);
        self.write(&json!({ "body": body }).to_string());
        let answer = self.answer();
        assert_eq!(answer["in_reply_to"], json!(self.count), "{answer}");
        answer
    }

    /// Asks until the answer is no error: while there is no leader, for one.
    pub fn insist(&mut self, body: &Value) -> Value {
        let mut last = Value::Null;
        until(
            || format!("{body} is done"),
            || {
                last = self.ask(body.clone());
                last["type"] != "error"
            },
        );
        last
    }
}

/// Somebody who opens a TLS connection to a relay as if to `to`, with the certificate of `of` or none.
pub fn stranger(
    certificates: &Certificates,
    of: Option<&str>,
    to: &str,
    port: u16,
) -> StreamOwned<ClientConnection, TcpStream> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(certificates.file("ca.pem")).unwrap() {
        roots.add(authority.unwrap()).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match of {
        Some(name) => {
            let chain = CertificateDer::pem_file_iter(certificates.file(&format!("{name}.pem"))).unwrap();
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_file(certificates.file(&format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from(to.to_owned()).unwrap()).unwrap();
    let mut stream = None;
    until(
        || format!("a relay listens at port {port}"),
        || {
            stream = TcpStream::connect(("127.0.0.1", port)).ok();
            stream.is_some()
        },
    );
    let stream = stream.unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(connection, stream)
}

/// All that a relay answers on a connection, until it closes it.
pub fn answer(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let mut text = String::new();
    // Closed without TLS's own goodbye is closed too; silence until the read's timeout is not.
    if let Err(error) = std::io::Read::read_to_string(stream, &mut text) {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "the relay has not closed the connection: {text}");
    }
    text
}

pub fn hello(from: &str, to: &str) -> String {
    format!("{}\n", json!({ "version": 1, "from": from, "to": to }))
}

/// A node that keeps every line that it is given in a file, and says nothing.
pub struct Keeper {
    pub folder: tempfile::TempDir,
}

impl Keeper {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn command(&self) -> [String; 3] {
        let file = self.folder.path().join("lines");
        ["sh".to_owned(), "-c".to_owned(), format!("exec cat > {}", file.display())]
    }

    pub fn lines(&self) -> String {
        fs::read_to_string(self.folder.path().join("lines")).unwrap_or_default()
    }

    pub fn until_has(&self, text: &str) {
        until(
            || format!("{text:?} among the node's lines:\n{}", self.lines()),
            || self.lines().contains(text),
        );
    }
}
