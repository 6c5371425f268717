//! Dumps in rows: tcpdump -X, socat -x, and hexadecimal rows with offsets, as Wireshark and tshark print packets and streams.

use std::time::Duration;

use framewise_rules::Role;

use super::{Block, Content, Piece, What, as_packet, bare, pairs, time_of_day};

/// A packet's line, and rows of `0x0000:  4500 …`.
pub(super) fn tcpdump(lines: &[&str]) -> Option<Block> {
    let mut packets = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let rows = lines[at + 1..].iter().take_while(|row| row_of_tcpdump(row).is_some()).count();
        // Without `-t`, a packet begins with its time.
        let time = time_of_day(line);
        if rows == 0 {
            let more = lines[at + 1..].iter().take(40).position(|row| row_of_tcpdump(row).is_some());
            let tells = time.is_some() && line.contains(" IP");
            if tells && more.is_some() {
                at += 1;
                continue;
            }
            break;
        }
        let bytes: Vec<u8> =
            lines[at + 1..=at + rows].iter().filter_map(|row| row_of_tcpdump(row)).flatten().collect();
        let link = as_packet(&bytes)?;
        packets.push((time.unwrap_or(Duration::ZERO), link, bytes));
        at += 1 + rows;
    }
    (!packets.is_empty()).then_some(Block {
        lines: at,
        name: "tcpdump -X",
        content: Content::Packets(packets),
    })
}

fn row_of_tcpdump(line: &str) -> Option<Vec<u8>> {
    let (offset, rest) = line.trim_start().strip_prefix("0x")?.split_once(':')?;
    if offset.len() < 4 || !offset.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let rest = rest.trim_start_matches(' ');
    Some(pairs(&rest[..rest.find("  ").unwrap_or(rest.len())], 16).0)
}

/// `> 2026/11/28 04:46:02.000427495  length=268 from=0 to=267`, and rows.
pub(super) fn socat(lines: &[&str]) -> Option<Block> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let Some((from, length)) = title_of_socat(line) else { break };
        let mut bytes = Vec::new();
        at += 1;
        while let Some(row) = lines.get(at).filter(|_| bytes.len() < length) {
            let most = if row.len() > 80 { usize::MAX } else { 16 };
            let (row, _) = pairs(row.trim_start(), most.min(length - bytes.len()));
            if row.is_empty() {
                break;
            }
            bytes.extend_from_slice(&row);
            at += 1;
        }
        if lines.get(at).is_some_and(|line| bare(line) == "--") {
            at += 1;
        }
        let missing = length - bytes.len();
        pieces.push(Piece { from: Some(from), time: time_of_day(line), what: What::Bytes(bytes) });
        if missing > 0 {
            pieces.push(Piece { from: Some(from), time: None, what: What::Gap(missing as u64) });
        }
    }
    (!pieces.is_empty()).then_some(Block { lines: at, name: "socat -x", content: Content::Pieces(pieces) })
}

fn title_of_socat(line: &str) -> Option<(Role, usize)> {
    let from = match line.get(..2)? {
        "> " => Role::Client,
        "< " => Role::Server,
        _ => return None,
    };
    let length = line.split("length=").nth(1)?.split(' ').next()?.parse().ok()?;
    line.contains(" from=").then_some((from, length))
}

/// A row with an offset: how far it is indented, its offset, its bytes.
pub(super) fn row(line: &str) -> Option<(bool, usize, Vec<u8>)> {
    let text = bare(line);
    let trimmed = text.trim_start_matches([' ', '\t']);
    let end = trimmed.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(trimmed.len());
    if !(4..=8).contains(&end) {
        return None;
    }
    let offset = usize::from_str_radix(&trimmed[..end], 16).ok()?;
    let rest = trimmed[end..].strip_prefix("  ")?;
    let (mut bytes, after) = pairs(rest, 8);
    // Eight and eight, with a wider space between them, or sixteen.
    let after = if bytes.len() == 8 { after.strip_prefix(' ').unwrap_or(after) } else { after };
    if bytes.len() == 8 && (after.starts_with(' ') || hex_follows(after)) {
        let (more, _) = pairs(after.strip_prefix(' ').filter(|_| !hex_follows(after)).unwrap_or(after), 8);
        bytes.extend_from_slice(&more);
    }
    (!bytes.is_empty()).then_some((trimmed.len() < text.len(), offset, bytes))
}

fn hex_follows(text: &str) -> bool {
    text.as_bytes().iter().take(2).filter(|byte| byte.is_ascii_hexdigit()).count() == 2
}

/// `Frame (66 bytes):`, which tshark prints above a dump where it has several of one packet: whether it is the packet's own.
fn title(line: &str) -> Option<bool> {
    let (name, rest) = bare(line).split_once(" (")?;
    let length = rest.strip_suffix(" bytes):")?;
    length.parse::<u64>().ok().map(|_| matches!(name, "Frame" | "Packet"))
}

/// Rows of several packets, or of both sides of a stream: those of the second side are indented.
pub(super) fn rows(lines: &[&str]) -> Option<Block> {
    if title(lines.first()?).is_none() {
        row(lines.first()?)?;
    }
    let mut groups: Vec<(bool, usize, Vec<u8>)> = Vec::new();
    let mut at = 0;
    // What tshark made of the packet, unmasked or put together, is not what was sent.
    let mut own = true;
    while let Some(line) = lines.get(at) {
        if let Some(packet) = title(line) {
            own = packet;
            at += 1;
            continue;
        }
        let Some((indented, offset, bytes)) = row(line) else {
            // A blank line is between packets.
            let follows = |line: &&str| row(line).is_some() || title(line).is_some();
            if bare(line).trim().is_empty() && lines.get(at + 1).is_some_and(follows) {
                own = true;
                at += 1;
                continue;
            }
            break;
        };
        at += 1;
        if !own {
            continue;
        }
        match groups
            .last_mut()
            .filter(|(side, start, held)| *side == indented && start + held.len() == offset)
        {
            Some((_, _, held)) => held.extend_from_slice(&bytes),
            None => groups.push((indented, offset, bytes)),
        }
    }
    let packets: Vec<_> =
        groups.iter().map(|(_, offset, bytes)| (*offset == 0).then(|| as_packet(bytes)).flatten()).collect();
    if packets.iter().all(Option::is_some) {
        let packets = groups.into_iter().zip(packets);
        let packets = packets.filter_map(|((_, _, bytes), link)| Some((Duration::ZERO, link?, bytes)));
        let content = Content::Packets(packets.collect());
        return Some(Block { lines: at, name: "hex dumps of packets", content });
    }
    let two = groups.iter().any(|(side, _, _)| *side) && groups.iter().any(|(side, _, _)| !*side);
    let pieces = groups.into_iter().map(|(indented, _, bytes)| Piece {
        from: two.then_some(if indented { Role::Server } else { Role::Client }),
        time: None,
        what: What::Bytes(bytes),
    });
    let name = if two { "the dump of a stream" } else { "hex dump" };
    Some(Block { lines: at, name, content: Content::Pieces(pieces.collect()) })
}
