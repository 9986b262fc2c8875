//! The gallery: lease bugs that shipped, each a scenario below `scenarios/gallery` with a plate that tells of it.
//!
//! A scenario has variants: `as shipped` is stale, `as fixed` and `control` are clean. The control has the same faults and
//! breaks another rule. A label may go on after a colon. The files are part of the program, so that `sim gallery` works in
//! any folder.

mod page;
mod plate;
mod sheet;

use crate::rules;
use crate::scenario::{Diagnostics, Exhibit, Plan, load};

pub use page::page;
pub use plate::{plate_json, plate_text};
pub use sheet::piece_sheet;

/// How the labels of variants with the bug begin.
pub const SHIPPED: &str = "as shipped";
/// How the labels of variants without it begin.
pub const FIXED: &str = "as fixed";
/// How the labels of variants begin that have the same faults, and another bug or none.
pub const CONTROL: &str = "control";

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// Every exhibit: its name and its file. The most instructive ones first.
        pub const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../scenarios/gallery/", $name, ".toml")))),+];
    };
}

files! {
    "check-quorum",
    "step-down-timer",
    "check-quorum-off",
    "restart-forgets-promise",
    "transfer",
    "transfer-given-up",
    "no-withholding",
    "pre-vote-only",
    "lease-from-acknowledgement",
    "margin-spent-on-delay",
    "last-contact",
    "suspend",
    "lost-ticks",
    "live-migration",
    "new-leader-behind",
    "wall-clock",
    "wall-clock-ahead",
    "age-saturates",
    "slewed-margin",
    "least-timeout",
    "longest-timeout",
    "promise-in-ticks",
    "different-durations",
    "learners-counted",
    "older-leadership",
    "check-then-read",
    "readindex-retry",
}

/// One exhibit.
#[derive(Debug, Clone)]
pub struct Piece {
    /// As `sim gallery` calls it.
    pub name: &'static str,
    /// Its scenario file, from the repository's root.
    pub file: String,
    /// What it tells.
    pub plate: Exhibit,
    /// What it runs.
    pub plan: Plan,
}

impl Piece {
    /// The exhibit of that name; `None` if there is none.
    pub fn named(name: &str) -> Option<Piece> {
        FILES.iter().find(|(known, _)| *known == name).map(|file| open(file, &[]))
    }

    /// All exhibits, in the order of [`FILES`].
    pub fn all() -> Vec<Piece> {
        FILES.iter().map(|file| open(file, &[])).collect()
    }

    /// The same exhibit with overrides, as `--set` takes them.
    fn with(&self, sets: &[String]) -> Piece {
        let file = FILES.iter().find(|(known, _)| *known == self.name);
        open(file.expect("a piece is one of the files"), sets)
    }
}

/// The files are part of the program, and a test opens them all.
fn open((name, text): &(&'static str, &'static str), sets: &[String]) -> Piece {
    let file = format!("scenarios/gallery/{name}.toml");
    let plan: Result<Plan, Diagnostics> = load(&file, text, sets, &rules::names());
    let mut plan = plan.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let plate = plan.exhibit.take().expect("a scenario of the gallery has a plate");
    Piece { name, file, plate, plan }
}
