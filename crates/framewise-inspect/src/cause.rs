//! Why a rule was broken: the detectors, one function for each cause of the table.
//!
//! A detector reads the evidence of one finding and returns what it saw, or `None`. It must not guess: if nothing
//! points to a cause, the diagnosis names none.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a detector looks at a few rules, and maps none to its answer"
)]

mod close;
mod compression;
mod evidence;
mod goodbye;
mod handshake;
mod length;
mod mask;
mod notes;
mod path;
mod sequence;
mod sign;
mod stream;
mod text;
mod work;

use framewise_rules::Role;
use framewise_rules::prose::Language;

pub(crate) use evidence::{Evidence, quote};
pub(crate) use notes::Notes;
use sign::Sign;
pub(crate) use work::{Budget, Work};

use crate::leg::Leg;
use crate::report::{CauseFound, Finding, Searched};

type Detector = fn(&Evidence<'_>) -> Option<Sign>;

/// The detectors, the most reliable first: if two find a cause, the first one's is likelier.
const DETECTORS: &[Detector] = &[
    // Another leg's bytes are facts; the others conclude from one leg's bytes.
    path::limit_of_intermediary,
    path::bytes_altered,
    path::stream_altered,
    path::control_altered,
    path::lost_with_head,
    path::frames_buffered,
    path::close_swallowed,
    compression::header_stripped,
    compression::header_added,
    handshake::key_rewritten,
    // Another protocol where a frame should start is recognised by its first bytes, which do not occur by chance.
    // Before every detector that reads the same bytes as a frame.
    stream::http_response,
    stream::http_request,
    stream::tls,
    stream::plain_in_tls_port,
    stream::proxy_protocol,
    stream::extended_connect_unsupported,
    stream::rejected_connect,
    stream::reset_stream,
    stream::alpn_mismatch,
    stream::http2_preface,
    stream::chunked,
    stream::http_compression,
    stream::body_headers,
    stream::extra_crlf,
    // Faults of heads.
    sequence::draft_protocol,
    handshake::header_line_unchecked,
    handshake::header_repeated,
    handshake::empty_header,
    handshake::upgrade_headers_dropped,
    handshake::http10_to_upstream,
    handshake::key_length_wrong,
    handshake::not_a_websocket_client,
    handshake::version_unsupported,
    handshake::redirected,
    handshake::origin_refused,
    handshake::authentication_required,
    handshake::not_a_websocket_endpoint,
    handshake::server_error_status,
    handshake::header_token_mismatch,
    handshake::upgrade_required,
    handshake::rejected_with_words,
    handshake::accept_not_computed,
    handshake::accept_miscomputed,
    handshake::accept_of_other_connection,
    handshake::subprotocol_invented,
    handshake::subprotocol_not_echoed,
    handshake::head_incomplete,
    handshake::early_frames_lost,
    handshake::sent_before_upgrade,
    compression::answer_unoffered,
    compression::parameters_echoed,
    compression::parameter_ignored,
    // A length that is right when read in another way explains everything after it, also what looks like two writers or
    // a short write. A frame with a wrong end often shows first as invalid text, so these are before the detectors for
    // text.
    length::byte_order,
    length::in_one_byte,
    length::boundary_off_by_one,
    length::in_characters,
    length::interleaved_writers,
    length::restarted_write,
    length::too_long,
    length::partial_write,
    length::much_too_long,
    length::sign_or_overflow,
    length::too_short,
    length::always_long,
    length::stale_bytes,
    stream::text_written,
    // Compression: the format of the payload before the intention.
    compression::wrapped,
    compression::tail_kept,
    compression::per_fragment,
    compression::without_agreement,
    compression::context_lost,
    compression::window_too_large,
    compression::not_compressed,
    // Masking.
    mask::without_key_applied,
    mask::control_without_key_applied,
    mask::pong_not_unmasked,
    mask::omitted_on_empty,
    mask::client_does_not_mask,
    mask::server_masks,
    // Close payloads: text before numbers, a number in the wrong order before one that is made up.
    close::code_as_text,
    close::reason_without_code,
    close::code_forwarded,
    close::code_byte_order,
    close::payload_masked_twice,
    close::code_made_up,
    close::reason_cut,
    close::sent_twice,
    close::declined,
    sequence::control_payload_unbounded,
    // Order of frames.
    sequence::fin_omitted,
    sequence::fragments_from_two_messages,
    sequence::continuation_flag_misused,
    sequence::fragments_perhaps_from_two_messages,
    // Text: exact byte patterns before statistics, statistics before encodings, which read almost anything.
    text::surrogates_encoded,
    text::nul_encoded,
    text::masked_twice,
    text::character_split,
    text::buffer_uninitialised,
    text::binary_sent_as_text,
    text::other_encoding,
    // The end: its timing before its kind.
    goodbye::said,
    path::keepalive_timeout,
    path::idle_timeout_intermediary,
    path::idle_timeout_endpoint,
    path::limit_of_receiver,
    path::message_type_unsupported,
    close::answer_skipped,
    handshake::upgrade_answered_then_closed,
    path::receiver_rejects,
    path::frames_refragmented,
    path::connection_cut,
    path::peer_crashed,
    // The least specific last.
    path::heads_altered,
];

/// The causes that the evidence supports, the likeliest first, and whether every detector was asked.
pub(crate) fn causes(
    legs: &[Leg],
    leg: usize,
    stream: Role,
    finding: &Finding,
    work: &Work,
) -> (Vec<CauseFound>, Searched) {
    let notes = Notes::default();
    let evidence = Evidence { legs, leg: &legs[leg], stream, finding, work, notes: &notes };
    let mut causes: Vec<CauseFound> = Vec::new();
    for detect in DETECTORS {
        let sign = detect(&evidence);
        // If the steps run out, neither this detector's result nor that of later ones counts.
        if work.is_short() {
            return (causes, Searched::Partly);
        }
        let Some(Sign { cause, fault, evidence }) = sign else { continue };
        if causes.iter().all(|found| found.id != cause) {
            causes.push(CauseFound { id: cause, fault, evidence, fix: cause.fix_line(Language::English) });
        }
    }
    (causes, Searched::Done)
}
