//! A run as rows, and the rows as `JUnit` and as one HTML page: the same for each command that checks something.

use std::fmt::Write as _;

use crate::autobahn::escaped;

/// What a report says, whatever was checked.
#[derive(Clone, Debug)]
pub struct Page<'r> {
    /// The command that wrote it, such as `framewise check`.
    pub command: &'static str,
    /// What was checked: a URL, or what a client calls itself.
    pub target: &'r str,
    /// How it went, in a sentence.
    pub summary: String,
    /// Whether the run came to its end.
    pub complete: bool,
    /// What was found, and what to do about it: an id and a sentence each.
    pub fixes: Vec<(&'r str, &'r str)>,
    /// Everything that was run.
    pub rows: Vec<Row<'r>>,
}

/// One thing that was run.
#[derive(Clone, Debug)]
pub struct Row<'r> {
    /// Its name; the part before the first slash is its family.
    pub name: &'r str,
    /// How it went.
    pub state: State,
    /// What it is filed under where it failed: a rule or a cause.
    pub kind: &'r str,
    /// How it went, in a word or two.
    pub verdict: String,
    /// More words that the filter of the page finds.
    pub tags: String,
    /// What is sent, and what is due.
    pub description: &'r str,
    /// What was seen.
    pub says: &'r str,
    /// Where the page has more to read: what it is called, and its URL.
    pub source: Option<(&'r str, &'r str)>,
    /// The bytes of it, a line each; empty for none.
    pub detail: String,
    /// How long it took.
    pub milliseconds: u64,
}

/// How a row went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it is due.
    Passed,
    /// Not wrong, and worth knowing.
    Noted,
    /// It was not run, or there is nothing to run it on.
    Skipped,
    /// Not as it is due.
    Failed,
}

impl Page<'_> {
    /// The XML of `JUnit`: a suite for each family.
    pub fn junit(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let count = |rows: &[&Row<'_>], state| rows.iter().filter(|row| row.state == state).count();
        let all: Vec<_> = self.rows.iter().collect();
        let _ = writeln!(
            xml,
            "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\">",
            self.command,
            all.len(),
            count(&all, State::Failed)
        );
        for (family, rows) in self.families() {
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{family}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
                rows.len(),
                count(&rows, State::Failed),
                count(&rows, State::Skipped),
                seconds(rows.iter().map(|row| row.milliseconds).sum()),
            );
            for row in rows {
                junit_row(&mut xml, family, row);
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        xml
    }

    /// One HTML page: every row, filterable, with the bytes where there are some.
    pub fn html(&self) -> String {
        let target = escaped(self.target);
        let partial = if self.complete {
            ""
        } else {
            "<p><strong>The run was ended before its end: this is a part of it.</strong></p>\n"
        };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}: {target}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>{target}</h1>\n{partial}<p>{}</p>\n",
            self.command,
            escaped(&self.summary),
        );
        if !self.fixes.is_empty() {
            page.push_str("<dl>\n");
            for (id, fix) in &self.fixes {
                let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(id), escaped(fix));
            }
            page.push_str("</dl>\n");
        }
        // Who opens it looks for what failed first.
        let checked = if self.rows.iter().any(|row| row.state == State::Failed) { " checked" } else { "" };
        let _ = writeln!(
            page,
            "<p><label>Filter <input id=\"filter\" type=\"search\" placeholder=\"name, rule, close\"></label>\n\
             <label><input id=\"failed\" type=\"checkbox\"{checked}> only what did not pass</label></p>"
        );
        for (family, rows) in self.families() {
            let count = |state: State| rows.iter().filter(|row| row.state == state).count();
            let (failed, skipped) = (count(State::Failed), count(State::Skipped));
            let ran = rows.len() - skipped;
            let not_run = if skipped > 0 { format!(", {skipped} not run") } else { String::new() };
            let open = if failed > 0 { " open" } else { "" };
            let _ = writeln!(
                page,
                "<details{open}><summary>{family}: {} of {ran} passed{not_run}</summary>",
                ran - failed
            );
            for row in rows {
                html_row(&mut page, row);
            }
            page.push_str("</details>\n");
        }
        let _ = write!(page, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
        page
    }

    /// The rows by the first part of their names, in the order in which the families come.
    fn families(&self) -> Vec<(&str, Vec<&Row<'_>>)> {
        let mut families: Vec<(&str, Vec<&Row<'_>>)> = Vec::new();
        for row in &self.rows {
            let family = row.name.split('/').next().unwrap_or_default();
            match families.iter_mut().find(|(name, _)| *name == family) {
                Some((_, rows)) => rows.push(row),
                None => families.push((family, vec![row])),
            }
        }
        families
    }
}

fn junit_row(xml: &mut String, family: &str, row: &Row<'_>) {
    let _ = write!(
        xml,
        "    <testcase classname=\"framewise.{family}\" name=\"{}\" time=\"{}\"",
        escaped(row.name),
        seconds(row.milliseconds)
    );
    match row.state {
        State::Failed => {
            let _ = writeln!(
                xml,
                ">\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>",
                escaped(row.says),
                escaped(row.kind),
                escaped(&format!("{}\n{}", row.description, row.detail)),
            );
        }
        State::Skipped => {
            let _ = writeln!(xml, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(row.says));
        }
        State::Passed | State::Noted => xml.push_str("/>\n"),
    }
}

fn html_row(page: &mut String, row: &Row<'_>) {
    let class = match row.state {
        State::Failed => "no",
        State::Passed => "yes",
        State::Noted | State::Skipped => "so",
    };
    let _ = write!(
        page,
        "<article class=\"{class}\" data-text=\"{}\"><h2>{}</h2><p>{}</p><p><b>{}</b> {}</p>",
        escaped(&format!("{} {} {}", row.name, row.verdict, row.tags).to_lowercase()),
        escaped(row.name),
        escaped(row.description),
        escaped(&row.verdict),
        escaped(row.says),
    );
    if let Some((name, url)) = row.source {
        let _ = write!(page, "<p><a href=\"{}\">{}</a></p>", escaped(url), escaped(name));
    }
    if !row.detail.is_empty() {
        let _ = write!(page, "<pre>{}</pre>", escaped(&row.detail));
    }
    page.push_str("</article>\n");
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.4 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;overflow-wrap:anywhere}\
dd{margin-left:1rem}dt{font:600 1rem ui-monospace,monospace}summary{font-weight:600;padding:.4rem 0;cursor:pointer}\
article{border-left:.3rem solid #888;padding:.1rem .8rem;margin:.5rem 0}\
article h2{font:600 1rem ui-monospace,monospace;margin:.2rem 0}article p{margin:.2rem 0}\
article.no{border-color:#c62828}article.yes{border-color:#2e7d32}pre{overflow-x:auto;font-size:.8rem;white-space:pre-wrap}\
[hidden]{display:none}";

const SCRIPT: &str = "const f=document.getElementById('filter'),o=document.getElementById('failed');\
function show(){const t=f.value.toLowerCase().split(/\\s+/).filter(Boolean);for(const a of document.querySelectorAll('article'))\
a.hidden=(o.checked&&!a.classList.contains('no'))||!t.every(w=>a.dataset.text.includes(w));\
for(const d of document.querySelectorAll('details')){d.hidden=!d.querySelector('article:not([hidden])');if(t.length)d.open=true}}f.oninput=show;o.onchange=show;show();";
