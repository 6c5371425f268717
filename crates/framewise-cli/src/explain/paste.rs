//! What a pasted text means, for a person.

use std::fmt::Write as _;

use framewise_messages::{Decides, Named, Ranked, Reading, Recognized};
use framewise_rules::prose::Language;
use framewise_rules::{Cause, Rule};

use super::evidence::{line, quote, sentence, who};
use super::known::Known;
use super::page::heading;
use super::{entry, intermediary, tr};
use crate::render::markdown::{first_paragraph, inline, markdown};
use crate::render::style::{CODE, FAINT, HEADING, ID, paint};
use crate::render::{clean, columns, pad, shorten, wrap};

/// Characters of the text at the top of the page.
const QUOTED: usize = 200;
/// Pieces of evidence that are shown for one cause, messages and rules that are shown in all.
const EVIDENCE: usize = 4;
const MESSAGES: usize = 6;
const RULES: usize = 4;
/// Proxies and load balancers whose pages are named.
const INTERMEDIARIES: usize = 2;

/// The causes with what speaks for each, what was recognized, and what to run.
pub(super) fn page(text: &str, reading: &Reading, known: &Known, language: Language, width: usize) -> String {
    let mut page = format!("{}\n\n", paint(HEADING, format!("\"{}\"", clean(&shorten(text.trim(), QUOTED)))));
    causes(&mut page, text, reading, language, width);
    messages(&mut page, text, &reading.messages, language, width);
    codes(&mut page, reading, language, width);
    rules(&mut page, &reading.rules, language, width);
    settle(&mut page, text, reading, known, language, width);
    page
}

fn causes(page: &mut String, text: &str, reading: &Reading, language: Language, width: usize) {
    if reading.causes.is_empty() {
        let sentence = tr(
            language,
            "Nothing in this text points clearly to a cause.",
            "Rien dans ce texte ne désigne clairement une cause.",
        );
        page.push_str(&markdown(sentence, width, 0));
        page.push('\n');
        return;
    }
    heading(
        page,
        tr(language, "Likely causes, the likeliest first", "Causes probables, la plus probable d'abord"),
    );
    let undecided = match reading.decides() {
        Some(Decides::First) | None => None,
        Some(Decides::Among) => Some(tr(
            language,
            "The text does not decide between them. The commands under \"To settle it\" do.",
            "Le texte ne permet pas de trancher. Les commandes sous « Pour trancher » le permettent.",
        )),
        Some(Decides::Symptom) => Some(tr(
            language,
            "The text gives only a symptom, which each of these causes has. The commands under \"To settle it\" tell them apart.",
            "Le texte ne donne qu'un symptôme, commun à toutes ces causes. Les commandes sous « Pour trancher » les départagent.",
        )),
    };
    if let Some(undecided) = undecided {
        page.push_str(&markdown(undecided, width, 2));
    }
    for (index, cause) in reading.causes.iter().enumerate() {
        let percent = format!("{:.0} %", cause.score * 100.0);
        let _ = writeln!(
            page,
            "  {}. {}  {}  {}",
            index + 1,
            paint(ID, cause.is.id()),
            inline(cause.is.title(language)),
            paint(FAINT, percent)
        );
        for evidence in cause.evidence.iter().take(EVIDENCE) {
            for (row, line) in wrap(&sentence(text, evidence, language), width - 7).iter().enumerate() {
                let mark = if row == 0 { "-" } else { " " };
                let _ = writeln!(page, "     {mark} {}", inline(line));
            }
        }
        let fix = cause.is.fix_line(language);
        page.push_str(&markdown(&format!("→ {}", fix.trim_end_matches([':', ' '])), width, 5));
    }
    page.push('\n');
}

fn messages(page: &mut String, text: &str, messages: &[Recognized], language: Language, width: usize) {
    if messages.is_empty() {
        return;
    }
    heading(page, tr(language, "Messages in the text", "Messages du texte"));
    for message in messages.iter().take(MESSAGES) {
        let place = format!("{} {}", tr(language, "line", "ligne"), line(text, message.span.start));
        let said = if message.exact {
            message.message.text.to_owned()
        } else {
            let like = tr(language, "like", "proche de");
            format!(
                "{} ({like}: {})",
                quote(text, message.span.start, message.span.end),
                message.message.text
            )
        };
        for (row, line) in wrap(&said, width - columns(&place) - 4).iter().enumerate() {
            let place = if row == 0 { place.clone() } else { " ".repeat(columns(&place)) };
            let _ = writeln!(page, "  {}  {}", paint(FAINT, place), paint(CODE, line));
        }
        let mut who = who(message.message, language);
        let mut others: Vec<String> = message.also.iter().map(|other| self::who(other, language)).collect();
        others.dedup();
        if !others.is_empty() {
            let _ = write!(who, "{} {}", tr(language, "; also", " ; aussi"), others.join(", "));
        }
        if let Some(note) = message.message.note {
            let _ = write!(who, " – {note}");
        }
        for line in wrap(&who, width - 6) {
            let _ = writeln!(page, "      {}", paint(FAINT, line));
        }
    }
    let more = messages.len().saturating_sub(MESSAGES);
    if more > 0 {
        let _ = writeln!(page, "  {}", paint(FAINT, format!("{} {more}", tr(language, "more:", "encore :"))));
    }
    page.push('\n');
}

fn codes(page: &mut String, reading: &Reading, language: Language, width: usize) {
    if reading.codes.is_empty() {
        return;
    }
    heading(page, tr(language, "Close codes", "Codes de fermeture"));
    for code in &reading.codes {
        let entry = entry::Entry::code(code.is.0);
        let _ = writeln!(page, "  {}  {}", paint(ID, code.is), inline(&entry.title(language)));
        if let Some(section) = entry.sections(language).first() {
            page.push_str(&markdown(&first_paragraph(section.body), width, 8));
        }
    }
    page.push('\n');
}

fn rules(page: &mut String, rules: &[Ranked<Named>], language: Language, width: usize) {
    match rules.len() {
        0 => return,
        1 => heading(page, tr(language, "It means that one rule was broken", "Ce texte désigne une règle")),
        count => {
            let title = match language {
                Language::English => {
                    format!("It can mean any of {count} rules; the bytes on the wire show which")
                }
                Language::French => {
                    format!("Ce texte peut désigner {count} règles ; les octets échangés montrent laquelle")
                }
            };
            heading(page, &title);
        }
    }
    let left = rules.iter().map(|rule| rule.is.id().len()).max().unwrap_or(0);
    for (index, rule) in rules.iter().enumerate() {
        let title = title(rule.is, language);
        for (row, line) in wrap(title, width.saturating_sub(left + 4).max(20)).iter().enumerate() {
            let id = if row == 0 { rule.is.id() } else { "" };
            let _ = writeln!(page, "  {}{}  {}", paint(ID, id), pad(id, left), inline(line));
        }
        if let (Named::Rule(rule), true) = (rule.is, index < RULES) {
            let _ = writeln!(page, "  {}  {}", pad("", left), paint(FAINT, facts(rule, language)));
        }
    }
    page.push('\n');
}

fn facts(rule: Rule, language: Language) -> String {
    format!(
        "{} · {} · {}",
        entry::by(rule.by(), language),
        entry::answer(rule.answer(), language),
        rule.sources().first().map_or_else(String::new, ToString::to_string),
    )
}

/// A rule in one sentence.
pub(super) fn title(rule: Named, language: Language) -> &'static str {
    match rule {
        Named::Rule(rule) => rule.title(language),
        Named::OverHttp2(rule) => rule.sentences()[usize::from(language == Language::French)],
    }
}

/// The commands that tell the causes apart, each once.
fn settle(page: &mut String, text: &str, reading: &Reading, known: &Known, language: Language, width: usize) {
    heading(page, tr(language, "To settle it", "Pour trancher"));
    let causes: Vec<Cause> = reading.causes.iter().take(3).map(|cause| cause.is).collect();
    for step in known.steps(&causes, language) {
        let _ = writeln!(page, "  {}", paint(CODE, &step.command));
        page.push_str(&markdown(step.look_for, width, 6));
    }
    for one in intermediary::named(text, reading).into_iter().take(INTERMEDIARIES) {
        let _ = writeln!(page, "  {}", paint(CODE, format!("framewise explain {}", one.id())));
        let says = match language {
            Language::English => format!("what {one} must be told about WebSockets, and its defaults"),
            Language::French => {
                format!("ce qu'il faut configurer dans {one} pour les WebSockets, et ses valeurs par défaut")
            }
        };
        page.push_str(&markdown(&says, width, 6));
    }
    let more = tr(
        language,
        "`framewise explain ID` prints everything about a rule, a cause or a code.",
        "`framewise explain ID` dit tout d'une règle, d'une cause ou d'un code.",
    );
    page.push_str(&markdown(more, width, 2));
}
