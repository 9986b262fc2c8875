//! Who may speak to a node, and under which name.

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use support::{Certificates, Keeper, Relay, answer, hello, ports, stranger, until};

/// The relay of n1, whose node keeps what it is given. It knows n2, and no n3.
struct Setup {
    certificates: Certificates,
    node: Keeper,
    port: u16,
    relay: Relay,
}

impl Setup {
    fn new(more: &[String]) -> Self {
        let certificates = Certificates::of(&["n1", "n2", "n3"]);
        let node = Keeper::new();
        let [port] = ports();
        let mut options = ["--name=n1", "--init=n1,n2"]
            .map(str::to_owned)
            .into_iter()
            .chain(certificates.options("n1"))
            .collect::<Vec<_>>();
        options.push(format!("--listen=127.0.0.1:{port}"));
        options.extend_from_slice(more);
        let command = node.command();
        let relay = Relay::start(&options, &command.each_ref().map(String::as_str));
        Self { certificates, node, port, relay }
    }

    fn knows_n2() -> Self {
        let [nobody] = ports();
        Self::new(&[format!("--peer=n2=127.0.0.1:{nobody}")])
    }
}

fn message(src: &str, dest: &str, mark: u32) -> String {
    format!("{}\n", json!({ "src": src, "dest": dest, "body": { "mark": mark } }))
}

#[test]
fn the_node_gets_its_init_and_then_a_members_lines_as_they_were_written() {
    let setup = Setup::knows_n2();
    let mut n2 = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
    // Odd spaces, an odd number: the node sums the text.
    let odd = "{ \"src\": \"n2\",\"dest\":\"n1\" , \"body\":{\"number\":1.50,\"deep\":[1e400]}}\n";
    n2.write_all(hello("n2", "n1").as_bytes()).unwrap();
    n2.write_all(odd.as_bytes()).unwrap();
    n2.flush().unwrap();
    setup.node.until_has(odd);
    let lines = setup.node.lines();
    let init = json!({ "src": "relay", "dest": "n1",
        "body": { "type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2"] } });
    assert_eq!(serde_json::from_str::<serde_json::Value>(lines.lines().next().unwrap()).unwrap(), init);
    assert_eq!(lines.lines().count(), 2, "{lines}");
}

#[test]
fn a_connection_counts_only_if_its_certificate_has_the_name_that_it_gives() {
    let setup = Setup::knows_n2();
    let strangers = Certificates::of(&["n2"]);
    for (certificates, of, from, to, said) in [
        (&setup.certificates, Some("n3"), "n2", "n1", "the certificate is not of"),
        (&setup.certificates, Some("n3"), "n3", "n1", "n3 is not among the peers of n1"),
        (&setup.certificates, Some("n1"), "n1", "n1", "n1 is not among the peers of n1"),
        (&setup.certificates, Some("n2"), "n2", "n3", "this is n1, and not n3"),
        // Another authority, and none at all: TLS refuses.
        (&strangers, Some("n2"), "n2", "n1", ""),
        (&setup.certificates, None, "n2", "n1", ""),
    ] {
        let mut stream = stranger(certificates, of, "n1", setup.port);
        let sent = stream
            .write_all(hello(from, to).as_bytes())
            .and_then(|()| stream.write_all(message(from, "n1", 66).as_bytes()))
            .and_then(|()| stream.flush());
        let answered = if sent.is_ok() { answer(&mut stream) } else { String::new() };
        assert!(answered.contains(said), "{of:?} as {from}: {answered:?}");
        setup.relay.until_logged(&format!("is refused: {said}"));
    }
    // No TLS, and a hello that says nothing.
    let mut plain = TcpStream::connect(("127.0.0.1", setup.port)).unwrap();
    plain.write_all(hello("n2", "n1").as_bytes()).unwrap();
    let mut dumb = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
    dumb.write_all(format!("{}\n", "x".repeat(5000)).as_bytes()).and_then(|()| dumb.flush()).unwrap();
    setup.relay.until_logged("it does not say who it is");

    // The relay goes on, and nothing of all this came to the node.
    let mut n2 = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
    n2.write_all((hello("n2", "n1") + &message("n2", "n1", 7)).as_bytes()).unwrap();
    n2.flush().unwrap();
    setup.node.until_has("\"mark\":7");
    assert!(!setup.node.lines().contains("66"), "{}", setup.node.lines());
}

#[test]
fn a_member_speaks_under_its_own_name_to_this_node_alone() {
    let setup = Setup::knows_n2();
    for (line, logged) in [
        (message("n3", "n1", 66), "it sent a line from \"n3\" to \"n1\", under the name n2"),
        (
            message("n1-client-1", "n1", 66),
            "it sent a line from \"n1-client-1\" to \"n1\", under the name n2",
        ),
        (message("n2", "n3", 66), "it sent a line from \"n2\" to \"n3\", under the name n2"),
        ("{\"src\":\"n2\",\"src\":\"n3\",\"dest\":\"n1\",\"mark\":66}\n".to_owned(), "duplicate field `src`"),
        ("nonsense 66\n".to_owned(), "it sent a line that is not JSON"),
    ] {
        let mut n2 = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
        n2.write_all((hello("n2", "n1") + &line).as_bytes()).unwrap();
        n2.flush().unwrap();
        assert_eq!(answer(&mut n2), "");
        setup.relay.until_logged(logged);
    }
    assert!(!setup.node.lines().contains("66"), "{}", setup.node.lines());
}

#[test]
fn a_relay_that_has_another_name_is_no_peer() {
    // n1 looks for n2 where n3 listens.
    let (n3, [port]) = (Keeper::new(), ports());
    let setup = Setup::new(&[format!("--peer=n2=127.0.0.1:{port}")]);
    let mut options = setup.certificates.options("n3");
    options.extend(["--name=n3", "--init=n3", &format!("--listen=127.0.0.1:{port}")].map(str::to_owned));
    let command = n3.command();
    let _other = Relay::start(&options, &command.each_ref().map(String::as_str));
    setup.relay.until_logged("certificate not valid for name \"n2\"");
}

#[test]
fn peers_are_read_again_on_sighup_and_a_file_with_a_fault_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers");
    let [nobody] = ports();
    fs::write(&file, "# none yet\n").unwrap();
    let setup = Setup::new(&[format!("--peers={}", file.display())]);

    let knock = || {
        let mut n2 = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
        n2.write_all(hello("n2", "n1").as_bytes()).and_then(|()| n2.flush()).unwrap();
        n2
    };
    assert!(answer(&mut knock()).contains("n2 is not among the peers"));

    fs::write(&file, format!("n1 127.0.0.1:1 # this one\nn2 127.0.0.1:{nobody}\n")).unwrap();
    setup.relay.signal("HUP");
    setup.relay.until_logged("read again: 1 peers");
    let mut n2 = knock();
    n2.write_all(message("n2", "n1", 1).as_bytes()).and_then(|()| n2.flush()).unwrap();
    setup.node.until_has("\"mark\":1");

    for (text, said) in [
        (format!("n2 127.0.0.1:{nobody}\nn4\n"), "line 2: a line is `NAME HOST:PORT`"),
        (format!("n2 127.0.0.1:{nobody}\nn2 127.0.0.1:1\n"), "line 2: n2 is there twice"),
        ("n2 127.0.0.1\n".to_owned(), "line 1: \"127.0.0.1\" is not HOST:PORT"),
    ] {
        fs::write(&file, text).unwrap();
        setup.relay.signal("HUP");
        setup.relay.until_logged(said);
    }
    n2.write_all(message("n2", "n1", 2).as_bytes()).and_then(|()| n2.flush()).unwrap();
    setup.node.until_has("\"mark\":2");

    // One that is removed is heard no more, on the connection that it has.
    fs::write(&file, "").unwrap();
    setup.relay.signal("HUP");
    setup.relay.until_logged("read again: 0 peers");
    let _ = n2.write_all(message("n2", "n1", 66).as_bytes()).and_then(|()| n2.flush());
    setup.relay.until_logged("it is no peer any more");
    assert!(!setup.node.lines().contains("66"), "{}", setup.node.lines());
}

#[test]
fn a_peer_that_connects_again_takes_the_place_of_its_old_connection() {
    let setup = Setup::knows_n2();
    let mut old = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
    old.write_all((hello("n2", "n1") + &message("n2", "n1", 1)).as_bytes())
        .and_then(|()| old.flush())
        .unwrap();
    setup.node.until_has("\"mark\":1");
    let mut new = stranger(&setup.certificates, Some("n2"), "n1", setup.port);
    new.write_all((hello("n2", "n1") + &message("n2", "n1", 2)).as_bytes())
        .and_then(|()| new.flush())
        .unwrap();
    setup.node.until_has("\"mark\":2");
    assert_eq!(answer(&mut old), "");
    until(|| setup.relay.log(), || setup.relay.log().matches("n2 has connected").count() == 2);
}
