//! permessage-deflate (RFC 7692): what was agreed, messages inflated and compressed, and back-references checked
//! against the agreed window, which a zlib does not do inside one call.

mod agreement;
mod compress;
mod decode;
mod distance;
mod history;
mod inflate;
mod shared;

pub(crate) use agreement::Direction;
pub use agreement::{Context, DeflateAgreement, DeflateConfig, negotiate};
pub(crate) use compress::Compressor;
pub use decode::{Decoder, Place, Symbols, Unreadable};
pub(crate) use inflate::{InflateFault, Inflater};
