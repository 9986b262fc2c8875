//! Clients on this machine; and the command line.

mod support;

use serde_json::json;
use support::{Certificates, Client, Keeper, Relay, leasehold, ports, until};

/// A cluster of one.
fn alone(certificates: &Certificates, more: &[&str]) -> (Relay, u16) {
    let [listen, clients] = ports();
    let mut options = certificates.options("n1");
    options.extend(["--name=n1", "--init=n1"].map(str::to_owned));
    options.extend([format!("--listen=127.0.0.1:{listen}"), format!("--clients=127.0.0.1:{clients}")]);
    options.extend(more.iter().map(|&option| option.to_owned()));
    let binary = leasehold().display().to_string();
    (Relay::start(&options, &[&*binary, "--in-memory"]), clients)
}

#[test]
fn each_client_gets_its_own_answers_under_a_name_that_it_cannot_choose() {
    let certificates = Certificates::of(&["n1"]);
    let (_relay, port) = alone(&certificates, &[]);
    let (mut a, mut b) = (Client::of(port), Client::of(port));
    assert_eq!(a.insist(&json!({ "type": "write", "key": "x", "value": 1 }))["type"], "write_ok");
    // Both use the same number, and one pretends to be a member.
    a.write(r#"{"src":"n2","dest":"n1","body":{"type":"read","msg_id":7,"key":"x"}}"#);
    b.write(r#"{"body":{"type":"read","msg_id":7,"key":"y"}}"#);
    assert_eq!(a.answer()["value"], 1);
    assert_eq!(b.answer()["code"], 20);
    // What no request is gets an answer too, and the connection goes on.
    for (line, code, text) in [
        ("nonsense", 12, "not a request"),
        ("{}", 12, "missing field `body`"),
        (r#"{"body":{"type":"get","type":"membership"}}"#, 12, "duplicate field `type`"),
        (
            r#"{"dest":"n2","body":{"type":"status","msg_id":9}}"#,
            12,
            "this is the relay of n1, and not of n2",
        ),
    ] {
        a.write(line);
        let answer = a.answer();
        assert_eq!(answer["code"], code, "{line}: {answer}");
        assert!(answer["text"].as_str().unwrap().contains(text), "{line}: {answer}");
    }
    assert_eq!(a.ask(json!({ "type": "read", "key": "x" }))["value"], 1);
}

#[test]
fn what_is_denied_gets_an_error_and_what_only_looks_like_it_does_not() {
    let certificates = Certificates::of(&["n1"]);
    let (_relay, port) = alone(&certificates, &["--deny=apply,membership", "--deny=transfer"]);
    let mut client = Client::of(port);
    client.insist(&json!({ "type": "write", "key": "x", "value": 1 }));
    let lengths = |apply: serde_json::Value| {
        json!({ "type": "lease_read_config", "apply": apply, "lease_duration_ms": 900,
                "election_timeout_ms": 2000, "max_clock_skew_ms": 100 })
    };
    for (request, denied) in [
        (lengths(json!(true)), Some("apply")),
        // Whether this counts as true is for the node to say.
        (lengths(json!("true")), Some("apply")),
        (lengths(json!(false)), None),
        (json!({ "type": "membership", "remove": "n1" }), Some("membership")),
        (json!({ "type": "transfer" }), Some("transfer")),
        (json!({ "type": "write", "key": "membership", "value": "transfer" }), None),
        (json!({ "type": "status" }), None),
    ] {
        let answer = client.ask(request.clone());
        match denied {
            Some(option) => {
                assert_eq!(answer["code"], 10, "{request}: {answer}");
                assert_eq!(answer["text"], format!("this relay was started with --deny {option}"));
            }
            None => assert_ne!(answer["type"], "error", "{request}: {answer}"),
        }
    }
    // An escape in the type is the same type.
    client.write(r#"{"body":{"type":"member\u0073hip","msg_id":99,"remove":"n1"}}"#);
    assert_eq!(client.answer()["code"], 10);
}

#[test]
fn a_client_that_sends_no_more_still_gets_its_answers() {
    let certificates = Certificates::of(&["n1"]);
    let [listen, clients] = ports();
    let mut options = certificates.options("n1");
    options.extend(["--name=n1", "--init=n1"].map(str::to_owned));
    options.extend([format!("--listen=127.0.0.1:{listen}"), format!("--clients=127.0.0.1:{clients}")]);
    // A node that answers two requests after a while, with the name that their client has got.
    let slow = r#"read init
        for id in 1 2; do
            read line
            sleep 0.3
            echo '{"src":"n1","dest":"n1-client-1","body":{"type":"read_ok","in_reply_to":'$id'}}'
        done
        exec cat > /dev/null"#;
    let _relay = Relay::start(&options, &["sh", "-c", slow]);
    let mut client = Client::of(clients);
    for id in [1, 2] {
        client.write(&format!(r#"{{"body":{{"type":"read","msg_id":{id},"key":1}}}}"#));
    }
    client.sends_no_more();
    assert_eq!([client.answer(), client.answer()].map(|answer| answer["in_reply_to"].clone()), [1, 2]);
    // Then the relay closes its side too.
    assert!(client.has_ended());
}

#[test]
fn it_ends_as_its_node_ends() {
    let certificates = Certificates::of(&["n1"]);
    for (script, code) in [("exit 7", 7), ("kill -KILL $$", 128 + 9)] {
        let [port] = ports();
        let mut options = certificates.options("n1");
        options.extend(["--name=n1", "--init=n1", &format!("--listen=127.0.0.1:{port}")].map(str::to_owned));
        let mut relay = Relay::start(&options, &["sh", "-c", script]);
        assert_eq!(relay.ended().code(), Some(code), "{script}");
    }
}

#[test]
fn a_wrong_command_line_file_or_address_is_named() {
    let certificates = Certificates::of(&["n1", "n2"]);
    let folder = certificates.0.path().display().to_string();
    let node = Keeper::new();
    let [free] = ports();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let held = held.local_addr().unwrap();
    let (free, held) = (format!("--listen=127.0.0.1:{free}"), format!("--listen={held}"));
    // Options that are right, unless one is given again.
    let right = [
        ("--name", "n1".to_owned()),
        ("--init", "n1,n2".to_owned()),
        ("--ca", format!("{folder}/ca.pem")),
        ("--cert", format!("{folder}/n1.pem")),
        ("--key", format!("{folder}/n1.key")),
    ];
    for (given, code, said) in [
        (vec![&*free, "--clients=0.0.0.0:7100"], 2, "neither encrypted nor authenticated"),
        (vec![&*free, "--init=n2,n3"], 2, "the node's own name, n1, must be among them"),
        (vec![&*free, "--peer=n2"], 2, "a peer is NAME=HOST:PORT"),
        (vec![&*free, "--peer=n2=host"], 2, "is not HOST:PORT"),
        (vec![&*free, "--peer=n1=host:1"], 2, "n1 is this node itself"),
        (vec![&*free, "--peer=n1-client-4=host:1"], 2, "names of clients"),
        (vec![&*free, "--peers=/nowhere"], 2, "cannot read /nowhere"),
        (vec![&*free, "--name=n 1"], 2, "cannot be a DNS name"),
        (vec![&*free, "--name=n2"], 2, "is not of n2: it needs that DNS name"),
        (vec![&*free, "--ca=/nowhere"], 2, "--ca: cannot read /nowhere"),
        (vec![&*free, "--key=/nowhere"], 2, "--key: no private key in /nowhere"),
        (vec![&*held], 74, "--listen: cannot listen at"),
    ] {
        let named = |option: &str| given.iter().any(|given| given.starts_with(&format!("{option}=")));
        let mut options = given.iter().map(|&given| given.to_owned()).collect::<Vec<_>>();
        options.extend(
            right.iter().filter(|(option, _)| !named(option)).map(|(o, value)| format!("{o}={value}")),
        );
        // Whatever is wrong, the node is not started.
        refuses(&options, &node.command().each_ref().map(String::as_str), code, said);
        assert_eq!(node.lines(), "", "{given:?}");
    }
    // A key of another node, and a program that is not there.
    let wrong_key = format!("--key={folder}/n2.key");
    for (more, program, code, said) in [
        (&*wrong_key, "true", 2, "--cert, --key:"),
        ("--log-format=json", "/nowhere/leasehold", 74, "/nowhere/leasehold"),
    ] {
        let mut options = vec![free.clone(), more.to_owned()];
        options.extend(
            right.iter().filter(|(o, _)| !more.starts_with(o)).map(|(o, value)| format!("{o}={value}")),
        );
        refuses(&options, &[program], code, said);
    }
}

fn refuses(options: &[String], node: &[&str], code: i32, said: &str) {
    let mut relay = Relay::start(options, node);
    assert_eq!(relay.ended().code(), Some(code), "{options:?}: {}", relay.log());
    // Its lines are as wide as clap makes them.
    let log = || relay.log().split_whitespace().collect::<Vec<_>>().join(" ");
    until(|| format!("{options:?}: {said:?} in {}", log()), || log().contains(said));
}
