//! What in a text speaks for a cause, in words.

use framewise_messages::{Evidence, Message, Sight, Speaks};
use framewise_rules::CloseCode;
use framewise_rules::prose::Language;

use super::tr;
use crate::render::{clean, shorten};

/// Characters of the text that are quoted.
const QUOTED: usize = 120;

/// One piece of evidence: the words of the text, where they are, and what they say.
pub(super) fn sentence(text: &str, evidence: &Evidence, language: Language) -> String {
    let quote = quote(text, evidence.span.start, evidence.span.end);
    let line = line(text, evidence.span.start);
    let place = match language {
        Language::English => format!("\"{quote}\" (line {line})"),
        Language::French => format!("« {quote} » (ligne {line})"),
    };
    let says = says(evidence.speaks, language);
    if says.is_empty() { place } else { format!("{place}{} {says}", tr(language, ":", " :")) }
}

/// A part of the text on one line.
pub(super) fn quote(text: &str, start: usize, end: usize) -> String {
    let words = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    clean(&shorten(&words, QUOTED))
}

/// The number of the line at a place, from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The column of a place in its line, in characters from 1.
pub(super) fn column(text: &str, at: usize) -> usize {
    text[..at].rsplit('\n').next().unwrap_or("").chars().count() + 1
}

fn says(speaks: Speaks, language: Language) -> String {
    match speaks {
        Speaks::Message(message) => who(message, language),
        Speaks::Code(code) => {
            let title = CloseCode(code).row().map_or("", |row| row.title(language));
            match language {
                Language::English => format!("close code {code}, {}", lower(title)),
                Language::French => format!("code de fermeture {code}, {}", lower(title)),
            }
        }
        Speaks::Status(status) => match language {
            Language::English => format!("the handshake was answered with HTTP {status}"),
            Language::French => format!("le handshake a reçu la réponse HTTP {status}"),
        },
        Speaks::Duration { seconds, whose } => measured(&format!("{seconds} s"), whose, language),
        Speaks::Size { bytes, whose } => {
            let unit = tr(language, "bytes", "octets");
            measured(&format!("{bytes} {unit}"), whose, language)
        }
        Speaks::Sign(sign) => sign.says[usize::from(language == Language::French)].to_owned(),
        Speaks::Software(name) => {
            format!("{name} {}", tr(language, "is on the path", "est sur le chemin"))
        }
        Speaks::Words => String::new(),
    }
}

fn measured(value: &str, whose: &str, language: Language) -> String {
    match (whose, language) {
        ("", _) => value.to_owned(),
        (_, Language::English) => format!("{value}, a default of {whose}"),
        (_, Language::French) => format!("{value}, une valeur par défaut de {whose}"),
    }
}

/// Who prints a message, or who took part where it was reported.
pub(super) fn who(message: &Message, language: Language) -> String {
    match message.sight {
        Sight::Product { name, version: "" } => match language {
            Language::English => format!("a message of {name}"),
            Language::French => format!("un message de {name}"),
        },
        Sight::Product { name, version } => match language {
            Language::English => format!("a message of {name} ({version})"),
            Language::French => format!("un message de {name} ({version})"),
        },
        Sight::Report(parties) => match language {
            Language::English => format!("reported with {parties}"),
            Language::French => format!("signalé avec {parties}"),
        },
    }
}

/// A title inside of a sentence.
fn lower(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
