//! `curl -v`: the heads with `>` and `<` before each line, and what came after them.

use framewise_rules::Role;

use super::{Block, Content, Piece, What, bare, is_request, is_response};
use crate::text::bytes_of;

/// Lines from `> GET / HTTP/1.1` on.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    let first = lines.first()?.strip_prefix("> ")?;
    if !is_request(first.as_bytes()) {
        return None;
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut head: Option<(Role, Vec<u8>)> = None;
    let mut done = false;
    let mut at = 0;
    for line in lines {
        let text = bare(line);
        let side = match text.get(..1) {
            Some(">") => Some(Role::Client),
            Some("<") => Some(Role::Server),
            _ => None,
        };
        let body = text.get(1..).map(|body| body.strip_prefix(' ').unwrap_or(body));
        match (side, body) {
            (Some(side), Some(body)) if text.len() == 1 || text[1..].starts_with(' ') || body.is_empty() => {
                // The next request is another connection's, or the next on this one.
                if at > 0 && side == Role::Client && is_request(body.as_bytes()) {
                    break;
                }
                let (of, bytes) = head.get_or_insert((side, Vec::new()));
                if *of != side {
                    pieces.push(piece(*of, std::mem::take(bytes)));
                    *of = side;
                }
                bytes.extend_from_slice(&bytes_of(body));
                bytes.extend_from_slice(b"\r\n");
                if body.is_empty() {
                    done |= side == Role::Server;
                    let (of, bytes) = head.take()?;
                    pieces.push(piece(of, bytes));
                }
            }
            _ if is_chatter(text) => {}
            _ if done => break,
            _ => return None,
        }
        at += 1;
    }
    if let Some((of, bytes)) = head {
        pieces.push(piece(of, bytes));
    }
    let (rest, more) = after(&lines[at..], &pieces);
    if !rest.is_empty() {
        pieces.push(piece(Role::Server, rest));
    }
    Some(Block { lines: at + more, name: "curl -v", content: Content::Pieces(pieces) })
}

fn piece(from: Role, bytes: Vec<u8>) -> Piece {
    Piece { from: Some(from), time: None, what: What::Bytes(bytes) }
}

/// What curl says itself.
fn is_chatter(line: &str) -> bool {
    line.starts_with("* ")
        || line == "*"
        || line.starts_with("{ [")
        || line.starts_with("} [")
        || line.starts_with("  % Total")
        || line.starts_with("                                 Dload")
}

/// The body, or frames, which standard output had beside it; and its lines.
fn after(lines: &[&str], pieces: &[Piece]) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    for line in lines.iter().filter(|line| !is_chatter(bare(line))) {
        bytes.extend_from_slice(&bytes_of(line));
    }
    let status = pieces.iter().rev().find_map(|piece| match &piece.what {
        What::Bytes(bytes) if is_response(bytes) => bytes.get(9..12).map(<[u8]>::to_vec),
        What::Bytes(_) | What::Gap(_) => None,
    });
    // Frames begin with a byte that no text begins with.
    let frames = bytes.first().is_some_and(|&first| !(b' '..0x7f).contains(&first));
    match status.as_deref() {
        Some(b"101") if frames => (bytes, lines.len()),
        Some(b"101") | None => (Vec::new(), 0),
        // A body, in the first lines.
        Some(_) => {
            let end = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len()).min(64);
            let body = lines[..end].iter().filter(|line| !is_chatter(bare(line)));
            (body.flat_map(|line| bytes_of(line)).collect(), end)
        }
    }
}
