//! A certificate that is signed by itself, for `localhost`, and who trusts it.

use std::sync::Arc;

use framewise::rustls::crypto::ring::default_provider;
use framewise::rustls::pki_types::PrivatePkcs8KeyDer;
use framewise::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A server's configuration and that of a client that trusts it.
pub(crate) fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let (server, roots) = signed();
    (server, client_config(roots))
}

/// A server's configuration, and its certificate as a root.
pub(crate) fn signed() -> (Arc<ServerConfig>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate and its key");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    (Arc::new(server), roots)
}

pub(crate) fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(client)
}
