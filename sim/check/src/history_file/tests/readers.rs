//! What else a history may look like, and what only looks like one.

use std::io::Write;

use super::*;

/// A register on which a stale read happened, in JSON lines.
const STALE: &str = r#"{"process":0,"type":"invoke","f":"put","value":1}
{"process":0,"type":"ok","f":"put"}
{"process":1,"type":"invoke","f":"get"}
{"process":1,"type":"ok","f":"get","value":null}
"#;

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_history_and_one_with_a_byte_order_mark() {
    verdict(STALE, false);
    verdict(&format!("\u{feff}{STALE}"), false);
    let mut bytes = compressed(STALE);
    // A second member of the file is a part of it, as gzip itself has it.
    bytes.extend(compressed(r#"{"process":1,"type":"invoke","f":"get"}"#));
    let file = read(&bytes[..], &Options::default()).unwrap();
    assert_eq!((file.operations.len(), checked(&file).outcome), (3, Outcome::NotLinearizable));
    // In another order of reads than whole files.
    let slow = std::io::BufReader::with_capacity(1, &bytes[..]);
    assert_eq!(read(slow, &Options::default()).unwrap().operations, file.operations);
}

#[test]
fn a_damaged_gzip_file_is_not_a_history() {
    let bytes = compressed(STALE);
    let cut = problems(&bytes[..bytes.len() - 10], &Options::default());
    assert_eq!(cut.len(), 1);
    assert!(cut[0].starts_with("1:1: a gzip file that cannot be unpacked"), "{cut:?}");
    let mut flipped = bytes.clone();
    flipped[bytes.len() - 6] ^= 1;
    assert!(problems(&flipped, &Options::default())[0].contains("cannot be unpacked"));
}

#[test]
fn whole_operations_one_on_each_line() {
    let text = |read_at: u64, value: &str| {
        format!(
            r#"{{"process":1,"f":"read","key":"x","value":{value},"invoked_ns":{read_at},"completed_ns":40}}
{{"process":0,"f":"write","key":"x","value":1,"invoked_ns":10,"completed_ns":20}}
{{"process":2,"type":"info","f":"write","key":"x","value":2,"invoked_ns":15}}
{{"process":3,"type":"fail","f":"write","key":"x","value":3,"invoked_ns":15,"completed_ns":16}}
{{"process":4,"f":"cas","key":"x","value":[9,3],"swapped":false,"invoked_ns":15,"completed_ns":16}}
"#
        )
    };
    for (read_at, value, linearizable) in
        [(20, "null", true), (21, "null", false), (21, "1", true), (21, "2", true), (21, "3", false)]
    {
        verdict(&text(read_at, value), linearizable);
    }
    let file = history(&text(21, "1"), &Options::default());
    assert_eq!((file.operations.len(), file.failed), (4, 1));
    assert_eq!(file.origins[0].completed_ns, Some(40));
}

#[test]
fn whole_operations_that_cannot_be() {
    for (text, expected) in [
        (
            r#"{"process":0,"f":"read","value":1,"invoked_ns":10,"completed_ns":9}"#,
            "1:1: invoked at 10, ended at 9; expected times below 2^64 - 3, the end not before the invocation",
        ),
        (
            r#"{"process":0,"f":"read","value":1,"completed_ns":9}"#,
            "1:1: completed_ns alone; expected invoked_ns beside it",
        ),
        (
            r#"{"process":0,"type":"ok","f":"read","value":1,"invoked_ns":9}"#,
            "1:1: an end without a time; expected completed_ns, or the type info",
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read","value":1,"invoked_ns":9}"#,
            "1:21: the type \"invoke\"; expected invoke, ok, fail or info",
        ),
        (
            "{\"process\":0,\"f\":\"read\",\"value\":1,\"invoked_ns\":1,\"completed_ns\":2}\n\
             {\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}",
            "2:1: whole operations and single events in one file; expected invoked_ns on all lines or on none",
        ),
    ] {
        assert_eq!(problems(text.as_bytes(), &Options::default()), [expected], "{text}");
    }
}

#[test]
fn history_txt_and_jepsen_log() {
    let events = |before: &str, read: &str| {
        format!(
            "{before}0\t:invoke\t:write\t1\n{before}:nemesis\t:info\t:start\tnil\n{before}0\t:ok\t:write\t1\n\
             {before}1\t:invoke\t:read\tnil\n{before}1\t{read}\n"
        )
    };
    for before in
        ["", "2024-05-01 10:00:00,000{GMT}\tINFO\t[jepsen worker 0] jepsen.util: ", "INFO  jepsen.util - "]
    {
        verdict(&events(before, ":ok\t:read\t1"), true);
        verdict(&events(before, ":ok\t:read\tnil"), false);
        verdict(&events(before, ":fail\t:read\tnil\t:net-timeout"), true);
        verdict(&events(before, ":fail\t:read\tnil\t[:key-does-not-exist \"gone\"]"), false);
        let file = history(&events(before, ":ok\t:read\t1"), &Options::default());
        assert_eq!((file.format, file.operations.len()), (Format::Log, 2), "{before}");
    }
}

#[test]
fn a_transaction_of_one_operation_is_that_operation() {
    let text = |key: &str, read: &str| {
        format!(
            "{{:type :invoke :f :txn :value [[:w :x 1]] :process 0}} {{:type :ok :f :txn :value [[:w :x 1]] :process 0}}\
             {{:type :invoke :f :txn :value [[:r {key} nil]] :process 1}}\
             {{:type :ok :f :txn :value [[:r {key} {read}]] :process 1}}"
        )
    };
    verdict(&text(":x", "1"), true);
    verdict(&text(":x", "nil"), false);
    verdict(&text(":y", "nil"), true);
    for transaction in ["[[:r 1 nil] [:w 1 2]]", "[[:append 1 2]]", "nil"] {
        let event = format!("{{:type :invoke :f :txn :value {transaction} :process 0}}");
        let found = problems(event.as_bytes(), &Options::default());
        let expected = format!(
            "1:1: the transaction {transaction}; expected one read or write, as in [[:r 5 nil]] or [[:w 5 1]]"
        );
        assert_eq!(found, [expected]);
    }
}

#[test]
fn a_mutex_is_a_register() {
    let mutex = |events: &[&str]| -> String {
        let event = |event: &&str| format!("{{{event} :value nil}}\n");
        events.iter().map(event).collect()
    };
    let acquired = [":type :invoke :f :acquire :process 0", ":type :ok :f :acquire :process 0"];
    let again = [":type :invoke :f :acquire :process 1", ":type :ok :f :acquire :process 1"];
    let released = [":type :invoke :f :release :process 0", ":type :ok :f :release :process 0"];
    verdict(&mutex(&[acquired, released, again].concat()), true);
    verdict(&mutex(&[acquired, again].concat()), false);
    verdict(&mutex(&[released].concat()), false);
}

#[test]
fn a_read_of_nil_may_say_nothing() {
    let says_nothing = Options { nil_reads_say_nothing: true, ..Options::default() };
    let file = history(STALE, &says_nothing);
    assert_eq!((file.nil_reads, file.failed, file.operations.len()), (1, 0, 1));
    assert_eq!(checked(&file).outcome, Outcome::Linearizable);
    let text = STALE.replace("null", "7");
    assert_eq!(checked(&history(&text, &says_nothing)).outcome, Outcome::NotLinearizable);
}

#[test]
fn what_cannot_be_read_is_told_with_what_can() {
    let readable =
        "JSON lines, EDN, or Jepsen's history.txt or jepsen.log, as `sim help history` describes them";
    for text in ["process,type,f,value\n0,invoke,write,1\n", "\n\n0;invoke;write;1\n"] {
        let line = 1 + text.len() - text.trim_start().len();
        let expected = format!("{line}:1: a table of values with commas or semicolons; expected {readable}");
        assert_eq!(problems(text.as_bytes(), &Options::default()), [expected]);
    }
    for text in ["hello\n", "2024-05-01 nothing happened\n"] {
        let expected = format!("1:1: no event on any line; expected {readable}");
        assert_eq!(problems(text.as_bytes(), &Options::default()), [expected]);
    }
    // A log in which nothing happened is one.
    assert!(
        history("INFO  jepsen.os.debian - :n3 setting up debian\n", &Options::default())
            .operations
            .is_empty()
    );
}
