//! Which error of tungstenite a broken rule is.

use std::io;

use framewise::proto::Opcode;
use framewise::{Detail, Misuse, Rule, Violation};
use http::header::{self, HeaderName};

use super::{CapacityError, Error, ProtocolError, SubProtocolError};
use crate::protocol::frame::coding::Data;

/// The error for a rule that the peer broke.
pub(crate) fn of_violation(violation: Violation) -> Error {
    Error::Protocol(match violation.rule {
        Rule::RequestMethod => ProtocolError::WrongHttpMethod,
        Rule::RequestHttpVersion => ProtocolError::WrongHttpVersion,
        Rule::RequestUpgrade | Rule::ResponseUpgrade => ProtocolError::MissingUpgradeWebSocketHeader,
        Rule::RequestConnection | Rule::ResponseConnection => ProtocolError::MissingConnectionUpgradeHeader,
        Rule::RequestKeyMissing => ProtocolError::MissingSecWebSocketKey,
        Rule::RequestKeyRepeated | Rule::RequestKeyInvalid => ProtocolError::InvalidSecWebSocketKey,
        Rule::RequestVersion | Rule::RequestLegacyDraft => ProtocolError::MissingSecWebSocketVersionHeader,
        Rule::RequestTruncated | Rule::ResponseMissing => ProtocolError::HandshakeIncomplete,
        Rule::ResponseAcceptMissing | Rule::ResponseAcceptWrong => {
            ProtocolError::SecWebSocketAcceptKeyMismatch
        }
        Rule::ResponseSubprotocolUnoffered => {
            ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::InvalidSubProtocol)
        }
        Rule::ResponseSubprotocolMissing => {
            ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol)
        }
        Rule::RequestTooLarge | Rule::ResponseTooLarge => {
            return if matches!(violation.detail, Detail::MoreThan { .. }) {
                CapacityError::TooManyHeaders.into()
            } else {
                Error::AttackAttempt
            };
        }
        Rule::ControlFlood | Rule::FragmentsTooMany => return Error::AttackAttempt,
        Rule::RequestTimeout | Rule::ResponseTimeout | Rule::IdleTimeout | Rule::CloseTimeout => {
            return Error::Io(io::Error::new(io::ErrorKind::TimedOut, violation));
        }
        Rule::ConnectionReset => {
            return Error::Io(io::Error::new(io::ErrorKind::ConnectionReset, violation));
        }
        Rule::Rsv1Unnegotiated
        | Rule::Rsv1OnContinuation
        | Rule::Rsv1OnControl
        | Rule::Rsv2Set
        | Rule::Rsv3Set => ProtocolError::NonZeroReservedBits,
        Rule::OpcodeReservedData | Rule::OpcodeReservedControl => {
            if let Detail::Opcode(Opcode::Reserved(opcode)) = violation.detail {
                ProtocolError::InvalidOpcode(opcode)
            } else {
                ProtocolError::Violation(Box::new(violation))
            }
        }
        Rule::MaskMissing => ProtocolError::UnmaskedFrameFromClient,
        Rule::MaskPresent => ProtocolError::MaskedFrameFromServer,
        Rule::HeaderTruncated | Rule::PayloadTruncated | Rule::CloseMissing | Rule::CloseUnanswered => {
            ProtocolError::ResetWithoutClosingHandshake
        }
        Rule::ControlFragmented => ProtocolError::FragmentedControlFrame,
        Rule::ControlTooLong => ProtocolError::ControlFrameTooBig,
        Rule::ContinuationOrphan => ProtocolError::UnexpectedContinueFrame,
        Rule::DataInterleaved => ProtocolError::ExpectedFragment(Data::Text),
        Rule::TextInvalidUtf8 | Rule::TextTruncatedUtf8 | Rule::CloseReasonInvalidUtf8 => {
            return Error::Utf8(violation.to_string());
        }
        Rule::ClosePayloadOneByte | Rule::CloseCodeReserved | Rule::CloseCodeInvalid => {
            ProtocolError::InvalidCloseSequence
        }
        Rule::FrameAfterClose => ProtocolError::ReceivedAfterClosing,
        Rule::MessageTooBig | Rule::FrameTooBig | Rule::InflateTooBig => return too_long(violation),
        Rule::RequestNotHttp
        | Rule::RequestTarget
        | Rule::RequestHeaderMalformed
        | Rule::RequestHost
        | Rule::RequestHostInvalid
        | Rule::RequestHostMismatch
        | Rule::RequestSubprotocolSyntax
        | Rule::RequestExtensionSyntax
        | Rule::RequestContentLength
        | Rule::RequestBody
        | Rule::RequestOrigin
        | Rule::RequestEarlyData
        | Rule::ResponseNotHttp
        | Rule::ResponseStatus
        | Rule::ResponseHeaderMalformed
        | Rule::ResponseExtensionUnoffered
        | Rule::ResponseExtensionSyntax
        | Rule::ResponseBodyFraming
        | Rule::ResponseContentEncoding
        | Rule::ResponseEarlyData
        | Rule::ResponseExtraBytes
        | Rule::H2ConnectNotEnabled
        | Rule::DeflateOfferInvalid
        | Rule::DeflateResponseInvalid
        | Rule::DeflateWindowUnoffered
        | Rule::DeflateWindowExceeds
        | Rule::DeflateTakeoverIgnored
        | Rule::ExtensionRequired
        | Rule::LengthNotMinimal16
        | Rule::LengthNotMinimal64
        | Rule::LengthTopBit
        | Rule::MaskKeyPredictable
        | Rule::PingUnanswered
        | Rule::PongMismatched
        | Rule::DeflateDataInvalid
        | Rule::DeflateWindowViolated
        | Rule::DeflateContextMismatch
        | Rule::UnsupportedData
        | Rule::CloseCodeWrongRole
        | Rule::CloseCodeNotEchoed
        | Rule::CloseTcpLingering
        | _ => ProtocolError::Violation(Box::new(violation)),
    })
}

fn too_long(violation: Violation) -> Error {
    let Detail::Limit { got, limit } = violation.detail else {
        return ProtocolError::Violation(Box::new(violation)).into();
    };
    let [size, max_size] = [got, limit].map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    CapacityError::MessageTooLong { size, max_size }.into()
}

/// The error for a call that would break a rule.
pub(crate) fn of_misuse(misuse: &Misuse) -> Error {
    let header = |name: &HeaderName| ProtocolError::InvalidHeader(Box::new(name.clone()));
    Error::Protocol(match misuse {
        Misuse::Closed => ProtocolError::SendAfterClosing,
        Misuse::ControlTooLong { .. } => ProtocolError::ControlFrameTooBig,
        Misuse::CloseCode(_) => ProtocolError::InvalidCloseSequence,
        Misuse::MessageOpen => ProtocolError::ExpectedFragment(Data::Text),
        Misuse::NoMessageOpen => ProtocolError::UnexpectedContinueFrame,
        Misuse::TextNotUtf8 => return Error::Utf8(misuse.to_string()),
        Misuse::HandshakeHeader(name) => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => header(&name),
            Err(error) => return error.into(),
        },
        Misuse::Request(Rule::RequestMethod) => ProtocolError::WrongHttpMethod,
        Misuse::Request(Rule::RequestHttpVersion) => ProtocolError::WrongHttpVersion,
        Misuse::Extension => header(&header::SEC_WEBSOCKET_EXTENSIONS),
        Misuse::SubprotocolUnoffered => {
            ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::InvalidSubProtocol)
        }
        Misuse::OtherCompression
        | Misuse::PartTaken
        | Misuse::Target
        | Misuse::HeaderName(_)
        | Misuse::HeaderValue(_)
        | Misuse::Request(_)
        | Misuse::RejectionStatus(_)
        | _ => return Error::Io(io::Error::new(io::ErrorKind::InvalidInput, misuse.to_string())),
    })
}
