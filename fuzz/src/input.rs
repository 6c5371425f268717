//! Splits the input of a target into its parameters and bytes.

/// The first bytes decide how the rest is used.
#[derive(Clone, Copy, Debug)]
pub struct Input<'d> {
    rest: &'d [u8],
}

impl<'d> Input<'d> {
    /// All of an input.
    pub const fn new(data: &'d [u8]) -> Self {
        Self { rest: data }
    }

    /// The next byte; zero after the end.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    /// The next bytes, as many as there are.
    pub fn take(&mut self, count: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// The rest of the input.
    pub const fn rest(&self) -> &'d [u8] {
        self.rest
    }
}

/// How a stream is cut into pieces.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// After each byte.
    Bytes,
    /// Once.
    At(usize),
    /// Into pieces of pseudo-random sizes, from this seed.
    Pieces(u8),
}

impl Cut {
    /// The cuts to try on a stream of `length` bytes: a short one is cut at each place.
    pub fn all(length: usize, seed: u8) -> Vec<Self> {
        let mut cuts = vec![Self::Bytes, Self::Pieces(seed)];
        if length <= 48 {
            cuts.extend((1..length).map(Self::At));
        } else {
            let step = length / 16;
            cuts.extend((0..16).map(|index| Self::At(1 + index * step + usize::from(seed) % step)));
        }
        cuts
    }

    /// The pieces, in order.
    pub fn pieces(self, bytes: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Bytes => bytes.chunks(1).collect(),
            Self::At(at) if at < bytes.len() => vec![&bytes[..at], &bytes[at..]],
            Self::Whole | Self::At(_) => vec![bytes],
            Self::Pieces(seed) => {
                let (mut rest, mut state, mut pieces) = (bytes, u32::from(seed), Vec::new());
                while !rest.is_empty() {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let size = (1 + (state >> 24) as usize % 40).min(rest.len());
                    pieces.push(&rest[..size]);
                    rest = &rest[size..];
                }
                pieces
            }
        }
    }
}
