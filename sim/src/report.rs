//! Reports: what a study found, for people and for machines. They read results and know no event loop.

mod blame;
mod exhaust;
mod frontier;
mod frontier_files;
mod history;
mod history_json;
mod json;
mod live;
mod probability;
mod style;
mod text;
mod threshold;
mod wrap;

pub use blame::blame_line;
pub use exhaust::{ExhaustSubject, exhaust_json, exhaust_text};
pub use frontier::{FrontierSubject, frontier_json, frontier_text};
pub use frontier_files::{frontier_csv, frontier_svg};
pub use history::{HistorySubject, history_text};
pub use history_json::{history_exit_code, history_json};
pub use json::json_report;
pub use live::{LiveSubject, Simulated, live_exit_code, live_failure, live_json, live_text};
pub use probability::{ProbabilitySubject, probability_json, probability_text};
pub use style::Style;
pub use text::{Subject, failure, text_report};
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
pub use wrap::wrapped;
