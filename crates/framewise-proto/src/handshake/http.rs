//! Requests, responses and header lines as those of the crate `http`: feature `http`.

use ::http::{Error, HeaderMap, HeaderName, HeaderValue};

use super::{Headers, Request, Response, is_secret};

impl Headers {
    /// The lines as a [`HeaderMap`]. Values that may be credentials are marked as sensitive: see [`is_secret`].
    ///
    /// Errors: a name or a value that HTTP does not allow. A head that was received has none.
    pub fn to_http(&self) -> Result<HeaderMap, Error> {
        let mut map = HeaderMap::with_capacity(self.len());
        for (name, value) in self {
            let mut value = HeaderValue::from_bytes(value)?;
            value.set_sensitive(is_secret(name));
            map.try_append(HeaderName::from_bytes(name.as_bytes())?, value)?;
        }
        Ok(map)
    }
}

/// The lines in the order of the map, which is that of the head for lines of one name.
impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        map.iter().collect()
    }
}

impl Request {
    /// The request as one of the crate `http`, with every header line.
    ///
    /// ```
    /// # use framewise_proto::handshake::Request;
    /// let request = Request { target: "/chat?room=1".into(), ..Request::default() };
    /// assert_eq!(request.to_http()?.uri().query(), Some("room=1"));
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// Errors: a target that is not a URI.
    pub fn to_http(&self) -> Result<::http::Request<()>, Error> {
        let mut request = ::http::Request::get(&self.target).body(())?;
        *request.headers_mut() = self.headers.to_http()?;
        Ok(request)
    }
}

impl Response {
    /// The response as one of the crate `http`, with every header line.
    ///
    /// Errors: a status below 100.
    pub fn to_http(&self) -> Result<::http::Response<()>, Error> {
        let mut response = ::http::Response::builder().status(self.status).body(())?;
        *response.headers_mut() = self.headers.to_http()?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::http1::{parse_request, parse_response};

    #[test]
    fn a_head_is_the_same_as_one_of_http() {
        let bytes = b"GET /chat?room=1 HTTP/1.1\r\nHost: h\r\nX-Bytes: a\xff\r\nX: 1\r\nx: 2\r\nCookie: s3cret\r\n\r\n";
        let head = parse_request(bytes).expect("a head").expect("a complete one").head;
        let request = Request::from_head(&head);
        let http = request.to_http().expect("a request");
        assert_eq!(
            (http.method().as_str(), http.uri().path(), http.uri().query()),
            ("GET", "/chat", Some("room=1"))
        );
        assert_eq!(http.headers()["x-bytes"].as_bytes(), b"a\xff");
        assert_eq!(http.headers().get_all("x").iter().collect::<alloc::vec::Vec<_>>(), ["1", "2"]);
        assert!(http.headers()["cookie"].is_sensitive() && !http.headers()["host"].is_sensitive());
        let back = Headers::from(http.headers());
        for (name, value) in &request.headers {
            assert!(back.all(name).any(|other| other == value), "{name}");
        }
        assert_eq!(back.len(), request.headers.len());

        let head = parse_response(b"HTTP/1.1 403 Forbidden\r\nRetry-After: 3\r\n\r\n", 0).expect("a head");
        let http = Response::from_head(&head.expect("a complete one").head).to_http().expect("a response");
        assert_eq!((http.status().as_u16(), http.headers()["retry-after"].as_bytes()), (403, &b"3"[..]));
    }

    #[test]
    fn what_http_does_not_allow_is_an_error() {
        for line in [("a b", "1"), ("", "1"), ("a", "1\r\nb: 2"), ("a", "\x7f")] {
            let headers: Headers = [line].into_iter().collect();
            assert!(headers.to_http().is_err(), "{line:?}");
            assert!(Request { target: "/".into(), headers, ..Request::default() }.to_http().is_err());
        }
        assert!(Request { target: "/a b".into(), ..Request::default() }.to_http().is_err());
        assert!(Response { status: 99, ..Response::default() }.to_http().is_err());
    }
}
