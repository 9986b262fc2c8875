//! Reports: what a study found, for people and for machines. They read results and know no event loop.

mod history;
mod history_json;
mod json;
mod live;
mod style;
mod text;
mod threshold;
mod wrap;

pub use history::{HistorySubject, history_text};
pub use history_json::{history_exit_code, history_json};
pub use json::json_report;
pub use live::{LiveSubject, Simulated, live_exit_code, live_failure, live_json, live_text};
pub use style::Style;
pub use text::{Subject, failure, text_report};
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
