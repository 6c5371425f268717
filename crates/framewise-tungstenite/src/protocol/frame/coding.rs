//! Opcodes and close codes.

use std::fmt;

/// The opcode of a frame (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpCode {
    /// Of a data frame.
    Data(Data),
    /// Of a control frame.
    Control(Control),
}

/// The opcodes of data frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// 0: continues a message.
    Continue,
    /// 1: text.
    Text,
    /// 2: binary.
    Binary,
    /// 3 to 7: reserved.
    Reserved(u8),
}

/// The opcodes of control frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// 8
    Close,
    /// 9
    Ping,
    /// 10
    Pong,
    /// 11 to 15: reserved.
    Reserved(u8),
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue => f.write_str("a continuation"),
            Self::Text => f.write_str("a text message"),
            Self::Binary => f.write_str("a binary message"),
            Self::Reserved(opcode) => write!(f, "a data frame with the opcode {opcode}"),
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close => f.write_str("a Close"),
            Self::Ping => f.write_str("a Ping"),
            Self::Pong => f.write_str("a Pong"),
            Self::Reserved(opcode) => write!(f, "a control frame with the opcode {opcode}"),
        }
    }
}

impl fmt::Display for OpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => data.fmt(f),
            Self::Control(control) => control.fmt(f),
        }
    }
}

impl From<OpCode> for u8 {
    fn from(opcode: OpCode) -> Self {
        match opcode {
            OpCode::Data(Data::Continue) => 0,
            OpCode::Data(Data::Text) => 1,
            OpCode::Data(Data::Binary) => 2,
            OpCode::Control(Control::Close) => 8,
            OpCode::Control(Control::Ping) => 9,
            OpCode::Control(Control::Pong) => 10,
            OpCode::Data(Data::Reserved(opcode)) | OpCode::Control(Control::Reserved(opcode)) => opcode,
        }
    }
}

impl From<u8> for OpCode {
    /// # Panics
    ///
    /// If the number is above 15, as in tungstenite: an opcode has four bits.
    fn from(opcode: u8) -> Self {
        match opcode {
            0 => Self::Data(Data::Continue),
            1 => Self::Data(Data::Text),
            2 => Self::Data(Data::Binary),
            3..=7 => Self::Data(Data::Reserved(opcode)),
            8 => Self::Control(Control::Close),
            9 => Self::Control(Control::Ping),
            10 => Self::Control(Control::Pong),
            11..=15 => Self::Control(Control::Reserved(opcode)),
            16.. => panic!("an opcode has four bits, and {opcode} has more"),
        }
    }
}

/// Implements the conversions of the close codes that have a name.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The code of a Close (RFC 6455 §7.4.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CloseCode {
            $($(#[$doc])* $name,)*
            /// 1004, and 1014 to 2999 without a name here.
            #[doc(hidden)]
            Reserved(u16),
            /// 3000 to 3999: registered codes.
            #[doc(hidden)]
            Iana(u16),
            /// 4000 to 4999: codes of applications.
            #[doc(hidden)]
            Library(u16),
            /// All other numbers.
            #[doc(hidden)]
            Bad(u16),
        }

        impl From<CloseCode> for u16 {
            fn from(code: CloseCode) -> Self {
                match code {
                    $(CloseCode::$name => $number,)*
                    CloseCode::Reserved(code)
                    | CloseCode::Iana(code)
                    | CloseCode::Library(code)
                    | CloseCode::Bad(code) => code,
                }
            }
        }

        impl From<u16> for CloseCode {
            fn from(code: u16) -> Self {
                match code {
                    $($number => Self::$name,)*
                    1016..=2999 => Self::Reserved(code),
                    3000..=3999 => Self::Iana(code),
                    4000..=4999 => Self::Library(code),
                    _ => Self::Bad(code),
                }
            }
        }
    };
}

codes! {
    /// The purpose of the connection is fulfilled.
    Normal = 1000,
    /// The server stops, or the page is left.
    Away = 1001,
    /// The peer broke a rule.
    Protocol = 1002,
    /// The peer sent a kind of message that is not accepted.
    Unsupported = 1003,
    /// There was no code. It is never sent.
    Status = 1005,
    /// There was no Close. It is never sent.
    Abnormal = 1006,
    /// The peer sent text that is not UTF-8.
    Invalid = 1007,
    /// The peer does not keep a policy.
    Policy = 1008,
    /// A message is too large.
    Size = 1009,
    /// The server has not agreed to an extension.
    Extension = 1010,
    /// The server failed.
    Error = 1011,
    /// The server restarts.
    Restart = 1012,
    /// The server is overloaded.
    Again = 1013,
    /// TLS failed. It is never sent.
    Tls = 1015,
}

impl CloseCode {
    /// Whether a Close frame may carry the code, in tungstenite's eyes: 1014, which was registered later, may not.
    pub fn is_allowed(self) -> bool {
        !matches!(self, Self::Bad(_) | Self::Reserved(_) | Self::Status | Self::Abnormal | Self::Tls)
    }
}

impl From<&CloseCode> for u16 {
    fn from(code: &CloseCode) -> Self {
        (*code).into()
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u16::from(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_the_same_on_the_way_back() {
        for code in 0..=u16::MAX {
            assert_eq!(u16::from(CloseCode::from(code)), code);
        }
        for opcode in 0..=15 {
            assert_eq!(u8::from(OpCode::from(opcode)), opcode);
        }
    }

    #[test]
    fn what_must_not_be_sent_is_not_allowed() {
        let allowed: Vec<u16> = (990..1020).filter(|&code| CloseCode::from(code).is_allowed()).collect();
        assert_eq!(allowed, [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013]);
        assert!(CloseCode::from(3000).is_allowed() && CloseCode::from(4999).is_allowed());
        assert!(!CloseCode::from(2999).is_allowed() && !CloseCode::from(5000).is_allowed());
    }
}
