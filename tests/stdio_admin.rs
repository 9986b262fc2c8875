//! `status`, `metrics` and `transfer` at the real binary, and the documentation's examples of their answers.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use process::Process;
use serde_json::{Value, json};

/// The JSON objects that stand in the documentation, in order; one may take several lines.
fn examples() -> Vec<Value> {
    let text = include_str!("../docs/reference/protocol.md");
    let indented = text.lines().filter_map(|line| line.strip_prefix("    "));
    let joined: String = indented.skip_while(|line| !line.contains(r#""type":"init""#)).collect();
    let mut objects = Vec::new();
    let starts = joined.match_indices(r#"{"type":"#).map(|(at, _)| at);
    for start in starts {
        let mut stream = serde_json::Deserializer::from_str(&joined[start..]).into_iter::<Value>();
        if let Some(Ok(value)) = stream.next() {
            objects.push(value);
        }
    }
    objects
}

fn example(kind: &str) -> Value {
    let found = examples().into_iter().find(|example| example["type"] == kind);
    found.unwrap_or_else(|| panic!("docs/reference/protocol.md has no example of {kind}"))
}

/// Has one what the other has, object by object, and numbers, strings and so on in the same places? `null` stands for any.
fn same_shape(path: &str, documented: &Value, found: &Value) {
    match (documented, found) {
        (Value::Object(documented), Value::Object(found)) => {
            let keys = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(documented), keys(found), "the fields of {path}");
            for (key, value) in documented {
                same_shape(&format!("{path}.{key}"), value, &found[key]);
            }
        }
        (Value::Number(documented), Value::Number(found)) => {
            assert!(documented.is_u64() && found.is_u64(), "{path}: exact integers only");
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (documented, found) => assert_eq!(
            std::mem::discriminant(documented),
            std::mem::discriminant(found),
            "{path}: {documented} in the documentation, {found} in the answer"
        ),
    }
}

/// Asks what the documentation asks, and compares the answer with the documentation's.
fn ask_as_documented(process: &mut Process, request: &str) -> Value {
    let mut answer = process.ask(&example(request).to_string());
    let documented = example(&format!("{request}_ok"));
    assert_eq!(answer["in_reply_to"], documented["in_reply_to"]);
    let found = answer.as_object_mut().unwrap();
    found.remove("msg_id").expect("every answer has one");
    same_shape(request, &documented, &answer);
    answer
}

#[test]
fn a_node_that_is_alone_tells_its_status() {
    let mut process = Process::alone(&["--in-memory", "--lease=3s", "--max-clock-skew=250ms"]);
    process.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#);
    process.ask(r#"{"type":"lease_read","msg_id":2,"key":"x"}"#);
    let status = ask_as_documented(&mut process, "status");
    for (field, expected) in [
        ("role", json!("leader")),
        ("term", json!(1)),
        ("leader", json!("n1")),
        ("commit", json!(2)),
        ("applied", json!(2)),
        ("log_first_index", json!(1)),
        ("log_last_index", json!(2)),
        ("lease_form", json!("elapsed")),
        ("lease_duration_ms", json!(3_000)),
        ("election_timeout_ms", json!(5_000)),
        ("max_clock_skew_ms", json!(250)),
        ("voters", json!(["n1"])),
        ("learners", json!([])),
        ("configuration_index", json!(0)),
        ("configuration_committed", json!(true)),
        ("peers", json!([])),
    ] {
        assert_eq!(status[field], expected, "{field}");
    }
    assert!(status["lease_remaining_ms"].as_u64().unwrap() <= 2_750, "{status}");
}

#[test]
fn a_node_without_a_quorum_is_no_leader_and_has_no_lease() {
    let mut process = Process::start(&["--in-memory"]);
    process.send(
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}"#,
    );
    process.receive();
    let status = process.ask(r#"{"type":"status","msg_id":2}"#);
    assert_eq!((&status["role"], &status["term"]), (&json!("follower"), &json!(0)));
    assert_eq!((&status["leader"], &status["lease_remaining_ms"]), (&Value::Null, &Value::Null));
    let refused = process.ask(r#"{"type":"transfer","msg_id":3,"to":"n2"}"#);
    assert_eq!(refused["code"], 11, "{refused}");
    assert!(refused["text"].as_str().unwrap().contains("knows nobody who does"), "{refused}");
}

#[test]
fn metrics_count_what_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::alone(&["--data-dir", directory.path().to_str().unwrap()]);
    process.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#);
    for number in 2..5 {
        process.ask(&format!(r#"{{"type":"lease_read","msg_id":{number},"key":"x"}}"#));
    }
    process.ask(r#"{"type":"read","msg_id":5,"key":"missing"}"#);
    process.ask(r#"{"type":"cas","msg_id":6,"key":"x","from":7,"to":8}"#);
    process.ask(r#"{"type":"write","msg_id":7,"key":"x"}"#);
    process.ask(r#"{"type":"no_such_type","msg_id":8}"#);
    let metrics = ask_as_documented(&mut process, "metrics");
    assert_eq!(metrics["reads"]["lease"], 4, "{metrics}");
    assert_eq!(metrics["elections"]["won"], 1);
    for (reason, count) in
        [("key_missing", 1), ("precondition_failed", 1), ("malformed", 1), ("not_supported", 1), ("other", 0)]
    {
        assert_eq!(metrics["refused"][reason], count, "{reason}: {metrics}");
    }
    let syncs = &metrics["sync_us"];
    // The vote, the first entry of the term, the write and the cas: at least two syncs, since answers wait for them.
    assert!(syncs["count"].as_u64().unwrap() >= 2, "{syncs}");
    assert!(syncs["min"].as_u64().unwrap() > 0, "{syncs}");
    assert!(syncs["p50"].as_u64() <= syncs["p99"].as_u64() && syncs["p99"].as_u64() <= syncs["max"].as_u64());
    let again = process.ask(r#"{"type":"metrics","msg_id":10}"#);
    assert_eq!(again["reads"], metrics["reads"], "asking resets nothing");
}

#[test]
fn a_transfer_that_cannot_be_is_refused_with_a_remedy() {
    let mut process = Process::alone(&["--in-memory"]);
    let own = process.ask(r#"{"type":"transfer","msg_id":1,"to":"n1"}"#);
    assert_eq!(
        (&own["type"], &own["leader"], &own["term"]),
        (&json!("transfer_ok"), &json!("n1"), &json!(1))
    );
    for (body, code, part) in [
        (r#"{"type":"transfer","msg_id":2,"to":"n9"}"#, 12, "no node of this cluster"),
        (r#"{"type":"transfer","msg_id":3,"to":7}"#, 12, "it is a node's name"),
        (r#"{"type":"transfer","msg_id":4}"#, 11, "nobody that leadership could go to"),
    ] {
        let refused = process.ask(body);
        assert_eq!(refused["code"], code, "{refused}");
        assert!(refused["text"].as_str().unwrap().contains(part), "{refused}");
    }
}

/// Asks a node that writes to a fellow node as well.
fn ask_past_peers(process: &mut Process, body: &str) -> Value {
    process.send(&format!(r#"{{"src":"c1","dest":"n1","body":{body}}}"#));
    let mut messages = std::iter::from_fn(|| Some(process::json(&process.receive())));
    let mut answer = messages.find(|message| message["dest"] == "c1").unwrap();
    answer["body"].take()
}

#[test]
fn members_are_added_and_what_cannot_be_is_refused_with_a_remedy() {
    let mut process = Process::alone(&["--in-memory"]);
    let request = example("membership").to_string();
    let mut added = ask_past_peers(&mut process, &request);
    added.as_object_mut().unwrap().remove("msg_id");
    same_shape("membership", &example("membership_ok"), &added);
    assert_eq!((&added["voters"], &added["learners"]), (&json!(["n1"]), &json!(["n4"])), "{added}");
    let status = ask_past_peers(&mut process, r#"{"type":"status","msg_id":2}"#);
    assert_eq!((&status["learners"], &status["configuration_index"]), (&json!(["n4"]), &added["index"]));
    assert_eq!((&status["peers"][0]["node"], &status["peers"][0]["voter"]), (&json!("n4"), &json!(false)));
    for (body, code, part) in [
        (r#""add":"n4""#, 22, "promote it"),
        (r#""add":"n1""#, 22, "votes already"),
        (r#""promote":"n4""#, 11, "has not caught up"),
        (r#""promote":"n5""#, 22, "no member is called so"),
        (r#""remove":"n1""#, 22, "the last voter"),
        (r#""remove":7"#, 12, "`remove` is 7"),
        (r#""add":"""#, 12, "an empty name"),
        (r#""add":"n5","remove":"n4""#, 12, "one of `add`, `promote` and `remove`"),
        (r#""msg":1"#, 12, "one of `add`, `promote` and `remove`"),
    ] {
        let refused = ask_past_peers(&mut process, &format!(r#"{{"type":"membership","msg_id":3,{body}}}"#));
        assert_eq!(refused["code"], code, "{body}: {refused}");
        assert!(refused["text"].as_str().unwrap().contains(part), "{body}: {refused}");
    }
    let removed = ask_past_peers(&mut process, r#"{"type":"membership","msg_id":4,"remove":"n4"}"#);
    assert_eq!((&removed["voters"], &removed["learners"]), (&json!(["n1"]), &json!([])), "{removed}");
}

#[test]
fn metrics_come_in_the_format_of_prometheus_as_well() {
    let mut process = Process::alone(&["--in-memory"]);
    process.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#);
    process.ask(r#"{"type":"lease_read","msg_id":2,"key":"x"}"#);
    let answer = process.ask(r#"{"type":"metrics","msg_id":3,"format":"prometheus"}"#);
    assert_eq!(answer["type"], "metrics_ok");
    let text = answer["text"].as_str().unwrap();
    for line in [
        "# TYPE leasehold_reads_total counter",
        r#"leasehold_reads_total{how="lease"} 1"#,
        r#"leasehold_elections_total{stage="won"} 1"#,
        "leasehold_leads 1",
        "leasehold_applied_index 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    // Every line is a comment or a sample, every sample a number, and every family is announced once.
    let mut families = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(announced) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(announced.split(' ').next().unwrap().to_owned()), "{line}");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
            assert!(families.contains(name.split('{').next().unwrap()), "{line}");
        }
    }
    let wrong = process.ask(r#"{"type":"metrics","msg_id":4,"format":"xml"}"#);
    assert_eq!(wrong["code"], 12, "{wrong}");
}
