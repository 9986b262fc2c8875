//! Makes many parts out of one, to measure `sim merge`: the rows are those of the one, with other seeds.
//!
//!     sim explore --seeds 0..10000 --shard 1/1 --out one
//!     cargo run --release --package leasehold-parts --example many_parts one/*.jsonl.gz many 10000
//!     sim merge many
//!
//! The seeds of the parts that are made follow each other without a gap. Nothing was simulated for them.

use std::error::Error;
use std::path::{Path, PathBuf};

use leasehold_parts::{Part, PartError, Writer, survey};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [one, many, parts] = &words[..] else { return Err("many_parts PART FOLDER PARTS".into()) };
    let parts: u64 = parts.parse()?;
    let part = survey(&[PathBuf::from(one)])?.parts.pop().ok_or("no part there")?;
    // Each row without its seed: what stands before it, and behind it.
    let mut rows = Vec::new();
    part.read(&mut |row| {
        let (before, behind) = row.split_once("\"seed\":").unwrap_or((row, ""));
        let behind = behind.trim_start_matches(|digit: char| digit.is_ascii_digit());
        rows.push((before.to_owned(), behind.to_owned()));
        Ok::<(), PartError>(())
    })?;
    for number in 0..parts {
        write(&part, &rows, Path::new(many), number, parts)?;
    }
    Ok(())
}

fn write(
    part: &Part,
    rows: &[(String, String)],
    folder: &Path,
    number: u64,
    parts: u64,
) -> Result<(), Box<dyn Error>> {
    let length = rows.len() as u64;
    let mut header = part.header.clone();
    header.shard = (number + 1, parts);
    header.slices[0].whole = 0..length * parts;
    header.slices[0].part = length * number..length * (number + 1);
    for word in header.question["arguments"].as_array_mut().ok_or("no arguments")? {
        if word.as_str().is_some_and(|word| word.starts_with("--seeds=")) {
            *word = json!(format!("--seeds=0..{}", length * parts));
        }
    }
    let mut writer = Writer::create(folder, &header)?;
    for (seed, (before, behind)) in (length * number..).zip(rows) {
        writer.row(&format!("{before}\"seed\":{seed}{behind}"))?;
    }
    writer.finish(&json!({}))?;
    Ok(())
}
