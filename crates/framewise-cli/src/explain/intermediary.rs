//! What a page says about proxies and load balancers.

use std::fmt::Write as _;

use framewise_rules::Cause;
use framewise_rules::prose::{Evidence, Intermediary, Language};

use super::page::heading;
use super::tr;
use crate::render::markdown::{inline, markdown};
use crate::render::style::{CODE, FAINT, ID, paint};
use crate::render::{columns, pad, wrap};

/// How it shows when something is set wrong, each point with what shows that it is right.
pub(super) fn shows(text: &mut String, one: Intermediary, language: Language, width: usize) {
    for (point, evidence) in one.shows(language) {
        text.push_str(&markdown(&format!("- {point}"), width, 2));
        let source = match evidence {
            Evidence::Page(page) => page.to_owned(),
            Evidence::Run(proxy, configuration) => format!(
                "{} {proxy} {configuration}, https://github.com/framewise/framewise/blob/main/docs/proxies.md",
                tr(language, "tried:", "essayé\u{a0}:")
            ),
        };
        let _ = writeln!(text, "    {}", paint(FAINT, source));
    }
}

/// Its defaults and limits, each with its source, and the settings that mend causes.
pub(super) fn page(text: &mut String, one: Intermediary, language: Language, width: usize) {
    heading(text, tr(language, "Defaults and limits", "Valeurs par défaut et limites"));
    for figure in one.figures() {
        let _ = writeln!(text, "  {}  {}", paint(CODE, figure.setting), paint(ID, figure.value));
        text.push_str(&markdown(figure.meaning(language), width, 6));
        let _ = writeln!(text, "      {}", paint(FAINT, figure.source));
    }
    if one.fixes().is_empty() {
        return;
    }
    text.push('\n');
    heading(text, tr(language, "What mends a cause", "Ce qui corrige une cause"));
    for (cause, fix) in one.fixes() {
        row(text, cause.id(), fix, width);
    }
}

/// The setting of each intermediary that mends a cause.
pub(super) fn settings(text: &mut String, cause: Cause, language: Language, width: usize) {
    let fixes: Vec<_> =
        Intermediary::ALL.iter().filter_map(|one| Some((one.id(), one.fix_of(cause)?))).collect();
    if fixes.is_empty() {
        return;
    }
    heading(text, tr(language, "In proxies and load balancers", "Dans les proxys et répartiteurs de charge"));
    for (id, fix) in fixes {
        row(text, id, fix, width);
    }
}

fn row(text: &mut String, id: &str, fix: &str, width: usize) {
    const LEFT: usize = 18;
    let left = LEFT.max(columns(id));
    for (index, line) in wrap(fix, width.saturating_sub(left + 4).max(20)).iter().enumerate() {
        let id = if index == 0 { id } else { "" };
        let _ = writeln!(text, "  {}{}  {}", paint(ID, id), pad(id, left), inline(line));
    }
}

/// The intermediaries that a text names: by the words in it, or by what the product is called.
pub(super) fn named(text: &str, reading: &framewise_messages::Reading) -> Vec<Intermediary> {
    let mut named = Vec::new();
    for (name, span) in &reading.software {
        let words = text.get(span.clone()).unwrap_or_default();
        let one = Intermediary::from_name(words).or_else(|| Intermediary::from_name(name));
        if let Some(one) = one.filter(|one| !named.contains(one)) {
            named.push(one);
        }
    }
    named
}
