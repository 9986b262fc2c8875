//! Definite refusals are observations of the value, unless the user says that they are not.

use super::*;
use crate::history_file::Refusal;

/// A register that a write of 1 was acknowledged on, and then one operation that failed.
fn refused(f: &str, value: &str, error: &str) -> String {
    format!(
        "{{:type :invoke :f :write :value 1 :process 0}} {{:type :ok :f :write :value 1 :process 0}}\n\
         {{:type :invoke :f {f} :value {value} :process 1}}\n\
         {{:type :fail :f {f} :value {value} :process 1 :error {error}}}"
    )
}

#[test]
fn what_a_refusal_says_of_the_value_must_be_true() {
    for (f, value, error, linearizable, observed) in [
        (":read", "nil", "[:key-does-not-exist \"no such key\"]", false, 1),
        (":read", "nil", ":key-does-not-exist", false, 1),
        (":cas", "[1 2]", "[:key-does-not-exist \"no such key\"]", false, 1),
        (":cas", "[5 2]", "[:key-does-not-exist \"no such key\"]", false, 1),
        (":cas", "[1 2]", "[:precondition-failed \"it is 3\"]", false, 1),
        (":cas", "[5 2]", "[:precondition-failed \"it is 1\"]", true, 1),
        // These say nothing about the value.
        (":read", "nil", ":net-timeout", true, 0),
        (":cas", "[1 2]", "[:temporarily-unavailable \"not a leader\"]", true, 0),
        (":write", "4", "[:precondition-failed \"?\"]", true, 0),
    ] {
        let text = refused(f, value, error);
        verdict(&text, linearizable);
        let file = history(&text, &Options::default());
        assert_eq!((file.refused, file.failed), (observed, 1 - observed), "{text}");
        let ignored = Options { ignore_refusals: true, ..Options::default() };
        let file = history(&text, &ignored);
        assert_eq!((file.refused, file.failed), (0, 1), "{text}");
        assert_eq!(checked(&file).outcome, Outcome::Linearizable, "{text}");
    }
}

#[test]
fn a_key_that_never_was_is_rightly_refused() {
    verdict(
        "{:type :invoke :f :read :value [0 nil] :process 0}\n\
         {:type :fail :f :read :value [0 nil] :process 0 :error [:key-does-not-exist \"\"]}",
        true,
    );
    // Absent is nil, also where keys begin with something else.
    let begun = Options { initial: Some("0".to_owned()), ..Options::default() };
    let text = "{:type :invoke :f :read :value nil :process 0}\n\
                {:type :fail :f :read :value nil :process 0 :error [:key-does-not-exist \"\"]}";
    assert_eq!(checked(&history(text, &begun)).outcome, Outcome::NotLinearizable);
}

#[test]
fn refusals_in_json_lines() {
    for (error, linearizable) in
        [(r#""key-does-not-exist""#, false), (r#"["key-does-not-exist","gone"]"#, false), ("20", true)]
    {
        verdict(
            &format!(
                r#"{{"process":0,"type":"invoke","f":"write","value":1}}
{{"process":0,"type":"ok","f":"write"}}
{{"process":0,"type":"invoke","f":"read"}}
{{"process":0,"type":"fail","f":"read","error":{error}}}
"#
            ),
            linearizable,
        );
    }
}

/// The smallest history of a kind that a broken node passed Jepsen's checker with.
#[test]
fn a_lease_without_an_end_is_seen_by_its_refusals() {
    let text = "\
{:index 0, :time 1000, :type :invoke, :process 0, :f :write, :value [0 1]}
{:index 1, :time 2000, :type :ok, :process 0, :f :write, :value [0 1]}
{:index 2, :time 3000, :type :invoke, :process 1, :f :read, :value [0 nil]}
{:index 3, :time 4000, :type :fail, :process 1, :f :read, :value [0 nil], :error [:key-does-not-exist \"none\"]}
";
    let file = history(text, &Options::default());
    let report = checked(&file);
    assert_eq!(report.outcome, Outcome::NotLinearizable);
    let stale = report.stale_reads[0];
    assert_eq!((stale.read, stale.missed, stale.stale_by_ns), (1, 0, 1));
    assert_eq!(file.origins[1].refusal, Some(Refusal::Absent));
}
