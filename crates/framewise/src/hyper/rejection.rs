use std::fmt;

use framewise_proto::handshake::{Reply, is_secret};
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::server::answer::{RequestRejection, Written};
use crate::{Error, trace};

/// A request that was not accepted: why, and the response that tells the client, with the status of the rule that was
/// broken and its sentence as the body.
#[derive(Debug)]
pub struct Rejection(Box<RequestRejection<Response<String>>>);

impl Rejection {
    /// Why.
    pub const fn error(&self) -> &Error {
        &self.0.error
    }

    /// The response.
    pub fn into_http(self) -> Response<String> {
        self.0.response
    }

    #[cfg(feature = "axum")]
    pub(crate) fn into_parts(self) -> (Response<String>, Error) {
        (self.0.response, self.0.error)
    }
}

impl From<RequestRejection<Response<String>>> for Rejection {
    fn from(rejected: RequestRejection<Response<String>>) -> Self {
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

/// A reply for an HTTP library to send, whose matter it is where the body ends, and whether the connection goes on.
impl Written for Response<String> {
    fn write(reply: &Reply<'_>) -> Self {
        let mut response = Self::new(reply.body.clone().into_owned());
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in &reply.fields {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                // `Debug` does not print it then.
                value.set_sensitive(is_secret(name.as_str()));
                headers.append(name, value);
            }
        }
        // RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection header field".
        if headers.contains_key(http::header::UPGRADE) {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}
