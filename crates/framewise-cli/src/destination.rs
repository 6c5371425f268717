//! The files of `--report`.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::failure::{Failure, plain};

/// A report to write.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    Json,
    Junit,
    Sarif,
    Badge,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Badge => "badge",
        }
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').ok_or("expected KIND=FILE, such as json=report.json")?;
        let kind = match kind {
            "html" => Kind::Html,
            "json" => Kind::Json,
            "junit" => Kind::Junit,
            "sarif" => Kind::Sarif,
            "badge" => Kind::Badge,
            other => {
                return Err(format!(
                    "`{other}` is not a kind of report: use html, json, junit, sarif or badge"
                ));
            }
        };
        if path.is_empty() {
            return Err("expected a file after the equals sign".into());
        }
        Ok(Self { kind, path: path.into() })
    }
}

/// The reports to write, whose files can be written.
#[derive(Debug)]
pub(crate) struct Destinations(Vec<Destination>);

impl Destinations {
    /// Looks whether each can be written, before the run.
    pub(crate) fn open(destinations: &[Destination], kinds: &[Kind]) -> Result<Self, Failure> {
        for destination in destinations {
            if !kinds.contains(&destination.kind) {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                return Err(Failure::said(format!(
                    "this command does not write the report `{}`: it writes {}",
                    destination.kind.name(),
                    names.join(", ")
                )));
            }
            if destinations.iter().filter(|other| other.path == destination.path).count() > 1 {
                let path = destination.path.display();
                return Err(Failure::said(format!(
                    "--report has {path} twice: each report needs a file of its own"
                )));
            }
            writable(&destination.path)?;
        }
        Ok(Self(destinations.to_vec()))
    }

    pub(crate) fn write(&self, rendered: impl Fn(Kind) -> String) -> Result<(), Failure> {
        for Destination { kind, path } in &self.0 {
            std::fs::write(path, rendered(*kind)).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }
}

/// Whether a file can be written; what is in it stays until it is.
pub(crate) fn writable(path: &Path) -> Result<(), Failure> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map(drop)
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::said(format!("cannot write {}: {}", path.display(), plain(error)))
}
