use std::path::{Path, PathBuf};

use framewise_live::{Packets, Recordings, Rotation};

use crate::failure::{Failure, plain};

/// The recordings of `inspect`.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) transcripts: Option<Recordings>,
    pub(super) packets: Option<Packets>,
}

/// Begins the recordings to these files, one of each kind.
pub(super) fn begin(
    files: &[PathBuf],
    about: &str,
    size: Option<u64>,
    keep: Option<usize>,
) -> Result<Recorded, Failure> {
    let rotation = Rotation { size, keep };
    let mut recorded = Recorded::default();
    for file in files {
        let cannot = |error: std::io::Error| {
            Failure::said(format!("cannot write {}: {}", file.display(), plain(&error)))
        };
        let twice = if is_pcapng(file) {
            let packets = Packets::create(file, about, rotation).map_err(cannot)?;
            recorded.packets.replace(packets).is_some()
        } else {
            let transcripts = Recordings::create(file, about, rotation).map_err(cannot)?;
            recorded.transcripts.replace(transcripts).is_some()
        };
        if twice {
            return Err(Failure::said(format!(
                "cannot record to {} as well: --record takes one file for transcripts, and one that ends with .pcapng",
                file.display()
            )));
        }
    }
    Ok(recorded)
}

fn is_pcapng(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pcapng"))
}

/// A number of bytes: `4096`, `10M`, `1G`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_suffix('B').unwrap_or(&upper);
    let (digits, shift) = match upper.as_bytes().last() {
        Some(b'K') => (&upper[..upper.len() - 1], 10),
        Some(b'M') => (&upper[..upper.len() - 1], 20),
        Some(b'G') => (&upper[..upper.len() - 1], 30),
        Some(_) | None => (upper, 0),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|&size| size >= 4096)
        .ok_or_else(|| "use a number of bytes from 4096, as 10M or 1G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [("4096", 4096), ("4k", 4096), ("10M", 10 << 20), ("1GB", 1 << 30)] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "1", "M", "10T", "-1M", "99999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
