//! Which implementation of cryptography TLS uses.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;

/// What to do where there is none.
pub(crate) const NO_PROVIDER: &str = "there is no crypto provider for TLS: switch the feature \"aws-lc-rs\" or \"ring\" of \
                                      framewise on, or install one with rustls' CryptoProvider::install_default";

/// The crypto provider that framewise's TLS uses: the one that the program has installed
/// ([`CryptoProvider::install_default`]), or else the one of the feature `aws-lc-rs`, or else that of `ring`. `None` where
/// there is neither: then `wss://` fails, and says what to do.
///
/// It is for configurations of one's own. `ClientConfig::builder()` and `ServerConfig::builder()` panic where a tree of
/// dependencies has two providers and none is installed; these do not:
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
/// framewise installs none, and overrides none.
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
