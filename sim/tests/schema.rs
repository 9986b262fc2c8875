//! `sim schema` and `sim init` as they are typed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

fn sim(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn schema() -> Value {
    let (code, output, errors) = sim(&["schema"]);
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str(&output).unwrap()
}

/// A TOML file as JSON, as an editor hands it to a validator.
fn as_json(text: &str) -> Value {
    fn table(table: &DeTable<'_>) -> Value {
        table.iter().map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref()))).collect()
    }
    fn value(item: &DeValue<'_>) -> Value {
        match item {
            DeValue::String(text) => json!(text),
            DeValue::Integer(number) => json!(number.to_string().parse::<i64>().unwrap()),
            DeValue::Float(number) => json!(number.to_string().parse::<f64>().unwrap()),
            DeValue::Boolean(flag) => json!(flag),
            DeValue::Datetime(date) => json!(date.to_string()),
            DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
            DeValue::Table(below) => table(below),
        }
    }
    table(DeTable::parse(text).unwrap().get_ref())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_schema_accepts_every_scenario_that_is_shipped_and_the_full_example() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("run/src/scenario/tests/full.toml"), root.join("src/cli/init.toml")];
    files(&root.join("../scenarios"), &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for path in found {
        let read = as_json(&std::fs::read_to_string(&path).unwrap());
        let wrong: Vec<String> =
            validator.iter_errors(&read).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for wrong in [
        "[lease]\nduration = \"3s\"",
        "duration = 3",
        "duration = \"3\"",
        "duration = \"3s\"\ndurration = \"3s\"",
        "duration = \"3s\"\n[lease]\nform = \"absolute\"",
        "duration = \"3s\"\n[lease]\nrules = \"sond\"",
        "duration = \"3s\"\n[cluster]\nnodes = 33",
        "duration = \"3s\"\n[clock.n1]\nrate = \"5s\"",
        "duration = \"3s\"\n[client.a]\nevery = \"1ms\"",
        "duration = \"3s\"\n[[fault]]\nat = \"1s\"\nsuspend = { name = \"n1\" }",
        "duration = \"3s\"\n[network]\ndelay = { uniform = [\"1ms\"] }",
    ] {
        assert!(!validator.is_valid(&as_json(wrong)), "{wrong}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.toml");
        std::fs::write(&file, wrong).unwrap();
        assert_eq!(sim(&["lint", file.to_str().unwrap()]).0, 2, "{wrong}");
    }
}

#[test]
fn every_key_of_the_schema_has_a_meaning() {
    fn look(schema: &Value, path: &str) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, below) in properties {
                let path = format!("{path}.{name}");
                assert!(below["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
                look(below, &path);
                look(&below["items"], &path);
                look(&below["additionalProperties"], &path);
            }
        }
    }
    look(&schema(), "");
}

#[test]
fn the_first_scenario_of_a_user_runs_as_it_expects() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let file = file.to_str().unwrap();
    let (code, output, errors) = sim(&["init", file]);
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains(&format!("sim run {file}")), "{output}");
    let (code, output, errors) = sim(&["run", file]);
    assert_eq!(code, 0, "{output}{errors}");
    assert!(output.contains("✓ as expected: no stale read, and safe"), "{output}");
    let (code, _, errors) = sim(&["init", file]);
    assert_eq!(code, 2, "a file is not overwritten");
    assert!(errors.contains("--force"), "{errors}");
    assert_eq!(sim(&["init", file, "--force"]).0, 0);
    assert_eq!(sim(&["init", "-"]).1, include_str!("../src/cli/init.toml"));
}
