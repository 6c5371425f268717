use std::io::{self, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use crate::failure::Failure;
use crate::live::To;

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always, also in a pipe.
    Always,
    /// Never.
    Never,
}

/// Standard output as its reader wants it: coloured or plain, as wide as the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    color: bool,
    /// Standard error may go elsewhere: into a file, say.
    color_of_errors: bool,
    width: usize,
}

impl Output {
    pub(crate) fn new(color: Color) -> Self {
        let stdout = io::stdout();
        let colored = |choice: ColorChoice| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => choice != ColorChoice::Never,
        };
        let color_of_errors = colored(AutoStream::choice(&io::stderr()));
        let color = colored(AutoStream::choice(&stdout));
        let width = match terminal_size::terminal_size_of(&stdout) {
            // Lines longer than that are hard to read, however wide the terminal is.
            Some((terminal_size::Width(width), _)) => usize::from(width).clamp(40, 110),
            None => 90,
        };
        Self { color, color_of_errors, width }
    }

    /// Columns to wrap text to.
    pub(crate) const fn width(self) -> usize {
        self.width
    }

    /// Takes the colours away where they are not wanted.
    pub(crate) fn dress(self, to: To, text: &str) -> String {
        let color = match to {
            To::Stdout => self.color,
            To::Stderr => self.color_of_errors,
        };
        if color { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() }
    }

    /// Writes a text that is complete, with its last line's end.
    pub(crate) fn print(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(self.dress(To::Stdout, text).as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(Failure::Output)
    }

    /// Writes a value as JSON.
    pub(crate) fn json(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::said(format!("the report cannot be written as JSON: {error}")))?;
        self.print(&(text + "\n"))
    }
}
