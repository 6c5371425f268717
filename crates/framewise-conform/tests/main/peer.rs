//! A small endpoint of its own making whose every check can be switched off: what the cases have to notice.

use std::sync::Arc;

use framewise_proto::deflate::{DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::extension::Extension;
use framewise_proto::handshake::http1::{Progress, parse_request, read_request, read_response};
use framewise_proto::handshake::{ClientOffer, Headers, Request, ServerPolicy, rejection};
use framewise_proto::{Config, Header, Opcode};
use framewise_rules::{Answer, CloseCode, Role, Rule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use zlib_rs::{Inflate, InflateFlush};

/// The largest frame and the largest message that it takes.
const LIMIT: u64 = 64 * 1024 * 1024;

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
}

/// A server: it accepts connections until the test is over.
pub(crate) async fn server(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let end = Arc::new(Notify::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(accept(stream, fault, end.clone()));
        }
    });
    url
}

async fn accept(mut stream: TcpStream, fault: Fault, end: Arc<Notify>) {
    let mut inbox = Vec::new();
    let (request, size) = loop {
        match read_request(&inbox, &ServerPolicy::default()) {
            Progress::Done { value, size, .. } => break (value, size),
            Progress::Broken(violation) => {
                if fault == Fault::Unchecked(violation.rule)
                    && let Ok(Some(parsed)) = parse_request(&inbox)
                {
                    break (Request::from_head(&parsed.head), parsed.size);
                }
                if let Some(reply) = rejection(&violation) {
                    let _ = stream.write_all(&reply.encode()).await;
                }
                let _ = stream.shutdown().await;
                return;
            }
            Progress::More => {}
        }
        if !matches!(stream.read_buf(&mut inbox).await, Ok(1..)) {
            return;
        }
    };
    let exact = b"\r\nUpgrade: websocket\r\n";
    if fault == Fault::ComparesCase && !inbox.windows(exact.len()).any(|line| line == exact) {
        return;
    }
    let mut agreed = negotiate(&request.extensions, &DeflateConfig::default()).map(|(answer, _)| answer);
    if let (Fault::AgreesTooMuch, Some(answer)) = (fault, &mut agreed) {
        answer.parameters.retain(|(name, _)| name != "client_max_window_bits");
        answer.parameters.push(("client_max_window_bits".into(), Some("7".into())));
    }
    let extensions: Vec<Extension> = agreed.into_iter().collect();
    let none = Headers::default();
    let Ok(reply) = request.accept(None, &extensions, &none) else { return };
    if stream.write_all(&reply.encode()).await.is_err() {
        return;
    }
    inbox.drain(..size);
    let mut peer = Peer::new(Role::Server, stream, inbox, fault);
    let agreed = DeflateAgreement::in_response(&extensions);
    peer.deflate = (!extensions.is_empty()).then(inflate);
    peer.alone = agreed.is_some_and(|agreed| !agreed.client.takeover);
    peer.all = Some(end.clone());
    // With `EndsAll` the others end with the first that breaks a rule.
    tokio::select! {
        () = peer.run() => {}
        () = end.notified() => {}
    }
}

/// A client that asks for one case.
pub(crate) async fn client(address: &str, target: &str, fault: Fault) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let mut offer = ClientOffer::new(address, target, [7; 16]);
    offer.extensions = vec![DeflateConfig::default().offer()];
    let request = offer.encode().expect("a right request");
    if stream.write_all(&request).await.is_err() {
        return;
    }
    let mut inbox = Vec::new();
    let (size, deflate) = loop {
        match read_response(&inbox, &offer, &Config::default()) {
            Progress::Done { value, size, .. } => {
                break (size, DeflateAgreement::in_response(&value.extensions));
            }
            Progress::Broken(violation) if fault == Fault::Unchecked(violation.rule) => {
                match framewise_proto::handshake::http1::parse_response(&inbox, 0) {
                    Ok(Some(parsed)) => break (parsed.size, None),
                    Ok(None) | Err(_) => return,
                }
            }
            Progress::Broken(_) => return,
            Progress::More => {}
        }
        if !matches!(stream.read_buf(&mut inbox).await, Ok(1..)) {
            return;
        }
    };
    inbox.drain(..size);
    let mut peer = Peer::new(Role::Client, stream, inbox, fault);
    peer.alone = deflate.is_some_and(|agreed| !agreed.server.takeover);
    peer.deflate = deflate.is_some().then(inflate);
    peer.run().await;
}

fn inflate() -> Inflate {
    Inflate::new(false, 15)
}

struct Peer {
    role: Role,
    stream: TcpStream,
    inbox: Vec<u8>,
    fault: Fault,
    message: Option<(Opcode, Vec<u8>)>,
    /// permessage-deflate was agreed.
    deflate: Option<Inflate>,
    /// The other side compresses each message by itself.
    alone: bool,
    /// The message that comes is compressed.
    compressed: bool,
    fragments: usize,
    pings: usize,
    all: Option<Arc<Notify>>,
}

/// How a connection goes on.
enum Next {
    More,
    Over,
}

impl Peer {
    fn new(role: Role, stream: TcpStream, inbox: Vec<u8>, fault: Fault) -> Self {
        Self {
            role,
            stream,
            inbox,
            fault,
            message: None,
            deflate: None,
            alone: false,
            compressed: false,
            fragments: 0,
            pings: 0,
            all: None,
        }
    }

    fn checks(&self, rule: Rule) -> bool {
        self.fault != Fault::Unchecked(rule)
    }

    async fn run(mut self) {
        loop {
            while let Some(next) = self.frame().await {
                if matches!(next, Next::Over) {
                    return self.end().await;
                }
            }
            if !matches!(self.stream.read_buf(&mut self.inbox).await, Ok(1..)) {
                return;
            }
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
        let header = Header::decode(&self.inbox)?;
        let wanted = usize::try_from(header.length).ok()?;
        let there = self.inbox.len().saturating_sub(header.size()).min(wanted);
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
            (Rule::LengthTopBit, header.length >> 63 == 1),
            (Rule::MaskMissing, self.role == Role::Server && !masked),
            (Rule::MaskPresent, self.role == Role::Client && masked),
            (Rule::ControlFragmented, control && !header.fin),
            (Rule::ControlTooLong, control && header.length > 125),
            (Rule::ContinuationOrphan, header.opcode == Opcode::Continuation && !open),
            (Rule::DataInterleaved, data && open),
            (Rule::FrameTooBig, header.length > LIMIT),
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
            self.message = Some((opcode, message));
            return Next::More;
        }
        if std::mem::take(&mut self.compressed) && self.fault != Fault::DoesNotInflate {
            message = match self.inflated(&message) {
                Ok(inflated) => inflated,
                Err(rule) if self.checks(rule) => return self.fail(rule).await,
                Err(_) => Vec::new(),
            };
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
        let opcode =
            if self.fault == Fault::WrongKind && opcode == Opcode::Binary { Opcode::Text } else { opcode };
        self.write(opcode, &message).await;
        Next::More
    }

    /// A compressed message (RFC 7692 §7.2.2).
    fn inflated(&mut self, payload: &[u8]) -> Result<Vec<u8>, Rule> {
        let mut inflate = self
            .deflate
            .take()
            .filter(|_| self.fault != Fault::NoTakeover && !self.alone)
            .unwrap_or_else(inflate);
        let input = [payload, b"\x00\x00\xff\xff"].concat();
        let (mut out, mut buffer, mut at) = (Vec::new(), vec![0; 64 * 1024], 0);
        let done = loop {
            let (read, written) = (inflate.total_in(), inflate.total_out());
            match inflate.decompress(&input[at..], &mut buffer, InflateFlush::SyncFlush) {
                Ok(zlib_rs::Status::StreamEnd) => {
                    // RFC 7692 §7.2.3.4: a block with BFINAL may end the data; what follows begins anew.
                    at += (inflate.total_in() - read) as usize;
                    out.extend_from_slice(&buffer[..(inflate.total_out() - written) as usize]);
                    inflate.reset(false);
                }
                Ok(zlib_rs::Status::Ok | zlib_rs::Status::BufError) => {
                    at += (inflate.total_in() - read) as usize;
                    let count = (inflate.total_out() - written) as usize;
                    out.extend_from_slice(&buffer[..count]);
                    if count < buffer.len() {
                        break Ok(out);
                    }
                }
                Err(_) => break Err(Rule::DeflateDataInvalid),
            }
        };
        self.deflate = Some(inflate);
        done
    }

    async fn closed(&mut self, payload: &[u8]) -> Next {
        let code = payload.first_chunk::<2>().map(|code| CloseCode(u16::from_be_bytes(*code)));
        let fault = match (payload, code) {
            ([], _) => None,
            ([_], _) => Some(Rule::ClosePayloadOneByte),
            (_, Some(code)) if code.is_reserved() => Some(Rule::CloseCodeReserved),
            (_, Some(code)) if !code.may_be_sent() => Some(Rule::CloseCodeInvalid),
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
        let masks = (self.role == Role::Client) != (self.fault == Fault::WrongMask);
        let header = Header::new(opcode, payload.len() as u64, masks.then_some([0x37, 0xfa, 0x21, 0x3d]));
        let (bytes, size) = header.encode();
        let key = header.mask.unwrap_or_default();
        let mut out = bytes[..size].to_vec();
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        // Who is gone reads nothing.
        let _ = self.stream.write_all(&out).await;
    }
}
