//! `sim serve`: the kept runs of a store, and the playground, for a browser on this machine.
//!
//! The server listens on the loopback address alone, reads, and writes nothing. It answers requests one after another: a
//! person and one browser are its clients.

mod files;
mod runs;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use tiny_http::{Header, Method, Request, Response, Server};

use self::files::Found;
use super::errors::Failure;
use super::{exit, print};

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The folder whose kept runs are listed: what `sim run --out` and `sim explore` write, at any depth.
    #[arg(long, value_name = "DIR", default_value = "store", value_hint = clap::ValueHint::DirPath)]
    store: PathBuf,
    /// The folder of the playground: static files, served below /playground/.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    playground: Option<PathBuf>,
    /// The port on 127.0.0.1. 0: any free one; the address is printed.
    #[arg(long, value_name = "PORT", default_value_t = 7117)]
    port: u16,
}

/// What is served.
struct Site {
    store: PathBuf,
    playground: Option<PathBuf>,
    port: u16,
}

pub(super) fn serve(asked: &ServeArguments) -> Result<u8, Failure> {
    let folder = |path: &Path, option: &str, remedy: &str| {
        std::fs::canonicalize(path).ok().filter(|path| path.is_dir()).ok_or_else(|| {
            Failure::usage(format!("error: {option} {}: no such folder\n  {remedy}", path.display()))
        })
    };
    let store = folder(
        &asked.store,
        "--store",
        "`sim run SCENARIO --out store/NAME` keeps a run; `sim explore` writes to store/",
    )?;
    let playground = match &asked.playground {
        Some(path) => Some(folder(path, "--playground", "name the folder that holds its index.html")?),
        None => None,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, asked.port));
    let server = Server::http(address).map_err(|error| {
        Failure::with(
            exit::IO,
            format!("error: cannot listen on {address}: {error}\n  choose another --port"),
        )
    })?;
    let server = Arc::new(server);
    let port = server.server_addr().to_ip().map_or(asked.port, |address| address.port());
    static STOP: AtomicBool = AtomicBool::new(false);
    let interrupted = server.clone();
    let _ = ctrlc::set_handler(move || {
        STOP.store(true, Ordering::Relaxed);
        interrupted.unblock();
    });
    print(&format!("http://127.0.0.1:{port}/  (Ctrl-C ends it)\n"))?;
    let site = Site { store, playground, port };
    while !STOP.load(Ordering::Relaxed) {
        match server.recv() {
            Ok(request) => site.answer(request),
            Err(_) if STOP.load(Ordering::Relaxed) => break,
            Err(error) => return Err(Failure::io("cannot take requests", &error)),
        }
    }
    Ok(exit::INTERRUPTED)
}

/// An answer to a request: status, type of the content, content.
struct Page(u16, &'static str, Vec<u8>);

impl Page {
    fn html(html: String) -> Page {
        Page(200, "text/html; charset=utf-8", html.into_bytes())
    }

    fn failed(status: u16, words: &str) -> Page {
        Page(status, "text/plain; charset=utf-8", format!("{words}\n").into_bytes())
    }
}

impl Site {
    fn answer(&self, request: Request) {
        let Page(status, kind, content) = self.page(&request);
        let header = |name: &str, value: &str| {
            Header::from_bytes(name, value).expect("names and values are ASCII without line ends")
        };
        let response = Response::from_data(content)
            .with_status_code(status)
            .with_header(header("Content-Type", kind))
            .with_header(header("X-Content-Type-Options", "nosniff"))
            .with_header(header("Cache-Control", "no-cache"))
            // Pages of ours have their scripts in them or beside them, and ask no other server.
            .with_header(header(
                "Content-Security-Policy",
                "default-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' data: blob:; frame-ancestors 'none'",
            ));
        // A browser that has gone away needs no answer.
        let _ = request.respond(response);
    }

    fn page(&self, request: &Request) -> Page {
        // A page of another site may make a browser ask under that site's name for this address (DNS rebinding).
        let host = request.headers().iter().find(|header| header.field.equiv("Host"));
        let host = host.map_or("", |header| header.value.as_str());
        if ![format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)]
            .iter()
            .any(|own| own == host)
        {
            return Page::failed(403, "ask for 127.0.0.1");
        }
        if !matches!(request.method(), Method::Get | Method::Head) {
            return Page::failed(405, "this server only reads");
        }
        let url = request.url();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        if path == "/" {
            return Page::html(runs::list(&self.store, self.playground.is_some()));
        }
        let (root, rest) =
            match (path.strip_prefix("/store/"), path.strip_prefix("/playground/"), &self.playground) {
                (Some(rest), ..) => (&self.store, rest),
                (None, Some(rest), Some(root)) => (root, rest),
                (None, Some(_), None) => {
                    return Page::failed(404, "no playground: start with --playground DIR");
                }
                (None, None, _) => return Page::failed(404, "no such page"),
            };
        match files::find(root, rest) {
            Some(Found::File(path)) => match std::fs::read(&path) {
                Ok(content) => Page(200, files::kind(&path), content),
                Err(error) => {
                    let _ = writeln!(std::io::stderr().lock(), "cannot read {}: {error}", path.display());
                    Page::failed(500, "the file cannot be read")
                }
            },
            Some(Found::Folder(path)) => Page::html(runs::folder(&path, rest)),
            None => Page::failed(404, "no such file"),
        }
    }
}
