use std::borrow::Cow;

use framewise_proto::Opcode;
use framewise_proto::frame::LengthForm;
use framewise_rules::{Role, Rule};

/// One case: what is sent to the endpoint under test, and what it has to do.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it does, in words with slashes between: `control/ping/125-bytes`. A name is never reused for another case.
    pub name: String,
    /// One sentence: what is sent, and what is due.
    pub says: String,
    /// The rule that it is about.
    pub rule: Option<Rule>,
    /// How binding it is.
    pub level: Level,
    /// Which endpoints it is for.
    pub of: Of,
    /// What the endpoint has to do besides, so that the case can tell anything.
    pub needs: Needs,
    /// The case's number in Autobahn's suite, where that has the same.
    pub autobahn: Option<String>,
    /// What is done.
    pub work: Work,
}

/// How binding the sentence is that a case tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// MUST and MUST NOT.
    Must,
    /// SHOULD and SHOULD NOT.
    Should,
    /// MAY: no sentence obliges, and a strict endpoint does it all the same. One that does not has passed, and is
    /// [`Behaviour::NonStrict`](crate::Behaviour::NonStrict).
    May,
    /// No sentence decides it: what was seen is recorded, and not judged.
    Observe,
}

/// The endpoints that a case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Servers.
    Server,
    /// Clients.
    Client,
    /// Both.
    Both,
}

/// What a case needs of the endpoint under test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// It sends every message back.
    pub echo: bool,
    /// permessage-deflate, with these parameters in the answer. Offers of a client are written from it.
    pub deflate: Option<Deflate>,
    /// Cases whose failure makes this one pointless: it is not run then, or what it fails at is theirs.
    pub cases: Vec<&'static str>,
}

/// How a case wants permessage-deflate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// The offers, as the value of Sec-WebSocket-Extensions, where the endpoint under test is a server.
    pub offer: Cow<'static, str>,
    /// The answer, where it is a client: the first of these whose parameters its offer allows.
    pub answers: Vec<Cow<'static, str>>,
    /// The agreement has to be this answer exactly, for the bytes of the case to mean what they should.
    pub exactly: Option<Cow<'static, str>>,
}

/// What a case does.
#[derive(Clone, Debug)]
pub enum Work {
    /// After a handshake: frames, and what is due.
    Frames {
        /// What is sent.
        steps: Vec<Step>,
        /// How the bytes are cut on their way.
        cut: Cut,
        /// What is due.
        due: Due,
    },
    /// Messages in turn: the next is sent when the echo of the one before is complete.
    Echoes(Echoes),
    /// To a server: a complete request, and the status that is due.
    Request {
        /// Its bytes. `{host}`, `{path}` and `{key}` stand for those of the server under test, and for a new key.
        head: Vec<u8>,
        /// How the bytes are cut on their way.
        cut: Cut,
        /// This end ends its direction afterwards.
        end: bool,
        /// What is due.
        due: DueStatus,
    },
    /// To a server: frames on a connection beside another one, whose message has to come back all the same.
    Beside {
        /// What is sent beside it.
        steps: Vec<Step>,
    },
    /// To a client: a response, which it has to give up at, or to accept.
    Response {
        /// Its bytes. `{accept}` stands for the value that the client's key asks for.
        head: Vec<u8>,
        /// How the bytes are cut on their way.
        cut: Cut,
        /// This end ends its direction afterwards.
        end: bool,
        /// Whether the client has to accept it.
        accept: bool,
    },
}

/// One thing to send, or to wait for.
#[derive(Clone, Debug)]
pub enum Step {
    /// A frame.
    Frame(Frame),
    /// Bytes as they are: masked already, or not, as the case wants it.
    Bytes(Vec<u8>),
    /// More payload of the frame that was sent last, which claimed more than it had.
    Rest(Vec<u8>),
    /// What is sent from here on waits until everything that is due so far has arrived, or a Ping's Pong says that the
    /// endpoint has taken in what was sent.
    Settle,
    /// The writing side is shut.
    Eof,
    /// From here on the case answers nothing that the endpoint sends.
    Mute,
}

/// A frame, right or wrong.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The last of its message.
    pub fin: bool,
    /// The reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub rsv: u8,
    /// Its opcode.
    pub opcode: Opcode,
    /// Its payload, in the clear.
    pub payload: Payload,
    /// How its length is written.
    pub form: Option<LengthForm>,
    /// Whether it is masked as the sender's role demands.
    pub mask: Masking,
    /// The length that the header gives, where that is not the payload's.
    pub claims: Option<u64>,
}

/// Whether a frame is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// As the role of its sender demands: a client masks, a server does not.
    ByRole,
    /// The other way round.
    Wrong,
}

/// A payload, which is made when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A pattern, again and again, up to a length.
    Repeat(&'static [u8], usize),
}

/// How bytes are cut into writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All that is sent without waiting goes in one write.
    Whole,
    /// A write for each frame.
    Frames,
    /// Writes of this many bytes each.
    Every(usize),
    /// One cut, after this number of bytes.
    At(usize),
}

/// What an endpoint has to do.
#[derive(Clone, Debug)]
pub enum Due {
    /// It fails the connection with one of these codes.
    Fail {
        /// The codes, the one that the table names first.
        codes: Vec<u16>,
        /// What it answers before that. An endpoint that fails at once may leave it out.
        before: Vec<Seen>,
        /// What is sent where it did not fail: then it has to, and was slow.
        late: Vec<Step>,
    },
    /// It answers with these, in this order. Then the case closes with 1000, and it has to answer that.
    Answer(Vec<Seen>),
    /// The endpoint continues: any answer is legal, and it answers a Ping afterwards.
    Accept,
    /// The case has sent a Close: it answers with these, and then with a Close with one of these codes. 1005 stands for
    /// none.
    Close {
        /// What comes before the Close.
        before: Vec<Seen>,
        /// The codes.
        codes: Vec<u16>,
    },
    /// The stream has ended inside a frame or a message: what was incomplete does not come back. How the endpoint ends is
    /// recorded.
    Lost {
        /// The messages that come back.
        before: Vec<Seen>,
    },
    /// Nothing in particular, which is recorded, as long as it is legal.
    Observe,
}

/// What an endpoint sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A text message.
    Text(Payload),
    /// A binary message.
    Binary(Payload),
    /// A Ping.
    Ping(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>),
}

/// The status that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueStatus {
    /// 101.
    Accept,
    /// 101 without an extension: what was offered is declined.
    Decline,
    /// This one is best; any from 400 on rejects the request.
    Reject(u16),
    /// Anything but 101, also no response at all: the request is not complete, or more than a server has to read.
    NotAccept,
    /// Whatever it is.
    Observe,
}

/// Messages in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echoes {
    /// What the messages are made of.
    pub of: Material,
    /// Bytes of a message; of text, characters.
    pub size: usize,
    /// Messages.
    pub count: usize,
    /// Payload of a frame at the most; 0 for unfragmented messages.
    pub fragment: usize,
}

/// What messages are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// One letter, as text.
    Letter,
    /// One byte, as binary.
    Byte,
    /// JSON documents, as text.
    Json,
    /// Pages of HTML, as text.
    Html,
    /// Prose in a language with umlauts, as binary.
    Prose,
    /// An image's bytes: smooth, with noise, as binary.
    Image,
    /// A compressed document: next to no redundancy, as binary.
    Compressed,
}

impl Case {
    /// Whether it is for endpoints of this role.
    pub fn is_for(&self, role: Role) -> bool {
        match self.of {
            Of::Both => true,
            Of::Server => role == Role::Server,
            Of::Client => role == Role::Client,
        }
    }

    /// Size of the largest message that it sends, in whole MiB.
    pub(crate) fn mebibytes(&self) -> u64 {
        let largest = match &self.work {
            Work::Echoes(echoes) => echoes.size,
            Work::Frames { steps, .. } => steps.iter().map(Step::size).max().unwrap_or(0),
            Work::Beside { .. } | Work::Request { .. } | Work::Response { .. } => 0,
        };
        largest as u64 / (1024 * 1024)
    }

    /// The first part of its name.
    pub fn family(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }
}

impl Step {
    fn size(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.payload.len(),
            Self::Bytes(bytes) | Self::Rest(bytes) => bytes.len(),
            Self::Settle | Self::Eof | Self::Mute => 0,
        }
    }
}

impl Seen {
    /// Whether it is a text or a binary message.
    pub const fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}

impl Due {
    /// How many messages have to come back.
    pub(crate) fn messages(&self) -> usize {
        let seen = match self {
            Self::Fail { before, .. } | Self::Close { before, .. } | Self::Lost { before } => before,
            Self::Answer(answers) => answers,
            Self::Accept | Self::Observe => return 0,
        };
        seen.iter().filter(|seen| seen.is_message()).count()
    }
}

impl Level {
    /// Its word in reports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
            Self::Observe => "observe",
        }
    }
}

impl Payload {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Repeat(_, length) => *length,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Repeat(pattern, length) => {
                let mut bytes = pattern.repeat(length.div_ceil(pattern.len().max(1)));
                bytes.truncate(*length);
                Cow::Owned(bytes)
            }
        }
    }
}

impl Frame {
    /// A complete frame with these bytes.
    pub fn new(opcode: Opcode, payload: impl Into<Payload>) -> Self {
        Self {
            fin: true,
            rsv: 0,
            opcode,
            payload: payload.into(),
            form: None,
            mask: Masking::ByRole,
            claims: None,
        }
    }

    /// Without FIN.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// With these reserved bits.
    #[must_use]
    pub fn rsv(mut self, bits: u8) -> Self {
        self.rsv = bits;
        self
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::Bytes(text.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Payload {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}
