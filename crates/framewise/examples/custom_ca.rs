//! Trusts a private CA: `cargo run --example custom_ca -- ca.pem wss://intranet.example/ws`

use framewise::Client;
use framewise::rustls::pki_types::CertificateDer;
use framewise::rustls::pki_types::pem::PemObject as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(file), Some(url)) = (words.next(), words.next()) else {
        return Err("usage: custom_ca PEM-FILE URL".into());
    };
    let mut client = Client::new();
    for certificate in CertificateDer::pem_file_iter(file)? {
        client = client.add_root_certificate(certificate?);
    }
    let mut ws = client.connect(&url).await?;
    ws.send("hello").await?;
    println!("{:?}", ws.next().await.transpose()?);
    ws.close(1000, "").await?;
    Ok(())
}
