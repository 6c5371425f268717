//! Wireshark's and tshark's "follow stream": hex, raw, YAML, C arrays.

use std::time::Duration;

use base64::Engine as _;
use framewise_rules::Role;

use super::{Block, Content, Piece, What, bare, dump, pairs};

/// What follows `Follow: tcp,…`, or is alone as YAML or C.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    let first = bare(lines.first()?);
    if first.starts_with("Follow: tcp,") || first.starts_with("Follow: tls,") {
        return titled(lines);
    }
    if first.trim() == "peers:" || first.contains("!!binary |") {
        return yaml(lines);
    }
    if first.starts_with("char peer") {
        return arrays(lines);
    }
    None
}

fn side(node: &str) -> Option<Role> {
    match node.trim() {
        "0" => Some(Role::Client),
        "1" => Some(Role::Server),
        _ => None,
    }
}

fn titled(lines: &[&str]) -> Option<Block> {
    let kind = bare(lines[0]).split(',').nth(1)?;
    let start = lines.iter().take(6).position(|line| line.starts_with("Node 1:"))? + 1;
    let end = lines[start..].iter().position(|line| line.starts_with("=====")).unwrap_or(lines.len() - start);
    let body = &lines[start..start + end];
    let piece = |from: Role, bytes: Vec<u8>| Piece { from: Some(from), time: None, what: What::Bytes(bytes) };
    let role = |indented: bool| if indented { Role::Server } else { Role::Client };
    let pieces: Vec<Piece> = match kind {
        "hex" => {
            let rows = body.iter().filter_map(|line| dump::row(line));
            rows.map(|(indented, _, bytes)| piece(role(indented), bytes)).collect()
        }
        "raw" => body
            .iter()
            .map(|line| piece(role(line.starts_with('\t')), pairs(bare(line).trim(), usize::MAX).0))
            .collect(),
        _ => return None,
    };
    let content = Content::Pieces(merge(pieces));
    Some(Block { lines: start + end, name: "a followed stream", content })
}

/// Rows of one side make one piece: a head must not be cut into rows.
fn merge(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        if let Some(last) = merged.last_mut()
            && last.from == piece.from
            && let (What::Bytes(before), What::Bytes(more)) = (&mut last.what, &piece.what)
        {
            before.extend_from_slice(more);
        } else {
            merged.push(piece);
        }
    }
    merged
}

fn yaml(lines: &[&str]) -> Option<Block> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    let (mut from, mut time) = (None, None);
    while let Some(line) = lines.get(at) {
        let text = bare(line).trim();
        let text = text.strip_prefix("- ").unwrap_or(text);
        if text.is_empty() || text.starts_with('#') {
            at += 1;
            continue;
        }
        let Some((key, value)) = text.split_once(':') else { break };
        at += 1;
        match key {
            "peer" => from = side(value),
            "timestamp" => {
                time =
                    value.trim().parse::<f64>().ok().and_then(|time| Duration::try_from_secs_f64(time).ok());
            }
            key if value.trim().starts_with("!!binary") => {
                // Before version 3: `peer0_0: !!binary |`.
                let from = key.strip_prefix("peer").and_then(|key| side(key.get(..1)?)).or(from);
                let mut text = String::new();
                while let Some(row) = lines.get(at).filter(|row| row.starts_with(' ') && !row.contains(':')) {
                    text.push_str(bare(row).trim());
                    at += 1;
                }
                let bytes = base64::engine::general_purpose::STANDARD.decode(&text).ok()?;
                pieces.push(Piece { from, time, what: What::Bytes(bytes) });
            }
            _ => {}
        }
    }
    (!pieces.is_empty()).then_some(Block {
        lines: at,
        name: "a followed stream (YAML)",
        content: Content::Pieces(pieces),
    })
}

fn arrays(lines: &[&str]) -> Option<Block> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    while let Some(name) = lines.get(at).and_then(|line| line.strip_prefix("char peer")) {
        let from = side(name.get(..1)?);
        let mut bytes = Vec::new();
        at += 1;
        while let Some(line) = lines.get(at) {
            at += 1;
            bytes.extend(
                line.split("0x").skip(1).filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok()),
            );
            if line.contains('}') {
                break;
            }
        }
        pieces.push(Piece { from, time: None, what: What::Bytes(bytes) });
        while lines.get(at).is_some_and(|line| bare(line).trim().is_empty()) {
            at += 1;
        }
    }
    (!pieces.is_empty()).then_some(Block {
        lines: at,
        name: "a followed stream (C arrays)",
        content: Content::Pieces(pieces),
    })
}
