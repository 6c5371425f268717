mod failure;

use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::attempt::Attempt;
use crate::authority::bracketed;
use crate::crypto::{NO_PROVIDER, crypto_provider};
use crate::error::{ConnectError, ConnectFault};
use crate::first_byte::FirstByte;

/// The root certificates that a client trusts in addition to those of the features.
#[derive(Clone, Default)]
pub(super) struct MoreRoots {
    certificates: Vec<CertificateDer<'static>>,
    /// Made when it is needed first, for this client and its clones.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// The configuration of all clients that add no root certificate.
static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();

impl MoreRoots {
    pub(super) fn add(&mut self, certificate: CertificateDer<'static>) {
        self.certificates.push(certificate);
        self.config = Arc::default();
    }

    /// A configuration with all root certificates. Those of the platform are read once.
    pub(super) async fn config(&self, attempt: &Attempt) -> Result<Arc<ClientConfig>, ConnectError> {
        let made = if self.certificates.is_empty() { &DEFAULT } else { &*self.config };
        if let Some(config) = made.get() {
            return Ok(Arc::clone(config));
        }
        let fault = |says: String| attempt.error(ConnectFault::Tls, says);
        // Hundreds of files on some systems: not on a thread that drives connections.
        let late = || "the root certificates of this system were not read".to_owned();
        let certificates = self.certificates.clone();
        let built = attempt
            .in_time(ConnectFault::TimedOut, tokio::task::spawn_blocking(|| build(certificates)), late)
            .await?
            .map_err(|error| fault(error.to_string()))?;
        let config = built.map_err(fault)?;
        Ok(Arc::clone(made.get_or_init(|| config)))
    }
}

fn build(certificates: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, String> {
    let provider = crypto_provider().ok_or(NO_PROVIDER)?;
    let mut roots = RootCertStore::empty();
    for (at, certificate) in certificates.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            format!("the root certificate {} of `add_root_certificate` is not valid ({error})", at + 1)
        })?;
    }
    let advice = add_default_roots(&mut roots);
    if roots.is_empty() {
        return Err(advice);
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

/// Adds the roots of the features. Returns what to do if there is none.
fn add_default_roots(roots: &mut RootCertStore) -> String {
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    #[cfg(feature = "platform-roots")]
    {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        format!(
            "this system has no root certificates{why}: install ca-certificates, set SSL_CERT_FILE to a PEM file, or call \
             `Client::add_root_certificate`"
        )
    }
    #[cfg(not(feature = "platform-roots"))]
    {
        let _ = &roots;
        "this program was built without root certificates: enable the feature \"platform-roots\" or \"webpki-roots\" of \
         framewise, or call `Client::add_root_certificate`"
            .to_owned()
    }
}

/// Where the roots of a configuration come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Roots {
    /// The features of this crate, and [`crate::Client::add_root_certificate`].
    Default,
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
