use core::fmt;
use core::time::Duration;

/// The status code in a Close frame (RFC 6455 §7.4): any 16-bit number, valid or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Whether a Close frame may carry this code (RFC 6455 §7.4 and the IANA registry).
    ///
    /// 1004, 1005, 1006 and 1015 are reserved ("MUST NOT be set as a status code in a Close control frame by an
    /// endpoint", §7.4.1). Codes below 1000 are not used, 1016 to 2999 are unassigned, and no range extends above 4999
    /// (§7.4.2).
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether the code is 1004, 1005, 1006 or 1015, which must not appear in a Close frame (RFC 6455 §7.4.1).
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 1004 | 1005 | 1006 | 1015)
    }

    /// Whether a client may connect again after a Close with this code, because the server stops, restarts, is overloaded or
    /// failed, or because the connection was lost (1006). After the other codes, the same has the same result until somebody
    /// changes something. What the codes of an application mean (4000 to 4999), only that application knows.
    ///
    /// ```
    /// use framewise_rules::CloseCode;
    ///
    /// assert!(CloseCode::GOING_AWAY.is_transient());
    /// assert!(!CloseCode::POLICY_VIOLATION.is_transient());
    /// ```
    pub fn is_transient(self) -> bool {
        let Some(row) = self.row() else { return false };
        match row {
            // It stops, or moves to another machine: the next one may be up already.
            Code::GoingAway | Code::ServiceRestart | Code::TryAgainLater | Code::BadGateway => true,
            // What failed may be a passing state.
            Code::InternalError | Code::Timeout | Code::AbnormalClosure => true,
            // Many servers end so when they stop, and mean nothing by it.
            Code::NoStatus => true,
            // RFC 6455 §7.4.1: "the purpose for which the connection was established has been fulfilled".
            Code::NormalClosure => false,
            // What the client sent is wrong in the eyes of the server, or the client is not welcome.
            Code::ProtocolError
            | Code::UnsupportedData
            | Code::InvalidPayload
            | Code::PolicyViolation
            | Code::MessageTooBig
            | Code::MandatoryExtension
            | Code::Unauthorized
            | Code::Forbidden => false,
            Code::Reserved | Code::TlsHandshake | Code::Registered | Code::Private => false,
        }
    }

    /// How long a client should wait at least before it connects again: 10 seconds after 1013 (try again later), which names
    /// no time. `None`: this code does not ask for a wait.
    pub fn retry_after(self) -> Option<Duration> {
        (self == Self::TRY_AGAIN_LATER).then_some(Duration::from_secs(10))
    }

    /// The row for this code: its own, or that of its range; `None` if no row covers it.
    pub fn row(self) -> Option<Code> {
        let mut row = None;
        for &code in Code::ALL {
            if code.numbers().contains(&self.0) {
                // Single codes precede the ranges that contain them.
                row = Some(code);
                break;
            }
        }
        row
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// `None`: a Close without a code, which an API reports as 1005 (RFC 6455 §7.1.5).
impl From<Option<Self>> for CloseCode {
    fn from(code: Option<Self>) -> Self {
        code.unwrap_or(Self::NO_STATUS)
    }
}

/// Whether a Close frame may carry a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnTheWire {
    /// A Close frame may carry the code.
    Yes,
    /// Only an API reports the code.
    Never,
}

/// Who may put a code into a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Client or server.
    Either,
    /// Only a client.
    Client,
    /// Only a server, or an intermediary acting for it.
    Server,
    /// Neither: the code only exists in local reports.
    Neither,
}

macro_rules! codes {
    ($( $name:ident $constant:ident $id:literal $from:literal..=$to:literal $wire:ident $sender:ident $registered:literal $title:literal; )+) => {
        /// A row in the table of close codes: one code, or one range.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $( #[doc = $title] $name, )+ }

        impl CloseCode { $( #[doc = $title] pub const $constant: Self = Self($from); )+ }

        impl Code {
            /// Every row, single codes first.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The name of the row in the reference: `1002`, or `4000-4999`.
            pub const fn id(self) -> &'static str { match self { $( Self::$name => $id, )+ } }

            /// The meaning of the code in a few words.
            pub const fn name(self) -> &'static str { match self { $( Self::$name => $title, )+ } }

            /// The document that defines the code.
            pub const fn registered(self) -> &'static str { match self { $( Self::$name => $registered, )+ } }

            /// The codes in this row.
            pub const fn numbers(self) -> core::ops::RangeInclusive<u16> { match self { $( Self::$name => $from..=$to, )+ } }

            /// Whether a Close frame may carry the code.
            pub const fn on_the_wire(self) -> OnTheWire { match self { $( Self::$name => OnTheWire::$wire, )+ } }

            /// Who may send the code.
            pub const fn sender(self) -> Sender { match self { $( Self::$name => Sender::$sender, )+ } }

            #[cfg(feature = "prose")]
            pub(crate) const fn markdown(self, language: crate::prose::Language) -> &'static str {
                match language {
                    crate::prose::Language::English => match self {
                        $( Self::$name => include_str!(concat!("../prose/en/codes/", $id, ".md")), )+
                    },
                    crate::prose::Language::French => match self {
                        $( Self::$name => include_str!(concat!("../prose/fr/codes/", $id, ".md")), )+
                    },
                }
            }
        }
    };
}

codes! {
    NormalClosure NORMAL_CLOSURE "1000" 1000..=1000 Yes Either "RFC 6455 §7.4.1" "Normal closure";
    GoingAway GOING_AWAY "1001" 1001..=1001 Yes Either "RFC 6455 §7.4.1" "Going away";
    ProtocolError PROTOCOL_ERROR "1002" 1002..=1002 Yes Either "RFC 6455 §7.4.1" "Protocol error";
    UnsupportedData UNSUPPORTED_DATA "1003" 1003..=1003 Yes Either "RFC 6455 §7.4.1" "Unsupported data";
    Reserved RESERVED "1004" 1004..=1004 Never Neither "RFC 6455 §7.4.1" "Reserved";
    NoStatus NO_STATUS "1005" 1005..=1005 Never Neither "RFC 6455 §7.4.1" "No status code in the Close frame";
    AbnormalClosure ABNORMAL_CLOSURE "1006" 1006..=1006 Never Neither "RFC 6455 §7.4.1" "Abnormal closure: no Close frame";
    InvalidPayload INVALID_PAYLOAD "1007" 1007..=1007 Yes Either "RFC 6455 §7.4.1" "Invalid payload data";
    PolicyViolation POLICY_VIOLATION "1008" 1008..=1008 Yes Either "RFC 6455 §7.4.1" "Policy violation";
    MessageTooBig MESSAGE_TOO_BIG "1009" 1009..=1009 Yes Either "RFC 6455 §7.4.1" "Message too big";
    MandatoryExtension MANDATORY_EXTENSION "1010" 1010..=1010 Yes Client "RFC 6455 §7.4.1" "Mandatory extension missing";
    InternalError INTERNAL_ERROR "1011" 1011..=1011 Yes Either "RFC 6455 §7.4.1, erratum 3227" "Internal error";
    ServiceRestart SERVICE_RESTART "1012" 1012..=1012 Yes Server "IANA registry" "Service restart";
    TryAgainLater TRY_AGAIN_LATER "1013" 1013..=1013 Yes Server "IANA registry" "Try again later";
    BadGateway BAD_GATEWAY "1014" 1014..=1014 Yes Server "IANA registry" "Bad gateway";
    TlsHandshake TLS_HANDSHAKE "1015" 1015..=1015 Never Neither "RFC 6455 §7.4.1" "TLS handshake failed";
    Unauthorized UNAUTHORIZED "3000" 3000..=3000 Yes Either "IANA registry" "Unauthorized";
    Forbidden FORBIDDEN "3003" 3003..=3003 Yes Either "IANA registry" "Forbidden";
    Timeout TIMEOUT "3008" 3008..=3008 Yes Either "IANA registry" "Timeout";
    Registered REGISTERED "3000-3999" 3000..=3999 Yes Either "RFC 6455 §7.4.2" "Registered by libraries and frameworks";
    Private PRIVATE "4000-4999" 4000..=4999 Yes Either "RFC 6455 §7.4.2" "Private use, by agreement between the two ends";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_sent_exactly_when_its_row_says_so() {
        for number in 0..=u16::MAX {
            let code = CloseCode(number);
            let row = code.row().is_some_and(|row| row.on_the_wire() == OnTheWire::Yes);
            assert_eq!(code.may_be_sent(), row, "{number}");
        }
    }

    #[test]
    fn no_code_is_1005_and_a_code_is_its_number() {
        assert_eq!(CloseCode::from(None), CloseCode::NO_STATUS);
        assert_eq!(CloseCode::from(Some(CloseCode(4000))), CloseCode(4000));
        assert_eq!(u16::from(CloseCode::GOING_AWAY), 1001);
    }

    #[test]
    fn a_server_that_stops_or_fails_is_asked_again_and_one_that_rejects_is_not() {
        let transient: alloc::vec::Vec<_> =
            (0..=u16::MAX).filter(|&code| CloseCode(code).is_transient()).collect();
        assert_eq!(transient, [1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008]);
        let asks: alloc::vec::Vec<_> =
            (0..=u16::MAX).filter(|&code| CloseCode(code).retry_after().is_some()).collect();
        assert_eq!(asks, [1013]);
    }

    #[test]
    fn the_row_of_a_single_code_goes_before_its_range() {
        assert_eq!(CloseCode(3000).row(), Some(Code::Unauthorized));
        assert_eq!(CloseCode(3001).row(), Some(Code::Registered));
        assert_eq!(CloseCode(4999).row(), Some(Code::Private));
        assert_eq!(CloseCode(2999).row(), None);
    }
}
