use std::fmt;

use framewise_proto::handshake::{Reply, is_secret};
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::server::answer::{RequestRejection, Written};
use crate::{Error, trace};

/// A request that was not accepted: the error, and the response for the client. If the request breaks a rule, the response
/// has the status of that rule, and its sentence as the body.
pub struct Rejection(Box<RequestRejection<Response<String>>>);

impl Rejection {
    /// Why the request was not accepted.
    pub const fn error(&self) -> &Error {
        &self.0.error
    }

    /// The response for the client.
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

/// As [`Error`]; `{:#?}` adds the response.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.error, f)?;
        if f.alternate() { write!(f, "\n{:#?}", self.0.response) } else { Ok(()) }
    }
}

impl std::error::Error for Rejection {}

/// A reply that an HTTP library sends. The library decides how the end of the body is marked, and whether the connection is
/// kept alive.
impl Written for Response<String> {
    fn write(reply: &Reply<'_>) -> Self {
        let mut response = Self::new(reply.body.clone().into_owned());
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in &reply.fields {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(value)) {
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
