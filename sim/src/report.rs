//! Reports: what a study found, for people and for machines. They read results and know no event loop.

mod exhaust;
mod history;
mod history_json;
mod json;
mod probability;
mod style;
mod text;
mod threshold;
mod wrap;

pub use exhaust::{ExhaustSubject, exhaust_json, exhaust_text};
pub use history::{HistorySubject, history_text};
pub use history_json::{history_exit_code, history_json};
pub use json::json_report;
pub use probability::{ProbabilitySubject, probability_json, probability_text};
pub use style::Style;
pub use text::{Subject, failure, text_report};
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
