//! Explains in a sentence why a TLS handshake failed, and what to do.

use std::io;

use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::{Peer, Roots};
use crate::authority::bracketed;
use crate::error::ConnectFault;

/// The largest number of a certificate's names in a sentence.
const NAMES: usize = 4;

/// Explains why the handshake failed. `first` is the first byte that the peer sent.
pub(super) fn explain(
    peer: &Peer<'_>,
    roots: Roots,
    error: &io::Error,
    first: Option<u8>,
) -> (ConnectFault, String) {
    let Peer { host, port, plain } = *peer;
    // RFC 8446 §5.1: a record begins with its type, 20 to 24. An error after such a record is one of TLS: to write
    // ws:// for it would give up encryption because of an error, or of an attacker.
    if first.is_some_and(|first| !(20..=24).contains(&first)) {
        let says =
            format!("the server does not speak TLS on port {port}: use its TLS port, or write {plain}");
        return (ConnectFault::ServerSpeaksPlain, says);
    }
    let says = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(fault)) => certificate(host, roots, fault),
        Some(Error::AlertReceived(alert)) => refused(*alert),
        Some(Error::PeerIncompatible(_)) => {
            format!(
                "the server and this client have no TLS version or cipher in common ({error}): enable a newer version on the \
                 server, or set others with `Client::tls_config`"
            )
        }
        Some(_) => {
            format!(
                "the TLS handshake failed ({error}): the server's TLS is faulty, or an intermediary changes it"
            )
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => format!(
            "the server closed the connection during the TLS handshake: does it speak TLS on port {port}?"
        ),
        None => format!("the connection was lost during the TLS handshake ({error})"),
    };
    (ConnectFault::Tls, says)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls describes the others; it may add variants")]
fn certificate(host: &str, roots: Roots, fault: &CertificateError) -> String {
    match fault {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(
                "the certificate of {} expired on {}: the server needs a new one",
                bracketed(host),
                date(*not_after)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate of {} is valid from {} on, and this machine's clock says {}: is the clock right?",
            bracketed(host),
            date(*not_before),
            date(*time)
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            name_mismatch(expected, presented)
        }
        CertificateError::UnknownIssuer => match roots {
            Roots::Default => format!(
                "the certificate of {} is signed by an issuer that this client does not trust: to trust a private CA, {}; \
                 where browsers accept it, the server does not send its intermediate certificate",
                bracketed(host),
                if cfg!(feature = "platform-roots") {
                    "set SSL_CERT_FILE to its PEM file, or call `Client::add_root_certificate`"
                } else {
                    "call `Client::add_root_certificate`"
                }
            ),
            Roots::Callers => format!(
                "the certificate of {} is signed by an issuer that is not among the roots of the configuration in \
                 `Client::tls_config`: add its certificate there",
                bracketed(host)
            ),
        },
        CertificateError::Revoked => {
            format!("the certificate of {} was revoked: the server needs a new one", bracketed(host))
        }
        other => {
            let fault = Error::InvalidCertificate(other.clone());
            format!("the certificate of {} is not accepted ({fault})", bracketed(host))
        }
    }
}

fn name_mismatch(expected: &ServerName<'_>, presented: &[String]) -> String {
    let expected = expected.to_str();
    // rustls gives them as `DnsName("example.com")` and `IpAddress(127.0.0.1)`.
    let mut names: Vec<&str> = presented
        .iter()
        .map(|name| {
            let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            inner.unwrap_or(name).trim_matches('"')
        })
        .collect();
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    if names.is_empty() {
        return format!("the certificate does not contain a host name, and so is not for {expected}");
    }
    format!("the certificate is for {}{more}, not for {expected}", names.join(", "))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls describes the others; it may add variants")]
fn refused(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::ProtocolVersion => {
            "it supports no TLS version of this client: enable TLS 1.2 or 1.3 on the server"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it accepts none of the ciphers that this client offers, or requires a client certificate: set either with \
             `Client::tls_config`"
        }
        AlertDescription::CertificateRequired => {
            "it requires a client certificate: set one with `Client::tls_config`"
        }
        AlertDescription::UnrecognisedName => "it does not serve this host name: correct the URL",
        AlertDescription::NoApplicationProtocol => "it does not serve HTTP/1.1 on this port: correct the URL",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            "it does not accept the client's certificate: set another with `Client::tls_config`"
        }
        _ => return format!("the server ended the TLS handshake with the alert {alert:?}"),
    };
    format!("the server ended the TLS handshake with the alert {alert:?}: {why}")
}

/// A moment, as `2026-03-01 12:00 UTC`.
fn date(time: UnixTime) -> String {
    let (days, seconds) = (time.as_secs() / 86_400, time.as_secs() % 86_400);
    // The Gregorian calendar repeats after 400 years of 146,097 days; counted from a 1 March, leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_alert_is_told_with_what_to_do() {
        for (alert, says) in [
            (AlertDescription::ProtocolVersion, "no TLS version"),
            (AlertDescription::HandshakeFailure, "none of the ciphers"),
            (AlertDescription::InsufficientSecurity, "none of the ciphers"),
            (AlertDescription::CertificateRequired, "it requires a client certificate"),
            (AlertDescription::UnrecognisedName, "does not serve this host name"),
            (AlertDescription::NoApplicationProtocol, "does not serve HTTP/1.1"),
            (AlertDescription::BadCertificate, "does not accept the client's certificate"),
            (AlertDescription::AccessDenied, "does not accept the client's certificate"),
            (AlertDescription::InternalError, "InternalError"),
        ] {
            let told = refused(alert);
            assert!(told.contains(says), "{told}");
            assert_eq!(told.contains(": "), alert != AlertDescription::InternalError, "{told}");
        }
    }

    #[test]
    fn an_end_in_the_handshake_is_no_other_loss() {
        let peer = Peer { host: "h", port: 443, plain: "ws://h/" };
        for (kind, says) in [
            (io::ErrorKind::UnexpectedEof, "the server closed the connection during the TLS handshake"),
            (io::ErrorKind::ConnectionReset, "the connection was lost during the TLS handshake"),
        ] {
            let (fault, told) = explain(&peer, Roots::Default, &kind.into(), None);
            assert_eq!(fault, ConnectFault::Tls);
            assert!(told.starts_with(says), "{told}");
        }
    }

    #[test]
    fn a_moment_is_told_as_a_date() {
        for (seconds, says) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
        ] {
            assert_eq!(date(UnixTime::since_unix_epoch(Duration::from_secs(seconds))), says);
        }
    }

    #[test]
    fn a_certificate_with_many_names_is_told_by_a_few() {
        let names: Vec<String> = (0..9).map(|number| format!("DnsName(\"h{number}\")")).collect();
        let expected = ServerName::try_from("example.com").expect("a name");
        let says = name_mismatch(&expected, &names);
        assert_eq!(says, "the certificate is for h0, h1, h2, h3 and 5 more, not for example.com");
        assert!(name_mismatch(&expected, &[]).contains("does not contain a host name"));
    }
}
