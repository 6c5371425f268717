//! The frames of the endpoint, in both roles.

use std::sync::Arc;
use std::time::Duration;

use framewise_proto::{Header, Opcode};
use framewise_rules::{Answer, CloseCode, Role, Rule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Fault;
use super::deflate::Compression;

/// The largest frame and the largest message that it takes.
const LIMIT: u64 = 64 * 1024 * 1024;
/// How long a faulty endpoint looks ahead.
const MOMENT: Duration = Duration::from_millis(500);

pub(super) struct Peer {
    role: Role,
    stream: TcpStream,
    inbox: Vec<u8>,
    fault: Fault,
    message: Option<(Opcode, Vec<u8>)>,
    /// permessage-deflate was agreed.
    pub(super) deflate: Option<Compression>,
    /// The message that comes is compressed.
    compressed: bool,
    fragments: usize,
    pings: usize,
    messages: usize,
    pub(super) all: Option<Arc<Notify>>,
}

/// How a connection goes on.
enum Next {
    More,
    Over,
}

impl Peer {
    pub(super) fn new(role: Role, stream: TcpStream, inbox: Vec<u8>, fault: Fault) -> Self {
        Self {
            role,
            stream,
            inbox,
            fault,
            message: None,
            deflate: None,
            compressed: false,
            fragments: 0,
            pings: 0,
            messages: 0,
            all: None,
        }
    }

    fn checks(&self, rule: Rule) -> bool {
        self.fault != Fault::Unchecked(rule)
    }

    pub(super) async fn run(mut self) {
        if self.fault == Fault::ForgetsAtEnd && self.comes_to_its_end().await {
            return;
        }
        loop {
            while let Some(next) = self.frame().await {
                if matches!(next, Next::Over) {
                    return self.end().await;
                }
            }
            if !matches!(self.stream.read_buf(&mut self.inbox).await, Ok(1..)) {
                return self.truncated().await;
            }
        }
    }

    /// Reads ahead for a moment: whether the stream ends.
    async fn comes_to_its_end(&mut self) -> bool {
        loop {
            match timeout(MOMENT, self.stream.read_buf(&mut self.inbox)).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
    }

    /// The stream has ended. What was incomplete is no message, for who checks it.
    async fn truncated(mut self) {
        let header = Header::decode(&self.inbox);
        if let Some(header) = header {
            if !self.checks(Rule::PayloadTruncated) {
                self.write(header.opcode, b"").await;
            }
        } else if !self.inbox.is_empty() {
            if !self.checks(Rule::HeaderTruncated) {
                self.write(Opcode::Text, b"").await;
            }
        } else if let Some((opcode, message)) = self.message.take()
            && !self.checks(Rule::CloseMissing)
        {
            self.write(opcode, &message).await;
        }
    }

    /// A server ends TCP; a client waits for the server to do it, unless it just drops the connection.
    async fn end(mut self) {
        let drops = self.fault == Fault::DropsInsteadOfFailing;
        if drops || self.role == Role::Server && self.fault != Fault::Lingers {
            let _ = self.stream.shutdown().await;
        }
        let mut rest = [0; 4096];
        while matches!(self.stream.read(&mut rest).await, Ok(1..)) {}
    }

    /// Takes one frame; `None` while it is not complete.
    async fn frame(&mut self) -> Option<Next> {
        // A fault of a header is told before its payload has come.
        let header = Header::decode_without_mask(&self.inbox)?;
        if let Some(rule) = self.broken(&header) {
            return Some(self.fail(rule).await);
        }
        let mut header = Header::decode(&self.inbox)?;
        // Who does not look at the top bit may read the others as a short length.
        if header.length >> 63 == 1 {
            header.length = 0;
        }
        let wanted = usize::try_from(header.length).ok()?;
        let there = self.inbox.len().saturating_sub(header.size()).min(wanted);
        // A long text is looked at once, when all of it has come.
        if there < wanted && wanted > 64 * 1024 {
            return None;
        }
        let key = header.mask.unwrap_or_default();
        let start = &self.inbox[header.size()..header.size() + there];
        let payload: Vec<u8> = start.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        if self.fault != Fault::ChecksLate
            && let Some(rule) = self.bad_text(&header, &payload)
        {
            return Some(self.fail(rule).await);
        }
        if there < wanted {
            return None;
        }
        self.inbox.drain(..header.size() + wanted);
        Some(match header.opcode {
            Opcode::Ping => {
                let payload = if self.fault == Fault::EmptyPongs { Vec::new() } else { payload };
                self.pings += 1;
                let tired = self.fault == Fault::TiredOfPings && self.pings > 50;
                if self.fault != Fault::NoPongs && !tired {
                    self.write(Opcode::Pong, &payload).await;
                }
                Next::More
            }
            Opcode::Pong => {
                if self.fault == Fault::AnswersPongs {
                    self.write(Opcode::Pong, &payload).await;
                }
                Next::More
            }
            Opcode::Close => self.closed(&payload).await,
            Opcode::Text | Opcode::Binary | Opcode::Continuation | Opcode::Reserved(_) => {
                self.data(&header, payload).await
            }
        })
    }

    /// The first rule that a header breaks, of those that are checked.
    fn broken(&self, header: &Header) -> Option<Rule> {
        use framewise_proto::frame::LengthForm;
        let masked = header.mask.is_some();
        let control = header.opcode.is_control();
        let data = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        let open = self.message.is_some();
        let top_bit = header.length >> 63 == 1;
        [
            (Rule::Rsv1Unnegotiated, header.rsv1 && self.deflate.is_none()),
            (Rule::Rsv1OnControl, header.rsv1 && self.deflate.is_some() && control),
            (
                Rule::Rsv1OnContinuation,
                header.rsv1 && self.deflate.is_some() && header.opcode == Opcode::Continuation,
            ),
            (Rule::Rsv2Set, header.rsv2),
            (Rule::Rsv3Set, header.rsv3),
            (Rule::OpcodeReservedData, matches!(header.opcode, Opcode::Reserved(..=7))),
            (Rule::OpcodeReservedControl, matches!(header.opcode, Opcode::Reserved(8..))),
            (Rule::LengthNotMinimal16, header.form == LengthForm::Sixteen && header.length < 126),
            (Rule::LengthNotMinimal64, header.form == LengthForm::SixtyFour && header.length < 65_536),
            (Rule::LengthTopBit, top_bit),
            (Rule::MaskMissing, self.role == Role::Server && !masked),
            (Rule::MaskPresent, self.role == Role::Client && masked),
            (Rule::ControlFragmented, control && !header.fin),
            (Rule::ControlTooLong, control && header.length > 125),
            (Rule::ContinuationOrphan, header.opcode == Opcode::Continuation && !open),
            (Rule::DataInterleaved, data && open),
            (Rule::FrameTooBig, header.length > LIMIT && !top_bit),
        ]
        .into_iter()
        .find(|&(rule, broken)| broken && self.checks(rule))
        .map(|(rule, _)| rule)
    }

    /// What is wrong with the text so far.
    fn bad_text(&self, header: &Header, payload: &[u8]) -> Option<Rule> {
        if header.rsv1 && header.opcode == Opcode::Text
            || self.compressed && header.opcode == Opcode::Continuation
        {
            return None;
        }
        let before: &[u8] = match (&self.message, header.opcode) {
            (_, Opcode::Text) => &[],
            (Some((Opcode::Text, before)), Opcode::Continuation) => before,
            _ => return None,
        };
        if self.fault == Fault::ReplacesBadText {
            return None;
        }
        let text = [before, payload].concat();
        let error = std::str::from_utf8(&text).err()?;
        let whole = header.fin && payload.len() as u64 == header.length;
        match error.error_len() {
            Some(_) => self.checks(Rule::TextInvalidUtf8).then_some(Rule::TextInvalidUtf8),
            None if whole => self.checks(Rule::TextTruncatedUtf8).then_some(Rule::TextTruncatedUtf8),
            None => None,
        }
    }

    async fn data(&mut self, header: &Header, payload: Vec<u8>) -> Next {
        if self.fault == Fault::ChecksLate
            && header.fin
            && let Some(rule) = self.bad_text(header, &payload)
        {
            return self.fail(rule).await;
        }
        if matches!(header.opcode, Opcode::Reserved(_)) {
            return Next::More;
        }
        if header.opcode != Opcode::Continuation {
            self.compressed = header.rsv1 && self.deflate.is_some();
            self.fragments = 0;
        }
        self.fragments += 1;
        let lost = self.fault == Fault::LosesFragments && self.fragments > 50;
        let payload = if lost { Vec::new() } else { payload };
        let (opcode, mut message) = match (self.message.take(), header.opcode) {
            (Some((opcode, before)), Opcode::Continuation) => (opcode, [before, payload].concat()),
            (None, Opcode::Continuation) => (Opcode::Binary, payload),
            (_, opcode) => (opcode, payload),
        };
        if !header.fin {
            if self.fault == Fault::EchoesFragments {
                self.write(opcode, &message).await;
            }
            self.message = Some((opcode, message));
            return Next::More;
        }
        if std::mem::take(&mut self.compressed) && self.fault != Fault::DoesNotInflate {
            let inflated =
                self.deflate.as_mut().map_or_else(|| Ok(Vec::new()), |deflate| deflate.inflate(&message));
            message = match inflated {
                Ok(inflated) => inflated,
                Err(rule) if self.checks(rule) => return self.fail(rule).await,
                Err(_) => Vec::new(),
            };
            if self.fault == Fault::InflatesShort {
                message.truncate(10 * 1024);
            }
            if opcode == Opcode::Text
                && let Err(error) = std::str::from_utf8(&message)
            {
                let rule = match error.error_len() {
                    Some(_) => Rule::TextInvalidUtf8,
                    None => Rule::TextTruncatedUtf8,
                };
                if self.checks(rule) {
                    return self.fail(rule).await;
                }
            }
        }
        if self.fault == Fault::ReplacesLong && message.len() > 60_000 {
            message.fill(b'x');
        }
        self.messages += 1;
        if self.fault == Fault::LosesThird && self.messages == 3 {
            return Next::More;
        }
        let opcode =
            if self.fault == Fault::WrongKind && opcode == Opcode::Binary { Opcode::Text } else { opcode };
        if self.fault == Fault::ReplacesBadText && opcode == Opcode::Text {
            message = String::from_utf8_lossy(&message).into_owned().into_bytes();
        }
        match self.deflate.as_mut().filter(|deflate| deflate.compresses()) {
            Some(deflate) => {
                let compressed = deflate.compress(&message);
                self.write_with(opcode, &compressed, true).await;
            }
            None => self.write(opcode, &message).await,
        }
        Next::More
    }

    async fn closed(&mut self, payload: &[u8]) -> Next {
        let code = payload.first_chunk::<2>().map(|code| CloseCode(u16::from_be_bytes(*code)));
        let fault = match (payload, code) {
            ([], _) => None,
            ([_], _) => Some(Rule::ClosePayloadOneByte),
            (_, Some(code)) if code.is_reserved() => Some(Rule::CloseCodeReserved),
            (_, Some(code)) if !code.may_be_sent() => Some(Rule::CloseCodeInvalid),
            (_, Some(code)) if self.fault == Fault::RejectsCodes && code.0 > 1011 => {
                Some(Rule::CloseCodeInvalid)
            }
            (rest, _) if std::str::from_utf8(rest.get(2..).unwrap_or_default()).is_err() => {
                Some(Rule::CloseReasonInvalidUtf8)
            }
            _ => None,
        };
        if let Some(rule) = fault.filter(|&rule| self.checks(rule)) {
            return self.fail(rule).await;
        }
        if self.fault == Fault::NoCloses {
            return Next::Over;
        }
        let echo = match (self.fault, code) {
            (Fault::EmptyCloses, _) | (_, None) => Vec::new(),
            (_, Some(code)) => code.0.to_be_bytes().to_vec(),
        };
        self.write(Opcode::Close, &echo).await;
        if self.fault == Fault::ReadsAfterClose { Next::More } else { Next::Over }
    }

    async fn fail(&mut self, rule: Rule) -> Next {
        if self.fault == Fault::EndsAll
            && let Some(all) = &self.all
        {
            all.notify_waiters();
        }
        let due = if let Answer::Close(code) = rule.answer() { code.0 } else { 1002 };
        let code = if let Fault::FailsWith(code) = self.fault { code } else { due };
        if self.fault == Fault::EmptyCloses {
            self.write(Opcode::Close, b"").await;
        } else if self.fault != Fault::DropsInsteadOfFailing {
            self.write(Opcode::Close, &code.to_be_bytes()).await;
        }
        Next::Over
    }

    async fn write(&mut self, opcode: Opcode, payload: &[u8]) {
        self.write_with(opcode, payload, false).await;
    }

    async fn write_with(&mut self, opcode: Opcode, payload: &[u8], compressed: bool) {
        let masks = (self.role == Role::Client) != (self.fault == Fault::WrongMask);
        let mut header = Header::new(opcode, payload.len() as u64, masks.then_some([0x37, 0xfa, 0x21, 0x3d]));
        header.rsv1 = compressed;
        let (bytes, size) = header.encode();
        let key = header.mask.unwrap_or_default();
        let mut out = bytes[..size].to_vec();
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        // Who is gone reads nothing.
        let _ = self.stream.write_all(&out).await;
    }
}
