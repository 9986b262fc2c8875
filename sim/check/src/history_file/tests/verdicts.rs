//! Histories that can be judged by eye.

use super::*;

#[test]
fn a_register_in_json_lines() {
    let events = |lines: &[&str]| -> String {
        let line = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let value = words.get(3).map_or(String::new(), |value| format!(r#","value":{value}"#));
            format!("{{\"process\":{},\"type\":\"{}\",\"f\":\"{}\"{value}}}\n", words[0], words[1], words[2])
        };
        lines.iter().map(line).collect()
    };
    for (lines, linearizable) in [
        (&["0 invoke write 1", "0 ok write", "1 invoke read", "1 ok read 1"][..], true),
        (&["0 invoke write 1", "0 ok write", "1 invoke read", "1 ok read null"], false),
        (&["0 invoke write 1", "1 invoke read", "1 ok read null", "0 ok write 1"], true),
        (&["0 invoke write 1", "0 info write", "1 invoke read", "1 ok read 1"], true),
        (&["0 invoke write 1", "0 info write", "1 invoke read", "1 ok read null"], true),
        (&["0 invoke write 1", "0 fail write", "1 invoke read", "1 ok read 1"], false),
        (
            &[
                "0 invoke write 1",
                "0 ok write",
                "0 invoke cas [1,2]",
                "0 ok cas",
                "1 invoke read",
                "1 ok read 2",
            ],
            true,
        ),
        (&["0 invoke write 1", "0 ok write", "0 invoke cas [2,3]", "0 ok cas"], false),
        (&["0 invoke write 1", "0 ok write", "0 invoke cas [2,3]", "0 fail cas"], true),
        // Unknown outcomes stay possible for ever, and a client may go on after one.
        (
            &[
                "0 invoke write 1",
                "0 info write",
                "0 invoke read",
                "0 ok read null",
                "0 invoke read",
                "0 ok read 1",
            ],
            true,
        ),
        (&["0 invoke write 1", "1 invoke read", "1 ok read 1", "1 invoke read", "1 ok read null"], false),
        // Values of any kind, compared by what they are and not by how they are spelled.
        (
            &[
                r#"0 invoke write {"a":[1],"b":"\u0041"}"#,
                "0 ok write",
                "1 invoke read",
                r#"1 ok read {"b":"A","a":[1]}"#,
            ],
            true,
        ),
        (&["0 invoke write 1", "0 ok write", "1 invoke read", r#"1 ok read "1""#], false),
        (
            &[
                "0 invoke write 1",
                "0 ok write",
                "0 invoke write null",
                "0 ok write",
                "1 invoke read",
                "1 ok read null",
            ],
            true,
        ),
    ] {
        verdict(&events(lines), linearizable);
    }
}

#[test]
fn keys_times_and_the_other_fields_of_json_lines() {
    // Two keys; lines of the nemesis and blank ones mean nothing.
    verdict(
        r#"{"process":"a","type":"invoke","f":"write","key":"x","value":1,"time_ns":1,"node":"n1"}

{"process":"nemesis","type":"info","f":"read","key":"x"}
{"process":"a","type":"ok","f":"write","time_ns":5}
{"process":"b","type":"invoke","f":"read","key":"y","time_ns":9}
{"process":"b","type":"ok","f":"read","key":"y","value":null,"time_ns":9}
"#,
        true,
    );
    // Equal times are concurrent, though one line is before the other.
    for (invoked, linearizable) in [(5, true), (6, false)] {
        verdict(
            &format!(
                r#"{{"process":0,"type":"invoke","f":"write","value":1,"time_ns":1}}
{{"process":0,"type":"ok","f":"write","time_ns":5}}
{{"process":1,"type":"invoke","f":"read","time_ns":{invoked}}}
{{"process":1,"type":"ok","f":"read","value":null,"time_ns":7}}
"#
            ),
            linearizable,
        );
    }
    // A swap that did not happen is a fact about the value; one that may create the key is another operation.
    for (fields, end, linearizable) in [
        ("", r#","swapped":false"#, true),
        ("", "", false),
        (r#","create_if_missing":true"#, r#","swapped":false"#, false),
        (r#","create_if_missing":true"#, "", true),
    ] {
        verdict(
            &format!(
                r#"{{"process":0,"type":"invoke","f":"cas","value":[1,2]{fields}}}
{{"process":0,"type":"ok","f":"cas"{end}}}
"#
            ),
            linearizable,
        );
    }
}

#[test]
fn a_register_in_edn() {
    for (text, linearizable) in [
        // Lines, as in history.edn.
        (
            "{:type :invoke, :f :write, :value 3, :process 0, :time 123, :index 0}\n\
             {:type :ok, :f :write, :value 3, :process 0, :time 124, :index 1}\n\
             {:type :invoke, :f :read, :value nil, :process 1, :time 125, :index 2}\n\
             {:type :ok, :f :read, :value 3, :process 1, :time 126, :index 3}\n",
            true,
        ),
        // A vector; namespaces; a time that goes back does not matter, the order does.
        (
            "[{:type :invoke :f :write :value 3 :process 0 :time 9}\n {:op/type :type/ok :f :write :value 3 :process 0 :time 1}\n\
             {:type :invoke :f :read :process 1} {:type :ok :f :read :value nil :process 1}]",
            false,
        ),
        // A list of records, comments, discarded forms, the nemesis.
        (
            "; a history\n(#jepsen.history.Op{:index 0, :time 1, :type :invoke, :process 0, :f :write, :value 1}\n\
             #knossos.op.Op {:type :info :process :nemesis :f :start :value \"cut [off\"}\n #_ {:type :ok}\n\
             {:type :info :process 0 :f :write :value 1 :error [:timeout \"x\"]}\n\
             {:type :invoke :process 5 :f :read :value nil} {:type :ok :process 5 :f :read :value 1})",
            true,
        ),
        // Swaps: one that failed did not happen.
        (
            "{:type :invoke :f :cas :value [nil 1] :process 0} {:type :ok :f :cas :value [nil 1] :process 0}\
             {:type :invoke :f :cas :value (5 6) :process 0} {:type :fail :f :cas :value (5 6) :process 0}\
             {:type :invoke :f :read :process 0} {:type :ok :f :read :value 6 :process 0}",
            false,
        ),
    ] {
        verdict(text, linearizable);
    }
}

#[test]
fn independent_keys_are_told_from_pairs() {
    let write_and_read = |write: &str, invoked: &str, read: &str| {
        format!(
            "{{:type :invoke :f :write :value {write} :process 0}} {{:type :ok :f :write :value {write} :process 0}}\
             {{:type :invoke :f :read :value {invoked} :process 1}} {{:type :ok :f :read :value {read} :process 1}}"
        )
    };
    // Key 1 is 2, and key 3 is nil: as one register the read would be wrong.
    let text = write_and_read("[1 2]", "[3 nil]", "[3 nil]");
    verdict(&text, true);
    let file = history(&text, &Options::default());
    assert!(file.keyed);
    assert_eq!(file.key(file.operations[1].key), Some("3"));
    // A register of pairs.
    verdict(&write_and_read("[1 2]", "nil", "[1 2]"), true);
    verdict(&write_and_read("[1 2]", "nil", "[3 nil]"), false);
    // The user knows better: the reads do not say.
    let text = write_and_read("[1 2]", "[3 0]", "[3 nil]");
    let told = Options { independent: true, ..Options::default() };
    assert_eq!(checked(&history(&text, &told)).outcome, Outcome::Linearizable);
    // A compare-and-swap on a key, and one of a register.
    verdict(
        "{:type :invoke :f :cas :value [7 [nil 2]] :process 0} {:type :ok :f :cas :value [7 [nil 2]] :process 0}\
         {:type :invoke :f :read :value [7 nil] :process 0} {:type :ok :f :read :value [7 2] :process 0}",
        true,
    );
}

#[test]
fn a_key_of_its_own_field() {
    // Two keys in EDN's `:key`: as one register both would be wrong, or both right.
    let text = |second: &str, read: &str| {
        format!(
            "{{:type :invoke :f :write :key :x :value 1 :process 0}} {{:type :ok :f :write :key :x :value 1 :process 0}}\
             {{:type :invoke :f :read :key {second} :value nil :process 1}} {{:type :ok :f :read :value {read} :process 1}}"
        )
    };
    verdict(&text(":x", "1"), true);
    verdict(&text(":x", "nil"), false);
    verdict(&text(":y", "1"), false);
    verdict(&text(":y", "nil"), true);
    let file = history(&text(":y", "nil"), &Options::default());
    assert_eq!(file.key(file.operations[1].key), Some(":y"));
    // A value of such a key may be a pair.
    verdict(
        "{:type :invoke :f :write :key 1 :value [1 2] :process 0} {:type :ok :f :write :key 1 :value [1 2] :process 0}\
         {:type :invoke :f :read :key 1 :process 1} {:type :ok :f :read :key 1 :value [1 2] :process 1}",
        true,
    );
    // An event of the nemesis may have any words; a client may be a string.
    verdict(
        "{:type :info :f :kill :process :nemesis} {:type :info :f :kill :process :other}\
         {:type :invoke :f :read :process \"c1\"} {:type :ok :f :read :value 1 :process \"c1\"}",
        false,
    );
    verdict("{\"process\":\"nemesis\",\"type\":\"info\",\"f\":\"kill\"}", true);
}

#[test]
fn swaps_in_edn_that_say_more() {
    for (fields, end, linearizable) in [
        ("", ":swapped false", true),
        ("", ":swapped true", false),
        (":create-if-missing true", "", true),
        (":create-if-not-exists true", ":swapped false", false),
    ] {
        verdict(
            &format!(
                "{{:type :invoke :f :cas :value [1 2] :process 0 {fields}}} {{:type :ok :f :cas :process 0 {end}}}"
            ),
            linearizable,
        );
    }
}

#[test]
fn fields_that_mean_nothing_are_named() {
    let text = "{:type :invoke :f :read :process 0 :node n1 :lucky 7} {:type :ok :f :read :process 0 :rev 3}";
    assert_eq!(history(text, &Options::default()).ignored_fields, ["lucky", "rev"]);
}

#[test]
fn an_old_log() {
    verdict(
        "lein test jepsen.system.etcd-test\nINFO  jepsen.os.debian - :n3 setting up debian\n\
         INFO  jepsen.util - 0\t:invoke\t:write\t3\nINFO  jepsen.util - :nemesis\t:info\t:start\tnil\n\
         INFO  jepsen.util - 0\t:info\t:write\t:timed-out\nINFO  jepsen.util - 1\t:invoke\t:cas\t[3 4]\n\
         INFO  jepsen.util - 1\t:ok\t:cas\t[3 4]\nINFO  jepsen.util - 1\t:invoke\t:read\tnil\n\
         INFO  jepsen.util - 1\t:ok\t:read\t4\n",
        true,
    );
}

#[test]
fn an_initial_value() {
    let text = "{:type :invoke :f :read :process 0} {:type :ok :f :read :value 0 :process 0}";
    verdict(text, false);
    let told = Options { initial: Some("0".to_owned()), ..Options::default() };
    assert_eq!(checked(&history(text, &told)).outcome, Outcome::Linearizable);
    let wrong = Options { initial: Some("[".to_owned()), ..Options::default() };
    assert!(matches!(read(text.as_bytes(), &wrong), Err(ReadError::Initial(_))));
}

#[test]
fn what_was_read_can_be_named() {
    let text = r#"{"process":"c1","type":"invoke","f":"write","key":"k","value":"v","time_ns":10}
{"process":"c2","type":"invoke","f":"write","key":"k","value":"w","time_ns":11}
{"process":"c2","type":"fail","f":"write","time_ns":12}
{"process":"c1","type":"ok","f":"write","time_ns":13}
{"process":"c1","type":"invoke","f":"read","key":"k","time_ns":14}
{"process":"c1","type":"ok","f":"read","value":null,"time_ns":15}
"#;
    let file = history(text, &Options::default());
    assert_eq!((file.format, file.operations.len(), file.failed), (Format::JsonLines, 2, 1));
    let report = checked(&file);
    let stale = report.stale_reads[0];
    assert_eq!((stale.read, stale.missed, stale.stale_by_ns), (1, 0, 1));
    assert_eq!((file.origins[1].invoked_line, file.origins[1].completed_line), (5, Some(6)));
    assert_eq!((file.origins[0].invoked_ns, file.origins[0].completed_ns), (Some(10), Some(13)));
    assert_eq!(file.process(file.operations[1].client), r#""c1""#);
    assert_eq!(file.value(stale.returned), "null");
}
