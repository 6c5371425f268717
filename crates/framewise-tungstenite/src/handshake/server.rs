//! The server's side of the handshake.

use framewise::proto::handshake::{Field, HttpVersion, RequestHead, check_request, verdict};
use framewise::{Answer, Headers, Rule};
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
};
use http::{StatusCode, Version};

pub use super::blocking_server::ServerHandshake;
use super::derive_accept_key;
use crate::error::{Error, ProtocolError, Result, of_violation};

/// The request of a client.
pub type Request = http::Request<()>;

/// The response of a server that accepts.
pub type Response = http::Response<()>;

/// The response of a server that rejects, with its body.
pub type ErrorResponse = http::Response<Option<String>>;

/// Decides on the request of a client, and may add headers to the response. Closures are callbacks, too.
pub trait Callback: Sized {
    /// Returns the response, with more headers or a subprotocol, or rejects the request.
    fn on_request(
        self,
        request: &Request,
        response: Response,
    ) -> std::result::Result<Response, ErrorResponse>;
}

impl<F> Callback for F
where
    F: FnOnce(&Request, Response) -> std::result::Result<Response, ErrorResponse>,
{
    fn on_request(
        self,
        request: &Request,
        response: Response,
    ) -> std::result::Result<Response, ErrorResponse> {
        self(request, response)
    }
}

/// Accepts every request.
#[derive(Clone, Copy, Debug)]
pub struct NoCallback;

impl Callback for NoCallback {
    fn on_request(self, _: &Request, response: Response) -> std::result::Result<Response, ErrorResponse> {
        Ok(response)
    }
}

/// The 101 that answers a request which another HTTP library has read.
///
/// Errors: [`Error::Protocol`] if the request breaks a rule. Those about the target and Host are left to the
/// library.
pub fn create_response(request: &Request) -> Result<Response> {
    create_response_with_body(request, || ())
}

/// As [`create_response`], with another type of body.
pub fn create_response_with_body<T1, T2>(
    request: &http::Request<T1>,
    generate_body: impl FnOnce() -> T2,
) -> Result<http::Response<T2>> {
    let target = request.uri().to_string();
    let version =
        if request.version() >= Version::HTTP_11 { HttpVersion::Http11 } else { HttpVersion::Http10 };
    let fields = request.headers().iter();
    let head = RequestHead {
        method: request.method().as_str(),
        target: &target,
        version,
        fields: fields.map(|(name, value)| Field::new(name.as_str(), value.as_bytes())).collect(),
        place: None,
    };
    let enforced = |rule: Rule| {
        let is_where = matches!(
            rule,
            Rule::RequestTarget | Rule::RequestHost | Rule::RequestHostInvalid | Rule::RequestHostMismatch
        );
        rule.answer() != Answer::Note && !is_where
    };
    verdict(check_request(&head), |violation| enforced(violation.rule)).map_err(of_violation)?;
    let key = head.fields.first("sec-websocket-key").map(|field| field.text().to_owned()).unwrap_or_default();
    Ok(http::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .version(request.version())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()))
        .body(generate_body())?)
}

/// Writes the head of a response.
///
/// Errors: [`ProtocolError::WrongHttpVersion`] for HTTP/2 and HTTP/3, whose heads are not text; [`Error::Io`].
pub fn write_response<T>(mut w: impl std::io::Write, response: &http::Response<T>) -> Result<()> {
    if response.version() > Version::HTTP_11 {
        return Err(ProtocolError::WrongHttpVersion.into());
    }
    write!(w, "{:?} {}\r\n", response.version(), response.status())?;
    for (name, value) in response.headers() {
        write!(w, "{name}: ")?;
        w.write_all(value.as_bytes())?;
        w.write_all(b"\r\n")?;
    }
    Ok(w.write_all(b"\r\n")?)
}

/// The subprotocol and the other header lines of a callback's response.
pub(crate) fn acceptance(response: &Response) -> Result<(Option<String>, Headers)> {
    let mut protocol = None;
    let mut headers = Headers::new();
    for (name, value) in response.headers() {
        if *name == SEC_WEBSOCKET_PROTOCOL {
            protocol = Some(value.to_str()?.to_owned());
        // The handshake writes these itself.
        } else if ![CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT].contains(name) {
            headers.push(name.as_str(), value.as_bytes());
        }
    }
    Ok((protocol, headers))
}

/// The header lines and the body of a callback's rejection.
pub(crate) fn rejection(response: &ErrorResponse) -> Result<(Headers, &str)> {
    if response.status().is_success() {
        return Err(ProtocolError::CustomResponseSuccessful.into());
    }
    let headers = response.headers().iter();
    // These say where the response ends, which its writer decides.
    let headers = headers.filter(|(name, _)| ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name));
    Ok((headers.collect(), response.body().as_deref().unwrap_or_default()))
}

/// The error for a callback's rejection.
pub(crate) fn rejected(response: ErrorResponse) -> Error {
    Error::Http(Box::new(response.map(|body| body.map(String::into_bytes))))
}
