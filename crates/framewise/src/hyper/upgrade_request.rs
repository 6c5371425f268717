use std::sync::Arc;

use ::hyper::upgrade::OnUpgrade;
use bytes::BytesMut;
use framewise_proto::Violation;
use framewise_proto::handshake::{
    Field, Headers, HttpVersion, Request, RequestHead, ServerPolicy, check_policy, check_request, http1,
    verdict,
};
use framewise_proto::rules::Answer;
use http::header::CONNECTION;
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri, Version};

use super::{Rejection, Upgrade};
use crate::panic::Panic;
use crate::peer_head::PeerHead;
use crate::server::Settings;
use crate::server::answer::RequestRejection;
use crate::stop::StopRegistration;
use crate::websocket::Established;
use crate::{Reply, trace};

/// A request that breaks no rule.
pub(crate) struct UpgradeRequest {
    judged: Judged,
    on_upgrade: OnUpgrade,
}

/// It, before it is known whether hyper can upgrade it.
pub(crate) struct Judged {
    request: Request,
    /// Bytes of its head, as HTTP/1.1 writes them.
    size: usize,
    notes: Vec<Violation>,
}

impl Judged {
    /// Judges a request: by the rules, and by the policy where it is known already.
    pub(crate) fn new(
        (method, uri, version): (&Method, &Uri, Version),
        headers: &HeaderMap,
        policy: Option<&ServerPolicy>,
    ) -> Result<Self, Rejection> {
        if version > Version::HTTP_11 {
            let says = "a WebSocket is served here over HTTP/1.1 alone: connect with that\n";
            return Err(RequestRejection::new(505, &Headers::new(), says).into());
        }
        // As it stood in the request line.
        let target = uri.to_string();
        let head = RequestHead {
            method: method.as_str(),
            target: &target,
            version: if version == Version::HTTP_11 { HttpVersion::Http11 } else { HttpVersion::Http10 },
            fields: headers.iter().map(|(name, value)| Field::new(name.as_str(), value.as_bytes())).collect(),
            place: None,
        };
        let size = http1::size_of(&head);
        let mut found = check_request(&head);
        found.extend(policy.into_iter().flat_map(|policy| check_policy(&head, size, policy)));
        let notes = enforce(found)?;
        Ok(Self { request: Request::from_head(&head), size, notes })
    }
}

impl UpgradeRequest {
    /// Takes the upgrade of a request.
    pub(crate) fn new(judged: Judged, extensions: &mut Extensions) -> Result<Self, Rejection> {
        let Some(on_upgrade) = extensions.remove() else {
            let says = "this server does not upgrade its connections\n";
            return Err(RequestRejection::new(500, &Headers::new(), says).into());
        };
        Ok(Self { judged, on_upgrade })
    }

    pub(crate) const fn request(&self) -> &Request {
        &self.judged.request
    }

    /// Judges what depends on the policy, now that it is known.
    #[cfg(feature = "axum")]
    pub(crate) fn check_policy(&self, policy: &ServerPolicy) -> Result<(), Rejection> {
        enforce(check_policy(&self.request().head(), self.judged.size, policy)).map(drop)
    }

    /// The application's reply. If it panics, the client gets a 500, which HTTP libraries do not send then; the panic ends
    /// here, and the connection with the response.
    pub(crate) fn decide(&self, settings: &Settings) -> Result<Reply, Rejection> {
        Panic::catch(|| settings.decide(self.request())).map_err(|panic| {
            trace::panicked(panic.message());
            let mut rejected = RequestRejection::<http::Response<String>>::failed();
            rejected.response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            rejected.into()
        })
    }

    pub(crate) fn answer(
        self,
        settings: &Settings,
        reply: Reply,
    ) -> Result<(http::Response<String>, Upgrade), Rejection> {
        let stop = settings.register();
        if stop.as_ref().is_some_and(StopRegistration::is_stopping) {
            return Err(RequestRejection::stopped().into());
        }
        let Judged { request, size, notes } = self.judged;
        let accepted = settings.answer(&request, reply)?;
        let opened = Established {
            config: Arc::clone(&settings.config),
            head: PeerHead::Request(Box::new(request)),
            head_size: size as u64,
            // What hyper has read beyond the head comes out of its stream first.
            rest: BytesMut::new(),
            notes,
            protocol: accepted.protocol.map(Into::into),
            stop,
            deflate: accepted.deflate,
        };
        Ok((accepted.response, Upgrade { on_upgrade: self.on_upgrade, opened }))
    }
}

/// The notes among what was found, or the rejection for what has to be enforced.
fn enforce(found: Vec<Violation>) -> Result<Vec<Violation>, Rejection> {
    verdict(found, |violation| violation.answer() != Answer::Note)
        .map_err(|violation| RequestRejection::from(violation).into())
}
