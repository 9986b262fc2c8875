//! Standard input, standard output, and words that are nearly right.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use assert_cmd::Command;

fn sim(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    let output = command.args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Without a seed: one is drawn, and the scenario is read again.
const SCENARIO: &str =
    "duration = \"9s\"\n[client.a]\noperations = \"read\"\nevery = \"1s\"\n[expect]\nstale-reads = \"any\"\n";

#[test]
fn a_scenario_comes_from_standard_input() {
    let (code, output, errors) = sim(&["run", "-"], SCENARIO);
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains("scenario  -, seed "), "{output}");
    let (code, _, errors) = sim(&["run", "-"], "duration = 9");
    assert_eq!(code, 2);
    assert!(errors.contains("--> -:1:12"), "{errors}");
}

#[test]
fn a_trace_goes_to_standard_output_and_nothing_else_does() {
    let (code, output, errors) = sim(&["run", "-", "--seed", "1", "--trace", "-", "--quiet"], SCENARIO);
    assert_eq!(code, 0, "{errors}");
    assert!(output.lines().count() > 100);
    for line in output.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap()["at_ns"].is_u64(), "{line}");
    }
    let (code, output, errors) = sim(&["run", "-", "--seed", "1", "--trace", "-"], SCENARIO);
    assert_eq!((code, output.as_str()), (2, ""));
    assert!(errors.contains("say --quiet as well"), "{errors}");
    assert!(!std::path::Path::new("-").exists(), "no file has that name");
}

#[test]
fn a_unit_of_another_place_is_understood_well_enough_to_be_named() {
    for (written, meant) in
        [("5msec", "ms"), ("5 seconds", "s"), ("5minutes", "m"), ("5MS", "ms"), ("5usec", "us")]
    {
        let (code, _, errors) = sim(&["run", "-", "--set", &format!("lease.duration={written}")], SCENARIO);
        assert_eq!(code, 2, "{written}");
        assert!(errors.contains(&format!("did you mean `{meant}`?")), "{written}: {errors}");
    }
    let (_, _, errors) = sim(&["run", "-", "--set", "lease.duration=5percent"], SCENARIO);
    assert!(!errors.contains("did you mean"), "a length is no share: {errors}");
}

#[test]
fn no_threads_are_too_few() {
    let (code, _, errors) = sim(&["run", "-", "--jobs", "0"], SCENARIO);
    assert_eq!(code, 2);
    assert!(errors.contains("1 or more"), "{errors}");
}
