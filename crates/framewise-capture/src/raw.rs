//! The bytes of a connection as they are, in a file: one side, or both as Wireshark saves a followed stream.

use framewise_proto::Header;
use framewise_rules::Role;

use crate::note::{Note, Notes};
use crate::paste::{Found, Piece, What, connection, is_request, is_response};
use crate::pcap::head;

/// Bytes that begin with a head.
pub(crate) fn read(bytes: &[u8], notes: &mut Notes) -> Option<Found> {
    let piece =
        |from, bytes: &[u8]| Piece { from: Some(from), time: None, what: What::Bytes(bytes.to_vec()) };
    if is_response(bytes) {
        notes.push(Note::Read("the raw stream of a server".to_owned()));
        return connection(vec![piece(Role::Server, bytes)], "raw", notes);
    }
    if !is_request(bytes) {
        return None;
    }
    let request = head(bytes).map_or(bytes.len(), <[u8]>::len);
    let (request, rest) = bytes.split_at(request);
    let response = rest.windows(7).take(64 * 1024).position(|window| window == b"HTTP/1.");
    let Some(response) = response else {
        notes.push(Note::Read("the raw stream of a client".to_owned()));
        return connection(vec![piece(Role::Client, bytes)], "raw", notes);
    };
    let (early, rest) = rest.split_at(response);
    let size = head(rest).map_or(rest.len(), <[u8]>::len);
    let (response, mut rest) = rest.split_at(size);
    let mut pieces =
        vec![piece(Role::Client, request), piece(Role::Client, early), piece(Role::Server, response)];
    while !rest.is_empty() {
        let header = Header::decode(rest);
        let length = header.map(|header| header.length.saturating_add(header.size() as u64));
        let length =
            length.map_or(rest.len(), |length| rest.len().min(usize::try_from(length).unwrap_or(usize::MAX)));
        let masked = rest.get(1).is_some_and(|second| second & 0x80 != 0);
        let (frame, behind) = rest.split_at(length.max(1));
        pieces.push(piece(if masked { Role::Client } else { Role::Server }, frame));
        rest = behind;
    }
    notes.push(Note::Read("a raw stream of both sides".to_owned()));
    notes.push(Note::Guess(
        "a masked frame is the client's and any other the server's, since the file does not say who sent what: a missing \
         mask cannot be found in it; save the stream as a hex dump, which tells the sides apart"
            .to_owned(),
    ));
    connection(pieces, "raw", notes)
}
