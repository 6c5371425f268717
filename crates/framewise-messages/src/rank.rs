//! From what was found to what it means.

use std::collections::HashMap;

use framewise_rules::{Cause, CloseCode, Rule};

use crate::facts::{Fact, facts};
use crate::find::{How, Match, TELLING, Text, Work, find};
use crate::reading::{Evidence, Ranked, Reading, Recognized, Speaks};
use crate::table::{Message, Named, NumberKind, Sight, Spoken, TABLE, Weight};
use crate::vocabulary::{Row, VOCABULARY};
use crate::weigh::Scale;
use crate::words::{LIMIT, Span, Word, words};
use crate::{config, fuzzy, heads, separate};

/// A message as it was found, before it is weighed.
struct Candidate {
    message: &'static Message,
    found: Match,
    span: Span,
    certainty: f64,
}

/// What must speak for the first cause, at least; where only words of a description do; for the others.
const FIRST: f64 = 1.2;
const FIRST_BY_WORDS: f64 = 1.3;
const OTHERS: f64 = 0.9;
/// Words that a description has at most before its words begin to count for less; and a text that is surely one.
const DESCRIPTION: f64 = 300.0;
const SHORT: usize = 80;
/// Causes that are named at most, and the share that one must have.
const MOST: usize = 5;
const SHARE: f64 = 0.02;
/// The weight of a cause that a message names for certain is `SCALE * ln(1 + 1 / FLOOR)`.
const SCALE: f64 = 1.35;
const FLOOR: f64 = 0.03;
/// How much the frequency of a cause counts.
const PRIOR: f64 = 0.4;

/// Reads a text.
pub fn read(text: &str) -> Reading {
    read_counting(text).0
}

/// Reads a text, and counts the work.
pub fn read_counting(whole: &str) -> (Reading, Work) {
    let mut work = Work::default();
    let skipped =
        (whole.len().saturating_sub(LIMIT)..=whole.len()).find(|&at| whole.is_char_boundary(at)).unwrap_or(0);
    let words = words(&whole[skipped..]);
    let text = Text::new(&whole[skipped..], &words);
    let mut found = find(&text, &mut work);
    let like = fuzzy::find(&text, &found, &mut work);
    found.extend(like);

    let mut weighing = Weighing::new(is_about_websocket(&words));
    weighing.describe(&text, &found);
    let groups = weighing.recognize(&text, found);
    weighing.messages(&text, &groups);
    weighing.numbers(&text);
    weighing.signs(text.whole);
    let mut reading = weighing.reading(groups);
    reading.skipped = skipped;
    reading.shift(skipped);
    (reading, work)
}

struct Weighing {
    /// Whether words alone may name a cause.
    about: bool,
    causes: Scale<Cause>,
    rules: Scale<Named>,
    codes: Scale<CloseCode>,
    statuses: Vec<Fact>,
    /// Places of close codes that a message complains about: they ended nothing.
    wrong_codes: Vec<Span>,
    software: Vec<(&'static str, Span)>,
}

impl Weighing {
    const fn new(about: bool) -> Self {
        Self {
            about,
            causes: Scale::new(),
            rules: Scale::new(),
            codes: Scale::new(),
            statuses: Vec::new(),
            wrong_codes: Vec::new(),
            software: Vec::new(),
        }
    }

    fn spoken(&mut self, spoken: &Spoken, speaks: Speaks, span: &Span) {
        self.spoken_by(spoken, speaks, span, 1.0);
    }

    /// The same, with each weight multiplied.
    fn spoken_by(&mut self, spoken: &Spoken, speaks: Speaks, span: &Span, by: f64) {
        for &Weight { cause, weight } in &spoken.weights {
            self.causes.add(cause, Evidence { span: span.clone(), speaks, weight: by * weight });
        }
        for &rule in &spoken.rules {
            self.rules.add(rule, Evidence { span: span.clone(), speaks, weight: 1.5 * by });
        }
    }

    /// The words of the description, and the software.
    fn describe(&mut self, text: &Text<'_>, found: &[Match]) {
        // A long text has each of these words somewhere; what a short one says is about the fault.
        let by = (DESCRIPTION / text.words.iter().map(|_| 1.0).sum::<f64>().max(1.0)).sqrt().min(1.0);
        let mut spoken = Vec::new();
        for found in found.iter().filter(|found| found.how == How::Whole) {
            let span = text.span(found.at[0], found.at[found.at.len() - 1]);
            match VOCABULARY.patterns[found.pattern].row {
                // "without compression", "non-empty"
                Row::Clue(_) if is_denied(text, found.at[0]) => {}
                Row::Clue(index) if spoken.contains(&index) => {}
                Row::Clue(index) => {
                    spoken.push(index);
                    self.spoken_by(&TABLE.clues[index].spoken, Speaks::Words, &span, by);
                }
                Row::Software(index) => {
                    let software = &TABLE.software[index];
                    if !self.software.iter().any(|(name, _)| *name == software.name) {
                        self.software.push((software.name, span.clone()));
                        self.spoken_by(&software.spoken, Speaks::Software(software.name), &span, by);
                    }
                }
                Row::Message(_) => {}
            }
        }
        self.software.sort_by_key(|(_, span)| span.start);
    }

    /// The messages that stand for themselves, those of the same words together.
    fn recognize(&self, text: &Text<'_>, found: Vec<Match>) -> Vec<Vec<Candidate>> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for found in found {
            let Row::Message(index) = VOCABULARY.patterns[found.pattern].row else { continue };
            let message = &TABLE.messages[index];
            let span = text.span(found.at[0], found.at[found.at.len() - 1]);
            let certainty = self.certainty(text, message, &found, &span);
            if certainty > 0.0 {
                candidates.push(Candidate { message, found, span, certainty });
            }
        }
        // What stands there goes before what is only like it; of two that share words, the one that has more.
        let covered = |small: &Candidate, large: &Candidate| {
            let within = small.found.at.iter().filter(|at| large.found.at.contains(at)).count();
            let like = |candidate: &Candidate| candidate.found.how == How::Like;
            match (like(small), like(large)) {
                (false, true) => false,
                (false, false) => large.found.weight > small.found.weight && within == small.found.at.len(),
                (true, false) => 2 * within >= small.found.at.len(),
                (true, true) => large.found.weight > small.found.weight && 2 * within > small.found.at.len(),
            }
        };
        // Only candidates that share a word are compared: a text may have thousands.
        let mut sharing: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, candidate) in candidates.iter().enumerate() {
            for &at in &candidate.found.at {
                sharing.entry(at).or_default().push(index);
            }
        }
        let is_covered = |small: &Candidate| {
            let places =
                if small.found.how == How::Like { &small.found.at[..] } else { &small.found.at[..1] };
            let mut others = places.iter().filter_map(|at| sharing.get(at)).flatten();
            others.any(|&large| covered(small, &candidates[large]))
        };
        let keep: Vec<bool> = candidates.iter().map(|small| !is_covered(small)).collect();
        let mut keep = keep.into_iter();
        candidates.retain(|_| keep.next().unwrap_or(false));
        // Those of the same words stand side by side then.
        candidates.sort_by(|a, b| a.found.at.cmp(&b.found.at));
        let mut groups: Vec<Vec<Candidate>> = Vec::new();
        for candidate in candidates {
            match groups.last_mut().filter(|group| group[0].found.at == candidate.found.at) {
                Some(group) => group.push(candidate),
                None => groups.push(vec![candidate]),
            }
        }
        for group in &mut groups {
            group.sort_by(|a, b| b.certainty.total_cmp(&a.certainty));
        }
        groups.sort_by_key(|group| group[0].span.start);
        groups
    }

    fn certainty(&self, text: &Text<'_>, message: &Message, found: &Match, span: &Span) -> f64 {
        let pattern = &VOCABULARY.patterns[found.pattern];
        // "upgrade != websocket" is an error, `Upgrade: websocket` a header.
        if message.text.contains("!=") && !text.whole[span.clone()].contains("!=") {
            return 0.0;
        }
        let how = match found.how {
            How::Whole => 1.0,
            How::Cut => 0.75,
            How::Like => 0.65 * found.weight / pattern.weight,
        };
        let name = match message.sight {
            Sight::Product { name, .. } => name,
            Sight::Report(_) => "",
        };
        let named = self.software.iter().any(|(software, _)| *software == name);
        let begins = begins(&text.whole[..span.start]);
        let ends = found.how == How::Cut || ends(&text.whole[span.end..]);
        let all = 2 * found.at.len() >= text.words.len();
        let long = found.at.len() > 1;
        let telling = pattern.weight >= 0.55 * TELLING;
        // Two words with anything between them are in many sentences.
        let inner = |at: &usize| found.at[0] < *at && *at < found.at[found.at.len() - 1];
        let tight = found.at.len() > 2 || !found.variable.iter().any(inner);
        let sure = if pattern.weight >= TELLING || (all && long) || (begins && ends && named) {
            0.9
        } else if begins && ends && (all || (long && telling && tight)) {
            0.85
        } else if begins && ends && long && tight {
            0.5
        } else if (begins || ends || named) && long && telling && tight {
            0.45
        } else {
            return 0.0;
        };
        how * (sure + if named { 0.1 } else { 0.0 })
    }

    fn messages(&mut self, text: &Text<'_>, groups: &[Vec<Candidate>]) {
        for group in groups {
            let best = group[0].certainty;
            // Where the product is named, what others mean by the same words does not count.
            let counted: Vec<&Candidate> = group.iter().filter(|other| other.certainty >= best).collect();
            let share = 1.0 / counted.iter().map(|_| 1.0).sum::<f64>();
            let mut odds: Vec<(Cause, f64)> = Vec::new();
            let mut raise = |cause: Cause, by: f64| match odds.iter_mut().find(|(other, _)| *other == cause) {
                Some((_, odds)) => *odds += by,
                None => odds.push((cause, by)),
            };
            let evidence = |weight| Evidence {
                span: group[0].span.clone(),
                speaks: Speaks::Message(group[0].message),
                weight,
            };
            for candidate in counted {
                let message = candidate.message;
                // One product's row may lack the variable part that another's has.
                let variable =
                    group.iter().map(|other| &other.found.variable).max_by_key(|variable| variable.len());
                let variable = variable.unwrap_or(&candidate.found.variable);
                let numbers: Vec<u64> = variable.iter().filter_map(|&at| text.words[at].number()).collect();
                let rules = separate::rules(&message.rules, &numbers);
                let status = numbers.iter().copied().find(|number| (100..600).contains(number));
                let status = status.filter(|_| rules.contains(&Named::Rule(Rule::ResponseStatus)));
                if let Some(value) = status
                    && let Some(&at) = variable.iter().find(|&&at| text.words[at].number() == Some(value))
                {
                    self.statuses.push(Fact { value, span: text.words[at].span.clone() });
                }
                let about_codes = [Rule::CloseCodeReserved, Rule::CloseCodeInvalid].map(Named::Rule);
                let spelled = || {
                    message
                        .text
                        .split(|c: char| !c.is_ascii_digit())
                        .find_map(|part| part.parse().ok().filter(|code| *code > 999))
                };
                let code = numbers.first().copied().or_else(spelled);
                let code = code.filter(|_| rules.iter().any(|rule| about_codes.contains(rule)));
                if let Some(code) = code {
                    self.wrong_codes.extend(variable.iter().map(|&at| text.words[at].span.clone()));
                    self.wrong_codes.push(candidate.span.clone());
                    if let Some(cause) = separate::causes_of_code(code) {
                        raise(cause, 2.0 * share);
                    }
                }
                // The number says more than what was found behind other numbers.
                let causes: &[Cause] = if code.is_some() { &[] } else { &message.causes };
                for (index, &cause) in causes.iter().enumerate() {
                    let all: f64 = (0..causes.len()).map(falling).sum();
                    raise(cause, share * falling(index) / all);
                }
                let by_rules = if causes.is_empty() { 0.8 } else { 0.25 };
                let all: f64 = (0..rules.len()).map(falling).sum();
                for (index, &rule) in rules.iter().enumerate() {
                    // Messages with many rules say little about each.
                    let weight = 3.0 * candidate.certainty * share.sqrt() * falling(index).sqrt();
                    self.rules.add(rule, evidence(weight));
                    // A status has causes of its own.
                    if status.is_some() && rule == Named::Rule(Rule::ResponseStatus) {
                        continue;
                    }
                    let usual = TABLE.usual(rule);
                    let total: f64 = usual.iter().map(|weight| weight.weight).sum();
                    for usual in usual {
                        raise(usual.cause, by_rules * share * falling(index) / all * usual.weight / total);
                    }
                }
                for &code in &message.codes {
                    self.codes.add(CloseCode(code), evidence(candidate.certainty));
                }
            }
            for (cause, odds) in odds {
                let weight = best * SCALE * (1.0 + odds / FLOOR).ln();
                self.causes.add(cause, evidence(weight));
            }
        }
    }

    fn numbers(&mut self, text: &Text<'_>) {
        let facts = facts(text);
        for status in facts.statuses {
            if !self.statuses.iter().any(|other| other.value == status.value && other.span == status.span) {
                self.statuses.push(status);
            }
        }
        for status in self.statuses.clone() {
            let value = status.value as u16;
            if let Some(row) = TABLE.number(NumberKind::Http, status.value) {
                self.spoken(&row.spoken, Speaks::Status(value), &status.span);
            }
        }
        self.statuses.sort_by_key(|status| status.span.start);
        // An end that did not get the other's Close reports 1006.
        let others = |code: &&Fact| matches!(code.value, 1000 | 1001 | 1008 | 1011 | 3000..=4999);
        if facts.codes.iter().any(|code| code.value == 1006)
            && let Some(other) = facts.codes.iter().find(others)
            && let Some(sign) = TABLE.sign("two-codes")
        {
            self.spoken(&sign.spoken, Speaks::Sign(sign), &other.span);
        }
        for code in facts.codes {
            let value = code.value as u16;
            let speaks = Speaks::Code(value);
            self.codes.add(CloseCode(value), Evidence { span: code.span.clone(), speaks, weight: 1.0 });
            let wrong = self.wrong_codes.iter().any(|span| span.contains(&code.span.start));
            if !wrong && let Some(row) = TABLE.number(NumberKind::Close, code.value) {
                self.spoken(&row.spoken, speaks, &code.span);
            }
        }
        let says = |words: &[&str]| {
            text.words.iter().any(|word| words.iter().any(|start| word.text.starts_with(start)))
        };
        // A time or a size alone is no evidence: something must have ended, something must have been too large.
        if says(&[
            "clos",
            "disconnect",
            "drop",
            "timeout",
            "timed",
            "reset",
            "idle",
            "cut",
            "inactiv",
            "reconnect",
            "lost",
            "sever",
            "die",
            "断",
            "闲",
            "terminat",
            "kill",
            "1006",
            "1001",
        ]) {
            for duration in facts.durations {
                if let Some(row) = TABLE.number(NumberKind::Seconds, duration.value) {
                    let speaks = Speaks::Duration { seconds: duration.value, whose: row.whose };
                    self.spoken(&row.spoken, speaks, &duration.span);
                }
            }
        }
        if says(&["limit", "exceed", "big", "large", "size", "max", "payload", "longer", "1009"]) {
            for size in facts.sizes {
                if let Some(row) = TABLE.number(NumberKind::Bytes, size.value) {
                    let speaks = Speaks::Size { bytes: size.value, whose: row.whose };
                    self.spoken(&row.spoken, speaks, &size.span);
                }
            }
        }
    }

    fn signs(&mut self, text: &str) {
        for (id, span) in heads::signs(text).into_iter().chain(config::signs(text)) {
            if let Some(sign) = TABLE.sign(id) {
                self.spoken(&sign.spoken, Speaks::Sign(sign), &span);
            }
        }
    }

    fn reading(self, groups: Vec<Vec<Candidate>>) -> Reading {
        let known = |cause: Cause| {
            TABLE.known.iter().find(|known| known.cause == cause).map_or(0.0, |known| known.weight)
        };
        let mut causes = self.causes.ranked(|cause| PRIOR * (known(cause) + 0.5).ln(), OTHERS, MOST);
        causes.retain(|cause| cause.score >= SHARE);
        let is_clear = |ranked: &Ranked<Cause>| {
            let sum: f64 = ranked.evidence.iter().map(|evidence| evidence.weight).sum();
            let is_word = |evidence: &Evidence| match evidence.speaks {
                Speaks::Words | Speaks::Software(_) | Speaks::Duration { .. } | Speaks::Size { .. } => true,
                Speaks::Message(_) | Speaks::Code(_) | Speaks::Status(_) | Speaks::Sign(_) => false,
            };
            if ranked.evidence.iter().all(is_word) {
                self.about && sum >= FIRST_BY_WORDS
            } else {
                sum >= FIRST
            }
        };
        if !causes.first().is_some_and(is_clear) {
            causes.clear();
        }
        let mut statuses: Vec<(u16, Span)> =
            self.statuses.into_iter().map(|status| (status.value as u16, status.span)).collect();
        statuses.dedup();
        Reading {
            causes,
            rules: self.rules.ranked(|_| 0.0, 0.1, 12),
            codes: self.codes.ranked(|_| 0.0, 0.1, 8),
            statuses,
            messages: groups.into_iter().map(recognized).collect(),
            software: self.software,
            skipped: 0,
        }
    }
}

fn recognized(group: Vec<Candidate>) -> Recognized {
    let mut group = group.into_iter();
    let Some(first) = group.next() else { unreachable!("a group has a candidate") };
    let also = group.map(|other| other.message).collect();
    Recognized {
        message: first.message,
        exact: first.found.how == How::Whole,
        also,
        span: first.span,
        certainty: first.certainty.min(1.0),
    }
}

/// Whether a text speaks of WebSocket, or is so short that it is nothing but the description of a fault.
fn is_about_websocket(words: &[Word]) -> bool {
    let says =
        |word: &Word| matches!(&*word.text, "websocket" | "websockets" | "wss" | "ws" | "socket" | "sockjs");
    words.len() <= SHORT || words.iter().any(says)
}

/// Whether the word before says that what follows is not so.
fn is_denied(text: &Text<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| &*text.words[before].text);
    matches!(before, Some("non" | "not" | "no" | "without" | "never" | "nor" | "t" | "sans" | "pas"))
}

/// What the first, second, third of a list count.
fn falling(index: usize) -> f64 {
    [1.0, 0.6, 0.45, 0.35, 0.3, 0.25][index.min(5)]
}

/// Whether a message may begin after this.
fn begins(before: &str) -> bool {
    let trimmed = before.trim_end_matches([' ', '\t']);
    // "non-empty" does not begin with "empty".
    if before.ends_with('-') && !before.ends_with(" -") {
        return false;
    }
    trimmed.chars().next_back().is_none_or(|c| "\n\r:'\"`“([{=<>|,-;].!*".contains(c))
}

/// Whether a message may end before this.
fn ends(after: &str) -> bool {
    let trimmed = after.trim_start_matches([' ', '\t']);
    trimmed.chars().next().is_none_or(|c| "\n\r:'\"`”)]}.,;|<>…!(-?".contains(c))
}
