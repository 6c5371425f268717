use std::borrow::Cow;
use std::io::{self, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use crate::failure::Failure;
use crate::render::escape_json;

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

/// Where something is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// What is printed, with the end of its last line.
#[derive(Debug)]
pub(crate) enum Text {
    /// For a person: colours are taken away where they are not wanted.
    Styled(String),
    /// For a program: every character counts.
    Json(String),
}

impl Text {
    /// A value that was serialised.
    pub(crate) fn json(json: &str) -> Self {
        Self::Json(escape_json(json) + "\n")
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Styled(text) | Self::Json(text) => text,
        }
    }

    pub(crate) const fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }
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

    /// Takes the colours away where they are not wanted; JSON has none.
    pub(crate) fn dress(self, to: To, text: &Text) -> Cow<'_, str> {
        let color = match to {
            To::Stdout => self.color,
            To::Stderr => self.color_of_errors,
        };
        match text {
            Text::Styled(text) if !color => anstream::adapter::strip_str(text).to_string().into(),
            Text::Styled(text) | Text::Json(text) => text.into(),
        }
    }

    /// Writes a text that is complete, with its last line's end.
    pub(crate) fn print(self, text: String) -> Result<(), Failure> {
        self.write(&Text::Styled(text))
    }

    /// Writes a text for another program, as it is.
    pub(crate) fn program(self, text: String) -> Result<(), Failure> {
        self.write(&Text::Json(text))
    }

    fn write(self, text: &Text) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(self.dress(To::Stdout, text).as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(Failure::Output)
    }

    /// Writes a value as JSON.
    pub(crate) fn json(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::said(format!("cannot write the report as JSON: {error}")))?;
        self.write(&Text::json(&text))
    }
}
