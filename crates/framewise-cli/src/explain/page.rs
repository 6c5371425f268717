use std::fmt::Write as _;

use framewise_rules::prose::Language;
use framewise_rules::{Answer, CloseCode, Rule};
use framewise_transcript::Transcript;

use super::entry::{Entry, Fact};
use super::{intermediary, tr};
use crate::render::markdown::{inline, markdown};
use crate::render::style::{CODE, FAINT, HEADING, ID, paint};
use crate::render::transcript::{Mark, offender, transcript};
use crate::render::{columns, indent, pad, wrap};

/// Everything that the reference has about one entry.
pub(super) fn page(entry: Entry, language: Language, width: usize) -> String {
    let mut text =
        format!("{}  {}\n\n", paint(ID, entry.id()), paint(HEADING, inline(&entry.title(language))));
    // The title is already above.
    let facts = entry.facts(language);
    table(&mut text, &facts[1..], width);
    if facts.len() > 1 {
        text.push('\n');
    }
    if let Entry::Code { number, row: None } = entry {
        for line in wrap(&not_assigned(number, language), width) {
            let _ = writeln!(text, "{}", inline(&line));
        }
        text.push('\n');
    }
    for section in entry.sections(language) {
        heading(&mut text, section.heading);
        if let Entry::Intermediary(one) = entry
            && section.body == one.how_it_shows(language)
        {
            intermediary::shows(&mut text, one, language, width);
        } else {
            text.push_str(&markdown(section.body, width, 2));
        }
        text.push('\n');
    }
    match entry {
        Entry::Rule(rule) => {
            examples(&mut text, rule, language);
            sources(&mut text, rule, language);
        }
        Entry::Code { number, .. } => answered(&mut text, number, language, width),
        Entry::Cause(cause) => intermediary::settings(&mut text, cause, language, width),
        Entry::Intermediary(one) => intermediary::page(&mut text, one, language, width),
        Entry::Range(_) => {}
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

pub(super) fn heading(text: &mut String, heading: &str) {
    let _ = writeln!(text, "{}", paint(HEADING, heading));
}

/// Labels on the left, values wrapped on the right.
pub(super) fn table(text: &mut String, facts: &[Fact], width: usize) {
    let left = facts.iter().map(|fact| columns(fact.label)).max().unwrap_or(0);
    for Fact { label, value } in facts {
        for (index, line) in wrap(value, width.saturating_sub(left + 4).max(20)).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let _ = writeln!(text, "  {}{}  {line}", paint(FAINT, label), pad(label, left));
        }
    }
}

/// The rules that a strict endpoint answers with this code.
fn answered(text: &mut String, number: u16, language: Language, width: usize) {
    let rules: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| rule.answer().close_code() == Some(CloseCode(number)))
        .map(|rule| rule.id())
        .collect();
    if rules.is_empty() {
        return;
    }
    let title = if number == CloseCode::ABNORMAL_CLOSURE.0 {
        tr(language, "Rules after which 1006 is reported", "Règles après lesquelles 1006 est indiqué")
    } else {
        tr(language, "Rules that this code answers", "Règles dont ce code est la réponse")
    };
    heading(text, title);
    for line in wrap(&rules.join(" "), width - 2) {
        let _ = writeln!(text, "  {}", paint(CODE, line));
    }
}

/// An example that breaks the rule, with the byte marked, and one beside it that does not.
fn examples(text: &mut String, rule: Rule, language: Language) {
    if let Some(bad) = rule.examples().bad.first()
        && let Ok(parsed) = Transcript::parse(bad.transcript)
    {
        heading(text, tr(language, "An example that breaks the rule", "Un exemple qui enfreint la règle"));
        let mark = Mark { from: offender(&parsed, rule), offset: bad.offset };
        text.push_str(&indent(
            &transcript(bad.transcript, &parsed, Some((mark, &label(rule, bad.offset, language)))),
            2,
        ));
        text.push('\n');
    }
    if let Some(good) = rule.examples().good.first()
        && let Ok(parsed) = Transcript::parse(good.transcript)
    {
        heading(text, tr(language, "A similar example that is legal", "Un exemple voisin qui est correct"));
        text.push_str(&indent(&transcript(good.transcript, &parsed, None), 2));
        text.push('\n');
    }
}

/// The label beside the caret.
pub(super) fn label(rule: Rule, offset: u64, language: Language) -> String {
    let answer = match rule.answer() {
        Answer::Close(code) => format!(", Close {code}"),
        Answer::Http(status) => format!(", HTTP {status}"),
        Answer::Abort | Answer::Lost | Answer::Note => String::new(),
        _ => String::new(),
    };
    format!("{} {offset}{answer}", tr(language, "byte", "octet"))
}

fn sources(text: &mut String, rule: Rule, language: Language) {
    heading(text, tr(language, "Read more", "En savoir plus"));
    for source in rule.sources() {
        let _ = writeln!(text, "  {source}  {}", paint(CODE, source.url()));
    }
}

/// Why a number is not a close code, and where such numbers come from.
pub(super) fn not_assigned(number: u16, language: Language) -> String {
    let rule = Rule::CloseCodeInvalid;
    let range = match number {
        0..1000 => "0-999",
        1016..3000 => "1016-2999",
        _ => "5000-65535",
    };
    let mut text = match language {
        Language::English => {
            format!(
                "{number} is in {range}, which is not assigned: a Close frame that carries it breaks `{rule}` and is \
                 answered with 1002."
            )
        }
        Language::French => format!(
            "{number} fait partie de {range}, plage non attribuée : une trame Close qui le porte enfreint `{rule}` et \
             reçoit 1002 en réponse."
        ),
    };
    let [high, low] = number.to_be_bytes();
    let swapped = number.swap_bytes();
    let cause = if high.is_ascii_graphic() && low.is_ascii_graphic() {
        let (high, low) = (char::from(high), char::from(low));
        Some(match language {
            Language::English => format!(
                "Its two bytes read \"{high}{low}\": a reason without a code before it (`close-reason-without-code`), \
                 or a code written in digits (`close-code-as-text`)."
            ),
            Language::French => format!(
                "Ses deux octets se lisent « {high}{low} » : une raison sans code devant (`close-reason-without-code`), \
                 ou un code écrit en chiffres (`close-code-as-text`)."
            ),
        })
    } else if CloseCode(swapped).may_be_sent() {
        Some(match language {
            Language::English => {
                format!("With its bytes swapped it is {swapped}: the byte order (`close-code-byte-order`).")
            }
            Language::French => {
                format!(
                    "Ses octets échangés donnent {swapped} : l'ordre des octets (`close-code-byte-order`)."
                )
            }
        })
    } else {
        None
    };
    let http: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| rule.answer() == Answer::Http(number))
        .map(|rule| format!("`{rule}`"))
        .collect();
    if !http.is_empty() {
        let rules = http.join(", ");
        let _ = match language {
            Language::English => write!(text, " As an HTTP status it answers {rules}."),
            Language::French => write!(text, " Comme statut HTTP, c'est la réponse à {rules}."),
        };
    }
    if let Some(cause) = cause {
        text.push(' ');
        text.push_str(&cause);
    }
    text
}
