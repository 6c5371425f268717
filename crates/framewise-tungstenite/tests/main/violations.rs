use framewise_tungstenite::framewise::Rule;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::raw;
use crate::tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use crate::tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use crate::tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// What the reader gets for these bytes from the peer, and which close code the peer gets.
async fn broken(role: Role, bytes: &[u8]) -> (Error, u16, Rule) {
    let config = WebSocketConfig::default().max_message_size(Some(1000)).max_frame_size(Some(600));
    let (mut ws, mut peer) = raw(role, config).await;
    peer.write_all(bytes).await.expect("room");
    let error = ws.next().await.expect("an error").expect_err("an error");
    let rule = ws.violation().expect("a violation").rule;
    let mut header = [0; 2];
    peer.read_exact(&mut header).await.expect("a Close");
    assert_eq!(header[0], 0x88);
    let mut rest = vec![0; usize::from(header[1] & 0x7f) + if role == Role::Client { 4 } else { 0 }];
    peer.read_exact(&mut rest).await.expect("a Close");
    drop(peer);
    assert!(ws.next().await.is_none());
    assert!(ws.next().await.is_none());
    if role == Role::Client {
        let (key, code) = rest.split_at(4);
        return (error, u16::from_be_bytes([code[0] ^ key[0], code[1] ^ key[1]]), rule);
    }
    (error, u16::from_be_bytes([rest[0], rest[1]]), rule)
}

#[tokio::test]
async fn a_violation_is_the_error_of_tungstenite_and_is_answered() {
    type Case = (&'static [u8], ProtocolError, u16, Rule);
    let cases: [Case; 12] = [
        (&[0xa1, 0], ProtocolError::NonZeroReservedBits, 1002, Rule::Rsv2Set),
        (&[0xc1, 0], ProtocolError::NonZeroReservedBits, 1002, Rule::Rsv1Unnegotiated),
        (&[0x83, 0], ProtocolError::InvalidOpcode(3), 1002, Rule::OpcodeReservedData),
        (&[0x8b, 0], ProtocolError::InvalidOpcode(11), 1002, Rule::OpcodeReservedControl),
        (&[0x81, 0x80, 1, 2, 3, 4], ProtocolError::MaskedFrameFromServer, 1002, Rule::MaskPresent),
        (&[0x09, 0], ProtocolError::FragmentedControlFrame, 1002, Rule::ControlFragmented),
        (&[0x89, 126, 0, 126], ProtocolError::ControlFrameTooBig, 1002, Rule::ControlTooLong),
        (&[0x80, 0], ProtocolError::UnexpectedContinueFrame, 1002, Rule::ContinuationOrphan),
        (&[0x01, 0, 0x81, 0], ProtocolError::ExpectedFragment(Data::Text), 1002, Rule::DataInterleaved),
        (&[0x01, 0, 0x82, 0], ProtocolError::ExpectedFragment(Data::Text), 1002, Rule::DataInterleaved),
        (&[0x88, 1, 3], ProtocolError::InvalidCloseSequence, 1002, Rule::ClosePayloadOneByte),
        (&[0x88, 2, 3, 0xee], ProtocolError::InvalidCloseSequence, 1002, Rule::CloseCodeReserved),
    ];
    for (bytes, expected, code, rule) in cases {
        let (error, got, broke) = broken(Role::Client, bytes).await;
        assert!(matches!(&error, Error::Protocol(error) if *error == expected), "{bytes:x?}: {error:?}");
        assert_eq!((got, broke), (code, rule), "{bytes:x?}");
    }
    let (error, code, _) = broken(Role::Server, &[0x81, 0]).await;
    assert!(matches!(error, Error::Protocol(ProtocolError::UnmaskedFrameFromClient)), "{error:?}");
    assert_eq!(code, 1002);
}

#[tokio::test]
async fn what_tungstenite_does_not_check_is_a_violation() {
    let (error, code, _) = broken(Role::Client, &[0x81, 126, 0, 5]).await;
    let Error::Protocol(ProtocolError::Violation(violation)) = &error else { panic!("{error:?}") };
    assert_eq!((violation.rule, code), (Rule::LengthNotMinimal16, 1002));
    assert!(error.to_string().contains("16-bit"), "{error}");
}

#[tokio::test]
async fn sizes_and_text_have_errors_of_their_own() {
    let (error, code, _) = broken(Role::Client, &[0x81, 2, b'a', 0xff]).await;
    assert!(matches!(error, Error::Utf8(_)), "{error:?}");
    assert_eq!(code, 1007);
    let (error, code, _) = broken(Role::Client, &[0x82, 126, 0x02, 0x59]).await;
    let expected = CapacityError::MessageTooLong { size: 601, max_size: 600 };
    assert!(matches!(&error, Error::Capacity(error) if *error == expected), "{error:?}");
    assert_eq!(code, 1009);
    let mut two = vec![0x02, 126, 0x02, 0x58];
    two.extend([0; 600]);
    two.extend([0x80, 126, 0x01, 0x91]);
    let (error, code, _) = broken(Role::Client, &two).await;
    let expected = CapacityError::MessageTooLong { size: 1001, max_size: 1000 };
    assert!(matches!(&error, Error::Capacity(error) if *error == expected), "{error:?}");
    assert_eq!(code, 1009);
}

#[tokio::test]
async fn a_lost_connection_is_a_reset_without_a_closing_handshake() {
    for bytes in [&[][..], &[0x81], &[0x81, 5, b'a']] {
        let (mut ws, mut peer) = raw(Role::Client, WebSocketConfig::default()).await;
        peer.write_all(bytes).await.expect("room");
        drop(peer);
        let error = ws.next().await.expect("an error").expect_err("an error");
        assert!(matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)), "{error:?}");
        assert!(ws.next().await.is_none());
    }
}
