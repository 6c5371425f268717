use framewise_proto::handshake::{Request, Response, http1};

/// The peer's head, as the connection keeps it.
#[derive(Default)]
pub(crate) enum PeerHead {
    /// It was dropped.
    #[default]
    Forgotten,
    /// Its bytes, which need less memory than the parsed values.
    Bytes(Box<[u8]>),
    /// A request that an HTTP library parsed.
    Request(Box<Request>),
    /// A response that an HTTP library parsed.
    Response(Box<Response>),
}

impl PeerHead {
    pub(crate) fn request(&self) -> Option<Request> {
        match self {
            Self::Forgotten | Self::Response(_) => None,
            Self::Bytes(bytes) => {
                let parsed = http1::parse_request(bytes).ok().flatten()?;
                Some(Request::from_head(&parsed.head))
            }
            Self::Request(request) => Some(Request::clone(request)),
        }
    }

    pub(crate) fn response(&self) -> Option<Response> {
        match self {
            Self::Forgotten | Self::Request(_) => None,
            Self::Bytes(bytes) => {
                let bytes = http1::unfold(bytes, 0);
                let parsed = http1::parse_response(&bytes, http1::interim(&bytes, 0)).ok().flatten()?;
                Some(Response::from_head(&parsed.head))
            }
            Self::Response(response) => Some(Response::clone(response)),
        }
    }
}
