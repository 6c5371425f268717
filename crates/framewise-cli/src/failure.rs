use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One plain sentence for a person, which says what to do.
    Said(String),
    /// Standard output took nothing more.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn said(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }

    /// Says it on standard error; the exit code that stands for it.
    pub(crate) fn report(&self) -> ExitCode {
        // Whoever reads the pipe has seen enough: `framewise explain | head`.
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
            Self::Output(error) => write!(f, "standard output cannot be written: {error}"),
        }
    }
}

/// A sentence on standard error; nothing happens where that is closed.
pub(crate) fn complain(sentence: &str) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "framewise: {}", crate::render::clean(sentence));
}
