use framewise_rules::prose::Intermediary;
use framewise_rules::{Cause, Rule};

use super::entry::Entry;
use crate::render::shorten;

/// The one rule, cause or close code that a sentence names, if there is one.
pub(super) fn mentioned(text: &str) -> Option<Entry> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
    let mut found = words.filter(|word| !word.is_empty()).filter_map(|word| match word.parse::<u16>() {
        // Any other number is a port, a line, a time.
        Ok(number) => (1000..5000).contains(&number).then(|| Entry::code(number)),
        Err(_) => word.contains('-').then(|| Entry::named(word)).flatten(),
    });
    let first = found.next()?;
    matches!(first, Entry::Code { row: Some(_), .. } | Entry::Rule(_) | Entry::Cause(_)).then_some(first)
}

/// What to say of a term that nothing is known about.
pub(super) fn unknown(terms: &[String]) -> String {
    // Of several terms the first that is unknown is the one to talk about, unless they are a sentence.
    let unknown = terms.iter().find(|term| Entry::named(term).is_none());
    let term = if terms.len() == 2 { unknown.cloned().unwrap_or_default() } else { terms.join(" ") };
    if term.trim().is_empty() {
        return "the term is empty; `framewise explain` lists all terms".to_owned();
    }
    if term.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!(
            "{term} is not a close code: codes go up to 65535; `framewise explain` lists all terms"
        );
    }
    not_known(&term, &nearest(&term))
}

/// The same for a word that is nearly an id; `None` for any other.
pub(super) fn slip(word: &str) -> Option<String> {
    let near = nearest(word);
    (!near.is_empty() && word.len() > 2).then(|| not_known(word, &near))
}

fn not_known(term: &str, near: &[&str]) -> String {
    let hint = match near {
        [] => String::new(),
        [one] => format!(", did you mean {one}?"),
        [head @ .., last] => format!(", did you mean {} or {last}?", head.join(", ")),
    };
    let separator = if hint.is_empty() { ";" } else { "" };
    format!("\"{}\" is not known{hint}{separator} `framewise explain` lists all terms", shorten(term, 80))
}

/// Up to three ids that look like the term.
fn nearest(term: &str) -> Vec<&'static str> {
    let term = term.to_lowercase().replace([' ', '_'], "-");
    let ids = Rule::ALL.iter().map(|rule| rule.id()).chain(Cause::ALL.iter().map(|cause| cause.id()));
    let ids = ids.chain(Intermediary::ALL.iter().map(|one| one.id()));
    let mut ranked: Vec<_> = ids
        .filter_map(|id| {
            let distance = distance(&term, id);
            let close = 3 * distance <= id.len().max(term.chars().count());
            // A part of an id is as good as a slip of the keyboard.
            let part = term.len() >= 3 && id.contains(&term);
            let rank = if id.starts_with(&term) { 0 } else { distance };
            (close || part).then_some((rank, id))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(3).map(|(_, id)| id).collect()
}

/// The edit distance of Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    // A sentence is not a misspelt id, and its distance would take its length squared.
    let a: Vec<char> = a.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, c) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &other) in a.iter().enumerate() {
            let substituted = diagonal + usize::from(c != other);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[a.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ids_are_suggested() {
        assert_eq!(nearest("mask-mising")[0], "mask-missing");
        assert!(nearest("utf8").iter().all(|id| id.ends_with("utf8")));
        assert!(nearest("mask").iter().all(|id| id.starts_with("mask-")));
        assert!(nearest("qqqqqqqqqqqq").is_empty());
    }

    #[test]
    fn a_code_in_a_sentence_is_found() {
        assert_eq!(mentioned("socket on port 8080 ended with code=1006"), Some(Entry::code(1006)));
        assert_eq!(mentioned("nothing here, 42"), None);
    }
}
