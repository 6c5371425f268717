use std::fmt::Write as _;

use framewise_rules::prose::{self, Language};
use framewise_rules::{Answer, CloseCode, Code, Rule};
use framewise_transcript::Transcript;
use serde_json::{Value, json};

use super::entry::{Entry, registered_by};
use super::page::{heading, label};
use super::{json as object, tr};
use crate::render::markdown::{first_sentence, inline, markdown};
use crate::render::style::{FAINT, ID, paint};
use crate::render::transcript::{Mark, offender, transcript};
use crate::render::{columns, indent, pad, wrap};

/// Two entries side by side: the facts, the key differences, when to use which, then the text of each.
pub(super) fn compare(a: Entry, b: Entry, language: Language, width: usize) -> String {
    let mut text = String::new();
    side_by_side(&mut text, a, b, language, width);
    text.push('\n');
    let (differences, when) = differences(a, b, language);
    heading(&mut text, tr(language, "Key differences", "Différences essentielles"));
    text.push_str(&markdown(&differences, width, 2));
    if let Some(when) = when {
        text.push('\n');
        heading(&mut text, tr(language, "When to use which", "Lequel utiliser"));
        text.push_str(&markdown(&when, width, 2));
    }
    let skipped = when_to_use(a, language).is_some();
    let (of_a, of_b) = (a.sections(language), b.sections(language));
    let mut headings: Vec<&str> = of_a.iter().map(|section| section.heading).collect();
    headings
        .extend(of_b.iter().map(|section| section.heading).filter(|h| !of_a.iter().any(|s| s.heading == *h)));
    for title in headings {
        let bodies = [(a, &of_a), (b, &of_b)]
            .map(|(entry, sections)| (entry, sections.iter().find(|section| section.heading == title)));
        // When to use each is part of when to use which.
        if skipped
            && bodies.iter().all(|(entry, body)| when_to_use(*entry, language) == body.map(|body| body.body))
        {
            continue;
        }
        text.push('\n');
        heading(&mut text, title);
        if let [(_, Some(of_a)), (_, Some(of_b))] = bodies
            && of_a.body == of_b.body
        {
            let _ = writeln!(text, "  {}", paint(ID, format!("{}, {}", a.id(), b.id())));
            text.push_str(&markdown(of_a.body, width, 4));
            continue;
        }
        for (entry, section) in bodies {
            if let Some(section) = section {
                let _ = writeln!(text, "  {}", paint(ID, entry.id()));
                text.push_str(&markdown(section.body, width, 4));
            }
        }
    }
    examples(&mut text, a, b, language);
    text
}

/// The bytes tell two rules apart.
fn examples(text: &mut String, a: Entry, b: Entry, language: Language) {
    let mut shown = false;
    for entry in [a, b] {
        let Entry::Rule(rule) = entry else { continue };
        let Some(bad) = rule.examples().bad.first() else { continue };
        let Ok(parsed) = Transcript::parse(bad.transcript) else { continue };
        if !shown {
            text.push('\n');
            heading(text, tr(language, "On the wire", "Sur le réseau"));
            shown = true;
        }
        let _ = writeln!(text, "  {}", paint(ID, rule.id()));
        let mark = Mark { from: offender(&parsed, rule), offset: bad.offset };
        text.push_str(&indent(
            &transcript(bad.transcript, &parsed, Some((mark, &label(rule, bad.offset, language)))),
            4,
        ));
    }
}

fn side_by_side(text: &mut String, a: Entry, b: Entry, language: Language, width: usize) {
    let rows = rows(a, b, language);
    let left = rows.iter().map(|(label, ..)| columns(label)).max().unwrap_or(0);
    let column = width.saturating_sub(left + 6) / 2;
    let _ = writeln!(
        text,
        "  {:left$}  {}{}  {}",
        "",
        paint(ID, a.id()),
        pad(&a.id(), column),
        paint(ID, b.id())
    );
    for (label, a, b) in &rows {
        let (a, b) = (wrap(a, column), wrap(b, column));
        for index in 0..a.len().max(b.len()) {
            let label = if index == 0 { label } else { "" };
            let cell = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
            let (a, b) = (cell(&a), cell(&b));
            let line = format!(
                "  {}{}  {}{}  {}",
                paint(FAINT, label),
                pad(label, left),
                inline(&a),
                pad(&a, column),
                inline(&b)
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}

/// The facts of both under the same labels.
fn rows(a: Entry, b: Entry, language: Language) -> Vec<(&'static str, String, String)> {
    let (of_a, of_b) = (a.facts(language), b.facts(language));
    let mut labels: Vec<&'static str> = of_a.iter().map(|fact| fact.label).collect();
    labels.extend(
        of_b.iter().map(|fact| fact.label).filter(|label| !of_a.iter().any(|fact| fact.label == *label)),
    );
    let value = |facts: &[super::entry::Fact], label| {
        facts
            .iter()
            .find(|fact| fact.label == label)
            .map_or_else(|| "–".to_owned(), |fact| fact.value.clone())
    };
    labels.into_iter().map(|label| (label, value(&of_a, label), value(&of_b, label))).collect()
}

/// The key differences, and when to use which: by hand where the reference compares them, else from the facts.
fn differences(a: Entry, b: Entry, language: Language) -> (String, Option<String>) {
    if let (Some(a), Some(b)) = (row(a), row(b))
        && let Some(comparison) = prose::comparison(a, b, language)
    {
        return (comparison.differences.to_owned(), Some(comparison.when_to_use_which.to_owned()));
    }
    let mut list = String::new();
    if let Some(relation) = relation(a, b, language).or_else(|| relation(b, a, language)) {
        let _ = writeln!(list, "- {relation}");
    }
    let mut same = Vec::new();
    let colon = tr(language, ":", " :");
    let stop = tr(language, ";", " ;");
    for (index, (label, of_a, of_b)) in rows(a, b, language).into_iter().enumerate() {
        if of_a == of_b {
            same.push(format!("{}{colon} {of_a}", label.to_lowercase()));
        } else if index > 0 && of_a != "–" && of_b != "–" && !is_source(label) {
            let _ = writeln!(list, "- {label}{colon} {} – {of_a}{stop} {} – {of_b}.", a.id(), b.id());
        }
    }
    if let (Some(of_a), Some(of_b)) = (row(a), row(b))
        && of_a == of_b
    {
        return (same_range(a, b, of_a, language), Some(when_of_range(a, b, of_a, language)));
    }
    for entry in [a, b] {
        let meaning =
            entry.sections(language).first().map_or_else(String::new, |section| first_sentence(section.body));
        let _ = writeln!(list, "- {}{colon} {meaning}", entry.id());
    }
    if !same.is_empty() {
        let _ = writeln!(
            list,
            "- {}{colon} {}.",
            tr(language, "The same for both", "Identique pour les deux"),
            same.join(", ")
        );
    }
    let when: Vec<_> = [a, b]
        .iter()
        .filter_map(|&entry| {
            Some(format!("- {}{colon} {}", entry.id(), when_to_use(entry, language)?.replace('\n', " ")))
        })
        .collect();
    (list, (!when.is_empty()).then(|| when.join("\n")))
}

/// Two codes of one range, which only their users tell apart.
fn same_range(a: Entry, b: Entry, range: Code, language: Language) -> String {
    let (a, b, range) = (a.id(), b.id(), range.id());
    match language {
        Language::English => format!(
            "- {a} and {b} are in the same range, {range}: for the protocol they are alike. What each of them means is said by \
             whoever uses it, not by RFC 6455.\n"
        ),
        Language::French => format!(
            "- {a} et {b} sont dans la même plage, {range} : pour le protocole ils sont équivalents. Le sens de chacun est \
             donné par qui l'emploie, pas par la RFC 6455.\n"
        ),
    }
}

fn when_of_range(a: Entry, b: Entry, range: Code, language: Language) -> String {
    let colon = tr(language, ":", " :");
    format!("- {}, {}{colon} {}", a.id(), b.id(), range.when_to_use(language).replace('\n', " "))
}

/// Where two are written down is a fact, but no difference between them.
fn is_source(label: &str) -> bool {
    label == "Source"
        || label == "Documentation"
        || [Language::English, Language::French].iter().any(|&language| label == registered_by(language))
}

fn row(entry: Entry) -> Option<Code> {
    match entry {
        Entry::Code { row, .. } => row,
        Entry::Range(row) => Some(row),
        Entry::Rule(_) | Entry::Cause(_) | Entry::Intermediary(_) => None,
    }
}

fn when_to_use(entry: Entry, language: Language) -> Option<&'static str> {
    row(entry).map(|row| row.when_to_use(language))
}

/// What connects a code and a rule.
fn relation(code: Entry, rule: Entry, language: Language) -> Option<String> {
    let (Entry::Code { number, .. }, Entry::Rule(rule)) = (code, rule) else { return None };
    if rule.answer() == Answer::Lost && number == 1006 {
        return Some(match language {
            Language::English => format!(
                "After `{rule}`, the application gets {number}: the rule is what was seen, the code is the local report of it."
            ),
            Language::French => format!(
                "Après `{rule}`, l'application reçoit {number} : la règle est ce qui a été vu, le code son compte rendu local."
            ),
        });
    }
    if rule.answer().close_code() == Some(CloseCode(number)) {
        return Some(match language {
            Language::English => format!(
                "{number} is what `{rule}` ends in: the rule is the fault, the code the answer to it."
            ),
            Language::French => {
                format!("`{rule}` aboutit à {number} : la règle est la faute, le code la réponse.")
            }
        });
    }
    let broken =
        if CloseCode(number).is_reserved() { Rule::CloseCodeReserved } else { Rule::CloseCodeInvalid };
    if rule == broken && !CloseCode(number).may_be_sent() {
        return Some(match language {
            Language::English => format!("A Close frame with {number} breaks `{rule}`."),
            Language::French => format!("Une trame Close avec {number} enfreint `{rule}`."),
        });
    }
    Some(match language {
        Language::English => {
            format!("{number} is not the answer to `{rule}`: the two do not come from one fault.")
        }
        Language::French => {
            format!("{number} n'est pas la réponse à `{rule}` : les deux ne viennent pas d'une même faute.")
        }
    })
}

pub(super) fn json(a: Entry, b: Entry, language: Language) -> Value {
    let (differences, when) = differences(a, b, language);
    json!({
        "compare": [object::entry(a, language), object::entry(b, language)],
        "facts": rows(a, b, language).into_iter()
            .map(|(label, a, b)| json!({ "label": label, "values": [a, b] })).collect::<Vec<_>>(),
        "differences": differences,
        "when_to_use_which": when,
    })
}
