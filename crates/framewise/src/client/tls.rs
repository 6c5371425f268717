use std::io;
use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, InvalidMessage, RootCertStore};

use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

/// A configuration with the platform's roots, which are read once.
pub(super) async fn platform(target: &str) -> Result<Arc<ClientConfig>, ConnectError> {
    static PLATFORM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = PLATFORM.get() {
        return Ok(Arc::clone(config));
    }
    let fault = |says: String| ConnectError::new(target, ConnectFault::Tls, says);
    // Hundreds of files on some systems: not on a thread that drives connections.
    let built = tokio::task::spawn_blocking(build).await.map_err(|error| fault(error.to_string()))?;
    let config = built.map_err(fault)?;
    Ok(Arc::clone(PLATFORM.get_or_init(|| config)))
}

fn build() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!(
            "this system has no root certificates{why}: install ca-certificates, or name a file in SSL_CERT_FILE"
        ));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A server that prefers HTTP/2 would answer an HTTP/1.1 request with its preface.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

pub(super) async fn handshake(
    target: &str,
    url: &Url,
    config: Arc<ClientConfig>,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let name = ServerName::try_from(url.host.clone()).map_err(|_| {
        ConnectError::new(target, ConnectFault::Url, format!("{} is no name of a TLS server", url.host))
    })?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|error| failure(target, url, error))
}

fn failure(target: &str, url: &Url, error: io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) = inner {
        let says = format!(
            "the server does not speak TLS on port {}: write ws:// if it is meant to be plain, or take its TLS port",
            url.port
        );
        return ConnectError::new(target, ConnectFault::ServerSpeaksPlain, says).because(error);
    }
    let says = if error.kind() == io::ErrorKind::UnexpectedEof {
        "the server closed the connection during the TLS handshake".to_owned()
    } else {
        format!("TLS failed: {error}")
    };
    ConnectError::new(target, ConnectFault::Tls, says).because(error)
}
