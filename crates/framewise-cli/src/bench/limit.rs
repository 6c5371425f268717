use std::str::FromStr;
use std::time::Duration;

use framewise_load::Latency;

use super::text::time;

/// A percentile that must not be longer than a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    percentile: Percentile,
    time: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Percentile {
    P50,
    P90,
    P99,
    P999,
    Max,
    Mean,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (percentile, time) = text.split_once('=').ok_or("expected PERCENTILE=TIME, such as p99=20ms")?;
        let percentile = match percentile {
            "p50" => Percentile::P50,
            "p90" => Percentile::P90,
            "p99" => Percentile::P99,
            "p99.9" | "p999" => Percentile::P999,
            "max" => Percentile::Max,
            "mean" => Percentile::Mean,
            other => return Err(format!("`{other}` is not measured: use p50, p90, p99, p99.9, max or mean")),
        };
        let units = [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
        let seconds = units
            .into_iter()
            .find_map(|(unit, factor)| {
                let number: f64 = time.strip_suffix(unit)?.trim().parse().ok()?;
                Some(number * factor)
            })
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| format!("`{time}` is not a time: use us, ms or s, such as 20ms"))?;
        Ok(Self { percentile, time: seconds })
    }
}

impl Limit {
    /// What exceeded it, in a sentence.
    pub(crate) fn exceeded(self, latency: &Latency) -> Option<String> {
        let (name, measured) = match self.percentile {
            Percentile::P50 => ("p50", latency.p50),
            Percentile::P90 => ("p90", latency.p90),
            Percentile::P99 => ("p99", latency.p99),
            Percentile::P999 => ("p99.9", latency.p999),
            Percentile::Max => ("max", latency.max),
            Percentile::Mean => ("mean", latency.mean),
        };
        let limit = self.time.as_secs_f64() * 1e6;
        (measured > limit)
            .then(|| format!("{name} is {}, above the limit of {}", time(measured), time(limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_held() {
        let mut latency = Latency::default();
        (latency.p99, latency.max) = (20_000.0, 1_500_000.0);
        for (limit, exceeded) in [
            ("p99=20ms", None),
            ("p99=19.9ms", Some("p99 is 20.0 ms, above the limit of 19.9 ms")),
            ("p99=19999us", Some("p99 is 20.0 ms, above the limit of 20.0 ms")),
            ("max=1s", Some("max is 1.50 s, above the limit of 1.00 s")),
            ("p50=0ms", None),
        ] {
            let limit: Limit = limit.parse().unwrap();
            assert_eq!(limit.exceeded(&latency).as_deref(), exceeded);
        }
        for wrong in ["p99", "p98=1ms", "p99=1", "p99=ms", "p99=-1s", "p99=1h"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
