mod failure;

use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::attempt::Attempt;
use crate::authority::bracketed;
use crate::crypto::{NO_PROVIDER, crypto_provider};
use crate::error::{ConnectError, ConnectFault};
use crate::first_byte::FirstByte;

/// A configuration with the platform's roots, which are read once.
pub(super) async fn platform(attempt: &Attempt) -> Result<Arc<ClientConfig>, ConnectError> {
    static PLATFORM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = PLATFORM.get() {
        return Ok(Arc::clone(config));
    }
    let fault = |says: String| attempt.error(ConnectFault::Tls, says);
    // Hundreds of files on some systems: not on a thread that drives connections.
    let late = || "the root certificates of this system were not read".to_owned();
    let built = attempt
        .in_time(ConnectFault::TimedOut, tokio::task::spawn_blocking(build), late)
        .await?
        .map_err(|error| fault(error.to_string()))?;
    let config = built.map_err(fault)?;
    Ok(Arc::clone(PLATFORM.get_or_init(|| config)))
}

fn build() -> Result<Arc<ClientConfig>, String> {
    let provider = crypto_provider().ok_or(NO_PROVIDER)?;
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!(
            "this system has no root certificates{why}: install ca-certificates, or set SSL_CERT_FILE to a PEM file"
        ));
    }
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A server that prefers HTTP/2 would answer an HTTP/1.1 request with its preface.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Where the roots of a configuration come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Roots {
    /// The platform, which `SSL_CERT_FILE` can stand for.
    Platform,
    /// The caller's own [`ClientConfig`].
    Callers,
}

/// The peer of a TLS handshake: a server, or a proxy.
#[derive(Clone, Copy)]
pub(super) struct Peer<'p> {
    pub(super) host: &'p str,
    pub(super) port: u16,
    /// What to write where it is meant to be plain.
    pub(super) plain: &'static str,
}

pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    attempt: &Attempt,
    peer: &Peer<'_>,
    roots: Roots,
    config: Arc<ClientConfig>,
    stream: S,
) -> Result<TlsStream<FirstByte<S>>, ConnectError> {
    let name = ServerName::try_from(peer.host.to_owned()).map_err(|_| {
        attempt.error(ConnectFault::Url, format!("{} cannot be the name of a TLS server", peer.host))
    })?;
    let late = || format!("the TLS handshake with {} timed out: it was not done", bracketed(peer.host));
    let connecting = TlsConnector::from(config).connect(name, FirstByte::new(stream)).into_fallible();
    let connected = attempt.in_time(ConnectFault::TimedOut, connecting, late).await?;
    connected.map_err(|(error, stream)| {
        let (fault, says) = failure::explain(peer, roots, &error, stream.first());
        attempt.error(fault, says).because(error)
    })
}
