use framewise_rules::prose::{Evidence, Family, Intermediary, Language, Section};
use framewise_rules::{Answer, Cause, Code, Offender, OnTheWire, Rule, SeenBy, Sender};
use serde_json::{Value, json};

use super::entry::Entry;
use super::page;

/// One entry as an object; the key that names it tells what it is: `code`, `rule`, `cause` or
/// `intermediary`.
pub(super) fn entry(entry: Entry, language: Language) -> Value {
    let title = entry.title(language);
    let sections = sections(&entry.sections(language));
    match entry {
        Entry::Code { number, row: Some(row) } => code(&number.to_string(), row, &title, &sections),
        Entry::Range(row) => code(row.id(), row, &title, &sections),
        Entry::Code { number, row: None } => json!({
            "code": number.to_string(),
            "title": title,
            "range": null,
            "sent_by": [],
            "on_the_wire": false,
            "rule": Rule::CloseCodeInvalid.id(),
            "says": page::not_assigned(number, language),
            "sections": sections,
        }),
        Entry::Rule(rule) => json!({
            "rule": rule.id(),
            "title": title,
            "topic": rule.topic(),
            "by": by(rule.by()),
            "answer": answer(rule.answer()),
            "seen_by": match rule.seen_by() { SeenBy::Receiver => "receiver", SeenBy::Observer => "observer" },
            "sources": rule.sources().iter()
                .map(|source| json!({ "name": source.to_string(), "url": source.url() })).collect::<Vec<_>>(),
            "sections": sections,
            "examples": {
                "bad": rule.examples().bad.iter()
                    .map(|bad| json!({ "transcript": bad.transcript, "offset": bad.offset })).collect::<Vec<_>>(),
                "good": rule.examples().good.iter()
                    .map(|good| json!({ "transcript": good.transcript })).collect::<Vec<_>>(),
            },
        }),
        Entry::Cause(cause) => json!({
            "cause": cause.id(),
            "title": title,
            "sections": sections,
            "intermediaries": Intermediary::ALL.iter()
                .filter_map(|one| Some(json!({ "intermediary": one.id(), "fix": one.fix_of(cause)? })))
                .collect::<Vec<_>>(),
        }),
        Entry::Intermediary(one) => intermediary(one, &title, &sections, language),
    }
}

fn intermediary(one: Intermediary, title: &str, sections: &Value, language: Language) -> Value {
    json!({
        "intermediary": one.id(),
        "name": one.name(),
        "title": title,
        "kind": match one.family() {
            Family::Server => "server",
            Family::Library => "library",
            Family::Cloud => "cloud",
            Family::Kubernetes => "kubernetes",
            Family::Appliance => "appliance",
        },
        "documentation": one.documentation(),
        "figures": one.figures().iter()
            .map(|figure| json!({
                "setting": figure.setting, "value": figure.value, "says": figure.meaning(language), "source": figure.source,
            })).collect::<Vec<_>>(),
        "shows": one.shows(language)
            .map(|(point, evidence)| match evidence {
                Evidence::Page(page) => json!({ "says": point, "source": page }),
                Evidence::Run(proxy, configuration) => {
                    json!({ "says": point, "tried": { "proxy": proxy, "configuration": configuration } })
                }
            }).collect::<Vec<_>>(),
        "fixes": one.fixes().iter()
            .map(|(cause, fix)| json!({ "cause": cause.id(), "fix": fix })).collect::<Vec<_>>(),
        "sections": sections,
    })
}

fn code(id: &str, row: Code, title: &str, sections: &Value) -> Value {
    json!({
        "code": id,
        "title": title,
        "range": row.id(),
        "sent_by": match row.sender() {
            Sender::Either => vec!["client", "server"],
            Sender::Client => vec!["client"],
            Sender::Server => vec!["server"],
            Sender::Neither => vec![],
        },
        "on_the_wire": row.on_the_wire() == OnTheWire::Yes,
        "registered": row.registered(),
        "rules": Rule::ALL.iter()
            .filter(|rule| rule.answer().close_code().and_then(framewise_rules::CloseCode::row) == Some(row))
            .map(|rule| rule.id()).collect::<Vec<_>>(),
        "sections": sections,
    })
}

fn sections(sections: &[Section]) -> Value {
    sections.iter().map(|section| json!({ "heading": section.heading, "body": section.body })).collect()
}

fn by(by: Offender) -> &'static [&'static str] {
    match by {
        Offender::Client => &["client"],
        Offender::Server => &["server"],
        Offender::Either => &["client", "server"],
    }
}

/// An answer as a finding has it.
pub(super) fn answer(answer: Answer) -> Value {
    match answer {
        Answer::Close(code) => json!({ "close": code.0 }),
        Answer::Http(status) => json!({ "http": status }),
        Answer::Abort => json!({ "abort": true }),
        Answer::Lost => json!({ "lost": 1006 }),
        Answer::Note => json!({ "note": true }),
        _ => Value::Null,
    }
}

pub(super) fn list(language: Language) -> Value {
    json!({
        "codes": Code::ALL.iter()
            .map(|code| json!({ "code": code.id(), "title": code.title(language) })).collect::<Vec<_>>(),
        "rules": Rule::ALL.iter()
            .map(|rule| json!({
                "rule": rule.id(), "title": rule.title(language), "topic": rule.topic(),
                "answer": answer(rule.answer()),
            })).collect::<Vec<_>>(),
        "causes": Cause::ALL.iter()
            .map(|cause| json!({ "cause": cause.id(), "title": cause.title(language) })).collect::<Vec<_>>(),
        "intermediaries": Intermediary::ALL.iter()
            .map(|one| json!({ "intermediary": one.id(), "title": one.title(language) })).collect::<Vec<_>>(),
    })
}
