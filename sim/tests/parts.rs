//! `--shard I/N --out DIR` and `sim merge`: the result of many processes is that of one, whatever befalls them.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Two followers whose clocks run ahead: stale reads begin near 2 s, where seeds see them.
const SKEW: &str = r#"
    title = "skew"
    seed = 1
    duration = "16s"
    [cluster]
    first-leader = "n1"
    [lease]
    form = "deadline"
    max-clock-skew = "0s"
    [timers]
    heartbeat = "100ms"
    election-jitter = "100us"
    [clock.followers]
    nodes = ["n2", "n3"]
    offset = "2.5s"
    [network]
    delay = "20us"
    [client.writer]
    target = "leader"
    operations = "write"
    every = "20ms"
    start = "9s"
    [client.reader]
    target = "n1"
    operations = "read"
    every = "20ms"
    start = "9s"
    stop = "14s"
    [[fault]]
    when = { event = "lease-renewed", node = "n1", from = "10s" }
    isolate = { node = "n1" }
    [expect]
    stale-reads = "any"
"#;

/// A folder of this test's own, with a scenario and nothing else.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("parts-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("skew.toml"), SKEW).unwrap();
    path
}

fn command(at: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(at).args(arguments.split(' ')).stdin(Stdio::null());
    command
}

fn sim(at: &Path, arguments: &str) -> Output {
    command(at, arguments).output().unwrap()
}

/// Runs, demands this exit code, and gives standard output and standard error.
fn ran(at: &Path, arguments: &str, code: i32) -> (String, String) {
    let output = sim(at, arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "sim {arguments}\n{out}{err}");
    (out, err)
}

fn shards(at: &Path, arguments: &str, of: u64, out: &str) {
    // The last one first: the order does not matter.
    for index in (1..=of).rev() {
        ran(at, &format!("{arguments} --shard {index}/{of} --out {out}"), 0);
    }
}

fn parts(at: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn shards_of_an_exploration_merge_to_what_one_process_says_in_every_format() {
    let at = folder("explore");
    let asked = "explore --seeds 5..95 --rules half-quorum";
    shards(&at, asked, 4, "parts");
    for format in ["human", "json", "jsonl", "junit", "md"] {
        let whole = ran(&at, &format!("{asked} -j 1 --out whole-{format} --format {format}"), 0).0;
        let merged = ran(&at, &format!("merge parts --format {format}"), 0).0;
        // JUnit and Markdown name the command that was typed.
        let rest = |text: &str| text.lines().filter(|line| !line.contains("half-quorum")).collect::<String>();
        match format {
            "junit" | "md" => assert_eq!(rest(&merged).len() > 40, rest(&whole).len() > 40),
            _ => assert_eq!(merged, whole, "{format}"),
        }
    }
    ran(&at, "merge parts --out merged -q", 0);
    for file in ["rows.jsonl", "summary.json"] {
        let read = |folder: &str| fs::read_to_string(at.join(folder).join(file)).unwrap();
        assert_eq!(read("merged"), read("whole-json"), "{file}");
    }
    assert!(ran(&at, "explore --resume merged -q", 0).1.is_empty(), "a merged exploration is complete");
}

/// The exit code of a merge is that of one process, though every shard ended with 0.
#[test]
fn the_merge_judges_and_a_shard_does_not() {
    let at = folder("judges");
    shards(&at, "explore skew.toml --seeds 0..4", 2, "parts");
    ran(&at, "explore skew.toml --seeds 0..4 --expect none --out whole -q", 1);
    ran(&at, "merge parts --expect none -q", 1);
    ran(&at, "merge parts --expect some -q", 0);
    // The parts know the scenario: its file may be gone, or another one.
    fs::write(at.join("skew.toml"), "nonsense").unwrap();
    ran(&at, "merge parts --expect some -q", 0);
}

#[test]
fn shards_of_a_frontier_and_of_an_estimate_merge_to_what_one_process_says() {
    let at = folder("others");
    let frontier =
        "frontier skew.toml --x=clock.followers.offset=1s..3s --y=lease.duration=2s..4s --steps 4,2";
    shards(&at, frontier, 3, "f");
    for format in ["human", "json", "jsonl"] {
        let files = |name: &str| format!("--format {format} --csv {name}.csv --svg {name}.svg");
        let whole = ran(&at, &format!("{frontier} {}", files("one")), 0).0;
        assert_eq!(ran(&at, &format!("merge f {}", files("all")), 0).0, whole, "{format}");
        for kind in ["csv", "svg"] {
            let read = |name: &str| fs::read_to_string(at.join(format!("{name}.{kind}"))).unwrap();
            assert_eq!(read("one"), read("all"));
        }
    }
    let estimate = "probability skew.toml --particles 10 --replications 5 --plain 7";
    shards(&at, estimate, 3, "p");
    for format in ["human", "json"] {
        let whole = ran(&at, &format!("{estimate} --format {format}"), 0).0;
        assert_eq!(ran(&at, &format!("merge p --format {format}"), 0).0, whole, "{format}");
    }
}

/// The next value is a function of the parts. Where they say enough, the result is that of one process.
#[test]
fn a_threshold_is_found_value_by_value() {
    let at = folder("threshold");
    let asked =
        "threshold skew.toml --vary clock.followers.offset --from 1s --to 3s --tolerance 250ms --seeds 4";
    shards(&at, &format!("{asked} --at 1s"), 2, "parts");
    let mut rounds = 0;
    let merged = loop {
        let output = sim(&at, "merge parts");
        if output.status.code() != Some(75) {
            break output;
        }
        let said = String::from_utf8(output.stderr).unwrap();
        let next = said.split("--at=").nth(1).unwrap().split(' ').next().unwrap();
        let json: serde_json::Value = serde_json::from_str(&ran(&at, "merge parts --json", 75).0).unwrap();
        assert_eq!(json["next"], next, "{said}");
        shards(&at, &format!("{asked} --at {next}"), 2, "parts");
        rounds += 1;
        assert!(rounds < 12, "{said}");
    };
    assert!(rounds >= 2, "the adversary's clean value, and one beyond it");
    let whole = sim(&at, asked);
    assert_eq!(
        (String::from_utf8(merged.stdout).unwrap(), merged.status.code()),
        (String::from_utf8(whole.stdout).unwrap(), whole.status.code())
    );
    assert!(ran(&at, &format!("{asked} --shard 1/2 --out parts"), 2).1.contains("--at VALUE is missing"));
}

#[test]
fn a_merge_passes_over_no_option_in_silence() {
    let at = folder("options");
    shards(&at, "explore skew.toml --seeds 0..2", 1, "parts");
    assert!(ran(&at, "merge parts --csv x.csv", 2).1.contains("--csv is for frontiers"));
    assert!(!at.join("x.csv").exists());
    shards(&at, "probability skew.toml --particles 10 --replications 5", 1, "p");
    assert!(ran(&at, "merge p --expect none", 2).1.contains("--expect is for explorations"));
}

#[test]
fn gaps_doubles_and_mixes_are_refused_and_the_remedy_is_said() {
    let at = folder("refused");
    let asked = "explore -q --seeds 0..100";
    shards(&at, asked, 3, "parts");
    let files = parts(&at.join("parts"));
    fs::remove_file(&files[1]).unwrap();
    let (_, said) = ran(&at, "merge parts", 75);
    assert!(said.contains("seeds 33..66 are missing"), "{said}");
    assert!(said.contains("for I in 2:  sim explore --seeds=0..100 --rules=sound --shard I/3"), "{said}");

    ran(&at, &format!("{asked} --shard 2/3 --out parts"), 0);
    ran(&at, &format!("{asked} --shard 4/6 --out parts"), 0);
    let (_, said) = ran(&at, "merge parts", 2);
    assert!(said.contains("seeds 50..66 are there twice") && said.contains("remove one"), "{said}");
    fs::remove_file(&parts(&at.join("parts"))[2]).unwrap();
    ran(&at, "merge parts -q", 0);

    ran(&at, "explore -q --seeds 0..100 --rules half-quorum --shard 1/3 --out parts", 0);
    let (_, said) = ran(&at, "merge parts", 2);
    assert!(said.contains("half-quorum") && said.contains("do not belong together"), "{said}");
    assert!(ran(&at, "merge nowhere", 74).1.contains("nowhere"));
    let (_, said) = ran(&at, "probability skew.toml --shard 1/2 --out p --set seed=7 --particles 10", 0);
    assert!(!said.contains("drawn"), "{said}");
}

#[test]
fn a_part_that_is_there_is_not_computed_again_and_a_damaged_one_is() {
    let at = folder("cached");
    let asked = "explore --seeds 0..40 --shard 1/2 --out parts";
    ran(&at, "explore --seeds 0..40 --shard 2/2 --out parts", 0);
    assert!(ran(&at, asked, 0).0.starts_with("written: "));
    assert!(ran(&at, asked, 0).0.starts_with("cached: "));
    let part = &parts(&at.join("parts"))[0];
    let whole = fs::read(part).unwrap();
    for broken in [&whole[..whole.len() / 2], &whole[..20], &[]] {
        fs::write(part, broken).unwrap();
        let (_, said) = ran(&at, "merge parts", 75);
        assert!(
            said.contains("is damaged") && said.contains(part.file_name().unwrap().to_str().unwrap()),
            "{said}"
        );
        let (out, said) = ran(&at, asked, 0);
        assert!(out.starts_with("written: ") && said.contains("is damaged"), "{out}{said}");
        assert_eq!(fs::read(part).unwrap(), whole);
    }
}

/// What a kill in the middle leaves is no part, and the same command goes on.
#[cfg(unix)]
#[test]
fn a_killed_shard_leaves_no_part_and_an_interrupted_one_says_so() {
    let at = folder("killed");
    let asked = "explore --seeds 0..400000 --shard 1/4 --out parts";
    let begun = |at: &Path| at.join("parts").exists() && !parts(&at.join("parts")).is_empty();
    let begin = || {
        let _ = fs::remove_dir_all(at.join("parts"));
        let child = command(&at, asked).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        while !begun(&at) {
            std::thread::yield_now();
        }
        child
    };
    let mut child = begin();
    child.kill().unwrap();
    child.wait().unwrap();
    let left = parts(&at.join("parts"));
    assert!(left.iter().all(|file| file.extension().is_some_and(|kind| kind == "tmp")), "{left:?}");
    assert_eq!(left.len(), 1);

    let child = begin();
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(parts(&at.join("parts")), Vec::<PathBuf>::new());
}

/// A full disk, as a limit on the size of files: the error is clean, nothing half is left, and more room helps.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_and_says_so() {
    let at = folder("full");
    let limited = |blocks: u32, arguments: &str| {
        let sim = env!("CARGO_BIN_EXE_sim");
        // Without the signal that comes with the limit, writing fails as it does on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {sim} {arguments}");
        Command::new("sh").current_dir(&at).args(["-c", &script]).output().unwrap()
    };
    let asked = "explore --seeds 0..600 --shard 1/2 --out parts";
    let full = limited(8, asked);
    assert_eq!(full.status.code(), Some(74), "{full:?}");
    assert!(String::from_utf8_lossy(&full.stderr).contains("cannot write"), "{full:?}");
    assert_eq!(parts(&at.join("parts")), Vec::<PathBuf>::new());
    ran(&at, asked, 0);
    ran(&at, "explore --seeds 0..600 --shard 2/2 --out parts", 0);
    assert_eq!(limited(8, "merge parts --out merged").status.code(), Some(74));
    ran(&at, "merge parts --out again -q", 0);
}
