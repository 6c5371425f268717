use std::io;
use std::net::SocketAddr;

use framewise::proto::handshake::ClientOffer;
use framewise::proto::handshake::http1::parse_request;
use framewise::proto::{Header, Opcode};
use framewise::{Client, Headers, Request, Role, Rule, Server};
use framewise_transcript::{Action, Transcript};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The part of the end that breaks a rule; the other end is a strict endpoint of the library.
pub(super) struct Script {
    by: Role,
    /// Its head is part of what is wrong. Otherwise a right handshake comes first.
    head: bool,
    steps: Vec<Action>,
}

impl Script {
    /// The first example of the rule that this side breaks and that nothing had to be agreed for.
    pub(super) fn of(rule: Rule, by: Role) -> Option<Self> {
        rule.examples().bad.iter().find_map(|bad| {
            let transcript = Transcript::parse(bad.transcript).ok()?;
            let leg = transcript.legs.first()?;
            let head = match leg.open.as_deref() {
                Some("") => false,
                Some(_) => return None,
                None => true,
            };
            if transcript.events.last()?.from != by {
                return None;
            }
            let steps: Vec<_> = transcript
                .events
                .into_iter()
                .filter(|event| event.from == by)
                .map(|event| event.action)
                .collect();
            // What is wrong has to be in its first words, or in frames after a handshake that is made anew.
            (!head || steps.len() == 1).then_some(Self { by, head, steps })
        })
    }

    /// The server's side.
    pub(super) async fn serve(&self, listener: TcpListener) {
        let Ok((stream, _)) = listener.accept().await else { return };
        match self.by {
            Role::Client => echo(stream).await,
            // An error is an end, and an end is part of the play.
            Role::Server => drop(self.play_server(stream).await),
        }
    }

    /// The client's side.
    pub(super) async fn connect(&self, address: SocketAddr) {
        let Ok(stream) = TcpStream::connect(address).await else { return };
        match self.by {
            Role::Server => listen(stream, address).await,
            Role::Client => drop(self.play_client(stream, address).await),
        }
    }

    async fn play_client(&self, mut stream: TcpStream, address: SocketAddr) -> io::Result<()> {
        if !self.head {
            // The nonce is not secret, and the demonstration is the same each time.
            let offer = ClientOffer::new(address.to_string(), "/", *b"framewise demo..");
            stream.write_all(&offer.encode().map_err(io::Error::other)?).await?;
            head(&mut stream).await?;
        }
        self.steps(stream).await
    }

    async fn play_server(&self, mut stream: TcpStream) -> io::Result<()> {
        let request = head(&mut stream).await?;
        if !self.head {
            let parsed = parse_request(&request).ok().flatten().ok_or(io::ErrorKind::InvalidData)?;
            let (request, none) = (Request::from_head(&parsed.head), Headers::new());
            let accepted = request.accept(None, &[], &none).map_err(io::Error::other)?;
            stream.write_all(&accepted.encode()).await?;
        }
        self.steps(stream).await
    }

    /// Does what is wrong, and then waits for the other side to end it.
    async fn steps(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut ended = false;
        for step in &self.steps {
            match step {
                Action::Bytes(bytes) => stream.write_all(bytes).await?,
                Action::Eof => {
                    stream.shutdown().await?;
                    ended = true;
                }
                Action::Reset => {
                    stream.set_zero_linger()?;
                    return Ok(());
                }
                // What a recording lacks cannot be played.
                Action::Gap(_) => {}
            }
        }
        let closing = |step: &Action| matches!(step, Action::Bytes(bytes) if !self.head && bytes.first().is_some_and(|byte| byte & 0x0f == 8));
        let closed = ended || self.steps.iter().any(closing);
        let mut seen = Vec::new();
        while stream.read_buf(&mut seen).await? > 0 {
            // What broke is one thing; the closing that follows is done right.
            if !closed && let Some(close) = self.answer(&seen) {
                stream.write_all(&close).await?;
                break;
            }
        }
        if !ended {
            stream.shutdown().await?;
        }
        while stream.read_buf(&mut seen).await? > 0 {}
        Ok(())
    }

    /// Whether it masks: a client that does it wrong once does it wrong always.
    fn masks(&self) -> bool {
        let frame = self
            .steps
            .iter()
            .find_map(|step| if let Action::Bytes(bytes) = step { bytes.get(1) } else { None });
        frame.map_or(self.by == Role::Client, |second| second & 0x80 != 0)
    }

    /// The Close that answers the other side's, once that is there.
    fn answer(&self, mut frames: &[u8]) -> Option<Vec<u8>> {
        loop {
            let header = Header::decode(frames)?;
            let end = header.size() + usize::try_from(header.length).ok()?;
            let payload = frames.get(header.size()..end)?;
            if header.opcode == Opcode::Close {
                let key = self.masks().then_some([0x37, 0xfa, 0x21, 0x3d]);
                let code =
                    payload.iter().take(2).zip(header.mask.unwrap_or_default()).map(|(byte, key)| byte ^ key);
                let code: Vec<u8> = code.zip(key.unwrap_or_default()).map(|(byte, key)| byte ^ key).collect();
                let (answer, size) = Header::new(Opcode::Close, code.len() as u64, key).encode();
                return Some([&answer[..size], &code].concat());
            }
            frames = &frames[end..];
        }
    }
}

/// A strict server: it takes the handshake, echoes, and closes with the rule's code.
async fn echo(stream: TcpStream) {
    let Ok(mut ws) = Server::new().accept(stream).await else { return };
    while let Some(message) = ws.next().await {
        if let Ok(message) = message {
            let _ = ws.send(message).await;
        }
    }
}

/// A strict client.
async fn listen(stream: TcpStream, address: SocketAddr) {
    let Ok(mut ws) = Client::new().connect_over(stream, &format!("ws://{address}/")).await else { return };
    while ws.next().await.is_some() {}
}

/// Reads a head to its end, and nothing after it.
async fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 16 * 1024 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}
