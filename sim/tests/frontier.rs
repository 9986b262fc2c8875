//! `sim frontier`: the phase diagram over two keys.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `sim` in the repository's root and gives exit code, standard output and standard error.
fn sim(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    let output = command.args(arguments).current_dir(root()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A path for a new file of this name.
fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frontier");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name).to_str().unwrap().to_owned()
}

const SKEW: [&str; 6] = [
    "frontier",
    "scenarios/skew.toml",
    "--x=clock.followers.offset=-1s..4s",
    "--y=lease.duration=1s..6s",
    "--steps",
    "10,5",
];

#[test]
fn the_diagram_the_table_and_the_picture_are_what_they_were() {
    let (csv, svg) = (file("skew.csv"), file("skew.svg"));
    let (code, text, errors) = sim(&[&SKEW[..], &["--csv", &csv, "--svg", &svg]].concat());
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("frontier__text", text);
        insta::assert_snapshot!("frontier__csv", std::fs::read_to_string(&csv).unwrap());
        insta::assert_snapshot!("frontier__svg", std::fs::read_to_string(&svg).unwrap());
    });
}

/// `D = T - skew` and the messages, whatever the skew: the line is as straight as it should be.
#[test]
fn the_line_is_that_of_the_formula() {
    let (code, text, _) = sim(&[&SKEW[..], &["--json"]].concat());
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 0);
    assert!(found["apart_most"].as_i64().unwrap() <= 1_000, "{text}");
    for column in found["columns"].as_array().unwrap() {
        let (skew, line) = (column["x"].as_i64().unwrap(), column["theory"]["stale"].as_i64());
        // In the scenario's network 100 us and two nanoseconds are lost on the way.
        let wanted = 5_000_000_000 - skew + 100_002;
        if (1_000_000_000..=4_900_000_000).contains(&wanted) {
            assert_eq!(line, Some(wanted), "{column}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let one = sim(&[&SKEW[..], &["--json", "--jobs", "1"]].concat());
    assert_eq!(one, sim(&[&SKEW[..], &["--json", "--jobs", "3"]].concat()));
}

#[test]
fn plain_seeds_find_less_than_the_adversary() {
    let cells = |arguments: &[&str]| {
        let steps = ["frontier", "scenarios/skew.toml", "--x=clock.followers.offset=1.9s..2.1s"];
        let more = ["--y=lease.duration=2.9s..3.1s", "--steps", "2", "--json"];
        let (code, text, errors) = sim(&[&steps[..], &more, arguments].concat());
        assert_eq!(code, 0, "{errors}");
        let found: Value = serde_json::from_str(&text).unwrap();
        let columns = found["columns"].as_array().unwrap().clone();
        let cells = columns.into_iter().flat_map(|column| column["cells"].as_array().unwrap().clone());
        cells.map(|cell| cell["stale"].as_bool().unwrap()).collect::<Vec<bool>>()
    };
    let (adversary, seeds) = (cells(&[]), cells(&["--by", "seeds", "--seeds", "1"]));
    assert!(adversary.iter().zip(&seeds).all(|(exact, chance)| *exact || !*chance));
    assert!(seeds.contains(&true));
}

#[test]
fn mistakes_name_the_place_and_the_remedy() {
    let skew = "scenarios/skew.toml";
    let y = "--y=lease.duration=1s..2s";
    let cases: &[(&[&str], &[&str])] = &[
        (&[skew, "--x=lease.duration", y], &["no keys with a range", "write --x clock.n1.rate=-10%..0%"]),
        (&[skew, "--x=network.delay=1ms..1us", y], &["must end above it"]),
        (&[skew, "--x=network.delay=1..2", y], &["--x: 1:"]),
        (&[skew, "--x=network.dely=1us..2us", y], &["did you mean `delay`?", "--x:1:1"]),
        (&[skew, "--x=-lease.duration=1s..2s", y], &["both axes turn lease.duration"]),
        (
            &[skew, "--x=lease.election-timeout/lease.duration=1..2", y],
            &["a share of lease.duration", "change places"],
        ),
        (
            &[skew, "--x=network.delay/timers.request-deadline=1..2", y],
            &["does not give", "--set timers.request-deadline=VALUE"],
        ),
        (
            &[skew, "--x=lease.duration/clock.n1.rate=0.1..0.2", "--y=network.delay=1us..2us"],
            &["another unit"],
        ),
        (&[skew, "--x=network.delay=1us..2us", y, "--steps", "0"], &["--steps 0"]),
        (&[skew, "--x=network.delay=1us..2us", y, "--tolerance", "0s"], &["above zero"]),
        (&[skew, "--x=network.delay=1us..2us", y, "--svg", skew], &["is the scenario"]),
        (
            &["scenarios/rules/transfer-keeps-lease.toml", "--x=network.delay=1us..2us", y],
            &["leadership transfers", "--by seeds"],
        ),
    ];
    for (arguments, wanted) in cases {
        let (code, output, errors) = sim(&[&["frontier"], *arguments].concat());
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}: {errors}");
        for wanted in *wanted {
            assert!(errors.contains(wanted), "{arguments:?} must say {wanted}: {errors}");
        }
    }
    let nowhere = format!("{}/x.svg", file("nowhere"));
    let (code, _, errors) = sim(&[&SKEW[..], &["--svg", &nowhere]].concat());
    assert_eq!(code, 74, "{errors}");
}

#[test]
fn a_plane_without_a_line_exits_with_3() {
    let axes = ["--x=clock.followers.offset=-1s..0s", "--y=lease.duration=1s..2s", "--steps", "2"];
    let (code, text, _) = sim(&[&["frontier", "scenarios/skew.toml"], &axes[..]].concat());
    assert_eq!(code, 3);
    assert!(text.contains("no line in this plane"), "{text}");
}

/// The commands stand in docs/ideas/frontiers.md; the pictures beside it are what they write.
#[test]
fn the_pictures_in_the_documentation_are_real() {
    let text = std::fs::read_to_string(root().join("docs/ideas/frontiers.md")).unwrap();
    let joined = text.replace("\\\n", " ");
    let commands = joined.lines().map(str::trim).filter(|line| line.contains("--svg docs/ideas/"));
    let mut pictures = 0;
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches('\'')).collect();
        let arguments = words.strip_prefix(&["cargo", "sim"]).expect("as a user would type it");
        let (rest, [_, picture]) = arguments.split_at(arguments.len() - 2) else { panic!("{command}") };
        let drawn = file(Path::new(picture).file_name().unwrap().to_str().unwrap());
        let (code, _, errors) = sim(&[rest, &["--svg", &drawn, "--quiet"]].concat());
        assert_eq!(code, 0, "{command}: {errors}");
        let (drawn, kept) = (std::fs::read(&drawn).unwrap(), std::fs::read(root().join(picture)).unwrap());
        assert!(drawn == kept, "draw it again: {command}");
        assert!(
            text.contains(&format!("({})", picture.trim_start_matches("docs/ideas/"))),
            "{picture} is shown"
        );
        pictures += 1;
    }
    assert_eq!(pictures, 3);
}
