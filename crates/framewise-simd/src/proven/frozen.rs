use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use bytes::{Bytes, BytesMut};

/// Text in shared memory: cheap to clone, and never validated again.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8Bytes(
    /// UTF-8. It does not change: `Bytes` has no method that writes to memory that another handle shares.
    Bytes,
);

impl Utf8Bytes {
    /// A static text, without a copy.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// A copy of `text` in the memory of `buffer`, split off from it. What the buffer held is removed.
    pub fn copied_to(buffer: &mut BytesMut, text: &str) -> Self {
        buffer.clear();
        buffer.extend_from_slice(text.as_bytes());
        Self(buffer.split().freeze())
    }

    /// The text `bytes`, without a check.
    ///
    /// # Safety
    ///
    /// `bytes` are UTF-8.
    pub(super) const unsafe fn new_unchecked(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor has UTF-8, and the bytes do not change.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes.
    #[inline]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, without a copy.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Copies the text if its memory is shared.
impl From<Utf8Bytes> for String {
    fn from(text: Utf8Bytes) -> Self {
        // SAFETY: every constructor has UTF-8, and the bytes do not change.
        unsafe { Self::from_utf8_unchecked(text.0.into()) }
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = core::str::Utf8Error;

    /// Validates the bytes.
    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        core::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}
