//! The command line.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};

use crate::clients;

/// Carries the lines of one Leasehold node: to the other nodes over TLS, to clients on this machine.
///
/// Starts the node that stands after `--`, and ends with its exit code. SIGTERM and SIGINT stop the node in order. SIGHUP reads
/// the files of --peers and the certificates again.
///
/// Exit codes: those of the node; 2 the command line, the list of peers or a certificate is wrong; 74 an address or the node
/// cannot be had.
#[derive(Parser, Debug)]
#[command(name = "leasehold-relay", version)]
pub struct Args {
    /// The node's name. Its certificate must have it as a DNS name.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: String,

    /// Where the other nodes' relays connect to.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// Another node, and where its relay listens. Once for each.
    #[arg(long = "peer", value_name = "NAME=HOST:PORT", value_parser = peer_option)]
    pub peer: Vec<(String, String)>,

    /// A file of more peers: a line `NAME HOST:PORT` each, `#` begins a comment. It may name this node too, so that one file serves
    /// all. SIGHUP reads it again.
    #[arg(long, value_name = "FILE")]
    pub peers: Option<PathBuf>,

    /// The authority that signed all nodes' certificates (PEM).
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,

    /// This node's certificate, and those between it and the authority (PEM).
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,

    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,

    /// Where clients connect to: JSON lines, without TLS, so on this machine alone.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    pub clients: Option<SocketAddr>,

    /// A type of request that clients may not send. `apply` stands for `lease_read_config` with `"apply": true`.
    #[arg(long, value_name = "TYPE", value_enum, value_delimiter = ',')]
    pub deny: Vec<Denied>,

    /// The names in the node's `init`, its own among them: the founders, or for --join the node and the present members.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = name, required = true)]
    pub init: Vec<String>,

    /// Log lines as JSON objects.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// The node and its options.
    #[arg(last = true, required = true, value_name = "NODE")]
    pub node: Vec<String>,
}

/// Requests that change how the cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Denied {
    Apply,
    Membership,
    Transfer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// A peer, and where it was given.
struct Placed {
    name: String,
    address: String,
    place: String,
}

impl Args {
    /// What no parser of one option sees.
    pub fn check(&self) -> Result<(), String> {
        if !self.init.contains(&self.name) {
            return Err(format!("--init: the node's own name, {}, must be among them", self.name));
        }
        self.peers().map(drop)
    }

    /// All peers: names, and addresses as they were given. Reads the file of `--peers`.
    pub fn peers(&self) -> Result<BTreeMap<String, String>, String> {
        let mut all = BTreeMap::new();
        if self.peer.iter().any(|(name, _)| *name == self.name) {
            return Err(format!("--peer: {} is this node itself", self.name));
        }
        let given = self.peer.iter().cloned().map(|(name, address)| Placed {
            name,
            address,
            place: "--peer".to_owned(),
        });
        let listed = self.peers.as_deref().map(listed).transpose()?.unwrap_or_default();
        // One file serves all nodes, so it may have this one.
        let listed = listed.into_iter().filter(|peer| peer.name != self.name);
        for Placed { name, address, place } in given.chain(listed) {
            if clients::is_name_of_one(&self.name, &name) {
                return Err(format!(
                    "{place}: {name} is one of the names of clients here: give the node another name"
                ));
            }
            if all.insert(name.clone(), address).is_some() {
                return Err(format!("{place}: {name} is there twice"));
            }
        }
        Ok(all)
    }
}

/// The peers in a file, each with its place.
fn listed(path: &Path) -> Result<Vec<Placed>, String> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("--peers: cannot read {shown}: {error}"))?;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let place = format!("{shown}, line {}", index + 1);
        let (name, address) = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{place}: a line is `NAME HOST:PORT`, as in `n2 10.0.0.2:7000`"))?;
        let (name, address) = peer(name, address.trim()).map_err(|error| format!("{place}: {error}"))?;
        found.push(Placed { name, address, place });
    }
    Ok(found)
}

fn peer_option(text: &str) -> Result<(String, String), String> {
    let (name, address) = text.split_once('=').ok_or("a peer is NAME=HOST:PORT, as in n2=10.0.0.2:7000")?;
    peer(name, address)
}

fn peer(name_given: &str, address: &str) -> Result<(String, String), String> {
    let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(1..))) {
        return Err(format!("{address:?} is not HOST:PORT, as in 10.0.0.2:7000"));
    }
    Ok((name(name_given)?, address.to_owned()))
}

/// A certificate can carry it as a DNS name.
fn name(text: &str) -> Result<String, String> {
    match rustls::pki_types::DnsName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("{text:?} cannot be a DNS name in a certificate: use letters, digits and `-`")),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = text
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| format!("{text:?} is not ADDRESS:PORT, as in 127.0.0.1:7100"))?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "{address} is not on this machine alone, and clients' lines are neither encrypted nor authenticated: \
             use 127.0.0.1, and a proxy or a tunnel that does both"
        ));
    }
    Ok(address)
}
