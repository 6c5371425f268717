use std::io::Write as _;
use std::sync::Arc;

use ::hyper::upgrade::OnUpgrade;
use bytes::BytesMut;
use framewise_proto::Violation;
use framewise_proto::handshake::{Progress, Request, ServerPolicy, read_request, request_ended};
use http::{Extensions, HeaderMap, Method, Uri, Version};

use super::rejection::to_http;
use super::{Rejection, Upgrade};
use crate::Reply;
use crate::server::Settings;
use crate::server::answer::RequestRejection;
use crate::stop::StopSeat;
use crate::websocket::Established;

/// A request that breaks no rule.
pub(crate) struct UpgradeRequest {
    pub(crate) request: Request,
    head: Vec<u8>,
    notes: Vec<Violation>,
    on_upgrade: OnUpgrade,
}

impl UpgradeRequest {
    /// Judges a request, and takes its upgrade if it may have it.
    pub(crate) fn new(
        head: Vec<u8>,
        version: Version,
        policy: &ServerPolicy,
        extensions: &mut Extensions,
    ) -> Result<Self, Rejection> {
        if version > Version::HTTP_11 {
            let says = "a WebSocket is served here over HTTP/1.1 alone: connect with that\n";
            return Err(RequestRejection::new(505, &[], says).into());
        }
        let (request, notes) = judge(&head, policy).map_err(RequestRejection::from)?;
        let Some(on_upgrade) = extensions.remove() else {
            let says = "this server does not upgrade its connections\n";
            return Err(RequestRejection::new(500, &[], says).into());
        };
        Ok(Self { request, head, notes, on_upgrade })
    }

    /// Judges it once more, now that the policy is known.
    #[cfg(feature = "axum")]
    pub(crate) fn judge(&self, policy: &ServerPolicy) -> Result<(), Rejection> {
        judge(&self.head, policy).map(drop).map_err(|violation| RequestRejection::from(violation).into())
    }

    pub(crate) fn answer(
        self,
        settings: &Settings,
        reply: Reply,
    ) -> Result<(http::Response<String>, Upgrade), Rejection> {
        let stop = settings.seat();
        if stop.as_ref().is_some_and(StopSeat::is_told) {
            return Err(RequestRejection::stopped().into());
        }
        let accepted = settings.answer(&self.request, reply)?;
        let opened = Established {
            config: Arc::clone(&settings.config),
            head: BytesMut::from(&self.head[..]),
            // What hyper has read beyond the head comes out of its stream first.
            rest: BytesMut::new(),
            notes: self.notes,
            protocol: accepted.protocol.map(Into::into),
            stop,
            deflate: accepted.deflate,
        };
        Ok((to_http(&accepted.response), Upgrade { on_upgrade: self.on_upgrade, opened }))
    }
}

fn judge(head: &[u8], policy: &ServerPolicy) -> Result<(Request, Vec<Violation>), Violation> {
    match read_request(head, policy) {
        Progress::Done { value, notes, .. } => Ok((value, notes)),
        Progress::Broken(violation) => Err(violation),
        Progress::More => Err(request_ended(head)),
    }
}

/// A request's head as it goes on the wire. So it is read by those who read it there, and the connection keeps it.
pub(crate) fn head(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Vec<u8> {
    let minor = u8::from(version == Version::HTTP_11);
    let mut head = Vec::with_capacity(512);
    // To write to a vector does not fail.
    let _ = write!(head, "{method} {uri} HTTP/1.{minor}\r\n");
    for (name, value) in headers {
        head.extend_from_slice(name.as_ref());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
