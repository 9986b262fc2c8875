//! Traces for other people's tools, read back by readers of their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const SCENARIO: &str = "scenarios/rules/restart-forgets.toml";

/// Runs a scenario quietly with these options.
fn sim(arguments: &[&str]) -> (i32, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).current_dir(root).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A row of ShiViz's log: host, clock, time, event.
struct Row {
    host: String,
    clock: BTreeMap<String, u64>,
    at: String,
    event: String,
}

/// Reads a log as its first line says: host and clock on one line, time and event on the next.
fn shiviz(text: &str) -> Vec<Row> {
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), r"(?<host>\S*) (?<clock>{.*})\n(?<at>\S*) (?<event>.*)");
    assert_eq!(lines.next().unwrap(), "", "one execution has no delimiter");
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len() % 2, 0);
    let row = |pair: &[&str]| {
        let (host, clock) = pair[0].split_once(' ').unwrap();
        let (at, event) = pair[1].split_once(' ').unwrap();
        let clock = serde_json::from_str(clock).unwrap();
        Row { host: host.to_owned(), clock, at: at.to_owned(), event: event.to_owned() }
    };
    lines.chunks(2).map(row).collect()
}

/// Happens-before, found without clocks: the order on each host, and from each send to its receipt in the trace.
#[test]
fn vector_clocks_say_what_the_trace_says_of_causes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (log, trace) = (path("log"), path("trace"));
    let (code, errors) =
        sim(&["run", SCENARIO, "-q", "--row", "restart-forgets", "--shiviz", &log, "--trace", &trace]);
    assert!(code < 2, "{errors}");
    let rows = shiviz(&std::fs::read_to_string(&log).unwrap());
    assert!(rows.len() > 100, "{}", rows.len());

    // Each host counts its own events, without a gap.
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        let own = counted.entry(&row.host).or_default();
        *own += 1;
        assert_eq!(row.clock[&row.host], *own, "{} {}", row.host, row.event);
    }

    // The messages of the trace, as pairs of (sender, time) and (receiver, time).
    let mut sent: BTreeMap<(String, String, u64), String> = BTreeMap::new();
    let mut edges = Vec::new();
    let seconds = |at: u64| format!("{}.{:06}s", at / 1_000_000_000, at % 1_000_000_000 / 1_000);
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let at = seconds(line["at_ns"].as_u64().unwrap());
        let number = || line["number"].as_u64().unwrap();
        match word("event").as_str() {
            "sent" => drop(sent.insert((word("from"), word("to"), number()), at)),
            "delivered" => {
                let began = &sent[&(word("from"), word("to"), number())];
                edges.push((word("message"), word("from"), began.clone(), word("to"), at));
            }
            _ => {}
        }
    }
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        after[place].extend(last.insert(&row.host, place));
    }
    let mut found = 0;
    for (kind, from, began, to, ended) in &edges {
        let place = |host: &str, at: &str, words: &str| {
            rows.iter().position(|row| row.host == host && row.at == at && row.event.starts_with(words))
        };
        let send = place(from, began, &format!("{kind} to {to}"));
        let receipt = place(to, ended, &format!("{kind} from {from} arrives"));
        if let (Some(send), Some(receipt)) = (send, receipt) {
            after[receipt].push(send);
            found += 1;
        }
    }
    assert!(found > 20, "{found} messages are in the log");

    // Requests and answers, by the log's own words.
    let (mut asked, mut answered) = (BTreeMap::new(), BTreeMap::new());
    for (place, row) in rows.iter().enumerate() {
        let operation =
            |words: &str| row.event.strip_prefix(words)?.split([':', ' ']).next()?.parse::<u64>().ok();
        if let Some(number) = operation("answers operation ") {
            answered.insert(number, place);
        } else if let Some(number) = operation("has the answer to operation ") {
            after[place].extend(answered.get(&number));
        } else if row.event.starts_with("asks ") {
            asked.insert((row.host.as_str(), row.clock[&row.host]), place);
        } else if row.event.starts_with("operation ") {
            // The invocation that it comes from is the newest one that its clock knows of its client.
            let client = asked.iter().filter(|((host, count), _)| row.clock.get(*host) == Some(count));
            let newest = client.map(|(_, place)| *place).max();
            after[place].extend(newest);
        }
    }
    let mut before: Vec<Vec<bool>> = Vec::new();
    for (place, direct) in after.iter().enumerate() {
        let mut causes = vec![false; rows.len()];
        for cause in direct {
            assert!(*cause < place, "a cause stands before its effect");
            causes[*cause] = true;
            let inherited = &before[*cause];
            causes.iter_mut().zip(inherited).for_each(|(mine, theirs)| *mine |= theirs);
        }
        before.push(causes);
    }
    // a happened before b exactly if b's clock knows a's own count.
    for (b, row) in rows.iter().enumerate() {
        for (a, cause) in rows[..b].iter().enumerate() {
            let knows = row.clock.get(&cause.host).is_some_and(|count| *count >= cause.clock[&cause.host]);
            assert_eq!(knows, before[b][a], "{} {} -> {} {}", cause.host, cause.event, row.host, row.event);
        }
    }
}

/// The fields of a protobuf message: number, and the value of a varint or the bytes of a message.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for place in 0.. {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let (value, inner): (u64, &[u8]) = match tag & 7 {
            0 => (varint(&mut bytes), &[]),
            1 => {
                let (fixed, rest) = bytes.split_at(8);
                bytes = rest;
                (u64::from_le_bytes(fixed.try_into().unwrap()), &[])
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (inner, rest) = bytes.split_at(length);
                bytes = rest;
                (0, inner)
            }
            wire => panic!("wire type {wire}"),
        };
        found.push((tag >> 3, value, inner));
    }
    found
}

#[test]
fn a_perfetto_trace_has_the_lease_and_the_messages_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, trace) = (path("out.pftrace"), path("trace"));
    let (code, errors) =
        sim(&["run", SCENARIO, "-q", "--row", "restart-forgets", "--perfetto", &out, "--trace", &trace]);
    assert!(code < 2, "{errors}");
    let bytes = std::fs::read(&out).unwrap();
    let text = std::fs::read_to_string(&trace).unwrap();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    // Per track: open slices, and the time of the last begin or end.
    let mut open: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
    let (mut began, mut ended) = (Vec::new(), Vec::new());
    let mut sends = 0;
    for (_, _, packet) in fields(&bytes) {
        let packet = fields(packet);
        let number =
            |of: &[(u64, u64, &[u8])], field: u64| of.iter().find(|(n, ..)| *n == field).map(|f| f.1);
        let inner = |of: &[(u64, u64, &[u8])], field: u64| {
            of.iter().find(|(n, ..)| *n == field).map(|f| String::from_utf8_lossy(f.2).into_owned())
        };
        if let Some((.., track)) = packet.iter().find(|(n, ..)| *n == 60) {
            let track = fields(track);
            names.insert(number(&track, 1).unwrap(), inner(&track, 2).unwrap_or_default());
            continue;
        }
        let at = number(&packet, 8).unwrap();
        let event = fields(packet.iter().find(|(n, ..)| *n == 11).unwrap().2);
        let track = number(&event, 11).unwrap();
        assert!(names.contains_key(&track), "a track is described before it is used");
        match number(&event, 9).unwrap() {
            1 => {
                let (depth, last) = open.entry(track).or_default();
                assert!(*depth == 0 && at >= *last, "slices on {} overlap at {at}", names[&track]);
                *depth += 1;
                *last = at;
            }
            2 => {
                let (depth, last) = open.entry(track).or_default();
                assert!(*depth == 1 && at >= *last, "{} at {at}", names[&track]);
                *depth -= 1;
                *last = at;
            }
            3 => {
                sends += u64::from(names[&track] == "messages" && event.iter().any(|(n, ..)| *n == 47));
                began.extend(event.iter().filter(|(n, ..)| *n == 47).map(|(_, flow, _)| *flow));
                ended.extend(event.iter().filter(|(n, ..)| *n == 48).map(|(_, flow, _)| *flow));
            }
            4 => assert!(number(&event, 30).is_some(), "a counter has a value"),
            kind => panic!("type {kind}"),
        }
    }
    assert!(open.values().all(|(depth, _)| *depth == 0), "every slice ends");
    assert_eq!(sends, text.matches(r#""event":"sent""#).count() as u64);
    assert!(!ended.is_empty() && ended.iter().all(|flow| began.contains(flow)), "a flow ends that began");
    assert!(names.values().any(|name| name == "lease, by its own clock"));
}

#[test]
fn files_that_cannot_be_written_are_refused_with_a_remedy() {
    let (code, errors) = sim(&["run", SCENARIO, "--perfetto", "-"]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("--perfetto - writes to standard output") && errors.contains("--quiet"),
        "{errors}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("same");
    let file = file.to_str().unwrap();
    let (code, errors) = sim(&["run", SCENARIO, "--perfetto", file, "--shiviz", file]);
    assert_eq!(code, 2);
    assert!(errors.contains("--perfetto and --shiviz name the same file"), "{errors}");
    let (code, errors) = sim(&["run", SCENARIO, "--shiviz", "/nowhere/at/all"]);
    assert_eq!(code, 74);
    assert!(errors.contains("cannot write the trace to /nowhere/at/all"), "{errors}");
    let (code, errors) = sim(&["run", SCENARIO, "--shiviz", file, "--shiviz-until", "12"]);
    assert_eq!(code, 2);
    assert!(errors.contains("--shiviz-until") && errors.contains("12.5s"), "{errors}");
}
