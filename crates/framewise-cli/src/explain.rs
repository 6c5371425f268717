mod compare;
mod entry;
mod evidence;
mod intermediary;
mod json;
mod known;
mod list;
mod lookup;
mod next;
mod page;
mod paste;
mod paste_json;
mod source;

use std::process::ExitCode;

use clap::Args;
use framewise_rules::prose::{Intermediary, Language};

use crate::failure::Failure;
use crate::output::Output;
use entry::Entry;

/// Explain a close code, a rule, a cause, a proxy, an error message or a whole paste; compare two of them
///
/// TERM is a close code (1006), a rule (mask-missing), a cause (interleaved-writers), a proxy or load balancer (nginx), or any text: an error message, a log, a
/// bug report, the configuration of a proxy. The text can be in a file, or come from standard input (-). The causes that it
/// speaks for are ranked, each with what in the text speaks for it and the command that settles it.
/// Two codes, rules or causes are compared. Without TERM, everything is listed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise explain 1006
  framewise explain mask-missing
  framewise explain nginx
  framewise explain \"Invalid frame header\"
  framewise explain error.log
  kubectl logs web-0 | framewise explain -
  framewise explain 1002 1007
  framewise explain --lang fr 1001 1006")]
pub(crate) struct ExplainArgs {
    /// A close code, a rule, a cause, a proxy, a text, the name of a file with a text, or - for standard input
    #[arg(value_name = "TERM", allow_hyphen_values = false)]
    terms: Vec<String>,
    /// Language: en or fr (default: from the locale)
    #[arg(long, value_name = "LANG", value_parser = language)]
    lang: Option<Language>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn language(code: &str) -> Result<Language, String> {
    Language::from_code(code).ok_or_else(|| "expected en or fr".to_owned())
}

/// The language of the locale, as POSIX ranks its variables.
fn language_of_locale() -> Language {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    locale.map_or(Language::English, |locale| Language::from_locale(&locale))
}

/// A text of the program's own in the language of the reference.
fn tr<'t>(language: Language, english: &'t str, french: &'t str) -> &'t str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}

pub(crate) fn run(args: &ExplainArgs, output: Output) -> Result<ExitCode, Failure> {
    let language = args.lang.unwrap_or_else(language_of_locale);
    // Without quotes, the words of a name are terms: nginx proxy manager.
    let product = Intermediary::from_name(&args.terms.join(" ")).filter(|_| args.terms.len() > 1);
    let entries: Option<Vec<Entry>> = match product {
        Some(one) => Some(vec![Entry::Intermediary(one)]),
        None => args.terms.iter().map(|term| Entry::named(term)).collect(),
    };
    match entries.as_deref() {
        Some([]) if args.json => output.json(&json::list(language))?,
        Some([]) => output.print(list::list(language, output.width()))?,
        Some(&[entry]) if args.json => output.json(&json::entry(entry, language))?,
        Some(&[entry]) => output.print(page::page(entry, language, output.width()))?,
        Some(&[a, b]) if a == b => output.print(page::page(a, language, output.width()))?,
        Some(&[a, b]) if args.json => output.json(&compare::json(a, b, language))?,
        Some(&[a, b]) => output.print(compare::compare(a, b, language, output.width()))?,
        Some(_) => return Err(Failure::said("explain compares two terms at a time; omit the others")),
        // A text, or a message that was pasted without quotes.
        None => return paste(&args.terms, language, args.json, output),
    }
    Ok(ExitCode::SUCCESS)
}

/// Words of the longest term that is a name, misspelt perhaps; what is longer is a text.
const SENTENCE: usize = 8;

fn paste(terms: &[String], language: Language, json: bool, output: Output) -> Result<ExitCode, Failure> {
    let source = source::read(terms)?;
    let text = source.text;
    let reading = framewise_messages::read(&text);
    let found = !(reading.causes.is_empty() && reading.messages.is_empty() && reading.rules.is_empty());
    if !found {
        // One word that looks like an id is an id with a slip in it.
        if let [word] = terms
            && !word.trim().contains(char::is_whitespace)
            && let Some(sentence) = lookup::slip(word)
        {
            return Err(Failure::said(sentence));
        }
        // A code, a rule or a cause named in a sentence: "rule mask-missing was broken".
        if !json && let Some(entry) = lookup::mentioned(&text) {
            output.print(page::page(entry, language, output.width()))?;
            return Ok(ExitCode::SUCCESS);
        }
        // Of a text there is at least to say that nothing in it points anywhere, and what to run.
        if reading.codes.is_empty() && !json && text.split_whitespace().nth(SENTENCE).is_none() {
            return Err(Failure::said(lookup::unknown(&[text])));
        }
    }
    let known = known::Known::of(&text, &source.name);
    if json {
        output.json(&paste_json::json(
            &text,
            &reading,
            &known,
            source.skipped + reading.skipped as u64,
            language,
        ))?;
    } else {
        output.print(paste::page(&text, &reading, &known, language, output.width()))?;
    }
    Ok(ExitCode::SUCCESS)
}
