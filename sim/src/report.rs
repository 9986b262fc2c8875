//! The report of `sim check`, for people and for machines.

mod history;
mod history_json;

pub(crate) use history::{HistorySubject, history_text};
pub(crate) use history_json::{history_exit_code, history_json};
