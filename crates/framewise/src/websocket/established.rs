//! The beginning of a connection, after its handshake.

use std::sync::Arc;

use bytes::BytesMut;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::rules::Role;
use framewise_proto::{Connection, Violation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::in_flight::InFlight;
use super::inbox::Inbox;
use super::state::State;
use super::timer::Timer;
use super::{Details, Inner, Owned, WebSocket};
use crate::peer_head::PeerHead;
use crate::stop::StopRegistration;
use crate::{Config, random, trace};

/// The result of a handshake.
pub(crate) struct Established {
    pub(crate) config: Arc<Config>,
    pub(crate) head: PeerHead,
    /// The length of the peer's head, with which its stream began.
    pub(crate) head_size: u64,
    /// Bytes that were received after the head.
    pub(crate) rest: BytesMut,
    pub(crate) notes: Vec<Violation>,
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) stop: Option<StopRegistration>,
    /// The agreed parameters of permessage-deflate.
    pub(crate) deflate: Option<DeflateAgreement>,
}

impl Established {
    /// A connection for which nothing was agreed, because there was no handshake.
    pub(crate) fn without_agreement(config: Arc<Config>) -> Self {
        Self {
            config,
            head: PeerHead::Forgotten,
            head_size: 0,
            rest: BytesMut::new(),
            notes: Vec::new(),
            protocol: None,
            stop: None,
            deflate: None,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(crate) fn new(stream: S, role: Role, opened: Established) -> Self {
        Self::started(stream, role, opened, Instant::now())
    }

    /// `start`: the beginning of the engine's time.
    pub(crate) fn started(stream: S, role: Role, mut opened: Established, start: Instant) -> Self {
        let timer = Timer::new(start);
        let now = timer.now();
        let offset = opened.head_size;
        let engine = match role {
            Role::Client => Connection::client(opened.config, random::masking_keys(), offset, now),
            Role::Server => Connection::server(opened.config, offset, now),
        };
        let engine = match &opened.deflate {
            Some(agreement) => engine.with_deflate(agreement),
            None => engine,
        };
        let in_flight = (!opened.rest.is_empty())
            .then(|| Box::new(InFlight { inbox: Inbox::new(opened.rest), ..InFlight::default() }));
        trace::handshake_done(role, opened.protocol.as_deref(), opened.deflate.is_some(), &opened.notes);
        opened.notes.reverse();
        let Established { notes, protocol, .. } = opened;
        let details = (!notes.is_empty() || protocol.is_some())
            .then(|| Box::new(Details { protocol, notes, ..Details::default() }));
        Self {
            inner: Owned::new(Inner {
                stream,
                engine,
                in_flight,
                timer,
                state: State::default(),
                ended: None,
                head: opened.head,
                stop: opened.stop,
                details,
                write_last: Inner::write_last,
            }),
        }
    }
}
