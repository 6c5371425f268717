use std::io;
use std::pin::pin;
use std::sync::Arc;

use framewise_proto::handshake::request_timed_out;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::answer::RequestRejection;
use super::reject;
use crate::first_byte::FirstByte;
use crate::stop::{StopRegistration, unless_stopped};
use crate::stream::Layer;
use crate::{Error, Limits, NetStream};
use framewise_proto::handshake::Headers;

/// Does the server's side of the TLS handshake, until the deadline or until the server stops.
pub(super) async fn accept(
    config: Arc<ServerConfig>,
    tcp: TcpStream,
    limits: &Limits,
    stop: &mut Option<StopRegistration>,
    deadline: Instant,
) -> Result<NetStream, Error> {
    let shaking = pin!(timeout_at(deadline, shake(config, tcp, limits)));
    match unless_stopped(stop, shaking).await {
        Some(Ok(stream)) => stream,
        Some(Err(_)) => Err(request_timed_out(&[]).into()),
        // Before TLS is established, a 503 cannot be sent.
        None => Err(RequestRejection::<Vec<u8>>::stopped().error),
    }
}

async fn shake(config: Arc<ServerConfig>, mut tcp: TcpStream, limits: &Limits) -> Result<NetStream, Error> {
    // A TLS record begins with its type, which is not a letter (RFC 8446 §5.1); a request begins with its method.
    let mut first = [0];
    if tcp.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
        let answer = RequestRejection::<Vec<u8>>::new(
            400,
            &Headers::new(),
            "this port speaks TLS: connect to wss://, not to ws://\n",
        );
        reject::reject(&mut tcp, &answer.response, limits.close).await;
        let says = "the client sent a plain HTTP request to a TLS port: connect to wss://";
        return Err(io::Error::new(io::ErrorKind::InvalidData, says).into());
    }
    let tls = TlsAcceptor::from(config).accept(FirstByte::new(Layer::Plain(tcp))).await?;
    Ok(NetStream::new(Layer::tls(tls)))
}
