//! permessage-deflate (RFC 7692): the agreement, compressing and inflating messages, and checking back-references
//! against the agreed window, which zlib does not do within one call.

#[cfg(not(feature = "deflate"))]
mod absent;
mod agreement;
#[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "nothing is inflated"))]
mod budget;
#[cfg(feature = "deflate")]
mod compress;
mod decode;
#[cfg(feature = "deflate")]
mod distance;
#[cfg(feature = "deflate")]
mod history;
#[cfg(feature = "deflate")]
mod inflate;
#[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "no message is a compressed one"))]
mod message;
#[cfg(feature = "deflate")]
mod shared;

#[cfg(not(feature = "deflate"))]
use absent as inflate;

#[cfg(not(feature = "deflate"))]
pub(crate) use absent::Compressor;
pub use agreement::{Context, DeflateAgreement, DeflateConfig, Direction, negotiate};
pub use budget::InflateBudget;
#[cfg(feature = "deflate")]
pub(crate) use compress::Compressor;
pub use decode::{Decoder, Place, Symbols, Unreadable};
pub use message::InflateLimits;
pub(crate) use message::{InflateFault, Inflating};
