//! A small endpoint of its own making whose every check can be switched off: what the cases have to notice.

mod deflate;
mod frames;
mod open;

use framewise_rules::Rule;

pub(crate) use open::{client, server};

/// What the endpoint does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Nothing,
    /// It does not check this rule.
    Unchecked(Rule),
    /// It ends TCP where a failing Close is due.
    DropsInsteadOfFailing,
    /// It fails with this code, whatever was broken.
    FailsWith(u16),
    /// Its Pongs are empty.
    EmptyPongs,
    /// It does not answer Pings.
    NoPongs,
    /// It answers Pongs with Pongs.
    AnswersPongs,
    /// Its Close frames have no code.
    EmptyCloses,
    /// It does not answer a Close.
    NoCloses,
    /// It leaves TCP open after the Close frames.
    Lingers,
    /// Long messages come back with other contents, and the same length.
    ReplacesLong,
    /// Binary messages come back as text.
    WrongKind,
    /// It goes on reading after a Close.
    ReadsAfterClose,
    /// Its frames are masked the wrong way round.
    WrongMask,
    /// A fault on one connection ends all of them.
    EndsAll,
    /// Each message is inflated without those before it.
    NoTakeover,
    /// It agrees to permessage-deflate with a parameter that was not offered.
    AgreesTooMuch,
    /// Of compressed messages it sends back what came, as if it were text.
    DoesNotInflate,
    /// Of a message it keeps fifty fragments.
    LosesFragments,
    /// It answers a few Pings, and then it is tired.
    TiredOfPings,
    /// It compares header lines byte for byte.
    ComparesCase,
    /// It checks text only when a message is complete.
    ChecksLate,
    /// It drops the connection at the end of the stream, with what came before it unread.
    ForgetsAtEnd,
    /// Each fragment comes back as a message.
    EchoesFragments,
    /// Of a text it sends back what a lossy conversion makes of it.
    ReplacesBadText,
    /// The third message on a connection does not come back.
    LosesThird,
    /// Of what it inflates it keeps ten KiB.
    InflatesShort,
    /// It agrees to permessage-deflate without the `server_no_context_takeover` that the client asked for.
    IgnoresTakeover,
    /// It compresses with a window of 15 bits, whatever was agreed.
    CompressesTooFar,
    /// It takes the window of its compressor over, whatever was agreed.
    CompressesOn,
    /// Its handshake has a value of Sec-WebSocket-Accept for another key.
    WrongAccept,
    /// It answers every handshake with the first extension of the offer.
    AgreesToAll,
    /// It stops at an unknown close code and at a registered one above 1011.
    RejectsCodes,
}
