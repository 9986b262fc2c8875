//! The process: how it starts, how it ends, and what it writes where.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use std::io::Write;
use std::process::{Command, Stdio};

use process::{INIT_ALONE, Process, body_of, run};

#[test]
fn an_unsafe_lease_is_refused_with_a_reason_and_a_remedy() {
    let finished = run(&["--lease=5200ms"], b"");
    assert_eq!((finished.status, &finished.lines[..]), (Some(2), &[][..]));
    for part in ["a skew above 300ms", "Choose --lease below", "--allow-unsafe-lease"] {
        assert!(finished.log.contains(part), "{}", finished.log);
    }
}

#[test]
fn an_unsafe_lease_is_allowed_on_demand_and_warned_about() {
    let finished = run(&["--lease=5200ms", "--allow-unsafe-lease"], INIT_ALONE.as_bytes());
    assert_eq!((finished.status, finished.lines.len()), (Some(0), 1));
    assert!(finished.log.contains("WARN UNSAFE LEASE"), "{}", finished.log);
}

#[test]
fn a_length_without_a_unit_is_refused_with_the_remedy() {
    let finished = run(&["--lease=3"], b"");
    assert_eq!(finished.status, Some(2));
    assert!(finished.log.contains("write 3s, 3ms or 3us"), "{}", finished.log);
}

#[test]
fn the_clock_assumption_is_told_at_the_start() {
    let finished = run(&[], b"");
    assert_eq!((finished.status, &finished.lines[..]), (Some(0), &[][..]));
    assert!(finished.log.contains("clock rates up to 33.3333 % off"), "{}", finished.log);
    assert!(!finished.log.contains('\u{1b}'), "no colours where there is no terminal");
    assert_eq!(run(&["-q", "--in-memory"], b"").log, "");
}

#[test]
fn what_is_complete_before_the_end_of_input_is_answered() {
    let read = r#"{"src":"c1","dest":"n1","body":{"type":"lease_read","msg_id":2,"key":"x"}}"#;
    for end in ["", "\n", "\r\n"] {
        let finished = run(&[], format!("{INIT_ALONE}\n{read}{end}").as_bytes());
        assert_eq!(finished.status, Some(0));
        assert_eq!(finished.lines.len(), 2, "{finished:?}");
        assert_eq!(body_of(&finished.lines[1])["code"], 20);
    }
}

#[test]
fn reads_that_wait_for_a_leader_end_unanswered_with_the_input() {
    let init = INIT_ALONE.replace(r#"["n1"]"#, r#"["n1","n2"]"#);
    let read = r#"{"src":"c1","dest":"n1","body":{"type":"lease_read","msg_id":2,"key":"x"}}"#;
    let finished = run(&[], format!("{init}\n{read}\n").as_bytes());
    assert_eq!((finished.status, finished.lines.len()), (Some(0), 1));
}

#[test]
fn a_read_that_finds_no_leader_gets_error_11_in_the_end() {
    let mut node = Process::start(&["--request-deadline=50ms"]);
    node.send(&INIT_ALONE.replace(r#"["n1"]"#, r#"["n1","n2"]"#));
    node.receive();
    for request in [
        r#"{"type":"lease_read","msg_id":2,"key":"x"}"#,
        r#"{"type":"write","msg_id":3,"key":"x","value":1}"#,
    ] {
        let answer = node.ask(request);
        assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &11.into()), "{answer}");
    }
}

#[test]
fn the_deadline_form_answers_with_or_without_a_synchronized_clock() {
    let mut node = Process::alone(&["--lease-form=deadline"]);
    assert_eq!(node.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#)["type"], "write_ok");
    let answer = node.ask(r#"{"type":"lease_read","msg_id":2,"key":"x"}"#);
    assert_eq!((&answer["value"], &answer["network_round_trips"]), (&1.into(), &0.into()), "{answer}");
    let unsynchronized = node.finish().log.contains("unsynchronized");
    assert_eq!(answer["lease_valid"], !unsynchronized, "no lease without a clock to measure it by");
}

#[test]
fn a_reader_that_goes_away_ends_the_process_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It may have gone before it has read this.
    let _ = writeln!(stdin, "{INIT_ALONE}");
    // The input stays open: it is the output that ends the process.
    let status = child.wait().unwrap();
    drop(stdin);
    assert_eq!(status.code(), Some(74));
    let mut log = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut log).unwrap();
    assert!(!log.contains("panic") && !log.contains("ERROR"), "{log}");
}

#[test]
fn the_help_is_documentation() {
    let help = run(&["--help"], b"");
    assert_eq!(help.status, Some(0));
    let text = help.lines.join("\n");
    for part in ["--allow-unsafe-lease", "[default: 3s]", "lease_read_config", "| leasehold", "Exit codes"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let version = run(&["--version"], b"");
    assert_eq!(version.lines, [concat!("leasehold ", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn a_wall_clock_that_the_kernel_does_not_vouch_for_can_be_assumed() {
    let mut node = Process::alone(&["--in-memory", "--lease-form=deadline", "--assume-wall-error=1ms"]);
    assert_eq!(node.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#)["type"], "write_ok");
    let read = node.ask(r#"{"type":"lease_read","msg_id":2,"key":"x"}"#);
    assert_eq!(read["lease_valid"], true, "{read}");
    let log = node.finish().log;
    assert!(log.contains("--assume-wall-error 1ms: this wall clock is believed"), "{log}");
}

#[test]
fn flags_can_be_checked_without_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("n1");
    let data_dir = format!("--data-dir={}", path.display());
    let finished = run(&["--check", &data_dir], b"");
    assert_eq!((finished.status, finished.log.as_str()), (Some(0), ""), "{finished:?}");
    for part in
        ["safe", "yes: lease - clock_skew < election_timeout", "2500 ms", "333333 ppm", "after 5.5s to 6.5s"]
    {
        assert!(finished.lines.iter().any(|line| line.contains(part)), "{part}: {finished:?}");
    }
    assert!(!path.exists(), "nothing is opened");
    assert_eq!(run(&["--check", "--lease=6s"], b"").status, Some(2));
    let finished = run(&["--check", "--lease=6s", "--allow-unsafe-lease"], b"");
    assert!(finished.lines.iter().any(|line| line.contains("NO: ")), "{finished:?}");
}

#[test]
fn the_manual_page_and_completions_know_every_flag() {
    let help = run(&["--help"], b"");
    let flags: Vec<String> = help
        .lines
        .iter()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .map(|flag| flag.trim_end_matches([',', '.']).to_owned())
        .filter(|flag| {
            help.lines
                .iter()
                .any(|line| line.trim_start().trim_start_matches("-v, ").starts_with(flag.as_str()))
        })
        .collect();
    assert!(flags.len() > 15, "{flags:?}");
    let man = run(&["--man"], b"");
    assert_eq!((man.status, man.log.as_str()), (Some(0), ""));
    let man = man.lines.join("\n").replace("\\-", "-");
    for shell in ["bash", "zsh", "fish"] {
        let completions = run(&[&format!("--completions={shell}")], b"").lines.join("\n");
        for flag in flags.iter().filter(|flag| *flag != "--help" && *flag != "--version") {
            let bare = flag.trim_start_matches("--");
            assert!(completions.contains(bare), "{shell}: {flag}");
            assert!(man.contains(flag.as_str()), "man: {flag}");
        }
    }
}
