//! What a paste has beside words: a recording of the connection, or the address of the server. Then the command that
//! settles the matter can be run unchanged.

use framewise_capture::{Options, transcripts};
use framewise_rules::Cause;
use framewise_rules::prose::Language;

use super::next::{self, Next};
use super::tr;

/// Bytes of an address that is repeated.
const LONGEST: usize = 200;

/// What a paste has.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The first WebSocket address in it, without its query: that may hold a token.
    url: Option<String>,
    /// The name under which `framewise read` finds the recording in it.
    recording: Option<String>,
}

/// A command to run, and what to look for in what it prints.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) look_for: &'static str,
}

impl Known {
    /// Looks for both; `name` is the file that the text came from, or `-`.
    pub(super) fn of(text: &str, name: &str) -> Self {
        let connections = transcripts(text.as_bytes(), &Options::default()).unwrap_or_default();
        let is_recording = connections.iter().any(|(_, transcript)| !transcript.events.is_empty());
        Self { url: url(text), recording: is_recording.then(|| name.to_owned()) }
    }

    /// The commands for the likeliest causes, each once; the first is the one to begin with.
    pub(super) fn steps(&self, causes: &[Cause], language: Language) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(name) = &self.recording {
            steps.push(Step {
                command: format!("framewise read {}", quoted(name)),
                look_for: tr(
                    language,
                    "the text has a recording: the bytes in it are judged against the rules, and the cause is read from them",
                    "le texte contient un enregistrement : ses octets sont confrontés aux règles, et la cause s'y lit",
                ),
            });
        }
        let nexts: Vec<&Next> = causes.iter().map(|&cause| next::of(cause)).collect();
        for next in if nexts.is_empty() { vec![next::UNKNOWN] } else { nexts } {
            let step = self.step(next, language);
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    }

    /// The command of a cause, on the address that is known.
    pub(super) fn step(&self, next: &Next, language: Language) -> Step {
        let doctor = self.url.as_ref().and_then(|url| {
            let idle = next.idles();
            next.examines().then(|| Step {
                command: format!("framewise doctor {}{}", if idle { "--idle 120 " } else { "" }, quoted(url)),
                look_for: if idle {
                    tr(
                        language,
                        "whether the idle connection lives for two minutes, and who ends it",
                        "si la connexion au repos tient deux minutes, et qui la termine",
                    )
                } else {
                    tr(
                        language,
                        "the first step that is not well: DNS, TCP, TLS, the HTTP answer with its own words, the handshake, a Ping",
                        "la première étape qui échoue : DNS, TCP, TLS, la réponse HTTP et ses propres mots, le handshake, un Ping",
                    )
                },
            })
        });
        doctor.unwrap_or_else(|| Step { command: next.command.to_owned(), look_for: next.look_for(language) })
    }
}

/// The first ws:// or wss:// address, up to its query, if a command line can have it unchanged.
fn url(text: &str) -> Option<String> {
    let starts = ["wss://", "ws://"].iter().filter_map(|scheme| text.find(scheme));
    let rest = &text[starts.min()?..];
    let end =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || ":/.-_~%[]".contains(c))).unwrap_or(rest.len());
    let url = rest[..end].trim_end_matches(['.', ':', '/', ']', '-']);
    let host = url.split_once("://")?.1;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '[';
    (host.starts_with(is_name) && url.len() <= LONGEST).then(|| url.to_owned())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_~%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str, causes: &[Cause]) -> Vec<String> {
        let steps = Known::of(text, "error.log").steps(causes, Language::English);
        steps.into_iter().map(|step| step.command).collect()
    }

    #[test]
    fn an_address_is_examined_where_the_handshake_is_at_fault() {
        let text = "WebSocket connection to 'wss://a.example:8443/ws?token=secret' failed";
        assert_eq!(commands(text, &[Cause::OriginRefused]), ["framewise doctor wss://a.example:8443/ws"]);
        assert_eq!(
            commands(text, &[Cause::IdleTimeoutIntermediary]),
            ["framewise doctor --idle 120 wss://a.example:8443/ws"]
        );
        // Frames that one client sends are not seen by another.
        assert_eq!(commands(text, &[Cause::ClientDoesNotMask]), ["framewise inspect ws://HOST:PORT"]);
        assert_eq!(commands("Unexpected response code: 403", &[Cause::OriginRefused]).len(), 1);
        assert!(commands("Unexpected response code: 403", &[Cause::OriginRefused])[0].starts_with("curl "));
    }

    #[test]
    fn a_recording_is_read_and_a_text_that_speaks_of_one_is_not() {
        let recording = "> GET /ws HTTP/1.1\r\n> Host: a.example\r\n> Upgrade: websocket\r\n> Connection: Upgrade\r\n\
                         > Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n> Sec-WebSocket-Version: 13\r\n> \r\n\
                         < HTTP/1.1 400 Bad Request\r\n< Server: a\r\n< \r\n";
        let found = commands(recording, &[Cause::UpgradeHeadersDropped]);
        assert_eq!(found[0], "framewise read error.log", "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
        for text in [
            "It says: HTTP/1.1 400 Bad Request, after GET /ws",
            "Invalid frame header",
            "closed with 1006 after 60 s",
        ] {
            assert!(commands(text, &[]).iter().all(|command| !command.contains("read")), "{text}");
        }
    }

    #[test]
    fn what_a_shell_would_run_is_no_address() {
        assert_eq!(url("ws://a/b;rm -rf").as_deref(), Some("ws://a/b"));
        assert_eq!(url("ws://$(x)/"), None);
        assert_eq!(url("see ws://a.example."), Some("ws://a.example".to_owned()));
        assert_eq!(url("wss://, ws://"), None);
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("-"), "-");
    }
}
