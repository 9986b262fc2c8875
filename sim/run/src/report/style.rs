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

    /// Green: what is as it should be.
    pub fn good(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green.on_default())
    }

    /// Red: what is wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default().bold())
    }

    /// Yellow: what is not decided.
    pub fn doubtful(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default())
    }

    /// Bold.
    pub fn strong(self, text: &str) -> String {
        self.paint(text, Ansi::new().bold())
    }

    /// Dim: what can be passed over.
    pub fn faint(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }

    fn paint(self, text: &str, ansi: Ansi) -> String {
        if self.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}
