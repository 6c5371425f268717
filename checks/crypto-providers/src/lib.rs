//! Which crypto provider framewise uses, and that adding framewise changes nothing for other code with TLS.

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, RootCertStore};

    /// Code that does not use framewise, and uses rustls as its documentation shows.
    fn other_code() {
        let _ = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    }

    #[cfg(feature = "defaults")]
    mod client_hello {
        use tokio::io::AsyncReadExt as _;
        use tokio::net::TcpListener;

        /// The cipher suites that framewise's client offers for `wss://`.
        pub(super) async fn offered() -> Vec<u16> {
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
            // RFC 8446 §4.1.2: after type and length, the version and the random bytes is the session's id.
            let suites = 4 + 2 + 32 + 1 + usize::from(hello[4 + 2 + 32]);
            let length = usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
            let suites = &hello[suites + 2..suites + 2 + length];
            suites.chunks(2).map(|suite| u16::from_be_bytes([suite[0], suite[1]])).collect()
        }
    }

    #[cfg(not(feature = "defaults"))]
    #[tokio::test]
    async fn without_a_provider_the_error_says_what_to_enable() {
        // rustls panics unless its features name exactly one provider: `tls` must not enable one.
        assert!(
            std::panic::catch_unwind(other_code).is_err(),
            "framewise's `tls` enables a provider of rustls"
        );
        assert!(framewise::crypto_provider().is_none());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let error = framewise::connect(&format!("wss://localhost:{port}/")).await.expect_err("no provider");
        let says = error.to_string();
        for expected in ["no crypto provider", "\"aws-lc-rs\"", "\"ring\"", "install_default"] {
            assert!(says.contains(expected), "{says}");
        }
        assert!(
            matches!(error, framewise::Error::Connect(error) if error.fault() == framewise::ConnectFault::Tls)
        );
    }

    #[cfg(all(feature = "defaults", not(feature = "second")))]
    #[tokio::test]
    async fn an_installed_provider_is_used_before_that_of_a_feature() {
        use rustls::crypto::{CryptoProvider, aws_lc_rs};

        assert!(CryptoProvider::get_default().is_none());
        assert!(framewise::crypto_provider().is_some());
        assert!(CryptoProvider::get_default().is_none(), "framewise installs none");
        // A provider with one suite, as one for FIPS has fewer than others.
        let mut few = aws_lc_rs::default_provider();
        few.cipher_suites.truncate(1);
        let only = u16::from(few.cipher_suites[0].suite());
        few.install_default().expect("none is installed yet");
        let offered = client_hello::offered().await;
        // 0x00ff is the signal of RFC 5746, not a suite.
        assert_eq!(offered.into_iter().filter(|suite| *suite != 0x00ff).collect::<Vec<_>>(), [only]);
        other_code();
    }

    #[cfg(all(feature = "defaults", not(feature = "second")))]
    #[test]
    fn with_the_defaults_other_code_finds_the_only_provider_of_the_tree() {
        other_code();
    }

    /// What the default features avoid; framewise itself works.
    #[cfg(feature = "second")]
    #[tokio::test]
    async fn a_second_provider_breaks_other_code_and_not_framewise() {
        use rustls::crypto::aws_lc_rs;

        assert!(std::panic::catch_unwind(other_code).is_err(), "rustls chooses neither of two");
        let expected = framewise::crypto_provider().expect("that of the feature aws-lc-rs");
        assert!(!client_hello::offered().await.is_empty());
        assert_eq!(expected.cipher_suites.len(), aws_lc_rs::default_provider().cipher_suites.len());
        std::sync::Arc::unwrap_or_clone(expected).install_default().expect("none is installed yet");
        other_code();
    }
}
