use std::fmt::Write as _;

use framewise_load::{Latency, Progress, Report};

use crate::render::clean;

/// At this share of its threads' time the load generator measures itself.
const BUSY: f64 = 0.9;
/// From this share of the latency on, what the load generator added is reported.
const LATE: f64 = 0.1;

/// What a person sees at the end of a run.
pub(crate) fn text(report: &Report, exceeded: &[String], in_flight: bool) -> String {
    let mut text = String::new();
    let (connections, messages) = (report.connections, report.messages);
    let _ = writeln!(
        text,
        "{}: {} connections, {:.1} s{}",
        clean(&report.target),
        grouped(connections.opened.into()),
        report.seconds,
        if report.complete { "" } else { " (ended early)" }
    );
    #[expect(clippy::cast_sign_loss, reason = "a rate is not negative")]
    let per_second = messages.per_second.round() as u64;
    let _ = writeln!(
        text,
        "messages: {} sent, {} answered, {} unanswered; {} a second, {} out, {} in",
        grouped(messages.sent),
        grouped(messages.answered),
        grouped(messages.unanswered),
        grouped(per_second),
        bytes(messages.bytes_sent),
        bytes(messages.bytes_received),
    );
    let name = if in_flight {
        "latency, each message sent after an answer"
    } else {
        "latency, from when each message was due"
    };
    text.push('\n');
    let _ = writeln!(text, "{:<44}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "p50", "p90", "p99", "p99.9", "max");
    row(&mut text, name, report.latency);
    if !in_flight {
        row(&mut text, "latency, from when it was sent", report.since_sent);
    }
    row(&mut text, "handshake", report.handshake);
    row(&mut text, "sent late by this program", report.generator.late);
    text.push('\n');
    if let Some(doubt) = doubt(report) {
        let _ = writeln!(text, "{doubt}");
    }
    for finding in &report.findings {
        let rule = finding.rule.as_deref().map_or_else(String::new, |rule| format!("{rule}: "));
        let _ = writeln!(text, "{} x {rule}{}", grouped(finding.count), clean(&finding.says));
    }
    for exceeded in exceeded {
        let _ = writeln!(text, "{exceeded}");
    }
    if report.findings.is_empty() && exceeded.is_empty() {
        text.push_str("nothing wrong found\n");
    }
    text
}

/// Why the latencies may be those of this program.
fn doubt(report: &Report) -> Option<String> {
    let (late, latency) = (report.generator.late.p99, report.latency.p99);
    if let Some(busy) = report.generator.busy.filter(|busy| *busy > BUSY) {
        return Some(format!(
            "This program used {:.0} % of its threads' time: it may be slower than the server. Use more --workers, or less load.",
            busy * 100.0
        ));
    }
    (late > latency * LATE).then(|| {
        format!(
            "This program sent messages up to {} late (p99), which is a part of their latency: this machine is busy. Compare \
             with the latency from when a message was sent.",
            time(late)
        )
    })
}

fn row(text: &mut String, name: &str, latency: Latency) {
    if latency.count > 0 {
        let _ = writeln!(
            text,
            "{name:<44}{:>9}{:>9}{:>9}{:>9}{:>9}",
            time(latency.p50),
            time(latency.p90),
            time(latency.p99),
            time(latency.p999),
            time(latency.max)
        );
    }
}

/// The line of progress.
pub(crate) fn progress(progress: Progress) -> String {
    let Some(elapsed) = progress.elapsed else {
        return format!("{} connections are open", grouped(progress.open.into()));
    };
    let p99 = progress.p99.map_or_else(String::new, |p99| format!(", p99 {}", time(p99)));
    format!(
        "{} s: {} connections, {} sent, {} answered within the last second{p99}",
        elapsed.as_secs(),
        grouped(progress.open.into()),
        grouped(progress.sent),
        grouped(progress.answered)
    )
}

/// A time in microseconds, with three digits.
pub(crate) fn time(micros: f64) -> String {
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.2} ms", micros / 1e3),
        ..100_000.0 => format!("{:.1} ms", micros / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_240 => format!("{count} B"),
        10_240..10_485_760 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", grouped(count >> 20)),
    }
}

/// A number with commas between its groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_load_generator_added_is_reported() {
        let mut report = Report::default();
        report.latency.p99 = 1_000.0;
        report.generator.late.p99 = 90.0;
        report.generator.busy = Some(0.8);
        assert_eq!(doubt(&report), None);
        report.generator.late.p99 = 110.0;
        assert!(doubt(&report).unwrap().contains("up to 110 µs late"));
        report.generator.busy = Some(0.95);
        assert!(doubt(&report).unwrap().contains("95 % of its threads' time"));
    }

    #[test]
    fn numbers_are_short() {
        for (micros, text) in [
            (0.0, "0 µs"),
            (999.0, "999 µs"),
            (1_234.0, "1.23 ms"),
            (99_900.0, "99.9 ms"),
            (123_456.0, "123 ms"),
            (2e6, "2.00 s"),
        ] {
            assert_eq!(time(micros), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
