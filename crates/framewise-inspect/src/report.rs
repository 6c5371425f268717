//! The result of an observation: the objects of `framewise read --json`.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use framewise_rules::{Answer, Cause, CloseCode, Role, Rule};
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

/// The report on one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The connections, ordered by their beginning.
    pub connections: Vec<Connection>,
}

/// The report on one connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Connection {
    /// Its name in the recording.
    pub id: String,
    /// The client's address, if the recording contains it.
    pub client: Option<String>,
    /// The server's address, if the recording contains it.
    pub server: Option<String>,
    /// The names of its legs, in the order in which they appear.
    pub legs: Vec<String>,
    /// The result of the handshake, on the leg next to the client; `None` if none was seen.
    pub handshake: Option<Handshake>,
    /// The findings, in the order in which they could be known.
    pub findings: Vec<Finding>,
    /// How it ended; `None` if it did not end within the recording.
    pub ended: Option<Ended>,
    /// The finding that explains the end; `None` if there are no findings, or only notes.
    pub verdict: Option<Verdict>,
    /// Steps that the searches for causes took; a step is mostly a byte that they read.
    #[serde(skip)]
    pub steps: u64,
}

/// The result of a handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Handshake {
    /// The response's status; `None` if the recording begins after the handshake, or has no response.
    pub status: Option<u16>,
    /// The subprotocol that was chosen.
    pub subprotocol: Option<String>,
    /// The extensions that were agreed, as in the response.
    pub extensions: Option<String>,
}

/// A rule that was broken, or something legal that broke the connection all the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The rule; `None` if every byte is legal.
    #[serde(serialize_with = "optional_id")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub rule: Option<Rule>,
    /// How a strict endpoint answers; `None` without a rule.
    #[serde(serialize_with = "answer")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AnswerObject>"))]
    pub answer: Option<Answer>,
    /// Who broke it; `None` if every byte is legal.
    #[serde(serialize_with = "optional_role")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Side>"))]
    pub by: Option<Role>,
    /// The leg that it was seen on.
    pub leg: String,
    /// Bytes from the start of that side's stream on that leg to the first byte that breaks the rule. If the stream's
    /// end or a silence breaks it, the length of the stream.
    pub offset: u64,
    /// How many bytes break it; 0 for an end or a silence. It may exceed what was seen: an incomplete header counts
    /// with its masking key, and a frame that does not inflate with its complete payload.
    pub length: u64,
    /// The frame, from 1; `None` in the handshake.
    pub frame: Option<u64>,
    /// The message, from 1; `None` before the first.
    pub message: Option<u64>,
    /// When it was seen, since the start of the recording.
    #[serde(serialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub time: Option<Duration>,
    /// The bytes that break the rule and a few after them, in hexadecimal.
    pub bytes: String,
    /// The other rules that the same header or head breaks.
    #[serde(serialize_with = "ids")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub also: Vec<Rule>,
    /// What was seen, as a sentence.
    pub says: String,
    /// The causes, the likeliest first; empty if nothing points to one.
    pub causes: Vec<CauseFound>,
    /// Whether the search for causes is complete.
    #[serde(skip_serializing_if = "Searched::is_done")]
    pub searched: Searched,
    /// The earlier finding that it repeats or follows from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consequence: Option<Consequence>,
    /// Its index among the connection's findings.
    #[serde(skip)]
    pub index: usize,
    /// The bytes around it, to display them.
    #[serde(skip)]
    pub excerpt: Excerpt,
    /// Without a rule: the code of the Close frame that refused legal bytes.
    #[serde(skip)]
    pub close: Option<CloseCode>,
}

/// How a finding relates to an earlier one of its connection, which is given by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// The same side breaks the same rule again.
    Repeats(usize),
    /// The other side or an intermediary reacts to it, for example with a 426 to a request without Upgrade.
    Follows(usize),
}

/// Whether the causes of a finding were searched for. The work for each connection is counted and limited, so that a
/// peer cannot prolong it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Searched {
    /// They were not.
    #[default]
    No,
    /// The limit was reached: there may be more causes than those found.
    Partly,
    /// They were.
    Done,
}

impl Searched {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
    const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// The bytes around a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The offset of the first byte in its direction's stream.
    pub start: u64,
    /// The bytes as they were sent.
    pub bytes: Vec<u8>,
    /// Which of them break the rule.
    pub marked: Range<usize>,
    /// The meaning of some of them.
    pub parts: Vec<(Range<usize>, Part)>,
}

/// The meaning of an excerpt's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A frame's header.
    Header,
    /// A frame's payload as it was sent.
    Payload,
}

/// A cause that the evidence supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CauseFound {
    /// The cause.
    #[serde(serialize_with = "id")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: Cause,
    /// Who is at fault; `None` if the evidence does not say.
    pub fault: Option<Fault>,
    /// The evidence: bytes, offsets, times, headers, or what the other leg shows.
    pub evidence: String,
    /// What to do about it.
    pub fix: String,
}

/// Who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The client, or the program around it.
    Client,
    /// The server, or the program around it.
    Server,
    /// An intermediary: a proxy, a load balancer, a filter.
    Intermediary,
}

impl From<Role> for Fault {
    fn from(role: Role) -> Self {
        match role {
            Role::Client => Self::Client,
            Role::Server => Self::Server,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Intermediary => "intermediary",
        })
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ended {
    /// Who ended it.
    #[serde(serialize_with = "role")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Side"))]
    pub by: Role,
    /// How.
    pub how: How,
    /// The code of the Close frame.
    #[serde(serialize_with = "code")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u16>"))]
    pub code: Option<CloseCode>,
    /// The reason in the Close frame, if it is text and not empty.
    pub reason: Option<String>,
}

/// How a side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// With a Close frame.
    Close,
    /// By ending its stream, without a Close frame.
    Eof,
    /// With a reset.
    Reset,
}

/// The finding that explains the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// The rule; `None` if every byte is legal.
    #[serde(serialize_with = "optional_id")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub rule: Option<Rule>,
    /// The likeliest cause.
    #[serde(serialize_with = "optional_id")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cause: Option<Cause>,
    /// Who is at fault.
    pub fault: Option<Fault>,
    /// The code that a strict endpoint sends or reports; without a rule, the code that the endpoint sent.
    #[serde(serialize_with = "code")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u16>"))]
    pub close: Option<CloseCode>,
    /// The index of the finding.
    #[serde(skip)]
    pub finding: usize,
}

/// A value with an id in the tables.
trait Id: Copy {
    fn id(self) -> &'static str;
}

impl Id for Rule {
    fn id(self) -> &'static str {
        Self::id(self)
    }
}

impl Id for Cause {
    fn id(self) -> &'static str {
        Self::id(self)
    }
}

fn id<T: Id, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.id())
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn optional_id<T: Id, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(T::id).serialize(serializer)
}

fn ids<S: Serializer>(rules: &[Rule], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(rules.len()))?;
    for rule in rules {
        list.serialize_element(rule.id())?;
    }
    list.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn role<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.name())
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn optional_role<S: Serializer>(role: &Option<Role>, serializer: S) -> Result<S::Ok, S::Error> {
    role.map(Role::name).serialize(serializer)
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn code<S: Serializer>(code: &Option<CloseCode>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(|code| code.0).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// An answer as an object with one key.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum AnswerObject {
    /// A Close frame with this code.
    Close(u16),
    /// A rejection of the handshake with this status.
    Http(u16),
    /// The client drops the connection; always true.
    Abort(bool),
    /// Nothing is sent, and this code is reported: 1006.
    Lost(u16),
    /// It is legal, and nothing is done; always true.
    Note(bool),
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn answer<S: Serializer>(answer: &Option<Answer>, serializer: S) -> Result<S::Ok, S::Error> {
    let object = answer.and_then(|answer| match answer {
        Answer::Close(code) => Some(AnswerObject::Close(code.0)),
        Answer::Http(status) => Some(AnswerObject::Http(status)),
        Answer::Abort => Some(AnswerObject::Abort(true)),
        Answer::Lost => Some(AnswerObject::Lost(CloseCode::ABNORMAL_CLOSURE.0)),
        Answer::Note => Some(AnswerObject::Note(true)),
        _ => None,
    });
    object.serialize(serializer)
}

/// What the schema says of fields that are not serialized as their types would be.
#[cfg(feature = "schema")]
mod schema {
    /// One of the two ends.
    #[derive(schemars::JsonSchema)]
    #[schemars(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is used")]
    pub(super) enum Side {
        Client,
        Server,
    }
}
