//! The crypto provider of TLS.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;

/// The error without a provider.
pub(crate) const NO_PROVIDER: &str = "there is no crypto provider for TLS: enable the feature \"aws-lc-rs\" or \"ring\" of \
                                      framewise, or install one with CryptoProvider::install_default of rustls";

/// The crypto provider that framewise uses for TLS: the one that the program has installed
/// ([`CryptoProvider::install_default`]), or else that of the feature `aws-lc-rs`, or else that of `ring`. `None` if there is
/// none of them: then `wss://` fails with an error that says what to do.
///
/// Use it for your own configurations. `ClientConfig::builder()` and `ServerConfig::builder()` panic if the tree of
/// dependencies has two providers and none is installed; `builder_with_provider` does not:
///
/// ```
/// use framewise::rustls::{ClientConfig, RootCertStore};
///
/// # fn config() -> Option<ClientConfig> {
/// let provider = framewise::crypto_provider()?;
/// let config = ClientConfig::builder_with_provider(provider)
///     .with_safe_default_protocol_versions()
///     .ok()?
///     .with_root_certificates(RootCertStore::empty())
///     .with_no_client_auth();
/// # Some(config)
/// # }
/// ```
///
/// framewise never installs a provider.
pub fn crypto_provider() -> Option<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Some(Arc::clone(installed));
    }
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    None
}
