use std::fmt::Write as _;

use framewise_rules::prose::{Intermediary, Language};
use framewise_rules::{Cause, Code, Rule};

use super::page::heading;
use super::tr;
use crate::render::markdown::inline;
use crate::render::style::{FAINT, ID, paint};
use crate::render::{pad, wrap};

/// Every code, rule, cause and intermediary with its title.
pub(super) fn list(language: Language, width: usize) -> String {
    let mut text = String::new();
    heading(&mut text, tr(language, "Close codes", "Codes de fermeture"));
    for &code in Code::ALL {
        line(&mut text, code.id(), code.title(language), 9, width);
    }
    let mut topic = "";
    for &rule in Rule::ALL {
        if rule.topic() != topic {
            topic = rule.topic();
            text.push('\n');
            heading(
                &mut text,
                &format!("{}{}", tr(language, "Rules: ", "Règles : "), topic_name(topic, language)),
            );
        }
        line(&mut text, rule.id(), rule.title(language), 30, width);
    }
    text.push('\n');
    heading(&mut text, "Causes");
    for &cause in Cause::ALL {
        line(&mut text, cause.id(), cause.title(language), 30, width);
    }
    text.push('\n');
    heading(&mut text, tr(language, "Proxies and load balancers", "Proxys et répartiteurs de charge"));
    for &one in Intermediary::ALL {
        line(&mut text, one.id(), one.title(language), 30, width);
    }
    let hint = tr(
        language,
        "framewise explain TERM… explains a term; two terms are compared.",
        "framewise explain TERME… explique un terme ; deux termes sont comparés.",
    );
    let _ = writeln!(text, "\n{}", paint(FAINT, hint));
    text
}

fn line(text: &mut String, id: &str, title: &str, left: usize, width: usize) {
    for (index, line) in wrap(title, width.saturating_sub(left + 4).max(20)).iter().enumerate() {
        let id = if index == 0 { id } else { "" };
        let _ = writeln!(text, "  {}{}  {}", paint(ID, id), pad(id, left), inline(line));
    }
}

/// A topic of the table in words.
fn topic_name(topic: &str, language: Language) -> &str {
    match topic {
        "handshake" => tr(language, "opening handshake", "handshake d'ouverture"),
        "extension" => tr(language, "compression", "compression"),
        "framing" => tr(language, "frame header", "en-tête de trame"),
        "masking" => tr(language, "masking", "masquage"),
        "control" => tr(language, "control frames", "trames de contrôle"),
        "fragmentation" => tr(language, "fragmentation", "fragmentation"),
        "text" => tr(language, "text", "texte"),
        "closing" => tr(language, "closing", "fermeture"),
        "limit" => tr(language, "limits", "limites"),
        other => other,
    }
}
