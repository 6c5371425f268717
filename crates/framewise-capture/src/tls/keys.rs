//! Key logs in the format of NSS (SSLKEYLOGFILE), from a file that may still grow and from the secrets in a pcapng.

use std::collections::HashMap;
use std::io::Read;

/// Bytes of a key log that are read: some hundred thousand sessions.
const MOST: usize = 64 << 20;

/// What a line of a key log is the secret of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// TLS 1.2 and older: the master secret.
    Master,
    ClientHandshake,
    ServerHandshake,
    ClientTraffic,
    ServerTraffic,
}

/// The secrets of one session.
pub(super) type Secrets = Vec<(Label, Box<[u8]>)>;

/// The secrets that are known.
#[derive(Default)]
pub(crate) struct Keys {
    sessions: HashMap<[u8; 32], Secrets>,
    /// A key log that may still grow.
    log: Option<Box<dyn Read>>,
    /// The beginning of a line whose end was not written yet.
    partial: Vec<u8>,
    read: usize,
    /// Lines that are of a key log, and those that are not.
    lines: u64,
    foreign: u64,
    /// The recording may have secrets of its own.
    embedded: bool,
}

impl Keys {
    /// The secrets of a key log, of which more may be written later.
    pub(crate) fn of(log: Box<dyn Read>) -> Self {
        Self { log: Some(log), ..Self::default() }
    }

    /// The recording is of a format that may have secrets in it.
    pub(crate) fn may_be_embedded(&mut self) {
        self.embedded = true;
    }

    /// Whether there are keys, or may be.
    pub(crate) fn may_come(&self) -> bool {
        self.log.is_some() || self.embedded || !self.sessions.is_empty()
    }

    /// How many sessions there are keys of.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether what was read is no key log.
    pub(crate) const fn is_foreign(&self) -> bool {
        self.lines == 0 && (self.foreign > 0 || !self.partial.is_empty())
    }

    /// Reads what the key log has by now.
    pub(crate) fn refresh(&mut self) -> std::io::Result<()> {
        let Some(mut log) = self.log.take() else { return Ok(()) };
        let mut piece = vec![0; 16 * 1024];
        let result = loop {
            if self.read > MOST {
                break Ok(());
            }
            match log.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    self.read += length;
                    self.partial.extend_from_slice(&piece[..length]);
                    let end = self.partial.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                    let rest = self.partial.split_off(end);
                    let whole = std::mem::replace(&mut self.partial, rest);
                    self.add(&whole);
                    // A line is far shorter: what has none is not a key log.
                    if self.partial.len() > 64 * 1024 {
                        self.partial.clear();
                        self.foreign += 1;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // The last line may lack its end for good; if it was only half written, the complete line replaces what this says.
        let last = std::mem::take(&mut self.partial);
        self.lines += u64::from(self.line(&last).is_some());
        self.partial = last;
        self.log = Some(log);
        result
    }

    /// Takes in complete lines.
    pub(crate) fn add(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n') {
            let trimmed = line.trim_ascii();
            if trimmed.is_empty() || trimmed.starts_with(b"#") {
                continue;
            }
            match self.line(trimmed) {
                Some(()) => self.lines += 1,
                None => self.foreign += 1,
            }
        }
    }

    /// `LABEL client-random secret`; `None` for what is no such line.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.trim_ascii().split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let (label, random, secret) = (words.next()?, hex(words.next()?)?, hex(words.next()?)?);
        if !matches!(secret.len(), 32 | 48 | 64) {
            return None;
        }
        let label = match label {
            b"CLIENT_RANDOM" => Label::Master,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
            b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientTraffic,
            b"SERVER_TRAFFIC_SECRET_0" => Label::ServerTraffic,
            // Secrets for other purposes.
            other
                if other
                    .iter()
                    .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9')) =>
            {
                return Some(());
            }
            _ => return None,
        };
        let random = <[u8; 32]>::try_from(random).ok()?;
        let secrets = self.sessions.entry(random).or_default();
        secrets.retain(|(known, _)| *known != label);
        secrets.push((label, secret.into_boxed_slice()));
        Some(())
    }

    /// The secrets of the session with this random of the client, as far as they are enough to decrypt it.
    pub(super) fn session(&mut self, random: &[u8; 32]) -> Option<&Secrets> {
        let enough = |secrets: &Secrets| {
            let has = |wanted| secrets.iter().any(|(label, _)| *label == wanted);
            has(Label::Master) || (has(Label::ClientTraffic) && has(Label::ServerTraffic))
        };
        if !self.sessions.get(random).is_some_and(enough) {
            // What cannot be read now was reported at the start.
            let _ = self.refresh();
        }
        self.sessions.get(random).filter(|secrets| enough(secrets))
    }
}

impl std::fmt::Debug for Keys {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, random: u8, secret: u8) -> String {
        let twice = |byte: u8| format!("{byte:02x}").repeat(32);
        format!("{label} {} {}\n", twice(random), twice(secret))
    }

    #[test]
    fn a_log_is_read_as_it_grows() {
        // A file that gives the next piece after its end was met.
        struct Growing(Vec<Vec<u8>>);
        impl Read for Growing {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let Some(piece) = self.0.pop() else { return Ok(0) };
                buffer[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
        }
        let text = format!("# made by x\r\n{}{}", line("CLIENT_RANDOM", 1, 2), line("CLIENT_RANDOM", 3, 4));
        let (first, rest) = text.split_at(120);
        let (second, third) = rest.split_at(100);
        let pieces = [third, "", second, "", first].map(|piece| piece.as_bytes().to_vec());
        let mut keys = Keys::of(Box::new(Growing(pieces.to_vec())));
        keys.refresh().expect("it can be read");
        assert_eq!(keys.sessions(), 0);
        assert!(keys.session(&[1; 32]).is_some_and(|secrets| *secrets[0].1 == [2; 32]));
        assert!(keys.session(&[3; 32]).is_some());
        assert!(keys.session(&[9; 32]).is_none());
        assert!(!keys.is_foreign());
    }

    #[test]
    fn both_traffic_secrets_are_needed() {
        let mut keys = Keys::default();
        keys.add(line("CLIENT_TRAFFIC_SECRET_0", 1, 2).as_bytes());
        assert!(keys.session(&[1; 32]).is_none());
        keys.add(line("SERVER_TRAFFIC_SECRET_0", 1, 2).as_bytes());
        keys.add(line("EXPORTER_SECRET", 1, 2).as_bytes());
        assert!(keys.session(&[1; 32]).is_some());
    }

    #[test]
    fn what_is_no_key_log_is_told_apart() {
        for (text, foreign) in [
            ("", false),
            ("# SSL/TLS secrets log file\n", false),
            ("-----BEGIN PRIVATE KEY-----\nMIIE\n", true),
            ("CLIENT_RANDOM 12 zz\n", true),
            ("hello there you\n", true),
        ] {
            let mut keys = Keys::of(Box::new(std::io::Cursor::new(text.as_bytes().to_vec())));
            keys.refresh().expect("it can be read");
            assert_eq!(keys.is_foreign(), foreign, "{text}");
        }
    }
}
