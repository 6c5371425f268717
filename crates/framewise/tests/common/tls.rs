//! A certificate that is signed by itself, for `localhost`, and who trusts it.

use std::sync::Arc;

use framewise::crypto_provider;
use framewise::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use framewise::rustls::{ClientConfig, RootCertStore, ServerConfig};
use rcgen::KeyPair;

/// A server's configuration and that of a client that trusts it.
pub(crate) fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let (server, roots) = signed();
    (server, client_config(roots))
}

/// A server's configuration, and its certificate as a root.
pub(crate) fn signed() -> (Arc<ServerConfig>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    (server_config(made.cert.der(), &made.signing_key), roots)
}

pub(crate) fn server_config(certificate: &CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let server = ServerConfig::builder_with_provider(crypto_provider().expect("a provider"))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .expect("a certificate and its key");
    Arc::new(server)
}

pub(crate) fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let client = ClientConfig::builder_with_provider(crypto_provider().expect("a provider"))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(client)
}
