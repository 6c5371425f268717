use core::time::Duration;

/// A time in nanoseconds, up to 584 years, or none: half the size of a `Duration`, and a quarter of an optional one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nanos(u64);

impl Nanos {
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// This time; a later one than can be told is the last that can.
    #[inline]
    pub(crate) fn of(time: Duration) -> Self {
        let nanos = time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into());
        Self(nanos.min(u64::MAX - 1))
    }

    pub(crate) const fn get(self) -> Option<Duration> {
        if self.0 == u64::MAX { None } else { Some(Duration::from_nanos(self.0)) }
    }
}

impl Default for Nanos {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_kept_to_the_nanosecond() {
        for time in [Duration::ZERO, Duration::new(1, 1), Duration::new(18_000_000_000, 999_999_999)] {
            assert_eq!(Nanos::of(time).get(), Some(time));
        }
        assert_eq!(Nanos::of(Duration::MAX).get(), Some(Duration::from_nanos(u64::MAX - 1)));
        assert_eq!((Nanos::NONE.get(), Nanos::default()), (None, Nanos::NONE));
    }
}
