//! `wss://` at both ends, with a certificate that is made on the spot: `cargo run --example tls`

use std::error::Error;
use std::sync::Arc;

use framewise::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use framewise::rustls::{ClientConfig, RootCertStore, ServerConfig};
use framewise::{Client, Server, crypto_provider};

/// A real server reads them from files: `CertificateDer::pem_file_iter`, `PrivateKeyDer::from_pem_file`.
fn certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok((made.cert.der().clone(), key))
}

/// What the server answers to "hello".
pub(crate) async fn run() -> Result<String, Box<dyn Error>> {
    let (certificate, key) = certificate()?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;

    // `ServerConfig::builder()` is shorter, and panics where a tree of dependencies has two crypto providers.
    let provider = crypto_provider().ok_or("no crypto provider")?;
    let tls = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let listener = Server::new().tls_config(Arc::new(tls)).bind("127.0.0.1:0").await?;
    let url = format!("wss://localhost:{}/", listener.local_addr()?.port());
    tokio::spawn(listener.serve(|mut ws| async move {
        while let Some(message) = ws.next().await {
            ws.send(message?).await?;
        }
        Ok(())
    }));

    // With a certificate of a known authority, `framewise::connect(&url)` does.
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut ws = Client::new().tls_config(Arc::new(tls)).connect(&url).await?;
    ws.send("hello").await?;
    let answer = ws.next().await.transpose()?;
    ws.close(1000, "").await?;
    Ok(answer.and_then(|message| message.as_text().map(str::to_owned)).unwrap_or_default())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", run().await?);
    Ok(())
}
