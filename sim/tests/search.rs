//! `sim exhaust` and `sim probability` as they are typed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::path::Path;
use std::process::Command;

const SCENARIO: &str = "scenarios/chance.toml";
const STILL: [&str; 2] = ["--set", "timers.election-jitter=0s"];

fn run(arguments: &[&str]) -> (i32, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).current_dir(root).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let (code, output, errors) = run(arguments);
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str(&output).unwrap()
}

#[test]
fn the_worst_schedule_can_be_replayed() {
    let search = [&["exhaust", SCENARIO, "--choices", "3", "--delivered", "--json"], &STILL[..]].concat();
    let found = json(&search);
    assert_eq!(found["found"]["schedules"], 27);
    assert_eq!(found["found"]["beats_adversary"], false);
    let smallest = &found["found"]["smallest"];
    let again = json(&[&search[..], &["--replay", smallest["answers"].as_str().unwrap()]].concat());
    assert_eq!(again["told"]["schedule"], *smallest);
    assert_eq!(again["told"]["trace"], found["told"]["trace"]);
    // Another schedule is another run.
    let other = json(&[&search[..], &["--replay", "222"]].concat());
    assert_ne!(other["told"]["trace"], found["told"]["trace"]);
}

#[test]
fn the_cut_can_be_set_and_is_said() {
    let search = [&["exhaust", SCENARIO, "--choices", "1"], &STILL[..]].concat();
    let (code, output, _) = run(&search);
    assert_eq!(code, 0);
    assert!(
        output.contains("n1 sends the round that carried its last lease before n2 took over"),
        "{output}"
    );
    let (code, output, _) = run(&[&search[..], &["--after", "150ms"]].concat());
    assert_eq!(code, 0);
    assert!(output.contains("the cut    0.150000s\n"), "{output}");
}

#[test]
fn what_cannot_be_searched_is_said_with_a_remedy() {
    let wrong: [(&[&str], &str); 6] = [
        (&["exhaust", SCENARIO, "--choices", "16"], "--choices 14 still fits"),
        (&["exhaust", SCENARIO, "--after", "soon"], "error: --after soon"),
        (&["exhaust", SCENARIO, "--replay", "0x"], "a digit for each answer"),
        (&["exhaust", SCENARIO, "--replay", "99"], "--replay is of another search"),
        (&["exhaust", SCENARIO, "--set", "fault[0].when.from=299ms"], "--after TIME"),
        (&["probability", "scenarios/skew.toml"], "pick one with --row"),
    ];
    for (arguments, says) in wrong {
        let (code, output, errors) = run(arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_probability_comes_with_its_interval_and_its_levels() {
    let asked =
        ["probability", SCENARIO, "--event", "negative-margin", "--particles", "30", "--replications", "6"];
    let found = json(&[&asked[..], &["--plain", "50", "--json"]].concat());
    let number = |name: &str| found[name].as_f64().unwrap();
    assert!(number("low") < number("probability") && number("probability") < number("high"), "{found:#}");
    assert_eq!(found["plain"]["seeds"], 50);
    assert_eq!(found["levels"].as_array().unwrap().len(), 12);
    let (code, output, _) = run(&asked);
    assert_eq!(code, 0);
    assert!(output.contains("votes are asked for"), "{output}");
    assert!(output.contains("to repeat it:  sim probability scenarios/chance.toml --event negative-margin"));
    // What nobody saw is bounded, not zero.
    let (code, output, _) = run(&[&asked[..], &["--set", "clock.followers.offset=0s"]].concat());
    assert_eq!(code, 0);
    assert!(output.contains("not seen: below 2.09e-2 (95 %)"), "{output}");
}
