//! `docs/proxies.html`: one file, without scripts.

use std::fmt::Write as _;

use super::report::{Cell, Examined, GROUPS, Report, Results};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What real proxies do to WebSocket connections</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto }
table { border-collapse: collapse }
th, td { padding: .25rem .5rem; text-align: left; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
thead th { position: sticky; top: 0; background: Canvas; font-size: .8rem }
td.cell { text-align: center }
.wrong { background: #c62828; color: #fff }
.differs { background: #f9a82540 }
.as-sent { background: #2e7d3230 }
.skipped { color: GrayText }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem }
pre { overflow-x: auto; padding: .75rem; background: color-mix(in srgb, currentColor 7%, transparent) }
li { margin: .3rem 0; overflow-wrap: anywhere }
.documented { font-weight: 600 }
a { color: LinkText }
</style>
<h1>What real proxies do to WebSocket connections</h1>
<p><code>framewise path</code> through real proxies, each as its documentation configures it for WebSockets (bold) and as people
configure it by mistake. <code>cargo xtask proxies</code> runs this again. <code>framewise explain nginx</code> says what must be
set, with the source of each default.</p>
<p>Growth of memory is that of the resident memory of the proxy’s process and those that it started (VmRSS in /proc), looked at
every 20 ms while the probe runs alone, over its value before. Delays and rates are those of one run on a machine that does other
work.</p>
<p><span class="as-sent">&nbsp;✓&nbsp;</span> everything arrived as it was sent.
<span class="differs">&nbsp;~&nbsp;</span> something differs and does no harm.
<span class="wrong">&nbsp;✗&nbsp;</span> something is wrong: the bytes are linked.
<span class="skipped">&nbsp;·&nbsp;</span> not run: no connection can be opened.</p>
"#;

pub(super) fn page(results: &Results) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("<div class=\"wide\"><table>\n<thead><tr><th>proxy<th>configuration");
    for group in GROUPS {
        let _ = write!(text, "<th>{group}");
    }
    text.push_str("</thead>\n");
    for (examined, run) in results.proxies.iter().flat_map(|one| one.runs.iter().map(move |run| (one, run))) {
        let class = if run.documented { " class=\"documented\"" } else { "" };
        let _ = write!(
            text,
            "<tr><td>{} {}<td{class}><a href=\"#{}\">{}</a>",
            escape(&examined.name),
            escape(&examined.version),
            anchor(examined, run),
            escape(&run.says)
        );
        for group in GROUPS {
            let cell = run.cell(group);
            let _ = write!(text, "<td class=\"cell {}\">{}", class_of(cell), sign(cell));
        }
        text.push('\n');
    }
    text.push_str("</table></div>\n");
    for examined in &results.proxies {
        let _ = writeln!(
            text,
            "<h2>{} {}</h2>\n<p>{}.</p>",
            escape(&examined.name),
            escape(&examined.version),
            escape(&examined.package)
        );
        for run in &examined.runs {
            one(&mut text, examined, run);
        }
    }
    text.push_str("</html>\n");
    text
}

fn one(text: &mut String, examined: &Examined, run: &Report) {
    let documented = if run.documented { ", as documented" } else { "" };
    let _ = writeln!(text, "<h3 id=\"{}\">{}{documented}</h3>", anchor(examined, run), escape(&run.says));
    if !run.lines.is_empty() {
        let _ = writeln!(text, "<pre>{}</pre>", escape(&run.lines));
    }
    let skipped = if run.skipped > 0 { format!(", {} were not run", run.skipped) } else { String::new() };
    let _ = writeln!(
        text,
        "<p>{} of {} probes arrived as sent{skipped}.</p>",
        run.as_sent,
        run.probes - run.skipped
    );
    if !run.remark.is_empty() {
        let _ = writeln!(text, "<p>{}</p>", escape(&run.remark));
    }
    if run.found.is_empty() {
        return;
    }
    text.push_str("<ul>\n");
    for found in &run.found {
        let cell = if found.is_wrong() { Cell::Wrong } else { Cell::Differs };
        let _ = write!(
            text,
            "<li><span class=\"{}\">&nbsp;{}&nbsp;</span> <code>{}</code>",
            class_of(cell),
            found.verdict,
            found.probes[0]
        );
        if found.probes.len() > 1 {
            let _ = write!(
                text,
                " <span title=\"{}\">and {} more</span>",
                found.probes[1..].join(", "),
                found.probes.len() - 1
            );
        }
        for cause in &found.causes {
            let _ = write!(text, " <b>{cause}</b>");
        }
        let _ = write!(text, ": {}", escape(&found.says));
        if let Some(file) = &found.transcript {
            let _ = write!(text, " <a href=\"../proxies/results/{file}\">bytes</a>");
        }
        text.push('\n');
    }
    text.push_str("</ul>\n");
}

fn anchor(examined: &Examined, run: &Report) -> String {
    format!("{}-{}", examined.proxy, run.configuration)
}

const fn class_of(cell: Cell) -> &'static str {
    match cell {
        Cell::AsSent => "as-sent",
        Cell::Differs => "differs",
        Cell::Wrong => "wrong",
        Cell::Skipped => "skipped",
    }
}

const fn sign(cell: Cell) -> &'static str {
    match cell {
        Cell::AsSent => "✓",
        Cell::Differs => "~",
        Cell::Wrong => "✗",
        Cell::Skipped => "·",
    }
}

/// A text of the network inside HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
