mod clients;
mod report;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use framewise::Role;
use framewise_conform::report::{Entry, Report};
use framewise_conform::{Case, cases};

use crate::destination::{self, Destination, Destinations, Kind};
use crate::expect::{self, Expected, Ran};
use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::request::RequestArgs;

/// Check a server or a client against every rule of the protocol
///
/// A server should send each message back; of one that does not, the cases that need no echo are checked. With --listen,
/// clients are checked: they connect as to Autobahn's fuzzing server and ask for one case after the other. A browser that
/// opens the address is checked by the page that it gets.
///
/// A case has two results: what came back, and how the connection ended. Dropping the connection where a Close frame is due
/// does not pass. The exit code is 1 if a case failed that is not in the file of --expect.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise check ws://127.0.0.1:9001
  framewise check --only text/ --report html=report.html,junit=report.xml ws://127.0.0.1:9001
  framewise check --listen 127.0.0.1:9001 --run './client ws://127.0.0.1:9001'
  framewise check --list --level must")]
pub(crate) struct CheckArgs {
    /// Server URL, ws:// or wss://
    #[arg(required_unless_present_any = ["listen", "list", "schema"], conflicts_with = "listen")]
    url: Option<String>,
    /// Check clients that connect to this address; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// With --listen: listen with TLS, with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "listen", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Connect to this address instead of that of the host in the URL
    #[arg(long, value_name = "ADDR", requires = "url")]
    resolve: Option<String>,
    /// With --listen: a command that starts the client; the run ends with it
    #[arg(long, value_name = "COMMAND", requires = "listen")]
    run: Option<String>,
    /// Only the case of this name, or cases whose name contains it, or whose rule or Autobahn number it is; * stands for
    /// anything; `autobahn:*` selects those that Autobahn has as well, `autobahn:9.*` those of its group 9; repeatable
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Only cases of this level and above
    #[arg(long, value_enum, value_name = "LEVEL")]
    level: Option<Level>,
    /// List the cases without running them
    #[arg(long)]
    list: bool,
    /// Write reports: html=FILE, json=FILE, junit=FILE, sarif=FILE, badge=FILE; separated by commas, or repeated
    #[arg(long, value_name = "KIND=FILE", value_delimiter = ',')]
    report: Vec<Destination>,
    /// Compare with an older JSON report: what broke and what was mended
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Cases that are known to fail, one per line, each with its reason after a #
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the failures of this run as a file for --expect
    #[arg(long, value_name = "FILE")]
    write_expect: Option<PathBuf>,
    #[command(flatten)]
    request: RequestArgs,
    /// Number of cases that run at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrent: u16,
    /// Run the long exchanges to their end: a thousand messages each, instead of a few
    #[arg(long)]
    full: bool,
    /// Wait this many seconds for an endpoint that does nothing
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = crate::connect::seconds)]
    patience: Duration,
    /// Print the JSON schema of the report
    #[arg(long)]
    schema: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    Must,
    Should,
    May,
    Observe,
}

impl From<Level> for framewise_conform::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Must => Self::Must,
            Level::Should => Self::Should,
            Level::May => Self::May,
            Level::Observe => Self::Observe,
        }
    }
}

/// The reports that there are.
const KINDS: &[Kind] = &[Kind::Html, Kind::Json, Kind::Junit, Kind::Sarif, Kind::Badge];

impl Ran for Entry {
    fn name(&self) -> &str {
        &self.name
    }

    fn passed(&self) -> Option<bool> {
        Some(self.passed)
    }

    fn says(&self) -> &str {
        &self.says
    }
}

pub(crate) fn run(args: &CheckArgs, output: Output) -> Result<ExitCode, Failure> {
    if args.schema {
        output.json(&crate::schema::of::<Report>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let role = if args.listen.is_some() { Role::Client } else { Role::Server };
    let cases = selected(args, role)?;
    if args.list {
        report::list(&cases, args.json, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    // What cannot be written or read is reported before the run.
    let destinations = Destinations::open(&args.report, KINDS)?;
    let expected = args.expect.as_deref().map(read_expected).transpose()?;
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    if let Some(path) = &args.write_expect {
        destination::writable(path)?;
    }
    let runtime = net::runtime()?;
    let result = runtime.block_on(async {
        match &args.listen {
            Some(address) => clients::check(args, address, &cases, output).await,
            None => servers::check(args, cases, output).await,
        }
    });
    runtime.shutdown_background();
    let reports = result?;
    finish(args, &reports, &destinations, expected.as_ref(), baseline.as_ref(), output)
}

/// The cases that the arguments select.
fn selected(args: &CheckArgs, role: Role) -> Result<Vec<Case>, Failure> {
    let level = args.level.map_or(framewise_conform::Level::Observe, Into::into);
    let every_role = args.list && args.url.is_none() && args.listen.is_none();
    let all = cases::all();
    // An exact name selects that case alone, even if others begin with it.
    let whole = |pattern: &str| all.iter().any(|case| case.name == pattern);
    let only: Vec<_> = args.only.iter().map(|pattern| (pattern.as_str(), whole(pattern))).collect();
    let chosen = |case: &Case| {
        only.is_empty()
            || only
                .iter()
                .any(|&(pattern, whole)| if whole { case.name == pattern } else { names(pattern, case) })
    };
    let cases: Vec<_> = all
        .iter()
        .filter(|case| every_role || case.is_for(role))
        .filter(|case| case.level <= level)
        .filter(|case| chosen(case))
        .cloned()
        .collect();
    if cases.is_empty() {
        return Err(Failure::said(format!(
            "no case is named like {}; `framewise check --list` lists them",
            args.only.join(", ")
        )));
    }
    Ok(cases)
}

/// Whether a pattern names a case: a part of its name, its rule, or its Autobahn number; after `autobahn:`, the number alone.
fn names(pattern: &str, case: &Case) -> bool {
    if let Some(pattern) = pattern.strip_prefix("autobahn:") {
        return case.autobahn.as_deref().is_some_and(|number| glob(pattern, number));
    }
    let rule = case.rule.map_or("", |rule| rule.id());
    let number = case.autobahn.as_deref().unwrap_or_default();
    if pattern.contains('*') {
        return [&case.name, rule, number].into_iter().any(|text| glob(pattern, text));
    }
    case.name.contains(pattern) || rule == pattern || number == pattern
}

/// Whether the complete text is what the pattern says, where `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(after, &rest[at..]))
        }),
    }
}

/// What is known to fail. A name that no case has would hide nothing, and stay in the file for ever.
fn read_expected(path: &std::path::Path) -> Result<Expected, Failure> {
    let expected = Expected::read(path)?;
    let cases = cases::all();
    // Of several clients, the name of each is before its cases.
    let is_of = |name: &str, case: &Case| {
        name.strip_suffix(case.name.as_str()).is_some_and(|agent| agent.is_empty() || agent.ends_with('/'))
    };
    if let Some(name) = expected.names().find(|name| !cases.iter().any(|case| is_of(name, case))) {
        return Err(Failure::said(format!(
            "{}: there is no case {}; `framewise check --list` lists them",
            path.display(),
            crate::render::clean(name)
        )));
    }
    Ok(expected)
}

fn read_baseline(path: &std::path::Path) -> Result<Report, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::said(format!("cannot read {}: {}", path.display(), plain(&error))))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::said(format!("{} is no JSON report of `framewise check`: {error}", path.display()))
    })
}

/// Writes the reports, prints what is to be seen, and says how it went.
fn finish(
    args: &CheckArgs,
    reports: &[Report],
    destinations: &Destinations,
    expected: Option<&Expected>,
    baseline: Option<&Report>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let merged = merged(reports);
    destinations.write(|kind| report::rendered(&merged, kind))?;
    if let Some(path) = &args.write_expect {
        expect::write(path, &merged.cases)?;
    }
    let judged = expect::judge(&merged.cases, expected);
    if args.json {
        output.json(&merged)?;
    } else {
        output.print(report::text(args, reports, &judged, baseline, output.width()))?;
    }
    // Of a part of the cases nobody knows whether the others pass.
    let passed = judged.unexpected.is_empty() && judged.stale.is_empty() && merged.complete;
    Ok(ExitCode::from(u8::from(!passed)))
}

/// Several clients in one report: the name of each is before its cases.
fn merged(reports: &[Report]) -> Report {
    let [report] = reports else {
        let cases = reports.iter().flat_map(|report| {
            report
                .cases
                .iter()
                .map(|entry| Entry { name: format!("{}/{}", report.target, entry.name), ..entry.clone() })
        });
        return Report {
            target: reports.iter().map(|report| report.target.as_str()).collect::<Vec<_>>().join(", "),
            role: "client".into(),
            complete: reports.iter().all(|report| report.complete) && !reports.is_empty(),
            cases: cases.collect(),
        };
    };
    report.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, is) in [
            ("text/*", "text/empty", true),
            ("*utf8", "text-invalid-utf8", true),
            ("6.*.1", "6.4.1", true),
            ("6.*.1", "6.4.12", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab-", false),
        ] {
            assert_eq!(glob(pattern, text), is, "{pattern} {text}");
        }
    }
}
