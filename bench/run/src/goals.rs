//! The goals.

use bench_common::cell::{Cell, Kind};

use crate::peers::{FLOOR, FRAMEWISE, FRAMEWISE_DEFLATE, HAPROXY, INSPECT, TUNGSTENITE_PLAIN};
use crate::results::{Results, Table};
use crate::statistics::geometric_mean;

/// Cells of one kind of work; a cell may be in several.
pub struct Group {
    pub name: &'static str,
    pub holds: fn(&Cell) -> bool,
    goal: f64,
    stretch: f64,
}

pub const GROUPS: [Group; 5] = [
    Group {
        name: "up to 1 KiB, one in flight",
        holds: |cell| cell.bytes <= 1024 && cell.in_flight == 1,
        goal: 1.0,
        stretch: 0.95,
    },
    Group {
        name: "up to 1 KiB, sixteen in flight",
        holds: |cell| cell.bytes <= 1024 && cell.in_flight > 1,
        goal: 1.0,
        stretch: 0.9,
    },
    Group {
        name: "16 KiB",
        holds: |cell| cell.bytes > 1024 && cell.bytes < 128 * 1024,
        goal: 0.9,
        stretch: 0.8,
    },
    Group { name: "128 KiB and more", holds: |cell| cell.bytes >= 128 * 1024, goal: 0.95, stretch: 0.85 },
    Group { name: "non-ASCII text", holds: |cell| cell.kind == Kind::Utf8, goal: 0.85, stretch: 0.7 },
];

pub struct Goal {
    pub what: String,
    pub goal: f64,
    pub stretch: Option<f64>,
    pub measured: Option<f64>,
    /// The number of significant digits.
    pub digits: usize,
}

impl Goal {
    pub fn verdict(&self) -> &'static str {
        match (self.measured, self.stretch) {
            (None, _) => "not measured",
            (Some(measured), Some(stretch)) if measured <= stretch => "met, stretch too",
            (Some(measured), _) if measured <= self.goal => "met",
            _ => "missed",
        }
    }
}

pub fn judge(results: &Results) -> Vec<Goal> {
    let mut goals: Vec<Goal> = GROUPS
        .iter()
        .map(|group| Goal {
            what: format!("server, {}: to the best peer", group.name),
            goal: group.goal,
            stretch: Some(group.stretch),
            measured: to_best(&results.servers, FRAMEWISE, group.holds),
            digits: 2,
        })
        .collect();
    goals.push(Goal {
        what: format!("server, all cells: to {TUNGSTENITE_PLAIN}"),
        goal: 0.35,
        stretch: Some(0.25),
        measured: ratio(&results.servers, FRAMEWISE, TUNGSTENITE_PLAIN, |_| true),
        digits: 2,
    });
    goals.push(Goal {
        what: "client, all cells: to the best peer".into(),
        goal: 0.9,
        stretch: Some(0.8),
        measured: to_best(&results.clients, FRAMEWISE, |_| true),
        digits: 2,
    });
    for (name, table) in [("takeover", &results.takeover), ("no takeover", &results.no_takeover)] {
        goals.push(Goal {
            what: format!("deflate with {name}: to the best peer"),
            goal: 1.0,
            stretch: None,
            measured: to_best(table, FRAMEWISE_DEFLATE, |_| true),
            digits: 2,
        });
    }
    for &cell in &results.proxies.cells {
        goals.push(Goal {
            what: format!("inspect, {}: to HAProxy", cell.to_string().replace(':', " ")),
            goal: 1.2,
            stretch: None,
            measured: ratio(&results.proxies, INSPECT, HAPROXY, |other| *other == cell),
            digits: 2,
        });
    }
    let ours = results.idle.iter().find(|row| row.peer == FRAMEWISE);
    goals.push(Goal {
        what: "idle connection, bytes".into(),
        goal: 1024.0,
        stretch: Some(512.0),
        measured: ours.map(|row| row.open),
        digits: 0,
    });
    goals.push(Goal {
        what: "handshake, µs".into(),
        goal: 20.0,
        stretch: None,
        measured: ours.map(|row| row.handshake),
        digits: 1,
    });
    goals
}

/// The geometric mean of the ratios to the best peer of each cell.
pub fn to_best(table: &Table, name: &'static str, holds: impl Fn(&Cell) -> bool) -> Option<f64> {
    let cells = table.cells.iter().filter(|cell| holds(cell));
    geometric_mean(cells.filter_map(|&cell| Some(table.cpu(name, cell)? / table.best(cell)?.1)))
}

pub fn ratio(
    table: &Table,
    name: &'static str,
    other: &'static str,
    holds: impl Fn(&Cell) -> bool,
) -> Option<f64> {
    let cells = table.cells.iter().filter(|cell| holds(cell));
    geometric_mean(cells.filter_map(|&cell| Some(table.cpu(name, cell)? / table.cpu(other, cell)?)))
}

pub fn to_floor(table: &Table, name: &'static str) -> Option<f64> {
    ratio(table, name, FLOOR, |_| true)
}
