use std::fmt;

use framewise_proto::handshake::{Head, Start};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::server::answer::RequestRejection;
use crate::{Error, trace};

/// A request that was not accepted: why, and the response that tells the client, with the status of the rule that was
/// broken and its sentence as the body.
#[derive(Debug)]
pub struct Rejection(Box<RequestRejection>);

impl Rejection {
    /// Why.
    pub const fn error(&self) -> &Error {
        &self.0.error
    }

    /// The response.
    pub fn into_http(self) -> Response<String> {
        to_http(&self.0.response)
    }

    #[cfg(feature = "axum")]
    pub(crate) fn into_parts(self) -> (Response<String>, Error) {
        (to_http(&self.0.response), self.0.error)
    }
}

impl From<RequestRejection> for Rejection {
    fn from(rejected: RequestRejection) -> Self {
        trace::rejected(&rejected.error);
        Self(Box::new(rejected))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.error.source()
    }
}

/// A response of ours, for an HTTP library to send.
pub(super) fn to_http(bytes: &[u8]) -> Response<String> {
    let mut response = Response::new(String::new());
    let head = Head::response(bytes).ok().flatten();
    let start = head.as_ref().map(|head| head.start);
    let (Some(head), Some(Start::Response { status, .. })) = (head, start) else {
        // More header lines than a head may have.
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for line in &head.lines {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.value)) {
            response.headers_mut().append(name, value);
        }
    }
    // Where the body ends, and whether the connection goes on, is the library's matter.
    response.headers_mut().remove(CONTENT_LENGTH);
    if response.headers().contains_key(http::header::UPGRADE) {
        // RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection header field".
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        response.headers_mut().remove(CONNECTION);
    }
    *response.body_mut() = String::from_utf8_lossy(&bytes[head.size..]).into_owned();
    response
}
