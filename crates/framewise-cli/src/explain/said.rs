use std::fmt::Write as _;

use framewise_rules::prose::Language;
use framewise_rules::{Cause, Rule};
use framewise_transcript::Transcript;
use serde_json::{Value, json};

use super::messages::Found;
use super::page::{heading, label};
use super::{entry, json as object, tr};
use crate::render::markdown::{first_paragraph, inline, markdown};
use crate::render::style::{CODE, FAINT, HEADING, ID, paint};
use crate::render::transcript::{Mark, offender, transcript};
use crate::render::{clean, indent, shorten, wrap};

/// Who says a message, which rules it can denote, and how to tell them apart.
pub(super) fn said(text: &str, found: &[Found], language: Language, width: usize) -> String {
    let mut page = format!("{}\n", paint(HEADING, format!("\"{}\"", clean(&shorten(text, 200)))));
    for Found { message, .. } in found {
        let _ = writeln!(page, "  {}", paint(CODE, &message.text));
        let who = who(message, language);
        for line in wrap(&who, width - 4) {
            let _ = writeln!(page, "    {}", paint(FAINT, line));
        }
        if let Some(note) = &message.note {
            let _ = writeln!(page, "    {note}");
        }
    }
    page.push('\n');
    let (rules, causes) = (rules(found), causes(found));
    match rules.len() {
        0 => {}
        1 => heading(
            &mut page,
            tr(language, "It means that one rule was broken", "Ce message désigne une règle"),
        ),
        count => {
            let title = match language {
                Language::English => {
                    format!("It can mean any of {count} rules; the bytes on the wire show which")
                }
                Language::French => {
                    format!("Ce message peut désigner {count} règles ; les octets échangés montrent laquelle")
                }
            };
            heading(&mut page, &title);
        }
    }
    for &rule in &rules {
        rule_in_short(&mut page, rule, language, width);
    }
    if !causes.is_empty() {
        heading(&mut page, tr(language, "Known causes of this message", "Causes connues de ce message"));
        for &cause in &causes {
            let _ = writeln!(page, "  {}  {}", paint(ID, cause.id()), inline(cause.title(language)));
            page.push_str(&markdown(without_colon(&cause.fix_line(language)), width, 4));
        }
        page.push('\n');
    }
    if rules.is_empty() && causes.is_empty() {
        let sentence = tr(
            language,
            "It names no rule of the protocol: look at the log of the other end, or record the connection.",
            "Il ne désigne aucune règle du protocole : consulter le journal de l'autre extrémité, ou enregistrer la connexion.",
        );
        page.push_str(&markdown(sentence, width, 0));
        page.push('\n');
    }
    heading(&mut page, tr(language, "To find out", "Pour le savoir"));
    let how = tr(
        language,
        "`framewise inspect ws://HOST:PORT` in front of the server shows the bytes and names the rule and the cause; \
         `framewise read FILE` does the same for a recording; `framewise explain RULE` prints the full text.",
        "`framewise inspect ws://HÔTE:PORT` devant le serveur montre les octets et nomme la règle et la cause ; \
         `framewise read FICHIER` fait de même pour un enregistrement ; `framewise explain RÈGLE` donne le texte complet.",
    );
    page.push_str(&markdown(how, width, 2));
    page
}

fn rule_in_short(page: &mut String, rule: Rule, language: Language, width: usize) {
    let _ = writeln!(page, "  {}  {}", paint(ID, rule.id()), inline(rule.title(language)));
    let facts = format!(
        "{} · {} · {}",
        entry::by(rule.by(), language),
        entry::answer(rule.answer(), language),
        rule.sources().first().map_or_else(String::new, ToString::to_string),
    );
    let _ = writeln!(page, "    {}", paint(FAINT, facts));
    page.push_str(&markdown(&first_paragraph(rule.meaning(language)), width, 4));
    if let Some(bad) = rule.examples().bad.first()
        && let Ok(parsed) = Transcript::parse(bad.transcript)
    {
        let mark = Mark { from: offender(&parsed, rule), offset: bad.offset };
        let drawn = transcript(bad.transcript, &parsed, Some((mark, &label(rule, bad.offset, language))));
        page.push_str(&indent(&step_of_mark(&drawn), 6));
    }
    page.push_str(&markdown(&format!("→ {}", without_colon(&rule.fix_line(language))), width, 4));
    page.push('\n');
}

/// A paragraph that announced a block of code, which is not shown here.
fn without_colon(paragraph: &str) -> &str {
    paragraph.trim_end_matches([':', ' '])
}

/// The line with the mark under it: the rest of an example is for its own page.
fn step_of_mark(drawn: &str) -> String {
    let lines: Vec<&str> = drawn.lines().collect();
    let caret = lines.iter().position(|line| line.contains('^')).unwrap_or(0);
    lines.get(caret.saturating_sub(1)..=caret).map_or_else(String::new, |lines| lines.join("\n"))
}

/// Who says it, as far as the table knows: products first, then who took part where it was reported.
fn who(message: &super::messages::Message, language: Language) -> String {
    let (reported, products): (Vec<&String>, Vec<&String>) =
        message.software.iter().partition(|software| software.contains(": "));
    let versioned = |product: &&String| {
        let version = message.versions.iter().find(|version| version.starts_with(product.as_str()));
        version.unwrap_or(product).clone()
    };
    let mut parts = Vec::new();
    if !products.is_empty() {
        let products: Vec<_> = products.iter().map(versioned).collect();
        parts.push(format!("{}{}", tr(language, "printed by ", "affiché par "), products.join(", ")));
    }
    if !reported.is_empty() {
        let more = reported.len().saturating_sub(3);
        let mut shown: Vec<_> = reported.into_iter().take(3).cloned().collect();
        if more > 0 {
            shown.push(format!("{} {more}", tr(language, "others:", "autres :")));
        }
        parts.push(format!("{}{}", tr(language, "reported with ", "signalé avec "), shown.join(" | ")));
    }
    parts.join("; ")
}

/// The rules of all messages, those of the likeliest first.
fn rules(found: &[Found]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for rule in found.iter().flat_map(|found| found.message.rules()) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

fn causes(found: &[Found]) -> Vec<Cause> {
    let mut causes = Vec::new();
    for cause in found.iter().flat_map(|found| found.message.causes()) {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

pub(super) fn json(text: &str, found: &[Found], language: Language) -> Value {
    let messages: Vec<_> = found
        .iter()
        .map(|Found { message, score }| {
            json!({
                "message": message.text,
                "software": message.software,
                "versions": message.versions,
                "rules": message.rules().map(Rule::id).collect::<Vec<_>>(),
                "causes": message.causes().map(Cause::id).collect::<Vec<_>>(),
                "note": message.note,
                "score": (score * 1000.0).round() / 1000.0,
            })
        })
        .collect();
    let short = |rule: &Rule| {
        json!({
            "rule": rule.id(),
            "title": rule.title(language),
            "answer": object::answer(rule.answer()),
            "meaning": first_paragraph(rule.meaning(language)),
            "fix": rule.fix_line(language),
        })
    };
    json!({
        "text": text,
        "messages": messages,
        "rules": rules(found).iter().map(short).collect::<Vec<_>>(),
        "causes": causes(found).iter().map(|cause| json!({
            "cause": cause.id(), "title": cause.title(language), "fix": cause.fix_line(language),
        })).collect::<Vec<_>>(),
    })
}
