//! `curl --trace` and `--trace-ascii`.

use framewise_rules::Role;

use super::{Block, Content, Piece, What, bare, pairs, time_of_day};

/// Lines from `=> Send header, 183 bytes (0xb7)` on.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    title(lines.first()?)?;
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let line = bare(line);
        if let Some((from, kind, length)) = title(line) {
            let rows = lines[at + 1..].iter().take_while(|row| offset(bare(row)).is_some()).count();
            let what = rows_of(&lines[at + 1..at + 1 + rows], length);
            // What TLS adds is not of the stream.
            if !kind.contains("SSL") {
                pieces.push(Piece { from: Some(from), time: time_of_day(line), what });
            }
            at += 1 + rows;
        } else if line.contains("== Info:") {
            at += 1;
        } else {
            break;
        }
    }
    Some(Block { lines: at, name: "curl --trace", content: Content::Pieces(pieces) })
}

fn title(line: &str) -> Option<(Role, &str, u64)> {
    let start = line.find("=> Send ").or_else(|| line.find("<= Recv "))?;
    let from = if line[start..].starts_with("=>") { Role::Client } else { Role::Server };
    let (kind, rest) = line[start + 8..].split_once(", ")?;
    let length = rest.split(" bytes (0x").next()?.parse().ok()?;
    (start < 40).then_some((from, kind, length))
}

fn offset(line: &str) -> Option<(u64, &str)> {
    let (digits, rest) = line.split_once(':')?;
    let offset = u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() >= 4)?;
    Some((offset, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The rows beneath a title. In text a line ends where its offset and the next one say so; what is not text is a dot there.
fn rows_of(rows: &[&str], length: u64) -> What {
    let mut bytes = Vec::new();
    let mut ascii = Vec::new();
    let mut hex = true;
    for (index, row) in rows.iter().enumerate() {
        let Some((at, body)) = offset(bare(row)) else { continue };
        let expected = length.saturating_sub(at).min(16) as usize;
        let (row_bytes, _) = pairs(body, expected);
        hex &= row_bytes.len() == expected && (expected < 2 || body.as_bytes().get(2) == Some(&b' '));
        bytes.extend_from_slice(&row_bytes);
        let next = rows.get(index + 1).and_then(|row| Some(offset(bare(row))?.0)).unwrap_or(length);
        ascii.extend_from_slice(body.as_bytes());
        if next.saturating_sub(at) >= body.len() as u64 + 2 {
            ascii.extend_from_slice(b"\r\n");
        }
    }
    match (hex && bytes.len() as u64 == length, ascii.len() as u64 == length && !ascii.contains(&b'.')) {
        (true, _) => What::Bytes(bytes),
        (false, true) => What::Bytes(ascii),
        // A head has dots of its own.
        (false, false) if ascii.len() as u64 == length && ascii.ends_with(b"\r\n") => What::Bytes(ascii),
        (false, false) => What::Gap(length),
    }
}
