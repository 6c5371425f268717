//! The table: what is written in `data/`, parsed once.

use std::sync::LazyLock;

use framewise_rules::{Cause, Rule};

use crate::stage::Stage;
use crate::together::{Condition, Fact};

/// A rule that a message can denote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// A rule of the table in `framewise-rules`.
    Rule(Rule),
    /// A rule of WebSocket over HTTP/2 (RFC 8441) that is not in that table.
    OverHttp2(OverHttp2),
}

macro_rules! over_http2 {
    ($( $name:ident $id:literal $english:literal $french:literal; )+) => {
        /// A way to break WebSocket over HTTP/2 (RFC 8441).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OverHttp2 { $( #[doc = $english] $name, )+ }

        impl OverHttp2 {
            const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The name in kebab-case.
            pub const fn id(self) -> &'static str { match self { $( Self::$name => $id, )+ } }

            /// What was seen, in one sentence, in English and in French.
            pub const fn sentences(self) -> [&'static str; 2] { match self { $( Self::$name => [$english, $french], )+ } }
        }
    };
}

over_http2! {
    ProtocolMissing "h2-protocol-missing" "The CONNECT request has no `:protocol` with the value websocket" "La requête CONNECT n'a pas de `:protocol` qui vaut websocket";
    UpgradeHeaders "h2-upgrade-headers" "A request over HTTP/2 has Upgrade, Connection or another hop-by-hop header" "Une requête HTTP/2 a un en-tête Upgrade ou Connection, ou un autre en-tête de saut";
    Http1OnH2 "h2-http1-on-h2" "HTTP/1.1 on a connection that negotiated HTTP/2, or the reverse" "HTTP/1.1 sur une connexion qui a négocié HTTP/2, ou l'inverse";
}

impl Named {
    /// The rule with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        let over_http2 = || OverHttp2::ALL.iter().copied().find(|rule| rule.id() == id).map(Self::OverHttp2);
        Rule::from_id(id).map(Self::Rule).or_else(over_http2)
    }

    /// The name in kebab-case.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.id(),
            Self::OverHttp2(rule) => rule.id(),
        }
    }
}

/// How it is known that a message exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A product prints it: read in its source.
    Product {
        /// The product.
        name: &'static str,
        /// The version whose source was read; empty where it is not known.
        version: &'static str,
    },
    /// A report has it: who took part.
    Report(&'static str),
}

/// What is known about a message: a row of `data/messages/`.
#[derive(Debug)]
pub struct Message {
    /// As it is shown, with `{…}` for its variable parts and `{url}` for addresses.
    pub text: &'static str,
    /// Who prints it.
    pub sight: Sight,
    /// The rules that it can denote, the likeliest first.
    pub rules: Vec<Named>,
    /// The causes found for it, the most frequent first.
    pub causes: Vec<Cause>,
    /// The close codes that it denotes beside those that it spells out.
    pub codes: Vec<u16>,
    /// Whether it tells only that something failed: what is said beside it counts more.
    pub symptom: bool,
    /// What there is to say where it denotes no rule.
    pub note: Option<&'static str>,
}

/// A cause and how much something speaks for it (below zero: against it).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) cause: Cause,
    pub(crate) weight: f64,
}

/// What rows other than messages speak for.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) weights: Vec<Weight>,
    pub(crate) rules: Vec<Named>,
}

/// Words that people use when they describe a cause: a row of `data/clues.txt`.
#[derive(Debug)]
pub(crate) struct Clue {
    pub(crate) phrases: Vec<&'static str>,
    pub(crate) spoken: Spoken,
}

/// Ideas that mean something together: a row of `data/combinations.txt`.
#[derive(Debug)]
pub(crate) struct Combination {
    /// For each idea the phrases for it, by their index in [`Table::phrases`].
    pub(crate) ideas: Vec<Vec<usize>>,
    pub(crate) spoken: Spoken,
}

/// Facts that mean something together: a row of `data/together.txt`.
#[derive(Debug)]
pub(crate) struct Together {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) spoken: Spoken,
    /// The sign that they are together, by its id.
    pub(crate) sign: Option<&'static str>,
}

/// How a text names a product: a row of `data/software.txt`.
#[derive(Debug)]
pub(crate) struct Software {
    pub(crate) name: &'static str,
    pub(crate) phrases: Vec<&'static str>,
    pub(crate) spoken: Spoken,
}

/// Something in a head or in a configuration: a row of `data/signs.txt`.
#[derive(Debug)]
pub struct Sign {
    pub(crate) id: &'static str,
    /// What it is, in English and in French.
    pub says: [&'static str; 2],
    pub(crate) spoken: Spoken,
}

/// A number with a meaning: a row of `data/numbers.txt`.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) kind: NumberKind,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Whose number it is; empty where that is not known.
    pub(crate) whose: &'static str,
    pub(crate) spoken: Spoken,
}

/// What a number of `data/numbers.txt` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Close,
    Http,
    Seconds,
    Bytes,
}

/// Why a rule is broken, as far as incidents tell: a row of `data/rules.txt`.
#[derive(Debug)]
pub(crate) struct Usual {
    pub(crate) rule: Named,
    pub(crate) weights: Vec<Weight>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) messages: Vec<Message>,
    pub(crate) clues: Vec<Clue>,
    pub(crate) phrases: Vec<&'static str>,
    /// The ideas that have a name, each with its phrases by their index.
    pub(crate) ideas: Vec<(&'static str, Vec<usize>)>,
    pub(crate) combinations: Vec<Combination>,
    pub(crate) together: Vec<Together>,
    pub(crate) software: Vec<Software>,
    pub(crate) signs: Vec<Sign>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) usual: Vec<Usual>,
    /// When each cause acts, where it acts at one time only, and the words that show how far a connection came.
    pub(crate) stages: Vec<(Cause, Stage)>,
    pub(crate) shows: Vec<(Stage, &'static str)>,
    /// How often each cause was the true one.
    pub(crate) known: Vec<Weight>,
}

macro_rules! files { ($( $name:literal ),+ $(,)?) => { &[$( include_str!(concat!("../data/messages/", $name, ".txt")) ),+] } }

const MESSAGES: &[&str] = files![
    "beam",
    "browsers",
    "dotnet",
    "go",
    "java",
    "javascript",
    "native",
    "php",
    "proxies",
    "python",
    "reported",
    "rust",
];

pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| match parse() {
    Ok(table) => table,
    // A test holds that every line parses.
    Err(line) => unreachable!("{line}"),
});

/// Every message of the table.
pub fn messages() -> &'static [Message] {
    &TABLE.messages
}

fn rows(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# "))
}

fn parse() -> Result<Table, &'static str> {
    let mut table = Table::default();
    for file in MESSAGES {
        let mut sight = None;
        for line in rows(file) {
            match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                Some(("reported", who)) if !line.contains(" => ") => sight = Some(Sight::Report(who.trim())),
                Some((name, version)) if !line.contains(" => ") => {
                    sight = Some(Sight::Product { name, version: version.trim() });
                }
                _ => table.messages.push(message(line, sight.ok_or(line)?).ok_or(line)?),
            }
        }
    }
    for line in rows(include_str!("../data/clues.txt")) {
        let (phrases, ids) = line.split_once(" => ").ok_or(line)?;
        table.clues.push(Clue { phrases: phrases.split(" // ").collect(), spoken: spoken(ids).ok_or(line)? });
    }
    combinations(&mut table)?;
    for line in rows(include_str!("../data/software.txt")) {
        let (names, ids) = line.split_once(" => ").unwrap_or((line, ""));
        let (name, phrases) = names.split_once(" = ").ok_or(line)?;
        let phrases = phrases.split(" // ").map(str::trim).collect();
        table.software.push(Software { name, phrases, spoken: spoken(ids).ok_or(line)? });
    }
    for line in rows(include_str!("../data/signs.txt")) {
        let (texts, ids) = line.split_once(" => ").ok_or(line)?;
        let mut texts = texts.split(" | ");
        let (Some(id), Some(english), Some(french)) = (texts.next(), texts.next(), texts.next()) else {
            return Err(line);
        };
        table.signs.push(Sign { id, says: [english, french], spoken: spoken(ids).ok_or(line)? });
    }
    for line in rows(include_str!("../data/numbers.txt")) {
        table.numbers.push(number(line).ok_or(line)?);
    }
    for line in rows(include_str!("../data/rules.txt")) {
        let (rule, ids) = line.split_once(" => ").ok_or(line)?;
        let spoken = spoken(ids).ok_or(line)?;
        table.usual.push(Usual { rule: Named::from_id(rule).ok_or(line)?, weights: spoken.weights });
    }
    for line in rows(include_str!("../data/stages.txt")) {
        stage(&mut table, line).ok_or(line)?;
    }
    for line in rows(include_str!("../data/causes.txt")) {
        table.known.extend(spoken(line).ok_or(line)?.weights);
    }
    Ok(table)
}

/// `@idea = phrase / phrase` and `@idea & phrase / phrase => cause+2`; and the same with facts.
fn combinations(table: &mut Table) -> Result<(), &'static str> {
    let mut named: Vec<(&'static str, Vec<usize>)> = Vec::new();
    for line in rows(include_str!("../data/combinations.txt")) {
        if let Some((ideas, ids)) = line.split_once(" => ") {
            let ideas: Option<_> =
                ideas.split(" & ").map(|text| idea(text, &named, &mut table.phrases)).collect();
            let spoken = spoken(ids).ok_or(line)?;
            table.combinations.push(Combination { ideas: ideas.ok_or(line)?, spoken });
        } else {
            let (name, phrases) = line.split_once(" = ").ok_or(line)?;
            let phrases = idea(phrases, &named, &mut table.phrases).ok_or(line)?;
            named.push((name, phrases));
        }
    }
    for line in rows(include_str!("../data/together.txt")) {
        let (facts, ids) = line.split_once(" => ").ok_or(line)?;
        let conditions: Option<_> =
            facts.split(" & ").map(|text| condition(text, &named, &mut table.phrases)).collect();
        let sign = ids.strip_prefix("sign ");
        let spoken = spoken(if sign.is_some() { "" } else { ids }).ok_or(line)?;
        table.together.push(Together { conditions: conditions.ok_or(line)?, spoken, sign });
    }
    table.ideas = named;
    Ok(())
}

/// The phrases of an idea, by their index; new ones are added.
fn idea(
    text: &'static str,
    named: &[(&str, Vec<usize>)],
    phrases: &mut Vec<&'static str>,
) -> Option<Vec<usize>> {
    let mut idea = Vec::new();
    for phrase in text.split(" / ").map(str::trim) {
        if phrase.starts_with('@') {
            idea.extend(&named.iter().find(|(name, _)| *name == phrase)?.1);
            continue;
        }
        let known = phrases.iter().position(|other| *other == phrase);
        idea.push(known.unwrap_or(phrases.len()));
        if known.is_none() {
            phrases.push(phrase);
        }
    }
    Some(idea)
}

/// `not http 403 / http 404`
fn condition(
    text: &'static str,
    named: &[(&str, Vec<usize>)],
    phrases: &mut Vec<&'static str>,
) -> Option<Condition> {
    let (denied, text) = text.strip_prefix("not ").map_or((false, text), |text| (true, text));
    let mut any = Vec::new();
    for fact in text.split(" / ").map(str::trim) {
        let (kind, value) = fact.split_once(' ').unwrap_or((fact, ""));
        match (kind, value.parse::<u16>()) {
            ("http", Ok(status)) => any.push(Fact::Status(u64::from(status))),
            ("close", Ok(code)) => any.push(Fact::Code(code)),
            ("software", _) => any.push(Fact::Software(value)),
            ("rule", _) => any.push(Fact::Rule(Named::from_id(value)?)),
            ("sign", _) => any.push(Fact::Sign(value)),
            _ => any.extend(idea(fact, named, phrases)?.into_iter().map(Fact::Phrase)),
        }
    }
    Some(Condition { denied, any })
}

/// `before = cause cause` and `shows open = phrase / phrase`
fn stage(table: &mut Table, line: &'static str) -> Option<()> {
    let (name, rest) = line.split_once(" = ")?;
    let (shows, name) = name.strip_prefix("shows ").map_or((false, name), |name| (true, name));
    let stage = match name {
        "before" => Stage::Before,
        "open" => Stage::Open,
        _ => return None,
    };
    if shows {
        table.shows.extend(rest.split(" / ").map(|phrase| (stage, phrase)));
    } else {
        for id in rest.split_whitespace() {
            table.stages.push((Cause::from_id(id)?, stage));
        }
    }
    Some(())
}

/// Rules that say only that there was no answer, or an end.
const VAGUE: [Rule; 5] = [
    Rule::CloseMissing,
    Rule::ConnectionReset,
    Rule::ResponseMissing,
    Rule::ResponseTimeout,
    Rule::ResponseStatus,
];

/// `text => rule cause 1009 | note`; `~` before the ids of a symptom.
fn message(line: &'static str, sight: Sight) -> Option<Message> {
    let (text, ids) = line.rsplit_once(" =>")?;
    let (ids, note) = ids.split_once(" | ").map_or((ids, None), |(ids, note)| (ids, Some(note)));
    let mut message = Message {
        text,
        sight,
        rules: Vec::new(),
        causes: Vec::new(),
        codes: Vec::new(),
        symptom: false,
        note,
    };
    for id in ids.split_whitespace() {
        if id == "~" {
            message.symptom = true;
        } else if let Ok(code) = id.parse() {
            message.codes.push(code);
        } else if let Some(cause) = Cause::from_id(id) {
            message.causes.push(cause);
        } else {
            message.rules.push(Named::from_id(id)?);
        }
    }
    let vague = |rule: &Named| matches!(rule, Named::Rule(rule) if VAGUE.contains(rule));
    message.symptom |=
        message.causes.is_empty() && !message.rules.is_empty() && message.rules.iter().all(vague);
    Some(message)
}

/// `cause+2 cause-1 rule`
fn spoken(ids: &str) -> Option<Spoken> {
    let mut spoken = Spoken::default();
    for id in ids.split_whitespace() {
        let sign = id.rfind(['+', '-']).filter(|at| id[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        if let Some((id, weight)) = sign.map(|at| id.split_at(at))
            && let Some(cause) = Cause::from_id(id)
        {
            spoken.weights.push(Weight { cause, weight: weight.parse().ok()? });
        } else {
            spoken.rules.push(Named::from_id(id)?);
        }
    }
    Some(spoken)
}

/// `seconds 55..65 nginx => cause+2`
fn number(line: &'static str) -> Option<Number> {
    let (head, ids) = line.split_once(" =>")?;
    let mut head = head.splitn(3, ' ');
    let kind = match head.next()? {
        "close" => NumberKind::Close,
        "http" => NumberKind::Http,
        "seconds" => NumberKind::Seconds,
        "bytes" => NumberKind::Bytes,
        _ => return None,
    };
    let range = head.next()?;
    let (from, to) = range.split_once("..").unwrap_or((range, range));
    let whose = head.next().unwrap_or("");
    Some(Number { kind, from: from.parse().ok()?, to: to.parse().ok()?, whose, spoken: spoken(ids)? })
}

impl Table {
    /// The row of a number; a single number goes before a range.
    pub(crate) fn number(&self, kind: NumberKind, value: u64) -> Option<&Number> {
        let rows = self.numbers.iter().filter(|row| row.kind == kind && (row.from..=row.to).contains(&value));
        rows.min_by_key(|row| row.to - row.from)
    }

    pub(crate) fn sign(&self, id: &str) -> Option<&Sign> {
        self.signs.iter().find(|sign| sign.id == id)
    }

    pub(crate) fn usual(&self, rule: Named) -> &[Weight] {
        self.usual.iter().find(|row| row.rule == rule).map_or(&[], |row| &row.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row() {
        let table = parse().expect("a line that is no row");
        assert!(table.messages.len() > 500 && table.clues.len() > 20, "{}", table.messages.len());
    }

    #[test]
    fn a_row_denotes_something_or_says_why_not() {
        for message in messages() {
            let denotes = message.rules.len() + message.causes.len() + message.codes.len();
            assert!(denotes > 0 || message.note.is_some(), "{}", message.text);
        }
    }

    #[test]
    fn every_cause_and_every_rule_is_weighed() {
        for &cause in Cause::ALL {
            assert!(TABLE.known.iter().any(|known| known.cause == cause), "{cause} in causes.txt");
        }
        for &rule in Rule::ALL {
            assert!(TABLE.usual.iter().any(|row| row.rule == Named::Rule(rule)), "{rule} in rules.txt");
        }
    }
}
