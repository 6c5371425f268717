//! Clients over TLS.

#[cfg(feature = "__rustls-tls")]
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::client::{IntoClientRequest, uri_mode};
use crate::client_async::client_async_with_config;
use crate::error::{Error, UrlError};
use crate::handshake::client::{Request, Response};
use crate::maybe_tls::MaybeTlsStream;
use crate::protocol::WebSocketConfig;
use crate::stream::Mode;
use crate::web_socket_stream::WebSocketStream;

/// How a client does TLS.
#[derive(Clone)]
#[non_exhaustive]
pub enum Connector {
    /// Not at all: `wss://` fails.
    Plain,
    /// With rustls.
    #[cfg(feature = "__rustls-tls")]
    Rustls(Arc<framewise::rustls::ClientConfig>),
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(_) => "Rustls",
        })
    }
}

/// Does the handshake of TLS, if the URL is `wss://`, and then that of a client.
///
/// Errors: [`Error::Tls`] and [`Error::Io`] of TLS, and those of [`client_async`](crate::client_async).
pub async fn client_async_tls<R, S>(
    request: R,
    stream: S,
) -> Result<(WebSocketStream<MaybeTlsStream<S>>, Response), Error>
where
    R: IntoClientRequest + Unpin,
    S: 'static + AsyncRead + AsyncWrite + Send + Unpin,
    MaybeTlsStream<S>: Unpin,
{
    client_async_tls_with_config(request, stream, None, None).await
}

/// As [`client_async_tls`], with settings. Without a connector, servers are trusted by the root certificates of the features.
pub async fn client_async_tls_with_config<R, S>(
    request: R,
    stream: S,
    config: Option<WebSocketConfig>,
    connector: Option<Connector>,
) -> Result<(WebSocketStream<MaybeTlsStream<S>>, Response), Error>
where
    R: IntoClientRequest + Unpin,
    S: 'static + AsyncRead + AsyncWrite + Send + Unpin,
    MaybeTlsStream<S>: Unpin,
{
    let request = request.into_client_request()?;
    let stream = match uri_mode(request.uri())? {
        Mode::Plain => MaybeTlsStream::Plain(stream),
        Mode::Tls => encrypt(&request, stream, config.unwrap_or_default(), connector).await?,
    };
    client_async_with_config(request, stream, config).await
}

/// The host of the URL, without the brackets of an IPv6 address.
pub(crate) fn host(request: &Request) -> Result<String, Error> {
    let host = request.uri().host().ok_or(UrlError::NoHostName)?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok(inner.unwrap_or(host).to_owned())
}

#[cfg(not(feature = "__rustls-tls"))]
#[allow(clippy::unused_async, reason = "as it is with TLS")]
async fn encrypt<S>(
    _: &Request,
    _: S,
    _: WebSocketConfig,
    _: Option<Connector>,
) -> Result<MaybeTlsStream<S>, Error> {
    Err(UrlError::TlsFeatureNotEnabled.into())
}

#[cfg(feature = "__rustls-tls")]
async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
    request: &Request,
    stream: S,
    config: WebSocketConfig,
    connector: Option<Connector>,
) -> Result<MaybeTlsStream<S>, Error> {
    let (tls, name) = rustls_for(request, connector)?;
    let connecting = tokio_rustls::TlsConnector::from(tls).connect(name, stream);
    let stream =
        tokio::time::timeout(config.limits.handshake, connecting).await.map_err(std::io::Error::from)??;
    Ok(MaybeTlsStream::Rustls(stream))
}

/// The configuration of rustls, and the name of the server.
#[cfg(feature = "__rustls-tls")]
pub(crate) fn rustls_for(
    request: &Request,
    connector: Option<Connector>,
) -> Result<(Arc<framewise::rustls::ClientConfig>, framewise::rustls::pki_types::ServerName<'static>), Error>
{
    let tls = match connector {
        Some(Connector::Plain) => return Err(UrlError::TlsFeatureNotEnabled.into()),
        Some(Connector::Rustls(tls)) => tls,
        None => default_tls()?,
    };
    let name = host(request)?.try_into().map_err(|_| crate::error::TlsError::InvalidDnsName)?;
    Ok((tls, name))
}

/// A configuration with the root certificates of the features.
#[cfg(feature = "__rustls-tls")]
fn default_tls() -> Result<Arc<framewise::rustls::ClientConfig>, Error> {
    use framewise::rustls::{ClientConfig, RootCertStore};

    use crate::error::TlsError;

    #[allow(unused_mut, reason = "without a feature for roots, none is added")]
    let mut roots = RootCertStore::empty();
    #[cfg(feature = "rustls-tls-webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    #[cfg(feature = "rustls-tls-native-roots")]
    {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let says = format!("this system has no root certificates: {:?}", found.errors);
            return Err(std::io::Error::new(std::io::ErrorKind::NotFound, says).into());
        }
    }
    let builder = match framewise::crypto_provider() {
        Some(provider) => ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::from)?,
        // rustls chooses the provider of its own features, and panics if there is none.
        None => ClientConfig::builder(),
    };
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
