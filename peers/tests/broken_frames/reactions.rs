//! `reactions.md`: one section per peer, which its test checks or records, preceded by tables that compare the peers and are
//! generated from the sections.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use framewise_peers::{Answer, Client, Server};
use framewise_rules::Role;

use crate::case::Case;

const HEAD: &str = "\
# How real endpoints react to broken frames

The test sends each peer the examples of the table of rules that one end can break after a correct handshake: the bytes,
and after a moment of silence a Ping. On the wire, the peer reacts in one of these ways:

- `close N`: it sends a Close frame with that code and ends the connection.
- `dropped`: it ends the connection without a Close frame.
- `accepted`: it carries on and answers the Ping.
- `waits`: it does neither, because it expects more bytes.
- An empty cell: it does not negotiate the extension that the example needs.

`cargo xtask peers --write` writes this file; the test `broken_frames` checks the column \"on the wire\".
";

/// The reaction of one peer to one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    rule: String,
    bytes: String,
    wire: String,
    said: String,
}

impl Reaction {
    pub(crate) fn new(case: &Case, answer: Answer, said: &[String]) -> Self {
        Self {
            rule: case.rule.id().to_owned(),
            bytes: case.shown(),
            wire: answer.to_string(),
            said: said.join("; ").replace('\n', " ").replace('|', "\\|"),
        }
    }

    fn read(row: &str) -> Option<Self> {
        let cells: Vec<&str> = row.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [rule, bytes, wire, said] = cells[..] else { return None };
        let bytes = bytes.trim_matches('`');
        Some(Self { rule: rule.into(), bytes: bytes.into(), wire: wire.into(), said: said.into() })
    }

    fn is_for(&self, other: &Self) -> bool {
        self.rule == other.rule && self.bytes == other.bytes
    }
}

/// The reactions of one peer in one role.
#[derive(Debug)]
pub(crate) struct Section {
    peer: String,
    role: Role,
    title: String,
    reactions: Vec<Reaction>,
}

impl Section {
    pub(crate) fn new(peer: &str, role: Role, title: String, reactions: Vec<Reaction>) -> Self {
        Self { peer: peer.to_owned(), role, title, reactions }
    }

    /// Writes the section into the file if requested; otherwise compares it with the file.
    pub(crate) fn record_or_compare(self) {
        let mut sections = read();
        let place = sections.iter().position(|other| other.peer == self.peer && other.role == self.role);
        if std::env::var_os("FRAMEWISE_WRITE_REACTIONS").is_some() {
            if let Some(place) = place {
                sections.remove(place);
            }
            sections.push(self);
            sections.sort_by_key(|section| (section.role, place_of(section)));
            fs::write(file(), print(&sections)).expect("the file of reactions can be written");
            return;
        }
        let recorded = place.map_or(&[][..], |place| &sections[place].reactions);
        let differences: Vec<String> =
            self.reactions.iter().filter_map(|seen| difference(recorded, seen)).collect();
        let gone = recorded.iter().filter(|old| !self.reactions.iter().any(|seen| seen.is_for(old)));
        let gone: Vec<String> =
            gone.map(|old| format!("{} `{}`: on record, and shown no more", old.rule, old.bytes)).collect();
        let all = [differences, gone].concat();
        assert!(
            all.is_empty(),
            "{} as a {} differs from peers/reactions.md in {} of {} cases (`cargo xtask peers --write` records anew):\n{}",
            self.title,
            self.role,
            all.len(),
            self.reactions.len(),
            all.join("\n")
        );
    }
}

fn difference(recorded: &[Reaction], seen: &Reaction) -> Option<String> {
    let what = match recorded.iter().find(|old| old.is_for(seen)) {
        Some(old) if old.wire == seen.wire => return None,
        Some(old) => format!("was {}, is {} ({})", old.wire, seen.wire, seen.said),
        None => format!("not on record, is {} ({})", seen.wire, seen.said),
    };
    Some(format!("{} `{}`: {what}", seen.rule, seen.bytes))
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reactions.md")
}

/// The order of the peers in the file is that of their lists.
fn place_of(section: &Section) -> Option<usize> {
    match section.role {
        Role::Client => Client::ALL.iter().position(|client| client.id() == section.peer),
        Role::Server => Server::ALL.iter().position(|server| server.id() == section.peer),
    }
}

/// The sections of the file; none if there is no file.
fn read() -> Vec<Section> {
    let mut sections = Vec::<Section>::new();
    for line in fs::read_to_string(file()).unwrap_or_default().lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            sections.push(read_heading(heading).unwrap_or_else(|| panic!("no peer's heading: {line}")));
        } else if let (Some(section), Some(reaction)) = (sections.last_mut(), Reaction::read(line)) {
            section.reactions.push(reaction);
        }
    }
    for section in &mut sections {
        // The table's own heading.
        section.reactions.retain(|reaction| reaction.rule != "rule" && reaction.rule != "---");
    }
    sections
}

fn read_heading(heading: &str) -> Option<Section> {
    let (peer, rest) = heading.split_once(" as a ")?;
    let (role, title) = rest.split_once(": ")?;
    let role = if role == "client" { Role::Client } else { Role::Server };
    Some(Section::new(peer, role, title.to_owned(), Vec::new()))
}

fn print(sections: &[Section]) -> String {
    let mut text = HEAD.to_owned();
    for (role, heading) in [
        (Role::Client, "Clients, shown what a server may not send"),
        (Role::Server, "Servers, shown what a client may not send"),
    ] {
        let _ = write!(text, "\n## {heading}\n\n");
        let side_by_side: Vec<&Section> = sections.iter().filter(|section| section.role == role).collect();
        print_matrix(&mut text, &side_by_side);
    }
    text += "\n## What they said\n";
    for section in sections {
        let _ = write!(text, "\n### {} as a {}: {}\n\n", section.peer, section.role, section.title);
        text += "| rule | bytes | on the wire | what a person is told |\n| --- | --- | --- | --- |\n";
        for Reaction { rule, bytes, wire, said } in &section.reactions {
            let _ = writeln!(text, "| {rule} | `{bytes}` | {wire} | {said} |");
        }
    }
    text
}

fn print_matrix(text: &mut String, sections: &[&Section]) {
    let mut rows: Vec<&Reaction> = Vec::new();
    for reaction in sections.iter().flat_map(|section| &section.reactions) {
        if !rows.iter().any(|row| row.is_for(reaction)) {
            rows.push(reaction);
        }
    }
    let peers: Vec<&str> = sections.iter().map(|section| section.peer.as_str()).collect();
    let _ = writeln!(text, "| rule | bytes | {} |", peers.join(" | "));
    let _ = writeln!(text, "| --- | --- |{}", " --- |".repeat(peers.len()));
    for row in rows {
        let _ = write!(text, "| {} | `{}` |", row.rule, row.bytes);
        for section in sections {
            let reaction = section.reactions.iter().find(|reaction| reaction.is_for(row));
            let _ = write!(text, " {} |", reaction.map_or("", |reaction| &reaction.wire));
        }
        text.push('\n');
    }
}
