//! From what was found to what it means.

mod numbers;
mod order;

use std::collections::{HashMap, HashSet};

use framewise_rules::{Cause, CloseCode, Rule};

use crate::about::{begins, ends, is_about_websocket, is_common, is_denied, is_in_name};
use crate::code::{self, Lines};
use crate::facts::Fact;
use crate::find::{How, Match, TELLING, Text, Work, find};
use crate::likeness::{self, Likeness};
use crate::reading::{Evidence, Reading, Speaks};
use crate::stage::Shown;
use crate::table::{Message, Named, Sight, Spoken, TABLE, Weight};
use crate::together::Facts;
use crate::vocabulary::{Part, Row, VOCABULARY};
use crate::weigh::Scale;
use crate::words::{LIMIT, Span, words};
use crate::{combine, fuzzy, separate};

/// A message as it was found, before it is weighed.
struct Candidate {
    message: &'static Message,
    found: Match,
    span: Span,
    certainty: f64,
}

/// How certain a message must be, that its words are its own; and how much they count beside it.
const SPOKEN: f64 = 0.6;
const AGAIN: f64 = 0.5;
/// How certain a message must be, that its status is one of a handshake.
const SURE: f64 = 0.85;
/// Words that a description has at least: a text with fewer is a message.
const TOLD: usize = 12;
/// Words that a description has at most before its words begin to count for less.
const DESCRIPTION: f64 = 400.0;
/// Words of source code or documentation from which on even a message in it is a mention.
const LONG: usize = 250;
/// The weight of a cause that a message names for certain is `SCALE * ln(1 + 1 / FLOOR)`.
const SCALE: f64 = 1.35;
const FLOOR: f64 = 0.03;
/// How much a message counts that tells only that something failed: in any case, and of what another would count.
const SYMPTOM: (f64, f64) = (0.7, 0.3);

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
    let (weighing, groups) = weigh(&text, &mut work);
    let mut reading = weighing.reading(groups);
    reading.skipped = skipped;
    reading.shift(skipped);
    (reading, work)
}

/// A text as `examples/learn.rs` needs it.
#[derive(Debug)]
pub struct Sample {
    /// Its words and pairs of words.
    pub features: Vec<String>,
    /// How much speaks for each cause without them, in the order of `Cause::ALL`.
    pub scores: Vec<f64>,
    /// How much speaks for no cause.
    pub none: f64,
    /// What it shows by name: numbers, products, rules, signs, ideas.
    pub facts: Vec<String>,
}

/// Prepares a text for `examples/learn.rs`.
pub fn sample(text: &str) -> Sample {
    let words = words(text);
    let text = Text::new(text, &words);
    let (weighing, _) = weigh(&text, &mut Work::default());
    let score = |&cause: &Cause| weighing.score(cause) - weighing.like(cause);
    Sample {
        features: likeness::features(&words).into_iter().map(|(name, _)| name).collect(),
        scores: Cause::ALL.iter().map(score).collect(),
        none: order::NONE,
        facts: weighing.facts.into_iter().map(|(name, _)| name).collect(),
    }
}

/// Everything that a text says, weighed, and the messages in it.
fn weigh(text: &Text<'_>, work: &mut Work) -> (Weighing, Vec<Vec<Candidate>>) {
    let words = text.words;
    let mut found = find(text, work);
    let like = fuzzy::find(text, &found, work);
    found.extend(like);

    let mut weighing = {
        let lines = Lines::new(text.whole);
        let about = if lines.is_file() || code::is_documentation(text.whole) {
            if words.len() > LONG { About::Long } else { About::Other }
        } else if is_about_websocket(words) {
            About::Fault
        } else {
            About::Unclear
        };
        Weighing::new(about, words.len(), lines)
    };
    weighing.software(text, &found);
    let groups = weighing.recognize(text, &found);
    let phrases = weighing.describe(text, &found, &groups, work);
    weighing.messages(text, &groups);
    weighing.numbers(text);
    weighing.signs(text.whole);
    weighing.together(&phrases);
    weighing.facts = weighing.facts(&phrases);
    weighing.likeness = Likeness::new(words, &weighing.facts, work);
    (weighing, groups)
}

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Something that fails, of a WebSocket.
    Fault,
    /// It does not say so.
    Unclear,
    /// Source code, or the documentation of a product.
    Other,
    /// The same, and long: it names every fault, and has none.
    Long,
}

struct Weighing {
    about: About,
    /// Whether the text says more than a message.
    told: bool,
    lines: Lines,
    causes: Scale<Cause>,
    rules: Scale<Named>,
    codes: Scale<CloseCode>,
    statuses: Vec<Fact>,
    /// Places of statuses that a message of a failed handshake gives: no other protocol's.
    sure_statuses: Vec<Span>,
    /// Places of messages whose words are their own: words like them in a sentence are words.
    sure_messages: Vec<Span>,
    /// Places of close codes that a message complains about: they ended nothing.
    wrong_codes: Vec<Span>,
    software: Vec<(&'static str, Span)>,
    shown: Shown,
    likeness: Likeness,
    /// The rows of the table of signs that the text shows.
    seen: Vec<(&'static str, Span)>,
    /// What it shows by name, for `data/words.txt`.
    facts: Vec<(String, Span)>,
}

impl Weighing {
    fn new(about: About, words: usize, lines: Lines) -> Self {
        Self {
            about,
            told: words > TOLD,
            lines,
            causes: Scale::new(),
            rules: Scale::new(),
            codes: Scale::new(),
            statuses: Vec::new(),
            sure_statuses: Vec::new(),
            sure_messages: Vec::new(),
            wrong_codes: Vec::new(),
            software: Vec::new(),
            shown: Shown::default(),
            likeness: Likeness::default(),
            seen: Vec::new(),
            facts: Vec::new(),
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

    /// How much a word of the text counts: a long text has each of them somewhere; what a short one says is about the fault.
    fn by(text: &Text<'_>) -> f64 {
        (DESCRIPTION / text.words.iter().map(|_| 1.0).sum::<f64>().max(1.0)).min(1.0)
    }

    fn software(&mut self, text: &Text<'_>, found: &[Match]) {
        let by = Self::by(text);
        for found in found.iter().filter(|found| found.how == How::Whole) {
            let Row::Software(index) = VOCABULARY.patterns[found.pattern].row else { continue };
            let software = &TABLE.software[index];
            if !self.software.iter().any(|(name, _)| *name == software.name) {
                let span = text.span(found.at[0], found.at[found.at.len() - 1]);
                self.software.push((software.name, span.clone()));
                self.spoken_by(&software.spoken, Speaks::Software(software.name), &span, by);
            }
        }
        self.software.sort_by_key(|(_, span)| span.start);
    }

    /// The words of the description; those of a message have spoken.
    fn describe(
        &mut self,
        text: &Text<'_>,
        found: &[Match],
        groups: &[Vec<Candidate>],
        work: &mut Work,
    ) -> Vec<Option<Span>> {
        let by = Self::by(text);
        let mut said = vec![false; text.words.len()];
        self.shown.words(found);
        for candidate in groups.iter().flatten().filter(|candidate| candidate.certainty >= SPOKEN) {
            said[candidate.found.at[0]..=candidate.found.at[candidate.found.at.len() - 1]].fill(true);
        }
        let mut spoken = Vec::new();
        for found in found.iter().filter(|found| found.how == How::Whole) {
            if let Row::Clue(index) = VOCABULARY.patterns[found.pattern].row
                && !spoken.contains(&index)
                // "without compression", "non-empty"
                && !is_denied(text, found.at[0])
            {
                spoken.push(index);
                let span = text.span(found.at[0], found.at[found.at.len() - 1]);
                let again = said[found.at[0]] || is_in_name(text, found);
                let by = if again { AGAIN * by } else { by };
                self.spoken_by(&TABLE.clues[index].spoken, Speaks::Words, &span, by);
            }
        }
        let is_prose = |found: &Match| {
            !said[found.at[0]]
                && !self.lines.is_code(text.words[found.at[0]].span.start)
                && !is_in_name(text, found)
        };
        let phrases = combine::phrases(found, is_prose);
        for (index, span) in combine::find(text, &phrases, work) {
            self.spoken_by(&TABLE.combinations[index].spoken, Speaks::Words, &span, by);
        }
        let first = |places: &Vec<combine::Place>| places.first().map(|place| text.span(place.0, place.1));
        phrases.iter().map(first).collect()
    }

    /// What facts speak for together.
    fn together(&mut self, phrases: &[Option<Span>]) {
        let facts = Facts {
            statuses: &self.statuses,
            codes: self.codes.items(),
            software: &self.software,
            rules: self.rules.items(),
            signs: &self.seen,
            phrases,
        };
        let held = TABLE.together.iter().filter_map(|row| Some((row, facts.hold(&row.conditions)?)));
        for (row, span) in held.collect::<Vec<_>>() {
            match row.sign.and_then(|id| TABLE.sign(id)) {
                Some(sign) => self.spoken(&sign.spoken, Speaks::Sign(sign), &span),
                None => self.spoken(&row.spoken, Speaks::Words, &span),
            }
        }
    }

    /// The same facts by name, each once, as `data/words.txt` has them.
    fn facts(&self, phrases: &[Option<Span>]) -> Vec<(String, Span)> {
        let mut facts = Vec::new();
        for status in &self.statuses {
            facts.push((format!("=http {}", status.value), status.span.clone()));
        }
        for (code, evidence) in self.codes.items() {
            facts.push((format!("=close {}", code.0), evidence[0].span.clone()));
        }
        for (name, span) in &self.software {
            facts.push((format!("=software {name}"), span.clone()));
        }
        for (rule, evidence) in self.rules.items() {
            let message = |evidence: &&Evidence| matches!(evidence.speaks, Speaks::Message(_));
            if let Some(evidence) = evidence.iter().find(message) {
                facts.push((format!("=rule {}", rule.id()), evidence.span.clone()));
            }
        }
        for (id, span) in &self.seen {
            facts.push((format!("=sign {id}"), span.clone()));
        }
        for (name, idea) in &TABLE.ideas {
            if let Some(span) = idea.iter().find_map(|&phrase| phrases[phrase].clone()) {
                facts.push((format!("={name}"), span));
            }
        }
        let mut known = HashSet::new();
        facts.retain(|(name, _)| known.insert(name.clone()));
        facts
    }

    /// The messages that stand for themselves, those of the same words together.
    fn recognize(&self, text: &Text<'_>, found: &[Match]) -> Vec<Vec<Candidate>> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for found in found {
            let Row::Message(index) = VOCABULARY.patterns[found.pattern].row else { continue };
            let message = &TABLE.messages[index];
            let span = text.span(found.at[0], found.at[found.at.len() - 1]);
            let certainty = self.certainty(text, message, found, &span);
            if certainty > 0.0 {
                candidates.push(Candidate { message, found: found.clone(), span, certainty });
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
        let all = 2 * found.at.len() >= text.words.len();
        if self.lines.is_code(span.start) || code::is_scattered(text, message.text, found) {
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
        let open = found.how == How::Cut || pattern.parts.last() == Some(&Part::Any);
        let ends = open || ends(&text.whole[span.end..]);
        let long = found.at.len() > 1;
        let telling = pattern.weight >= 0.55 * TELLING;
        // Two words with anything between them are in many sentences.
        let inner = |at: &usize| found.at[0] < *at && *at < found.at[found.at.len() - 1];
        let tight = found.at.len() > 2 || !found.variable.iter().any(inner);
        let generic = found.at.len() <= 4 && found.at.iter().all(|&at| is_common(&text.words[at].text));
        let brief = found.at.len() <= 3
            && message.text.bytes().all(|byte| byte.is_ascii_lowercase() || b" -".contains(&byte));
        let sure = if generic && !all {
            // "Failed to connect to the server" is said of anything.
            match (begins && ends && long && tight, named) {
                (true, true) => 0.45,
                (true, false) => 0.3,
                (false, _) => return 0.0,
            }
        } else if brief && pattern.weight >= TELLING && !(begins && ends) && !named && !all {
            // "the self-signed certificate" in the middle of a sentence
            0.4
        } else if pattern.weight >= TELLING || (all && long) || (begins && ends && named) {
            0.9
        } else if begins && ends && (all || (long && telling && tight)) {
            0.85
        } else if begins && ends && long && tight {
            0.5
        } else if (named || (found.at.len() > 2 && (begins || ends))) && long && telling && tight {
            0.45
        } else {
            return 0.0;
        };
        how * (sure + if named { 0.1 } else { 0.0 })
    }

    fn messages(&mut self, text: &Text<'_>, groups: &[Vec<Candidate>]) {
        for group in groups {
            let best = group[0].certainty;
            if best >= SPOKEN {
                self.sure_messages.push(group[0].span.clone());
            }
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
                self.shown.message(message, candidate.certainty);
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
                    let span = text.words[at].span.clone();
                    if candidate.certainty >= SURE {
                        self.sure_statuses.push(span.clone());
                    }
                    self.statuses.push(Fact { value, span });
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
                // The number says more than what was found after other numbers.
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
                let certain = SCALE * (1.0 + odds / FLOOR).ln();
                let vague = SYMPTOM.0 + SYMPTOM.1 * certain;
                let weight = best * if group[0].message.symptom { vague } else { certain };
                self.causes.add(cause, evidence(weight));
            }
        }
    }
}

/// What the first, second, third of a list count.
fn falling(index: usize) -> f64 {
    [1.0, 0.6, 0.45, 0.35, 0.3, 0.25][index.min(5)]
}
