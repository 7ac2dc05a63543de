//! A bounded reader over bytes, big-endian by default. Every read either succeeds or says where the bytes ended.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;

/// Reads forward over a slice, for one protocol layer.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    /// What is left: a read checks its length, and nothing else.
    rest: &'a [u8],
    /// Octets that there were to begin with.
    length: usize,
    layer: Layer,
}

impl<'a> Cursor<'a> {
    /// Starts at the first octet of `bytes`.
    #[must_use]
    pub const fn new(layer: Layer, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len(), layer }
    }

    /// Octets read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error of this layer at the current position.
    #[must_use]
    pub fn error(&self, kind: Kind) -> DecodeError {
        DecodeError { layer: self.layer, offset: u32::try_from(self.position()).unwrap_or(u32::MAX), kind }
    }

    /// The next `count` octets.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(self.error(Kind::Truncated)),
        }
    }

    /// The next `N` octets as an array.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(*chunk)
            }
            None => Err(self.error(Kind::Truncated)),
        }
    }

    /// One octet.
    ///
    /// # Errors
    /// [`Kind::Truncated`] at the end.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two octets, most significant first.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when fewer are left.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four octets, most significant first.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when fewer are left.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Skips `count` octets.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when fewer are left.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Result<(), DecodeError> {
        self.take(count).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_end_and_says_where() {
        let mut cursor = Cursor::new(Layer::Isup, &[1, 2, 3]);
        assert_eq!(cursor.u16(), Ok(0x0102));
        let error = DecodeError { layer: Layer::Isup, offset: 2, kind: Kind::Truncated };
        assert_eq!(cursor.u16(), Err(error));
        assert_eq!(cursor.u8(), Ok(3));
        assert!(cursor.is_empty());
    }
}
