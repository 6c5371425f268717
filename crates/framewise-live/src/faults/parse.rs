use std::str::FromStr;
use std::time::Duration;

use framewise_rules::Role;

use super::{Action, Fault, Piece, When};

/// Words that are left to read.
struct Words {
    words: std::vec::IntoIter<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    content: Vec<u8>,
    quoted: bool,
}

type Parsed<T> = Result<T, String>;

impl FromStr for Fault {
    type Err = String;

    /// Reads the notation of `framewise inspect --fault`. The error says what is wrong, and what to write.
    fn from_str(text: &str) -> Parsed<Self> {
        let mut words = Words { words: words(text)?.into_iter() };
        let action = words.action()?;
        let when = words.when()?;
        let from = match words.word().as_deref() {
            None => None,
            Some("from") => Some(words.side()?),
            Some(other) => {
                return Err(format!(
                    "unexpected {other:?}; a rule ends with its time, or `from client|server`"
                ));
            }
        };
        if let Some(more) = words.word() {
            return Err(format!("unexpected {more:?} at the end"));
        }
        fits(&action, &when)?;
        Ok(Self { action, when, from, text: text.trim().to_owned() })
    }
}

impl Fault {
    /// Reads a file of rules: one a line, comments after a hash at the start of a line.
    ///
    /// Errors: what is wrong, with its line.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| line.parse().map_err(|error| format!("line {number}: {error}")))
            .collect()
    }
}

impl Words {
    fn word(&mut self) -> Option<String> {
        self.words.next().map(|word| String::from_utf8_lossy(&word.content).into_owned())
    }

    fn needed(&mut self, what: &str) -> Parsed<String> {
        self.word().ok_or_else(|| format!("{what} is missing at the end"))
    }

    fn number(&mut self, what: &str) -> Parsed<u64> {
        let word = self.needed(what)?;
        word.parse().map_err(|_| format!("{word:?} is not a number: use {what}"))
    }

    fn positive(&mut self, what: &str) -> Parsed<u64> {
        match self.number(what)? {
            0 => Err(format!("0 does not count: {what} begins at 1")),
            number => Ok(number),
        }
    }

    /// Text in quotes, or hexadecimal bytes.
    fn content(&mut self, what: &str) -> Parsed<Vec<u8>> {
        let word = self.words.next().ok_or_else(|| format!("{what} is missing at the end"))?;
        if word.quoted {
            return Ok(word.content);
        }
        let text = String::from_utf8_lossy(&word.content).into_owned();
        hex(&text).ok_or_else(|| format!("{text:?} is neither hexadecimal nor text in quotes: use {what}"))
    }

    fn side(&mut self) -> Parsed<Role> {
        match self.needed("client or server")?.as_str() {
            "client" => Ok(Role::Client),
            "server" => Ok(Role::Server),
            other => Err(format!("{other:?} is not a side: use `from client` or `from server`")),
        }
    }

    fn duration(&mut self) -> Parsed<Duration> {
        let word = self.needed("a time, as 200ms or 5s")?;
        duration(&word).ok_or_else(|| format!("{word:?} is not a time: use 200ms, 5s or 2m"))
    }

    fn action(&mut self) -> Parsed<Action> {
        Ok(match self.needed("an action")?.as_str() {
            "delay" => Action::Delay(self.duration()?),
            "drop" => Action::Drop,
            "cut" => Action::Cut,
            "reset" => Action::Reset,
            "flip" => match self.number("a bit from 0 to 7")? {
                bit @ 0..=7 => Action::Flip(bit as u8),
                bit => return Err(format!("a byte has no bit {bit}: use 0 (the lowest) to 7")),
            },
            "split" => {
                let size = self.positive("a number of bytes, which")?;
                Action::Split(usize::try_from(size).unwrap_or(usize::MAX))
            }
            "join" => Action::Join,
            "close" => Action::Close(self.close()?),
            "replace" => Action::Replace(self.content("the new message in quotes")?),
            "edit" => {
                let old = self.content("the old text in quotes")?;
                if old.is_empty() {
                    return Err("the old text is empty".to_owned());
                }
                Action::Edit(old, self.content("the new text in quotes")?)
            }
            "inject" => Action::Inject(self.piece()?),
            "hold" => Action::Hold(self.positive("the number of messages that overtake it")?),
            other => {
                return Err(format!(
                    "{other:?} is not an action: use delay, drop, cut, reset, flip, split, join, close, replace, edit, inject \
                     or hold"
                ));
            }
        })
    }

    /// A code, and perhaps a reason in quotes. Any code: also one that must not be sent.
    fn close(&mut self) -> Parsed<Vec<u8>> {
        let code = self.number("a close code")?;
        let code = u16::try_from(code).map_err(|_| format!("{code} is too large for a close code"))?;
        let mut payload = code.to_be_bytes().to_vec();
        if let Some(word) = self.words.as_slice().first().filter(|word| word.quoted) {
            payload.extend_from_slice(&word.content);
            self.words.next();
        }
        Ok(payload)
    }

    fn piece(&mut self) -> Parsed<Piece> {
        Ok(match self.needed("what to inject")?.as_str() {
            "text" => Piece::Frame(1, self.content("text in quotes")?),
            "binary" => Piece::Frame(2, self.content("hexadecimal bytes")?),
            "ping" => Piece::Frame(9, self.content("a payload, \"\" for none")?),
            "pong" => Piece::Frame(10, self.content("a payload, \"\" for none")?),
            "bytes" => Piece::Bytes(self.content("hexadecimal bytes")?),
            other => {
                return Err(format!("{other:?} cannot be injected: use text, binary, ping, pong or bytes"));
            }
        })
    }

    fn when(&mut self) -> Parsed<When> {
        let place = "`at message N`, `at every message`, `at every N messages`, `at message with TEXT`, `at frame N`, \
                     `at byte N` or `after TIME`";
        match self.needed(place)?.as_str() {
            "after" => return Ok(When::After(self.duration()?)),
            "at" => {}
            other => return Err(format!("{other:?} is not a place: use {place}")),
        }
        Ok(match self.needed(place)?.as_str() {
            "message" => {
                let is_with =
                    self.words.as_slice().first().is_some_and(|word| !word.quoted && word.content == b"with");
                if is_with {
                    self.words.next();
                    When::With(self.content("text in quotes")?)
                } else {
                    When::Message(self.positive("the number of a message")?)
                }
            }
            "every" => {
                let word = self.needed("message")?;
                let each = if word == "message" {
                    1
                } else {
                    let each = word.parse().map_err(|_| format!("{word:?} is not a number of messages"))?;
                    self.needed("messages")?;
                    each
                };
                if each == 0 {
                    return Err("use `at every message`, or `at every N messages` with N from 1".to_owned());
                }
                When::Every(each)
            }
            "frame" => When::Frame(self.positive("the number of a frame")?),
            "byte" => When::Byte(self.number("an offset in the stream")?),
            other => return Err(format!("{other:?} is not a place: use {place}")),
        })
    }
}

/// What cannot be done at a byte, or at a time, has no meaning there.
fn fits(action: &Action, when: &When) -> Parsed<()> {
    let fits = match when {
        When::Message(_) | When::Every(_) | When::With(_) => true,
        When::Frame(_) => {
            !matches!(action, Action::Hold(_) | Action::Join | Action::Replace(_) | Action::Edit(..))
        }
        When::Byte(_) => matches!(
            action,
            Action::Delay(_)
                | Action::Cut
                | Action::Reset
                | Action::Flip(_)
                | Action::Inject(Piece::Bytes(_))
        ),
        When::After(_) => matches!(
            action,
            Action::Delay(_) | Action::Cut | Action::Reset | Action::Close(_) | Action::Inject(_)
        ),
    };
    if fits { Ok(()) } else { Err("this action needs a message: use `at message N`".to_owned()) }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        _ => return None,
    };
    // A day: longer than any inspection.
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks(2).map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect()
}

/// Words, and text in quotes with the escapes of a transcript.
fn words(text: &str) -> Parsed<Vec<Word>> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(&first) = letters.peek() {
        if first.is_whitespace() {
            letters.next();
        } else if first == '"' {
            letters.next();
            let mut content = Vec::new();
            loop {
                match letters.next().ok_or("the closing quote is missing")? {
                    '"' => break,
                    '\\' => content.extend(escaped(&mut letters)?),
                    letter => content.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
                }
            }
            words.push(Word { content, quoted: true });
        } else {
            let mut word = String::new();
            while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace()) {
                word.push(letter);
            }
            words.push(Word { content: word.into_bytes(), quoted: false });
        }
    }
    Ok(words)
}

fn escaped(letters: &mut impl Iterator<Item = char>) -> Parsed<Option<u8>> {
    let wrong = "after a backslash use r, n, t, \", \\ or xHH";
    Ok(Some(match letters.next().ok_or(wrong)? {
        'r' => b'\r',
        'n' => b'\n',
        't' => b'\t',
        '"' => b'"',
        '\\' => b'\\',
        'x' => {
            let digits: String = letters.take(2).collect();
            hex(&digits).and_then(|bytes| bytes.first().copied()).ok_or(wrong)?
        }
        _ => return Err(wrong.to_owned()),
    }))
}
