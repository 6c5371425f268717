use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One plain sentence for a person that says what to do.
    Said(String),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn said(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }

    /// Prints it on standard error; the exit code for it.
    pub(crate) fn report(&self) -> ExitCode {
        // The reader of the pipe has seen enough: `framewise explain | head`.
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return ExitCode::SUCCESS;
        }
        complain(&self.to_string());
        ExitCode::from(2)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(sentence) => f.write_str(sentence),
            Self::Output(error) => write!(f, "cannot write to standard output: {}", plain(error)),
        }
    }
}

/// Prints a sentence on standard error; a closed one is ignored.
pub(crate) fn complain(sentence: &str) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "framewise: {}", crate::render::clean(sentence));
}

/// The text of a system error, without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
