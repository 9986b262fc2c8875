//! `sim serve` as a browser meets it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SIM: &str = env!("CARGO_BIN_EXE_sim");

struct Served {
    process: Child,
    port: u16,
}

impl Served {
    fn start(arguments: &[&str]) -> Served {
        let mut process = Command::new(SIM)
            .arg("serve")
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split(['/', ':']).nth(4).unwrap_or_default();
        let port = port.parse().unwrap_or_else(|_| panic!("an address: {line}"));
        Served { process, port }
    }

    /// Status and the whole answer. `path` is sent as it stands.
    fn get(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn ask(&self, path: &str) -> (u16, String) {
        self.get("GET", path, &format!("127.0.0.1:{}", self.port))
    }

    /// Ctrl-C.
    fn interrupt(mut self) -> Option<i32> {
        let kill = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().unwrap();
        assert!(kill.success());
        self.process.wait().unwrap().code()
    }
}

#[test]
fn kept_runs_are_listed_with_their_files_and_nothing_else_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let kept = store.join("my <run>");
    let status = Command::new(SIM)
        .args(["run", "scenarios/rules/restart-forgets.toml", "-q", "--out", kept.to_str().unwrap()])
        .current_dir(root)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::write(folder.path().join("secret"), "precious").unwrap();
    let playground = folder.path().join("playground");
    std::fs::create_dir(&playground).unwrap();
    std::fs::write(playground.join("index.html"), "<p>play").unwrap();
    let (store, playground) = (store.to_str().unwrap(), playground.to_str().unwrap());
    let served = Served::start(&["--store", store, "--playground", playground]);

    let (status, list) = served.ask("/");
    assert_eq!(status, 200);
    assert!(list.contains("my &lt;run&gt;") && list.contains("✓ as expected"), "{list}");
    assert!(list.contains("href=\"/store/my%20%3Crun%3E/\""), "{list}");
    let (status, page) = served.ask("/store/my%20%3Crun%3E/");
    assert_eq!(status, 200);
    assert!(page.contains("STALE READ") && page.contains("results.json"), "{page}");
    let (status, scenario) = served.ask("/store/my%20%3Crun%3E/rows/001/scenario.toml");
    assert!(status == 200 && scenario.contains("text/plain"), "{scenario}");
    assert!(served.ask("/playground/").1.contains("<p>play"));

    for path in
        ["/secret", "/store/../secret", "/store/%2e%2e/secret", "/playground/..%2Fsecret", "/store/none"]
    {
        let (status, answer) = served.ask(path);
        assert!(status == 404 && !answer.contains("precious"), "{path}: {answer}");
    }
    assert_eq!(served.get("POST", "/", &format!("localhost:{}", served.port)).0, 405);
    assert_eq!(served.get("GET", "/", "evil.example").0, 403);
    assert_eq!(served.interrupt(), Some(130));
}

#[test]
fn what_cannot_be_served_is_said_with_a_remedy() {
    let run = |arguments: &[&str]| {
        let output = Command::new(SIM).arg("serve").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, errors) = run(&["--store", "/nowhere"]);
    assert!(code == Some(2) && errors.contains("sim run SCENARIO --out store/NAME"), "{errors}");
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_str().unwrap();
    let served = Served::start(&["--store", store]);
    assert!(served.ask("/").1.contains("There are none."));
    assert!(served.ask("/playground/").1.contains("--playground DIR"));
    let (code, errors) = run(&["--store", store, "--port", &served.port.to_string()]);
    assert!(code == Some(74) && errors.contains("choose another --port"), "{errors}");
    assert_eq!(served.interrupt(), Some(130));
}
