//! Colour, where the reader wants it. No meaning rests on colour alone: every sign has a word beside it.

use anstyle::{AnsiColor, Style as Ansi};

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Write escape codes.
    pub color: bool,
}

impl Style {
    /// No escape codes.
    pub const PLAIN: Style = Style { color: false };

    pub(super) fn good(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green.on_default())
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default().bold())
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default())
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.paint(text, Ansi::new().bold())
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }

    fn paint(self, text: &str, ansi: Ansi) -> String {
        if self.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}
