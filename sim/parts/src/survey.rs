//! The parts in some folders.

use std::path::{Path, PathBuf};

use crate::reader::EXTENSION;
use crate::{Part, PartError};

/// How the names of files end that are being written, or that a process left when it was killed.
pub(crate) const UNFINISHED: &str = ".tmp";

/// What some folders hold.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The parts, in the order of their points and ranges.
    pub parts: Vec<Part>,
    /// Files that end like parts, and are damaged before their rows.
    pub damaged: Vec<(PathBuf, String)>,
    /// Files that are being written, or that a process left when it was killed. No part of any result.
    pub unfinished: Vec<PathBuf>,
}

/// Looks for parts in folders, or takes a part's file where one is named. Reads headers only.
///
/// # Errors
///
/// A folder cannot be read, or two parts do not belong to one question and one build.
pub fn survey(places: &[PathBuf]) -> Result<Survey, PartError> {
    let mut found = Survey::default();
    let mut files = Vec::new();
    for place in places {
        match place.is_dir() {
            true => list(place, &mut files, &mut found.unfinished)?,
            false => files.push(place.clone()),
        }
    }
    files.sort();
    files.dedup();
    for file in files {
        match Part::open(&file) {
            Ok(part) => found.parts.push(part),
            Err(PartError::Damaged { path, why }) => found.damaged.push((path, why)),
            Err(error) => return Err(error),
        }
    }
    if let Some((first, rest)) = found.parts.split_first() {
        let hash = first.header.hash();
        if let Some(other) = rest.iter().find(|other| other.header.hash() != hash) {
            return Err(PartError::Mixed {
                first: first.path.clone(),
                second: other.path.clone(),
                why: first.header.difference(&other.header),
            });
        }
    }
    let place = |part: &Part| {
        let ranges = part.header.slices.iter();
        let ranges: Vec<(u64, u64)> = ranges.map(|slice| (slice.part.start, slice.part.end)).collect();
        (part.header.point, ranges)
    };
    found.parts.sort_by_cached_key(place);
    found.unfinished.sort();
    Ok(found)
}

fn list(folder: &Path, parts: &mut Vec<PathBuf>, unfinished: &mut Vec<PathBuf>) -> Result<(), PartError> {
    let failed = |error| PartError::io("read the folder", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(text) = name.to_str() else { continue };
        if text.ends_with(EXTENSION) && !text.starts_with('.') {
            parts.push(folder.join(text));
        } else if text.starts_with(".part-") && text.ends_with(UNFINISHED) {
            unfinished.push(folder.join(text));
        }
    }
    Ok(())
}
