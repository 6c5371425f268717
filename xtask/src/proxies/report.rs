//! What was found through each proxy, as `docs/proxies.json` has it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::run::Extent;
use super::table::{self, Configuration, Proxy};
use super::{home, html, markdown};
use crate::Result;
use crate::run::root;

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) proxies: Vec<Examined>,
}

/// One proxy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Examined {
    pub(super) proxy: String,
    pub(super) name: String,
    pub(super) version: String,
    /// The package that it was installed from.
    pub(super) package: String,
    pub(super) runs: Vec<Report>,
}

/// One configuration of a proxy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) configuration: String,
    /// What it is, in a few words.
    pub(super) says: String,
    /// Whether it is what the documentation recommends.
    pub(super) documented: bool,
    /// The lines that differ from one configuration to the next.
    pub(super) lines: String,
    pub(super) probes: usize,
    pub(super) as_sent: usize,
    pub(super) skipped: usize,
    /// The silences that were tried, in seconds.
    pub(super) silences: Vec<u64>,
    /// The software that the headers name.
    pub(super) software: Option<String>,
    pub(super) causes: Vec<String>,
    pub(super) found: Vec<Found>,
    /// What a person said who looked at the bytes.
    pub(super) remark: String,
}

/// Probes of one group that ended in the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) group: String,
    pub(super) verdict: String,
    pub(super) causes: Vec<String>,
    pub(super) severity: Option<String>,
    /// The probes; what follows is about the first.
    pub(super) probes: Vec<String>,
    pub(super) says: String,
    /// The bytes of both legs, below `proxies/results`; `None` where nothing is wrong.
    pub(super) transcript: Option<String>,
}

/// What a cell of the table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// It was not run: no connection can be opened.
    Skipped,
    AsSent,
    /// Something differs, and does no harm.
    Differs,
    Wrong,
}

/// The columns of the table: the groups of the probes.
pub(super) const GROUPS: [&str; 11] =
    ["handshake", "early", "size", "fragments", "deflate", "ping", "close", "end", "time", "idle", "illegal"];

impl Results {
    pub(super) fn read() -> Result<Self> {
        let path = docs().join("proxies.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Puts the runs of a proxy in place of its older ones; `partly`: the others are kept.
    pub(super) fn put(&mut self, proxy: &Proxy, runs: Vec<Report>, partly: bool) {
        let index = self.proxies.iter().position(|examined| examined.proxy == proxy.id);
        let mut examined = match index {
            Some(index) if partly => self.proxies.remove(index),
            Some(index) => {
                let mut old = self.proxies.remove(index);
                old.runs.clear();
                old
            }
            None => Examined {
                proxy: proxy.id.to_owned(),
                name: String::new(),
                version: String::new(),
                package: String::new(),
                runs: Vec::new(),
            },
        };
        (examined.name, examined.package) = (proxy.name.to_owned(), proxy.package.to_owned());
        examined.version = super::install::version(proxy);
        for run in runs {
            examined.runs.retain(|old| old.configuration != run.configuration);
            examined.runs.push(run);
        }
        self.proxies.push(examined);
    }

    /// Writes the JSON, the page and the text.
    pub(super) fn write(&mut self) -> Result {
        self.arrange();
        let json = serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n";
        for (name, text) in
            [("proxies.json", json), ("proxies.md", markdown::page(self)), ("proxies.html", html::page(self))]
        {
            let path = docs().join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// The order and the words of the table, for results of older runs too.
    fn arrange(&mut self) {
        let place = |id: &str| table::ALL.iter().position(|proxy| proxy.id == id);
        self.proxies.retain(|examined| place(&examined.proxy).is_some());
        self.proxies.sort_by_key(|examined| place(&examined.proxy));
        for examined in &mut self.proxies {
            let Some(proxy) = table::find(&examined.proxy) else { continue };
            let place = |id: &str| proxy.configurations.iter().position(|one| one.id == id);
            examined.runs.retain(|run| place(&run.configuration).is_some());
            examined.runs.sort_by_key(|run| place(&run.configuration));
            for run in &mut examined.runs {
                if let Some(one) = place(&run.configuration).map(|index| &proxy.configurations[index]) {
                    (run.says, run.lines) = (one.says.to_owned(), one.shown());
                    (run.documented, run.remark) = (one.documented, one.remark.to_owned());
                }
            }
        }
    }
}

impl Report {
    /// What `framewise path --json` printed, and the transcripts beside it, of which those of findings are kept.
    pub(super) fn new(
        proxy: &Proxy,
        configuration: &Configuration,
        value: &Value,
        transcripts: &Path,
        extent: Extent,
    ) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let kept = PathBuf::from(proxy.id).join(configuration.id);
        let folder = results().join(&kept);
        let kept_bytes = extent == Extent::All;
        if kept_bytes {
            let _ = fs::remove_dir_all(&folder);
        }
        let mut found: Vec<Found> = Vec::new();
        let (mut probes, mut as_sent, mut skipped) = (0, 0, 0);
        for probe in value["probes"].as_array().ok_or("the report has no probes")? {
            let name = probe["name"].as_str().unwrap_or_default();
            let verdict = text(&probe["verdict"]).unwrap_or_default();
            probes += 1;
            match &*verdict {
                "as-sent" => as_sent += 1,
                "skipped" => skipped += 1,
                other => {
                    let group = name.split('/').next().unwrap_or_default().to_owned();
                    let causes = list(&probe["causes"]);
                    let same = found.iter_mut().find(|found| {
                        found.group == group && found.verdict == other && found.causes == causes
                    });
                    if let Some(same) = same {
                        same.probes.push(name.to_owned());
                        continue;
                    }
                    let file = format!("{}.txt", name.replace('/', "-"));
                    let written = kept_bytes && transcripts.join(&file).is_file();
                    let transcript = (!causes.is_empty() && written).then(|| {
                        let _ = fs::create_dir_all(&folder);
                        let _ = fs::copy(transcripts.join(&file), folder.join(&file));
                        kept.join(&file).to_string_lossy().into_owned()
                    });
                    let says = text(&probe["says"]).unwrap_or_default();
                    let severity = text(&probe["severity"]);
                    let probes = vec![name.to_owned()];
                    found.push(Found { group, verdict, causes, severity, probes, says, transcript });
                }
            }
        }
        Ok(Self {
            configuration: configuration.id.to_owned(),
            says: configuration.says.to_owned(),
            documented: configuration.documented,
            lines: configuration.shown(),
            probes,
            as_sent,
            skipped,
            silences: configuration.idle.to_vec(),
            software: text(&value["software"]),
            causes: list(&value["causes"]),
            found,
            remark: configuration.remark.to_owned(),
        })
    }

    /// One line for the terminal.
    pub(super) fn summary(&self) -> String {
        let ran = self.probes - self.skipped;
        let causes = if self.causes.is_empty() { "nothing wrong".to_owned() } else { self.causes.join(", ") };
        format!("{} of {ran} as sent; {causes}", self.as_sent)
    }

    /// What the table shows of a group.
    pub(super) fn cell(&self, group: &str) -> Cell {
        let found = self.found.iter().filter(|found| found.group == group);
        let worst = found.map(|found| if found.is_wrong() { Cell::Wrong } else { Cell::Differs }).max();
        match worst {
            Some(cell) => cell,
            // Without a connection, the others are not run.
            None if self.skipped + 1 >= self.probes && group != "handshake" => Cell::Skipped,
            None => Cell::AsSent,
        }
    }
}

impl Found {
    pub(super) fn is_wrong(&self) -> bool {
        !self.causes.is_empty() && self.severity.as_deref() != Some("note")
    }
}

pub(super) fn docs() -> PathBuf {
    root().join("docs")
}

pub(super) fn results() -> PathBuf {
    home().join("results")
}

#[cfg(test)]
mod tests {
    use framewise_transcript::Transcript;

    use super::*;

    /// The committed page and text are those of the committed JSON: none of them was edited by hand.
    #[test]
    fn the_pages_agree_with_the_json() {
        let results = Results::read().expect("docs/proxies.json");
        for (name, written) in
            [("proxies.md", markdown::page(&results)), ("proxies.html", html::page(&results))]
        {
            let committed = fs::read_to_string(docs().join(name)).expect(name);
            assert!(
                committed == written,
                "docs/{name} is not what docs/proxies.json gives: cargo xtask proxies --write"
            );
        }
        let mut arranged = results.clone();
        arranged.arrange();
        assert_eq!(
            serde_json::to_string(&arranged).ok(),
            serde_json::to_string(&results).ok(),
            "the table has other words: cargo xtask proxies --write"
        );
    }

    #[test]
    fn each_finding_has_its_bytes_and_a_remark_of_who_looked_at_them() {
        let results = Results::read().expect("docs/proxies.json");
        assert!(!results.proxies.is_empty());
        let mut files = Vec::new();
        for (examined, run) in
            results.proxies.iter().flat_map(|one| one.runs.iter().map(move |run| (one, run)))
        {
            let name = format!("{} {}", examined.proxy, run.configuration);
            for found in run.found.iter().filter(|found| !found.causes.is_empty()) {
                let file =
                    found.transcript.as_ref().unwrap_or_else(|| panic!("{name}: {found:?} has no bytes"));
                let text = fs::read_to_string(super::results().join(file)).expect(file);
                assert!(Transcript::parse(&text).is_ok_and(|parsed| !parsed.events.is_empty()), "{file}");
                files.push(super::results().join(file));
            }
            let wrong = run.found.iter().any(Found::is_wrong);
            assert!(!wrong || !run.remark.is_empty(), "{name} has findings that nobody looked at");
        }
        let mut folders = vec![super::results()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).expect("proxies/results").flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    assert!(files.contains(&path), "no finding has {}", path.display());
                }
            }
        }
    }
}
