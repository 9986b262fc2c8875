//! The report of `sim check`, for people, for machines and as a page.

mod history;
mod history_json;
mod history_sheet;
mod no_order;

pub(crate) use history::{HistorySubject, history_text};
pub(crate) use history_json::{history_exit_code, history_json};
pub(crate) use history_sheet::history_sheet;
