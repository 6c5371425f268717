//! Where the text comes from: the arguments, a file, standard input.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use framewise_messages::LIMIT;

use crate::failure::{Failure, plain};
use crate::render::{clean, shorten};

/// A text to read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: String,
    /// Bytes at its start that were left out.
    pub(super) skipped: u64,
    /// The name of the file it came from; `-` where it has none.
    pub(super) name: String,
}

/// The text that the terms stand for: `-`, the name of a file, or the terms themselves.
pub(super) fn read(terms: &[String]) -> Result<Source, Failure> {
    match terms {
        [term] if term == "-" => {
            let (bytes, skipped) = last(io::stdin().lock())
                .map_err(|error| Failure::said(format!("cannot read standard input: {}", plain(&error))))?;
            decode(&bytes, skipped, "standard input", "-")
        }
        [term] if is_file(term) => {
            let name = shorten(&clean(term), 80);
            let (bytes, skipped) = file(Path::new(term))
                .map_err(|error| Failure::said(format!("cannot read {name}: {}", plain(&error))))?;
            decode(&bytes, skipped, &name, term)
        }
        terms => Ok(Source { text: terms.join(" "), skipped: 0, name: "-".to_owned() }),
    }
}

/// Whether a term names a file: a message may look like a path, but not like one that exists.
fn is_file(term: &str) -> bool {
    !term.contains('\n') && term.len() < 4096 && Path::new(term).is_file()
}

fn file(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(LIMIT as u64);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(LIMIT as u64).read_to_end(&mut bytes)?;
    Ok((bytes, skipped))
}

/// The last bytes of a stream, however long it is: a log ends with the failure.
fn last(mut input: impl Read) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let mut skipped = 0;
    loop {
        let more = input.by_ref().take(LIMIT as u64).read_to_end(&mut bytes)?;
        let over = bytes.len().saturating_sub(LIMIT);
        bytes.drain(..over);
        skipped += over as u64;
        if more < LIMIT {
            return Ok((bytes, skipped));
        }
    }
}

fn decode(bytes: &[u8], skipped: u64, name: &str, file: &str) -> Result<Source, Failure> {
    let wide = |of: fn([u8; 2]) -> u16| {
        String::from_utf16_lossy(
            &bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect::<Vec<_>>(),
        )
    };
    let text = match bytes {
        // As PowerShell writes what is redirected.
        [0xff, 0xfe, ..] if skipped == 0 => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] if skipped == 0 => wide(u16::from_be_bytes),
        _ if bytes.contains(&0) => {
            return Err(Failure::said(format!(
                "{name} is not text; if it is a recording of a connection, use `framewise read`"
            )));
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    if text.trim().is_empty() {
        return Err(Failure::said(format!("{name} is empty")));
    }
    Ok(Source { text, skipped, name: file.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_stream_the_end_is_kept() {
        let bytes: Vec<u8> = (0..LIMIT + 1000).map(|index| (index % 251) as u8).collect();
        let (kept, skipped) = last(&bytes[..]).expect("a slice is readable");
        assert_eq!((kept.len(), skipped), (LIMIT, 1000));
        assert_eq!(kept, bytes[1000..]);
        assert_eq!(last(&b"short"[..]).expect("a slice is readable"), (b"short".to_vec(), 0));
    }
}
