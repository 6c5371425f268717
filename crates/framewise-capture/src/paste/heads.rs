//! Heads of HTTP, as text.

use framewise_rules::Role;

use super::{Block, Content, Piece, What, bare, is_request, is_response};
use crate::text::bytes_of;

/// Lines of a head that are taken at most.
const MOST: usize = 256;

/// A request line or a status line, and the header lines beneath it.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    let first = bare(lines.first()?).trim_start();
    let from = match (is_request(first.as_bytes()), is_response(first.as_bytes())) {
        (true, _) => Role::Client,
        (_, true) if first.split(' ').nth(1).is_some_and(|status| status.parse::<u16>().is_ok()) => {
            Role::Server
        }
        _ => return None,
    };
    let indent = lines[0].len() - lines[0].trim_start_matches([' ', '\t']).len();
    let mut bytes = Vec::new();
    let mut at = 0;
    for line in lines.iter().take(MOST) {
        let line =
            line.get(indent..).filter(|_| line[..indent.min(line.len())].trim().is_empty()).unwrap_or(line);
        let text = bare(line);
        if at > 0 && (text.is_empty() || !is_header(text)) {
            break;
        }
        bytes.extend_from_slice(&bytes_of(text));
        bytes.extend_from_slice(b"\r\n");
        at += 1;
    }
    bytes.extend_from_slice(b"\r\n");
    let blank = lines.get(at).is_some_and(|line| bare(line).trim().is_empty());
    let content = Content::Pieces(vec![Piece { from: Some(from), time: None, what: What::Bytes(bytes) }]);
    Some(Block { lines: at + usize::from(blank), name: "HTTP heads", content })
}

/// Whether a line may be a field: a name without blanks, a colon. A broken one is wanted as it is.
fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| !name.is_empty() && name.len() < 80 && !name.contains("//"))
}
