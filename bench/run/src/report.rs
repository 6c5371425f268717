//! The tables, as Markdown, and the summary for the terminal.

use std::fmt::Write;

use bench_common::cell::Cell;

use crate::arguments::Arguments;
use crate::build::Built;
use crate::goals::{GROUPS, Goal, to_best, to_floor};
use crate::machine;
use crate::peers::{FLOOR, FRAMEWISE, TUNGSTENITE_PLAIN};
use crate::results::{Results, Sample, Table};

pub fn write(arguments: &Arguments, built: &Built, results: &Results, goals: &[Goal]) -> String {
    let mut text = String::from("# Results\n\n");
    let space = if arguments.line.is_empty() { "" } else { " " };
    let _ = write!(
        text,
        "Made by `cargo xtask bench{space}{}`, which is `cargo run --release -p run --{space}{}` in `bench/`.\n\n\
         Machine: {}.\n\nPeers: {}.\n\n{}\n",
        arguments.line,
        arguments.line,
        machine::line(),
        machine::versions(built),
        method(arguments),
    );
    goals_table(goals, &mut text);
    if !results.servers.cells.is_empty() {
        ours(&results.servers, &mut text);
        text += "\n## Server: CPU time per message, µs\n\n";
        cells(&results.servers, |sample| sample.cpu, &mut text);
        groups(&results.servers, &mut text);
        text += "\n## Server: thousand messages per second\n\nWith the server on one core, limited by the load generator too.\n\n";
        cells(&results.servers, |sample| sample.rate / 1e3, &mut text);
        text += "\n## Load generator: CPU time per message, µs\n\n";
        cells(&results.servers, |sample| sample.load, &mut text);
    }
    idle(results, arguments, &mut text);
    deflate(results, &mut text);
    if !results.clients.cells.is_empty() {
        text += "\n## Client: CPU time per message, µs\n\nEach client against the floor.\n\n";
        cells(&results.clients, |sample| sample.cpu, &mut text);
    }
    if !results.proxies.cells.is_empty() {
        text += "\n## Proxies: CPU time per echoed message, µs\n\n`framewise inspect` checks every rule; HAProxy (mode tcp) and nginx \
                 look at nothing. Their buffers have 64 KiB, as ours. The server behind them is the floor, on the core of the \
                 load.\n\n";
        cells(&results.proxies, |sample| sample.cpu, &mut text);
    }
    left_out(results, &mut text);
    text
}

fn method(arguments: &Arguments) -> String {
    format!(
        "A cell is connections x bytes x messages in flight, and the kind of message. The server runs on one core, the load \
         on the other, over loopback with TCP_NODELAY, with one thread each. All Rust programs are built with the same \
         profile (fat LTO, one codegen unit, `target-cpu=native`), uWebSockets with `-O3 -march=native -flto`. {} round(s) \
         of {} ms after a warm-up of {} ms, the peers interleaved within each round, a fresh process for each run; the \
         figures are medians. CPU time is the user and system time of the server process between two moments at which \
         nothing is in flight. *plain* is the loop in the README of the peer; in *best* the application batches. *Best \
         peer* is the cheapest peer in either form, chosen for each cell, which favours the peers: it is the luckiest of \
         many. Cells vary by up to a third, so only geometric means over cells are meaningful.\n",
        arguments.rounds,
        arguments.measured.as_millis(),
        arguments.warm_up.as_millis(),
    )
}

fn goals_table(goals: &[Goal], text: &mut String) {
    *text += "## Goals\n\n| Framewise | goal | stretch | measured | |\n|---|--:|--:|--:|---|\n";
    for goal in goals {
        let _ = writeln!(
            text,
            "| {} | ≤ {:.digits$} | {} | {} | {} |",
            goal.what,
            goal.goal,
            optional(goal.stretch, goal.digits),
            optional(goal.measured, goal.digits),
            goal.verdict(),
            digits = goal.digits,
        );
    }
}

/// Each cell, compared with the best peer in it.
fn ours(table: &Table, text: &mut String) {
    *text += "\n## Framewise, cell by cell\n\n| cell | µs | from, to | best peer | its µs | ratio | to the floor | to \
              tokio-tungstenite plain |\n|---|--:|--:|---|--:|--:|--:|--:|\n";
    for &cell in &table.cells {
        let (Some(cpu), Some((best, its))) = (table.cpu(FRAMEWISE, cell), table.best(cell)) else { continue };
        let all = || table.samples(FRAMEWISE, cell).iter().map(|sample| sample.cpu);
        let to = |other| table.cpu(other, cell).map(|other| cpu / other);
        let _ = writeln!(
            text,
            "| {} | {} | {}, {} | {best} | {} | {:.2} | {} | {} |",
            title(cell),
            micro(cpu),
            micro(all().fold(f64::INFINITY, f64::min)),
            micro(all().fold(0.0, f64::max)),
            micro(its),
            cpu / its,
            optional(to(FLOOR), 2),
            optional(to(TUNGSTENITE_PLAIN), 2),
        );
    }
}

/// Peers down, cells across.
fn cells(table: &Table, of: impl Fn(&Sample) -> f64, text: &mut String) {
    heading(table.cells.iter().map(|&cell| title(cell)), text);
    for peer in &table.peers {
        let _ = write!(text, "| {peer} |");
        for &cell in &table.cells {
            let value = table.median(peer, cell, &of).map_or_else(|| "–".into(), micro);
            let _ = write!(text, " {value} |");
        }
        text.push('\n');
    }
}

fn groups(table: &Table, text: &mut String) {
    *text += "\n## Server: ratio to the best peer, and to the floor\n\nGeometric means of the cells of each group.\n\n";
    let names = GROUPS.iter().map(|group| group.name).chain(["all cells", "all, to the floor"]);
    heading(names.map(str::to_owned), text);
    for peer in &table.peers {
        let _ = write!(text, "| {peer} |");
        for group in &GROUPS {
            let _ = write!(text, " {} |", optional(to_best(table, peer, group.holds), 2));
        }
        let all = optional(to_best(table, peer, |_| true), 2);
        let _ = writeln!(text, " {all} | {} |", optional(to_floor(table, peer), 2));
    }
}

fn idle(results: &Results, arguments: &Arguments, text: &mut String) {
    if results.idle.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "\n## Handshake and idle connections\n\nCPU time per handshake, 64 at a time, and resident memory of the \
         server in bytes per connection: {} idle connections, the same after one message of 1 KiB on each, and what \
         remains after they are closed. With permessage-deflate and context takeover: 500 connections.\n\n",
        arguments.idle
    );
    let columns = [
        "handshake, µs",
        "idle",
        "after a message",
        "after closing",
        "deflate, idle",
        "deflate, after a message",
    ];
    heading(columns.iter().map(|&column| column.to_owned()), text);
    for row in &results.idle {
        let deflate = |index: usize| {
            let value = row.deflate.map(|(open, used)| [open, used][index]);
            optional(value, 0)
        };
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.0} | {:.0} | {:.0} | {} | {} |",
            row.peer,
            row.handshake,
            row.open,
            row.used,
            row.closed,
            deflate(0),
            deflate(1),
        );
    }
}

fn deflate(results: &Results, text: &mut String) {
    for (name, table) in [("with context takeover", &results.takeover), ("without", &results.no_takeover)] {
        if table.cells.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## permessage-deflate {name}: CPU time per message, µs, and bytes of its echo on the wire\n\n\
             Level 6 and a window of 32 KiB, if the peer has these settings; the bytes show if it does not. A peer that sends \
             over a tenth more bytes than the smallest does not count as the best peer.\n\n"
        );
        let columns = table.cells.iter().flat_map(|&cell| [title(cell), "bytes".to_owned()]);
        heading(columns.chain(["agreed".to_owned()]), text);
        for peer in &table.peers {
            let _ = write!(text, "| {peer} |");
            let mut agreed = None;
            for &cell in &table.cells {
                let cpu = table.cpu(peer, cell).map_or_else(|| "–".into(), micro);
                let bytes = table.median(peer, cell, |sample| sample.received);
                let _ = write!(text, " {cpu} | {} |", optional(bytes, 0));
                agreed = agreed.or_else(|| table.samples(peer, cell).first()?.extensions.clone());
            }
            let _ = writeln!(text, " {} |", agreed.unwrap_or_default().replace(';', "; "));
        }
    }
}

fn left_out(results: &Results, text: &mut String) {
    *text += "\n## Left out\n\n\
              - wtx 0.47 and later, which need a newer compiler: 0.46 is measured.\n\
              - yawc does not validate text by default; here it is configured to.\n\
              - uWebSockets, in the version on crates.io, uses its smallest compressor whatever window is requested: with \
              takeover it sends more bytes and uses less memory.\n";
    for (who, why) in &results.left_out {
        let _ = writeln!(text, "- {who}: {why}");
    }
}

/// For the terminal.
pub fn summary(goals: &[Goal], results: &Results) -> String {
    let mut text = String::from("\n");
    for goal in goals {
        let measured = optional(goal.measured, goal.digits);
        let _ = writeln!(
            text,
            "{:<60} {measured:>8}   goal {:.digits$}   {}",
            goal.what,
            goal.goal,
            goal.verdict(),
            digits = goal.digits,
        );
    }
    if !results.left_out.is_empty() {
        let _ = writeln!(text, "{} left out; the report says why", results.left_out.len());
    }
    text
}

fn heading(columns: impl Iterator<Item = String>, text: &mut String) {
    let columns: Vec<String> = columns.collect();
    let _ = writeln!(text, "| | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
}

fn title(cell: Cell) -> String {
    cell.to_string().replace(':', " ")
}

/// Three digits, whatever the size.
fn micro(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"))
}
