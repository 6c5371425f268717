//! Rounds, medians, tables.

use std::fmt;
use std::time::{Duration, Instant};

use crate::texts::Slots;

/// The approximate time that a contender runs in one round
const TURN: Duration = Duration::from_micros(300);

pub struct Contender {
    name: String,
    job: Box<dyn Fn(&mut Slots)>,
}

impl Contender {
    /// The job is a pass over all slots, so that the cost of the call through the box is spread over many.
    pub fn new(name: &str, job: impl Fn(&mut [u8], &mut [u8]) + 'static) -> Self {
        Self { name: name.to_owned(), job: Box::new(move |slots| slots.each(&job)) }
    }
}

pub struct Row {
    text: &'static str,
    size: usize,
    figures: Vec<Figure>,
}

struct Figure {
    name: String,
    /// GB/s, the median of the rounds
    speed: f64,
    /// CPU nanoseconds per payload, the median of the rounds
    nanoseconds: f64,
    cpu: Duration,
    wall: Duration,
}

pub fn measure(
    text: &'static str,
    size: usize,
    mut slots: Slots,
    rounds: usize,
    contenders: &[Contender],
) -> Row {
    // How many passes make a turn: by the slowest's standards it is too many, which does no harm.
    let passes = contenders.iter().map(|contender| {
        let mut passes = 1;
        loop {
            let start = Instant::now();
            (0..passes).for_each(|_| (contender.job)(&mut slots));
            if start.elapsed() >= TURN {
                return passes;
            }
            passes *= 2;
        }
    });
    let passes: Vec<usize> = passes.collect();
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut walls = vec![Duration::ZERO; contenders.len()];
    for _ in 0..rounds {
        for (i, contender) in contenders.iter().enumerate() {
            let (wall, cpu) = (Instant::now(), cpu_time());
            (0..passes[i]).for_each(|_| (contender.job)(&mut slots));
            times[i].push(cpu_time() - cpu);
            walls[i] += wall.elapsed();
        }
    }
    let figures = contenders.iter().zip(times).zip(walls).zip(&passes).map(
        |(((contender, mut times), wall), passes)| {
            let cpu = times.iter().sum();
            times.sort_unstable();
            let nanoseconds = times[rounds / 2].as_secs_f64() * 1e9 / (passes * slots.count()) as f64;
            Figure { name: contender.name.clone(), speed: size as f64 / nanoseconds, nanoseconds, cpu, wall }
        },
    );
    Row { text, size, figures: figures.collect() }
}

/// The CPU time of the thread, not the wall clock
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for the answer.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(answer, 0, "no clock of the thread's CPU time");
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// One line per row: the speed of each contender, the ratio of the first to each other, the CPU time.
pub fn print(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    let names: Vec<&str> = first.figures.iter().map(|figure| figure.name.as_str()).collect();
    let ratios: Vec<String> = names[1..].iter().map(|name| format!("× {name}")).collect();
    println!("| text | bytes | {} | {} | {}, ns of CPU |", names.join(" | "), ratios.join(" | "), names[0]);
    println!("|---|{}", "--:|".repeat(2 + names.len() + ratios.len()));
    for row in rows {
        print!("| {} | {} |", row.text, row.size);
        for figure in &row.figures {
            print!(" {:.1} |", figure.speed);
        }
        for figure in &row.figures[1..] {
            print!(" {:.2} |", row.figures[0].speed / figure.speed);
        }
        println!(" {:.1} |", row.figures[0].nanoseconds);
    }
}

/// The total time. If the wall clock is far ahead of the CPU time, the machine was busy with something else.
#[derive(Default)]
pub struct Totals {
    cpu: Duration,
    wall: Duration,
}

impl Totals {
    pub fn add(&mut self, rows: Vec<Row>) {
        for figure in rows.into_iter().flat_map(|row| row.figures) {
            self.cpu += figure.cpu;
            self.wall += figure.wall;
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nMeasured {:.1?} of CPU time in {:.1?}.", self.cpu, self.wall)
    }
}
