//! permessage-deflate (RFC 7692): what was agreed, messages inflated and compressed, and back-references checked
//! against the agreed window, which a zlib does not do inside one call.

mod agreement;
mod budget;
mod compress;
mod decode;
mod distance;
mod history;
mod inflate;
mod message;
mod shared;

pub(crate) use agreement::Direction;
pub use agreement::{Context, DeflateAgreement, DeflateConfig, negotiate};
pub use budget::InflateBudget;
pub(crate) use compress::Compressor;
pub use decode::{Decoder, Place, Symbols, Unreadable};
pub use message::InflateLimits;
pub(crate) use message::{InflateFault, Inflating};
