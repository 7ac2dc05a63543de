//! What is read of a certificate itself: when it holds, its key, the numbers it may speak for. RFC 5280 §4.1 (certificate, times),
//! RFC 5480 §2 (keys on P-256), RFC 8226 §9 (TNAuthList). Whether somebody vouches for it is not said here.

use crate::base::fault::Kind;
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::der::{Der, tag};
use crate::wire::passport::number::Canonical;

/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// secp256r1 (RFC 5480 §2.1.1.1).
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// id-pe-TNAuthList, 1.3.6.1.5.5.7.1.26 (RFC 8226 §9).
const TN_AUTH_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1A];
/// Most entries of a list of numbers read.
const ENTRIES_MAX: usize = 10_000;

/// Times between which a certificate holds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub from: At,
    /// Last second.
    pub until: At,
}

impl Validity {
    /// Whether it holds at this time; the last second counts to its end.
    #[must_use]
    pub fn covers(&self, at: At) -> bool {
        const SECOND: u64 = 1_000_000_000;
        self.from <= at && at.nanos() / SECOND <= self.until.nanos() / SECOND
    }

    /// The times at which both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }
}

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// When it holds.
    pub validity: Validity,
    /// Its key, a point on P-256 as it is written; `None` for any other kind of key.
    pub key: Option<Box<[u8]>>,
    /// For whose numbers it may speak; `None` when it does not say.
    pub authority: Option<Authority>,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// Where it is none, or its TNAuthList is none; [`Kind::TooMany`] when that is too long.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut body = Der::new(bytes).inner(tag::SEQUENCE)?.inner(tag::SEQUENCE)?;
        body.optional(tag::CONTEXT)?;
        body.value(tag::INTEGER)?;
        body.value(tag::SEQUENCE)?;
        body.value(tag::SEQUENCE)?;
        let mut times = body.inner(tag::SEQUENCE)?;
        let validity = Validity { from: time(&mut times)?, until: time(&mut times)? };
        body.value(tag::SEQUENCE)?;
        let key = key(body.inner(tag::SEQUENCE)?)?;
        let mut authority = None;
        while !body.is_empty() {
            let (found, contents) = body.any()?;
            if found == tag::CONTEXT | 3 {
                authority = extensions(Der::new(contents))?;
            }
        }
        Ok(Self { validity, key, authority })
    }
}

/// For whose numbers a certificate may speak (RFC 8226 §9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    /// It names a provider: which numbers are the provider's is not in it.
    pub has_provider: bool,
    /// Single numbers.
    numbers: Vec<Box<[u8]>>,
    /// First number and how many.
    ranges: Vec<(u64, usize, u64)>,
}

impl Authority {
    fn parse(mut list: Der<'_>) -> Result<Self, DecodeError> {
        let mut authority = Self::default();
        let mut entries = 0_usize;
        while !list.is_empty() {
            entries = entries.saturating_add(1);
            if entries > ENTRIES_MAX {
                return Err(list.error(Kind::TooMany));
            }
            match list.any()? {
                (0xA0, contents) => {
                    Der::new(contents).value(tag::IA5_STRING)?;
                    authority.has_provider = true;
                }
                (0xA1, contents) => {
                    let mut range = Der::new(contents).inner(tag::SEQUENCE)?;
                    let start = range.value(tag::IA5_STRING)?;
                    let count = integer(range.value(tag::INTEGER)?);
                    if let (Some(first), Some(count)) = (digits(start), count) {
                        authority.ranges.push((first, start.len(), count));
                    }
                }
                (0xA2, contents) => authority.numbers.push(Der::new(contents).value(tag::IA5_STRING)?.into()),
                _ => return Err(list.error(Kind::BadSyntax)),
            }
        }
        Ok(authority)
    }

    /// Whether it may speak for this number: the number is in it, or it names a provider and no numbers at all.
    #[must_use]
    pub fn covers(&self, number: &Canonical) -> bool {
        let text = number.as_str().as_bytes();
        if self.numbers.is_empty() && self.ranges.is_empty() {
            return self.has_provider;
        }
        let is_in_range = |(first, length, count): &(u64, usize, u64)| {
            text.len() == *length
                && digits(text)
                    .is_some_and(|number| number.checked_sub(*first).is_some_and(|step| step < *count))
        };
        self.numbers.iter().any(|own| **own == *text) || self.ranges.iter().any(is_in_range)
    }
}

/// The TNAuthList among the extensions, if it is there.
fn extensions(mut outer: Der<'_>) -> Result<Option<Authority>, DecodeError> {
    let mut list = outer.inner(tag::SEQUENCE)?;
    let mut authority = None;
    while !list.is_empty() {
        let mut extension = list.inner(tag::SEQUENCE)?;
        let name = extension.value(tag::OID)?;
        extension.optional(tag::BOOLEAN)?;
        let value = extension.value(tag::OCTET_STRING)?;
        if name == TN_AUTH_LIST {
            if authority.is_some() {
                return Err(list.error(Kind::Conflict));
            }
            authority = Some(Authority::parse(Der::new(value).inner(tag::SEQUENCE)?)?);
        }
    }
    Ok(authority)
}

/// The point of a key on P-256.
fn key(mut info: Der<'_>) -> Result<Option<Box<[u8]>>, DecodeError> {
    let mut algorithm = info.inner(tag::SEQUENCE)?;
    let kind = algorithm.value(tag::OID)?;
    let curve = algorithm.optional(tag::OID)?;
    // The first octet says how many bits of the last are not used: none.
    let point = info.value(tag::BIT_STRING)?.strip_prefix(&[0]);
    let is_known = kind == EC_PUBLIC_KEY && curve == Some(P256);
    Ok(point.filter(|point| is_known && point.len() == 65).map(Box::from))
}

/// `YYMMDDHHMMSSZ`, which stands for 1950 to 2049, or `YYYYMMDDHHMMSSZ` (RFC 5280 §4.1.2.5). Times before 1970 count as 1970, those
/// after 2499 as that.
fn time(der: &mut Der<'_>) -> Result<At, DecodeError> {
    let start = *der;
    let bad = || start.error(Kind::BadSyntax);
    let (found, text) = der.any()?;
    let text = str::from_utf8(text).ok().and_then(|text| text.strip_suffix('Z')).ok_or_else(bad)?;
    let year_digits = match found {
        tag::UTC_TIME => 2,
        tag::GENERALIZED_TIME => 4,
        _ => return Err(bad()),
    };
    if text.len() != 10_usize.saturating_add(year_digits) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let (year, rest) = text.split_at_checked(year_digits).unwrap_or_default();
    let century = match year_digits {
        4 => "",
        _ if year < "50" => "20",
        _ => "19",
    };
    let part = |at: usize| rest.get(at..at.saturating_add(2)).unwrap_or_default();
    let year = format!("{century}{year}");
    if year.as_str() < "1970" {
        return Ok(At::default());
    }
    if year.as_str() > "2499" {
        return Ok(At::from_nanos(u64::MAX));
    }
    let (month, day, hour, minute, second) = (part(0), part(2), part(4), part(6), part(8));
    At::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok_or_else(bad)
}

/// A positive integer of 64 bits.
fn integer(octets: &[u8]) -> Option<u64> {
    let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
    (octets.len() <= 8).then(|| octets.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)))
}

fn digits(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    let is_plain = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn authority(entries: &[&[u8]]) -> Result<Authority, DecodeError> {
        let list = entries.concat();
        Authority::parse(Der::new(&list))
    }

    fn covers(authority: &Authority, number: &str) -> bool {
        authority.covers(&Canonical::parse(number.as_bytes()).unwrap())
    }

    const PROVIDER: &[u8] = b"\xA0\x06\x16\x04709J";
    const ONE: &[u8] = b"\xA2\x0D\x16\x0B12155551212";
    /// 12155550000 and the 99 after it.
    const RANGE: &[u8] = b"\xA1\x12\x30\x10\x16\x0B12155550000\x02\x01\x64";

    #[test]
    fn speaks_for_numbers_in_it_or_for_those_of_a_provider() {
        let all = authority(&[PROVIDER, ONE, RANGE]).unwrap();
        for (number, expected) in [
            ("12155551212", true),
            ("12155551213", false),
            ("12155550000", true),
            ("12155550099", true),
            ("12155550100", false),
            ("12155549999", false),
            ("2155550000", false),
            ("012155550000", false),
        ] {
            assert_eq!(covers(&all, number), expected, "{number}");
        }
        assert!(covers(&authority(&[PROVIDER]).unwrap(), "48601000001"));
        assert!(!covers(&authority(&[]).unwrap(), "48601000001"));
        assert!(!covers(&authority(&[ONE]).unwrap(), "48601000001"));
    }

    #[test]
    fn refuses_lists_that_are_none() {
        for bad in [&b"\x16\x01x"[..], b"\xA0\x02\x02\x01", b"\xA1\x02\x16\x00", b"\xA2\x00", b"\xA3\x00"] {
            assert!(authority(&[bad]).is_err(), "{bad:?}");
        }
        let many = ONE.repeat(ENTRIES_MAX + 1);
        assert_eq!(authority(&[&many]).unwrap_err().kind, Kind::TooMany);
    }

    #[test]
    fn reads_both_kinds_of_time() {
        let read = |tag: u8, text: &str| {
            let bytes = [&[tag, text.len() as u8], text.as_bytes()].concat();
            time(&mut Der::new(&bytes)).map(|at| at.to_string()[..19].to_owned())
        };
        assert_eq!(read(tag::UTC_TIME, "260102030405Z").unwrap(), "2026-01-02T03:04:05");
        assert_eq!(read(tag::UTC_TIME, "700102030405Z").unwrap(), "1970-01-02T03:04:05");
        assert_eq!(read(tag::UTC_TIME, "500102030405Z").unwrap(), "1970-01-01T00:00:00");
        assert_eq!(read(tag::GENERALIZED_TIME, "20500102030405Z").unwrap(), "2050-01-02T03:04:05");
        assert!(read(tag::GENERALIZED_TIME, "99991231235959Z").unwrap().as_str() > "2500");
        for bad in ["", "Z", "2601020304Z", "260102030405", "261302030405Z", "2601020304+5Z", "260102030460Z"]
        {
            assert!(read(tag::UTC_TIME, bad).is_err(), "{bad}");
        }
        assert!(read(tag::INTEGER, "260102030405Z").is_err());
    }
}
