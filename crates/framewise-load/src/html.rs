//! The report as one HTML page.

use std::fmt::Write as _;

use crate::report::{Latency, Report, Second};

/// Size of a plot, in the units of its SVG.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 220.0;
/// Space at the left for the labels of the vertical axis, and below for those of the other one.
const LEFT: f64 = 70.0;
const BELOW: f64 = 28.0;
const ABOVE: f64 = 8.0;
/// Points of a line, at most: more cannot be told apart.
const POINTS: usize = 400;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#0a6cbc;--other:#c2410c;--faint:#8886}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:right;padding:.25rem .5rem;border-bottom:1px solid var(--faint)}
th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto;margin-bottom:1.5rem}
svg text{fill:currentColor;font-size:12px}
svg .grid{stroke:var(--faint)}
svg polyline{fill:none;stroke-width:2}
svg .a{stroke:var(--line)} svg .b{stroke:var(--other)}
.a-key{color:var(--line)} .b-key{color:var(--other)}
div{overflow-x:auto}
@media (prefers-color-scheme:dark){:root{--line:#6cb6ff;--other:#fb923c}}";

pub(crate) fn page(report: &Report) -> String {
    let mut html = String::new();
    let target = escaped(&report.target);
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{target}: load</title><style>{STYLE}</style></head><body>\n<h1>{target}</h1>\n"
    );
    let messages = report.messages;
    let _ = writeln!(
        html,
        "<p>{} connections, {} messages answered in {} s: {:.0} a second.{}</p>",
        report.connections.opened,
        messages.answered,
        report.seconds,
        messages.per_second,
        if report.complete { "" } else { " The run was ended early." }
    );
    findings(&mut html, report);
    html.push_str("<h2>Latency</h2>\n<div><table><tr><th>microseconds</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th><th>count</th></tr>\n");
    for (name, latency) in [
        ("from when a message was due", report.latency),
        ("from when it was sent", report.since_sent),
        ("handshake", report.handshake),
        ("sent late by the load generator", report.generator.late),
    ] {
        row(&mut html, name, latency);
    }
    html.push_str("</table></div>\n");
    html.push_str("<h2>Latency by second, in microseconds: <span class=\"a-key\">p99</span>, <span class=\"b-key\">p50</span></h2>\n");
    plot(&mut html, &report.series, |second| second.p99, |second| second.p50);
    html.push_str("<h2>Messages by second: <span class=\"a-key\">sent</span>, <span class=\"b-key\">answered</span></h2>\n");
    plot(&mut html, &report.series, |second| second.sent as f64, |second| second.answered as f64);
    html.push_str("</body></html>\n");
    html
}

fn findings(html: &mut String, report: &Report) {
    if report.findings.is_empty() {
        html.push_str("<p>Nothing wrong found.</p>\n");
        return;
    }
    html.push_str("<h2>Findings</h2>\n<ul>\n");
    for finding in &report.findings {
        let rule = finding
            .rule
            .as_ref()
            .map_or_else(String::new, |rule| format!("<code>{}</code>: ", escaped(rule)));
        let _ = writeln!(html, "<li>{} times: {rule}{}</li>", finding.count, escaped(&finding.says));
    }
    html.push_str("</ul>\n");
}

fn row(html: &mut String, name: &str, latency: Latency) {
    if latency.count == 0 {
        return;
    }
    let Latency { p50, p90, p99, p999, max, count, .. } = latency;
    let _ = writeln!(
        html,
        "<tr><td>{name}</td><td>{p50:.1}</td><td>{p90:.1}</td><td>{p99:.1}</td><td>{p999:.1}</td><td>{max:.1}</td><td>{count}</td></tr>"
    );
}

/// Two lines over the seconds of a run.
fn plot(html: &mut String, series: &[Second], a: impl Fn(&Second) -> f64, b: impl Fn(&Second) -> f64) {
    let most = series.iter().map(|second| a(second).max(b(second))).fold(0.0, f64::max);
    let top = round_up(most);
    let last = series.last().map_or(1.0, |second| second.second.max(1) as f64);
    let x = |second: &Second| LEFT + (WIDTH - LEFT) * second.second as f64 / last;
    let y = |value: f64| ABOVE + (HEIGHT - ABOVE - BELOW) * (1.0 - value / top);
    let _ = write!(html, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for part in [0.0, 0.5, 1.0] {
        let (value, at) = (top * part, y(top * part));
        let _ = write!(
            html,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    let foot = HEIGHT - 8.0;
    let _ = write!(
        html,
        "<text x=\"{LEFT}\" y=\"{foot}\">0 s</text><text x=\"{WIDTH}\" y=\"{foot}\" text-anchor=\"end\">{last} s</text>"
    );
    for (class, value) in [("a", &a as &dyn Fn(&Second) -> f64), ("b", &b)] {
        let _ = write!(html, "<polyline class=\"{class}\" points=\"");
        // Of the seconds that share a point the highest is drawn: a peak must not be lost.
        for seconds in series.chunks(series.len().div_ceil(POINTS).max(1)) {
            let highest = seconds.iter().map(value).fold(0.0, f64::max);
            if let Some(first) = seconds.first() {
                let _ = write!(html, "{:.1},{:.1} ", x(first), y(highest));
            }
        }
        html.push_str("\"/>");
    }
    html.push_str("</svg>\n");
}

/// The next number of the form 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&top| top >= value).unwrap_or(value)
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '&' => "&amp;".into(),
            '"' => "&quot;".into(),
            c if c.is_control() => "\u{fffd}".into(),
            c => String::from(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, top) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (51.0, 100.0), (12_345.0, 20_000.0)] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }

    #[test]
    fn text_of_the_server_is_escaped() {
        assert_eq!(escaped("<b>&\"\u{1b}"), "&lt;b&gt;&amp;&quot;\u{fffd}");
    }

    #[test]
    fn a_peak_in_a_long_run_is_drawn() {
        let mut series: Vec<_> =
            (0..4_000).map(|second| Second { second, p99: 1.0, ..Second::default() }).collect();
        series[1_234].p99 = 1_000.0;
        let mut html = String::new();
        plot(&mut html, &series, |second| second.p99, |second| second.p50);
        let points = html.matches(',').count();
        assert!(points <= 2 * POINTS, "{points}");
        assert!(html.contains(&format!(",{ABOVE:.1} ")), "the peak is at the top");
    }
}
