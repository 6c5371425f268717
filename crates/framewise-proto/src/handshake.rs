//! The opening handshake (RFC 6455 §4), for client and server. It keeps no state: the caller keeps the peer's bytes.
//!
//! The content of a handshake is separate from its bytes:
//!
//! - values: [`RequestHead`] and [`ResponseHead`] are a head's fields, borrowed from the parser; [`Request`],
//!   [`Response`], [`ClientOffer`] and [`Reply`] are their meaning;
//! - rules: [`check_request`], [`check_policy`] and [`check_response`] find the rules that a head breaks, [`verdict`]
//!   picks the one to report. They need no bytes, so a head may come from an HTTP library;
//! - wire forms: [`http1`] reads and writes the bytes of HTTP/1.1, with their offsets.
//!
//! The other wire form, the extended CONNECT of HTTP/2 and HTTP/3 (RFC 8441 §4, RFC 9220 §3), will be the module `connect`
//! beside [`http1`]. Its request has `:protocol` in place of Upgrade and Connection, no key and no accept value, and its
//! response is a 2xx; subprotocols, extensions, Origin and the version are these same values and checks.

mod accept;
mod check;
mod field;
mod head;
mod headers;
#[cfg(feature = "http")]
mod http;
pub mod http1;
mod offer;
mod reply;
mod request;
mod response;
mod secret;

pub use accept::accept_value;
pub use check::{
    ServerPolicy, check_policy, check_request, check_response, extension_required, request_ended,
    request_timed_out, response_ended, response_timed_out, verdict,
};
pub use field::{Field, Fields, MAX_ELEMENTS, MalformedLine, Place};
pub use head::{HttpVersion, RequestHead, ResponseHead};
pub use headers::{HeaderLines, Headers};
pub use offer::ClientOffer;
pub use reply::{Reply, reject, rejection};
pub use request::Request;
pub use response::Response;
pub use secret::{hidden_query, is_secret};
