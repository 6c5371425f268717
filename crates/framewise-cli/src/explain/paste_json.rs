//! What a pasted text means, for a program.

use framewise_messages::{Decides, Evidence, Named, Reading, Sight};
use framewise_rules::Cause;
use framewise_rules::prose::Language;
use serde_json::{Value, json};

use super::entry::Entry;
use super::evidence::{column, line, quote, sentence};
use super::known::Known;
use super::{json as object, next, paste};
use crate::render::markdown::first_paragraph;

/// The reading as one object.
pub(super) fn json(text: &str, reading: &Reading, known: &Known, skipped: u64, language: Language) -> Value {
    let evidence = |evidence: &[Evidence]| {
        evidence.iter().map(|evidence| sentence(text, evidence, language)).collect::<Vec<_>>().join("; ")
    };
    let from = |evidence: &[Evidence]| {
        evidence.iter().map(|evidence| place(text, &evidence.span)).collect::<Vec<_>>()
    };
    let causes = reading.causes.iter().map(|ranked| {
        let next = known.step(next::of(ranked.is), language);
        json!({
            "cause": ranked.is.id(),
            "title": ranked.is.title(language),
            "fix": ranked.is.fix_line(language),
            "evidence": evidence(&ranked.evidence),
            "from": from(&ranked.evidence),
            "score": rounded(ranked.score),
            "next": next.command,
            "look_for": next.look_for,
        })
    });
    let rules = reading.rules.iter().map(|ranked| {
        let (answer, meaning, fix) = match ranked.is {
            Named::Rule(rule) => (
                object::answer(rule.answer()),
                first_paragraph(rule.meaning(language)),
                rule.fix_line(language),
            ),
            Named::OverHttp2(_) => (Value::Null, String::new(), String::new()),
        };
        json!({
            "rule": ranked.is.id(),
            "title": paste::title(ranked.is, language),
            "answer": answer,
            "meaning": meaning,
            "fix": fix,
            "evidence": evidence(&ranked.evidence),
            "from": from(&ranked.evidence),
            "score": rounded(ranked.score),
        })
    });
    let codes = reading.codes.iter().map(|ranked| {
        let entry = Entry::code(ranked.is.0);
        let fix = ranked.is.row().map_or_else(String::new, |row| row.fix_line(language));
        json!({
            "code": ranked.is.0.to_string(),
            "title": entry.title(language),
            "fix": fix,
            "evidence": evidence(&ranked.evidence),
            "from": from(&ranked.evidence),
            "score": rounded(ranked.score),
        })
    });
    let messages = reading.messages.iter().map(|recognized| {
        let message = recognized.message;
        let all = std::iter::once(message).chain(recognized.also.iter().copied());
        let (mut software, mut versions) = (Vec::new(), Vec::new());
        for message in all {
            match message.sight {
                Sight::Product { name, version } => {
                    software.push(name);
                    if !version.is_empty() {
                        versions.push(format!("{name} {version}"));
                    }
                }
                Sight::Report(parties) => software.push(parties),
            }
        }
        json!({
            "message": message.text,
            "software": software,
            "versions": versions,
            "rules": message.rules.iter().map(|rule| rule.id()).collect::<Vec<_>>(),
            "causes": message.causes.iter().copied().map(Cause::id).collect::<Vec<_>>(),
            "codes": message.codes,
            "note": message.note,
            "score": rounded(recognized.certainty),
            "place": place(text, &recognized.span),
        })
    });
    json!({
        "text": text,
        "skipped": skipped,
        "causes": causes.collect::<Vec<_>>(),
        "decides": match reading.decides() {
            Some(Decides::First) => "first",
            Some(Decides::Among) => "among",
            Some(Decides::Symptom) => "symptom",
            None => "none",
        },
        "rules": rules.collect::<Vec<_>>(),
        "codes": codes.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
        "statuses": reading.statuses.iter()
            .map(|(status, span)| json!({ "status": status, "place": place(text, span) })).collect::<Vec<_>>(),
        "software": reading.software.iter()
            .map(|(name, span)| json!({ "software": name, "place": place(text, span) })).collect::<Vec<_>>(),
        "next": known.steps(&reading.causes.iter().take(1).map(|cause| cause.is).collect::<Vec<_>>(), language)[0].command,
    })
}

/// A place in the text: its offset and length in bytes, its line and column, and what is there.
fn place(text: &str, span: &framewise_messages::Span) -> Value {
    json!({
        "offset": span.start,
        "length": span.len(),
        "line": line(text, span.start),
        "column": column(text, span.start),
        "text": quote(text, span.start, span.end),
    })
}

fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
