//! What a text is about, and where a message in it may begin and end.

use crate::find::{Match, Text};
use crate::words::{Kind, Word};

/// Words of a text that is nothing but the description of a fault, at most.
const SHORT: usize = 80;

/// Whether a text speaks of WebSocket, or is short, and something in it fails.
pub(crate) fn is_about_websocket(words: &[Word]) -> bool {
    const TECHNICAL: [&str; 33] = [
        "connect",
        "socket",
        "frame",
        "handshake",
        "server",
        "client",
        "upgrad",
        "prox",
        "nginx",
        "ping",
        "pong",
        "mask",
        "subprotocol",
        "protocol",
        "header",
        "payload",
        "port",
        "http",
        "tls",
        "ssl",
        "cert",
        "origin",
        "token",
        "utf",
        "断",
        "连",
        "disconnect",
        "messages",
        "fragment",
        "rfc",
        "balanc",
        "session",
        "heartbeat",
    ];
    const FAILS: [&str; 44] = [
        "fail",
        "error",
        "clos",
        "disconnect",
        "drop",
        "los",
        "brok",
        "break",
        "bug",
        "fix",
        "wrong",
        "incorrect",
        "invalid",
        "unexpected",
        "time",
        "refus",
        "reject",
        "crash",
        "hang",
        "issue",
        "problem",
        "cannot",
        "can",
        "doesn",
        "don",
        "reset",
        "idle",
        "sever",
        "kill",
        "die",
        "stop",
        "miss",
        "ignor",
        "corrupt",
        "not",
        "unable",
        "never",
        "exception",
        "断",
        "ferm",
        "too",
        "down",
        "block",
        "without",
    ];
    let says =
        |word: &Word| matches!(&*word.text, "websocket" | "websockets" | "wss" | "ws" | "sockjs" | "signalr");
    // A close code or a status with which something failed; a port, a date or 1000 says nothing.
    let is_failure = |word: &Word| {
        word.kind == Kind::Number
            && word.number().is_some_and(|number| matches!(number, 400..600 | 1001..=1015 | 4000..5000))
    };
    let fails = |word: &Word| FAILS.iter().any(|start| word.text.starts_with(start)) || is_failure(word);
    let technical = |word: &Word| TECHNICAL.iter().any(|start| word.text.starts_with(start));
    let speaks = words.iter().any(says) || (words.len() <= SHORT && words.iter().any(technical));
    // "client: Safari; server: nginx" is how people say who took part.
    let party = |pair: &[Word]| {
        matches!(&*pair[0].text, "client" | "server" | "proxy")
            && pair[1].span.start == pair[0].span.end + 2
            && !pair[1].starts_line
    };
    let parties = words.len() <= SHORT && words.windows(2).any(party);
    speaks && (parties || words.iter().any(fails))
}

/// Words of messages about anything at all.
pub(crate) fn is_common(word: &str) -> bool {
    matches!(
        word,
        "a" | "an"
            | "the"
            | "to"
            | "of"
            | "in"
            | "on"
            | "for"
            | "by"
            | "from"
            | "with"
            | "is"
            | "was"
            | "not"
            | "no"
            | "and"
            | "or"
            | "be"
            | "cannot"
            | "can"
            | "could"
            | "unable"
            | "fail"
            | "failed"
            | "failure"
            | "fails"
            | "error"
            | "errors"
            | "exception"
            | "connect"
            | "connected"
            | "connecting"
            | "connection"
            | "close"
            | "closed"
            | "closing"
            | "open"
            | "server"
            | "client"
            | "host"
            | "url"
            | "remote"
            | "peer"
            | "network"
            | "message"
            | "messages"
            | "data"
            | "parse"
            | "read"
            | "write"
            | "send"
            | "receive"
            | "received"
            | "request"
            | "response"
            | "timeout"
            | "timed"
            | "out"
            | "unexpected"
            | "unknown"
            | "invalid"
            | "bad"
            | "status"
            | "code"
            | "http"
            | "socket"
            | "websocket"
            | "ws"
            | "name"
            | "value"
            | "type"
            | "text"
            | "lost"
            | "reset"
            | "end"
            | "file"
    )
}

/// Whether the word before says that what follows is not so.
pub(crate) fn is_denied(text: &Text<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| &*text.words[before].text);
    matches!(before, Some("non" | "not" | "no" | "without" | "never" | "nor" | "t" | "sans" | "pas"))
}

/// Whether a word is a part of a name: `ReadThread`, `websocket_api.http.connection`. What a program calls something does not
/// describe a fault.
pub(crate) fn is_in_name(text: &Text<'_>, found: &Match) -> bool {
    let [at] = found.at[..] else { return false };
    let span = &text.words[at].span;
    // Chinese and Japanese have no spaces between words.
    if !text.whole[span.clone()].is_ascii() {
        return false;
    }
    let mut before = text.whole[..span.start].chars().rev();
    let mut after = text.whole[span.end..].chars();
    let joins = |sign: Option<char>, next: Option<char>| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match sign {
            Some('.') => next.is_some_and(inside),
            Some(c) => c == '_' || c.is_ascii_alphanumeric(),
            None => false,
        }
    };
    joins(before.next(), before.next()) || joins(after.next(), after.next())
}

/// Whether a message may begin after this.
pub(crate) fn begins(before: &str) -> bool {
    let trimmed = before.trim_end_matches([' ', '\t']);
    // "non-empty" does not begin with "empty".
    if before.ends_with('-') && !before.ends_with(" -") {
        return false;
    }
    // The level of a line of a log.
    let last = trimmed.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    let levels = ["error", "err", "warn", "warning", "fatal", "info", "debug", "notice", "critical", "trace"];
    if before.ends_with([' ', '\t']) && levels.iter().any(|level| last.eq_ignore_ascii_case(level)) {
        return true;
    }
    trimmed.chars().next_back().is_none_or(|c| "\n\r:'\"`“([{=<>|,-;].!*".contains(c))
}

/// Whether a message may end before this.
pub(crate) fn ends(after: &str) -> bool {
    let trimmed = after.trim_start_matches([' ', '\t']);
    trimmed.chars().next().is_none_or(|c| "\n\r:'\"`”)]}.,;|<>…!(-?".contains(c))
}
