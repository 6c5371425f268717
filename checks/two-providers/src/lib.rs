//! What adding framewise does to the TLS of other code in the same program: nothing.

#[cfg(test)]
mod tests {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    /// Code that has nothing to do with framewise, and uses rustls as its documentation shows it.
    fn other_code() {
        let _ = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    }

    /// The cipher suites that framewise's client offers for `wss://` by itself.
    async fn offered() -> Vec<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("wss://localhost:{}/", listener.local_addr().expect("an address").port());
        let hello = async {
            let (mut tcp, _) = listener.accept().await.expect("a client");
            let mut header = [0; 5];
            tcp.read_exact(&mut header).await.expect("the header of a record");
            let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            tcp.read_exact(&mut hello).await.expect("the ClientHello");
            hello
        };
        let (connected, hello) = tokio::join!(framewise::connect(&url), hello);
        connected.expect_err("the server is gone");
        // RFC 8446 §4.1.2: behind type and length, the version and the random bytes comes the session's id.
        let suites = 4 + 2 + 32 + 1 + usize::from(hello[4 + 2 + 32]);
        let length = usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
        let suites = &hello[suites + 2..suites + 2 + length];
        suites.chunks(2).map(|suite| u16::from_be_bytes([suite[0], suite[1]])).collect()
    }

    #[cfg(not(feature = "second"))]
    #[tokio::test]
    async fn with_the_defaults_other_code_goes_on_and_an_installed_provider_goes_first() {
        assert!(CryptoProvider::get_default().is_none());
        assert!(framewise::crypto_provider().is_some());
        assert!(CryptoProvider::get_default().is_none(), "framewise installs none");
        // A provider with one suite, as one for FIPS has fewer than others.
        let mut few = aws_lc_rs::default_provider();
        few.cipher_suites.truncate(1);
        let only = u16::from(few.cipher_suites[0].suite());
        few.install_default().expect("nobody has installed one");
        let offered = offered().await;
        // 0x00ff is the signal of RFC 5746, no suite.
        assert_eq!(offered.into_iter().filter(|suite| *suite != 0x00ff).collect::<Vec<_>>(), [only]);
        other_code();
    }

    #[cfg(not(feature = "second"))]
    #[test]
    fn other_code_finds_the_one_provider_of_the_tree() {
        other_code();
    }

    /// What the default features keep away; framewise itself goes on.
    #[cfg(feature = "second")]
    #[tokio::test]
    async fn a_second_provider_stops_other_code_and_not_framewise() {
        assert!(std::panic::catch_unwind(other_code).is_err(), "rustls chooses none of two");
        let expected = framewise::crypto_provider().expect("that of the feature aws-lc-rs");
        assert!(!offered().await.is_empty());
        assert_eq!(expected.cipher_suites.len(), aws_lc_rs::default_provider().cipher_suites.len());
        std::sync::Arc::unwrap_or_clone(expected).install_default().expect("nobody has installed one");
        other_code();
    }
}
