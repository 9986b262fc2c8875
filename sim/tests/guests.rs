//! Guests on the command line: a run, a threshold, what goes wrong and how it is said.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const SIM: &str = env!("CARGO_BIN_EXE_sim");
const LEASE: &str = "guests/python/ack-lease.toml";
const REGISTER: &str = "guests/python/register.toml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(SIM).args(arguments).current_dir(root()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Says so where there is no Python: then the test has shown nothing.
fn without_python(test: &str) -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|found| found.status.success());
    if !found {
        eprintln!("{test}: SKIPPED, there is no python3 here");
    }
    !found
}

/// A guest in shell that writes the same answer to every line.
fn always(answer: &str) -> String {
    format!("while read line; do echo '{answer}'; done")
}

#[test]
fn a_lease_that_counts_from_the_acknowledgement_is_found_and_explained() {
    if without_python("ack-lease") {
        return;
    }
    let (code, report, errors) = run(&["run", LEASE]);
    assert_eq!(code, 0, "{report}{errors}");
    for said in [
        "two runs of the first row have the same trace hash",
        "451          451     45           446ms  -496.5ms  ✗ stale reads",
        "a guest follows rules of its own",
        "n1's lease is renewed: counted from 6.002500s",
        "n2 could acknowledge writes from 7.006000s on, n1 served under its lease until 7.502500s",
    ] {
        assert!(report.contains(said), "{said}: {report}");
    }
    let (code, report, errors) = run(&[
        "run",
        LEASE,
        "--guest",
        "python3 guests/python/ack_lease.py --from-send",
        "--json",
        "--expect",
        "none",
    ]);
    assert_eq!(code, 0, "{report}{errors}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["guest"]["deterministic"], true);
    assert_eq!(
        (&report["rows"][0]["stale_reads"], &report["rows"][0]["safety"]),
        (&0.into(), &"not-known".into())
    );
}

/// The closed form of the scenario is in docs/host-your-own.md: D = T + 4d - P.
#[test]
fn the_measured_threshold_is_that_of_the_closed_form() {
    if without_python("threshold") {
        return;
    }
    let range = [
        "--vary",
        "lease.duration",
        "--from",
        "1003ms",
        "--to",
        "1004ms",
        "--seeds",
        "1",
        "--tolerance",
        "100us",
    ];
    let (code, report, errors) = run(&[&["threshold", LEASE, "--json"][..], &range].concat());
    assert_eq!(code, 0, "{report}{errors}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let promise_ns = 2_000_000_000_i64;
    let (message_ns, ran_on_after_ns) = (1_000_000, 1_000_500_000);
    let closed_form = promise_ns + 4 * message_ns - ran_on_after_ns;
    assert_eq!(report["negative_margin"]["clean"], closed_form, "the margin is zero there");
    assert_eq!(report["negative_margin"]["stale"], closed_form + 100_000);
    assert_eq!(report["measured"]["none"], true, "the clients of this scenario ask too seldom");
    let (code, _, errors) = run(&[&["threshold", LEASE, "--certificate", "x.toml"][..], &range].concat());
    assert!(code == 2 && errors.contains("sim shrink"), "{errors}");
}

#[test]
fn a_conversation_is_as_the_reference_shows_it() {
    if without_python("conversation") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conversation");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    // What it is told and what it writes is in the file before the simulator can go on.
    let tap = "import builtins, runpy, sys\n\
        log, told, write = open(sys.argv[2], 'a'), sys.stdin, print\n\
        def keep(text):\n    log.write(text)\n    log.flush()\n    return text[6:]\n\
        sys.stdin = (keep('told  ' + line) for line in told)\n\
        builtins.print = lambda text, flush: write(keep('wrote ' + text + '\\n'), end='', flush=True)\n\
        runpy.run_path(sys.argv[1])\n";
    std::fs::write(folder.join("tap.py"), tap).unwrap();
    let (tap, log) = (folder.join("tap.py"), folder.join("log"));
    let tapped = format!("python3 '{}' guests/python/register.py '{}'", tap.display(), log.display());
    let (code, report, errors) = run(&["run", REGISTER, "--guest", &tapped, "--check-determinism=false"]);
    assert_eq!(code, 0, "{report}{errors}");
    assert!(report.contains("no second run was compared"), "{report}");
    let said = std::fs::read_to_string(log).unwrap();
    assert_eq!(said.lines().count(), 10);
    let reference = std::fs::read_to_string(root().join("docs/reference/guest-protocol.md")).unwrap();
    assert!(reference.contains(&said), "{said}");
    let page = std::fs::read_to_string(root().join("docs/host-your-own.md")).unwrap();
    let guest = std::fs::read_to_string(root().join("guests/python/register.py")).unwrap();
    assert!(page.contains(&guest), "docs/host-your-own.md shows another guests/python/register.py");
}

#[test]
fn a_guest_that_fails_is_told_with_its_place_and_its_last_words() {
    let cases = [
        (
            "echo first >&2; echo last >&2; exit 3",
            vec!["has ended (exit status: 3)", "stderr:  first", "last"],
        ),
        ("nonsense-command", vec!["exit status: 127", "not found"]),
        (&always("hello"), vec!["wrote a wrong answer", "no JSON object", "wrote:   hello"]),
        (&always("[]"), vec!["no JSON object"]),
        (&always(r#"{"send":[}"#), vec!["expected value at line 1 column 10"]),
        (&always(r#"{"sends":[]}"#), vec!["unknown field `sends`, expected one of"]),
        (&always(r#"{"wake_at":{"boot":5}}"#), vec!["that clock shows 1000000000000000000 already"]),
        (&always(r#"{"wake_at":{"moon":5}}"#), vec!["unknown variant `moon`"]),
        (&always(r#"{"reply":[{"id":7,"result":"done"}]}"#), vec!["answers request 7, which was not asked"]),
        (&always(r#"{"send":[{"to":"n9","data":1}]}"#), vec!["no node \"n9\""]),
        (&always(r#"{"send":[{"to":"n1","data":1}]}"#), vec!["sends a message to itself"]),
        (&always("{}\n{}"), vec!["wrote more than one line"]),
    ];
    for (guest, said) in cases {
        let (code, output, errors) = run(&["run", REGISTER, "--guest", guest]);
        assert_eq!((code, output.as_str()), (2, ""), "{guest}: {errors}");
        assert!(
            errors.contains("the guest on n1 ") && errors.contains("seed 1; its boot clock showed"),
            "{errors}"
        );
        for said in said {
            assert!(errors.contains(said), "{guest}: {said}: {errors}");
        }
    }
}

#[test]
fn a_guest_that_is_not_deterministic_is_found_out() {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("not_deterministic");
    let _ = std::fs::remove_file(&counts);
    // The first run and the second do not elect in the same term.
    let guest = format!(
        "read line; echo x >> '{0}'; echo '{{\"events\":[{{\"event\":\"elected\",\"term\":'$(wc -l < '{0}')'}}]}}'; {1}",
        counts.display(),
        always("{}")
    );
    let arguments = ["run", REGISTER, "--expect", "any", "--guest", guest.as_str()];
    let (code, report, errors) = run(&arguments);
    assert_eq!(code, 5, "{report}{errors}");
    assert!(report.contains("NOT deterministic"), "{report}");
    assert!(errors.contains("two runs of the same seed differ") && errors.contains("WASI"), "{errors}");
    for search in [&["explore"][..], &["shrink"]] {
        let (code, _, errors) = run(&[search, &[REGISTER, "--guest", guest.as_str()]].concat());
        assert_eq!(code, 5, "{errors}");
    }
    let (code, report, errors) = run(&[&arguments[..], &["--check-determinism=false"]].concat());
    assert_eq!(code, 0, "{report}{errors}");
}

#[test]
fn what_cannot_work_with_a_guest_says_so() {
    for (arguments, said) in [
        (
            &["exhaust", REGISTER][..],
            "the state of a guest (python3 guests/python/register.py) cannot be copied",
        ),
        (&["probability", REGISTER], "cannot be copied"),
        (&["live", REGISTER], "`sim live` starts our own node"),
        (
            &[
                "frontier",
                REGISTER,
                "--x",
                "clock.n1.rate=0%..1%",
                "--y",
                "lease.duration=1s..2s",
                "--steps",
                "1",
            ],
            "`--by seeds` can be asked still",
        ),
        (&["run", REGISTER, "--set", "lease.rules=sound"], "a guest follows rules of its own"),
        (&["run", REGISTER, "--set", "disk.kind=durable"], "which a guest has not"),
        (&["explore", "--guest", "x"], "the following required arguments were not provided"),
    ] {
        let (code, _, errors) = run(arguments);
        assert!(code == 2 && errors.contains(said), "{arguments:?}: {code} {errors}");
    }
}

/// The same guest in another language says the same, so it has the same trace.
#[test]
fn the_guest_in_go_is_the_guest_in_python() {
    let found = Command::new("go").arg("version").output().is_ok_and(|found| found.status.success());
    if !found || without_python("go") {
        eprintln!("go: SKIPPED, there is no go or no python3 here");
        return;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("register-go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("main.go")
        .current_dir(root().join("guests/go"))
        .status();
    assert!(built.unwrap().success());
    let trace = |guest: &[&str]| {
        let (code, report, errors) = run(&[&["run", REGISTER, "--json"][..], guest].concat());
        assert_eq!(code, 0, "{report}{errors}");
        serde_json::from_str::<Value>(&report).unwrap()["trace"].clone()
    };
    assert_eq!(trace(&["--guest", program.to_str().unwrap()]), trace(&[]));
}

/// A crash loses what was not safe, and nothing else.
#[test]
fn a_restart_hands_back_what_was_safe() {
    if without_python("register") {
        return;
    }
    let read = |sync: &str| {
        let set = format!("node.n1.disk-sync={sync}");
        let (code, report, errors) = run(&[
            "run",
            REGISTER,
            "--json",
            "--expect",
            "any",
            "--set",
            &set,
            "-q",
            "--trace",
            "/dev/stderr",
        ]);
        assert_eq!(code, 0, "{report}{errors}");
        let lines = errors.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let read = lines.filter(|line| line["event"] == "completed" && line["reply"] == "value");
        read.map(|line| line["value"].clone()).next().unwrap()
    };
    assert_eq!(read("2ms"), 1);
    assert_eq!(read("150ms"), Value::Null, "the crash at 200ms came before the sync ended");
}
