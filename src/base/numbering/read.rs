//! From digits as they were dialled or shown to one E.164 number, by the home plan.

use arrayvec::ArrayVec;

use crate::base::digits::Digits;
use crate::base::number::{Number, Party, RAW_MAX, Raw, Shape};
use crate::base::numbering::plan::Prefix;
use crate::base::numbering::{Nature, NumberKind, Numbering};
use crate::base::route::NumberFormat;

/// Digits read of a number: an international prefix of up to 4 and 15 more, with room to tell a long one.
const DIGITS_READ: usize = 24;
/// International prefix of most countries, read in all of them.
const ZEROS: Digits = Digits::of_packed(0, 2);
/// Bare numbers shorter than this are short codes unless they fit the home plan: no country's international numbers
/// are shorter in practice.
const BARE_INTERNATIONAL_MIN: usize = 7;

impl Numbering {
    /// The E.164 number that `raw` means: strips visual separators, the international prefix of the home country, the
    /// national prefix; adds the country code. `raw` is kept in the result.
    ///
    /// A leading `+` or `00` makes any number international. Bare numbers go by the international prefix, the
    /// national prefix, and then by `hint`. What follows `;` are parameters (RFC 3966 §3) and is not read. A subscriber
    /// number lacks its area code and so is too short, unless `hint` says what the route puts there.
    #[must_use]
    pub fn party(&self, raw: &[u8], nature: Nature, hint: NumberFormat) -> Party {
        let mut kept = Raw::new();
        // The slice is no longer than the array, so nothing is lost.
        let _ = kept.try_extend_from_slice(&raw[..raw.len().min(RAW_MAX)]);
        party(self.read(raw, nature, hint), kept)
    }

    /// The same of digits, such as ISUP sends.
    // Always in place, lest the party be moved as a whole right after its parts were written one by one: the processor would
    // have to wait for all of them.
    #[inline(always)]
    #[must_use]
    pub fn party_of(&self, digits: Digits, nature: Nature, hint: NumberFormat) -> Party {
        let raw = digits.text();
        let read = if !digits.are_decimal() || !(1..=DIGITS_READ).contains(&digits.len()) {
            self.read(&raw, nature, hint)
        } else if nature == Nature::International {
            international(digits)
        } else {
            self.read_at_home(digits, nature, hint)
        };
        party(read, raw)
    }

    fn read(&self, raw: &[u8], nature: Nature, hint: NumberFormat) -> Result<Number, Shape> {
        let (text, has_plus) = match raw {
            [b'+', text @ ..] => (text, true),
            _ => (raw, false),
        };
        // Most are no more than digits.
        let read = match Digits::parse(text) {
            Some(digits) if (1..=DIGITS_READ).contains(&digits.len()) => (digits, has_plus),
            _ => digits_of(raw)?,
        };
        match read {
            (digits, has_plus) if has_plus || nature == Nature::International => international(digits),
            (digits, _) => self.read_at_home(digits, nature, hint),
        }
    }

    /// Digits that need not be those of an international number.
    fn read_at_home(&self, digits: Digits, nature: Nature, hint: NumberFormat) -> Result<Number, Shape> {
        if (nature == Nature::Unknown || digits.strip_prefix(ZEROS).is_some())
            && let Some(rest) = self.without_international_prefix(digits)
        {
            return Number::try_from(rest);
        }
        match nature {
            Nature::National => self.national(digits),
            Nature::Subscriber if matches!(hint, NumberFormat::Auto | NumberFormat::AutoAbroad) => {
                Err(Shape::TooShort)
            }
            _ => self.bare(digits, hint),
        }
    }

    fn without_international_prefix(&self, digits: Digits) -> Option<Digits> {
        let find = |prefix: &Prefix| digits.strip_prefix(prefix.digits);
        // No country code begins with zero, so a zero after the prefix means that it was none.
        self.plan.international_prefixes.iter().find_map(find).filter(|rest| !rest.begin_with_zero())
    }

    /// A number that says nothing of itself and has no international prefix.
    fn bare(&self, digits: Digits, hint: NumberFormat) -> Result<Number, Shape> {
        let is_national = match hint {
            _ if digits.begin_with_zero() => true,
            NumberFormat::International => false,
            NumberFormat::National => true,
            NumberFormat::AutoAbroad if let Some(is_abroad) = self.is_abroad(digits) => !is_abroad,
            NumberFormat::Auto | NumberFormat::AutoAbroad if self.begins_with_home_code(digits) => false,
            NumberFormat::Auto | NumberFormat::AutoAbroad => {
                self.plan.fits_subscriber(self.without_national_prefix(digits).len())
            }
        };
        if is_national {
            return self.national(digits);
        }
        if hint != NumberFormat::International && digits.len() < BARE_INTERNATIONAL_MIN {
            return Err(Shape::TooShort);
        }
        Number::try_from(digits)
    }

    /// Whether a bare number written by somebody abroad begins with its country code: when a number in use does, and else
    /// when one may and no home number in use is written so. `None` when neither.
    fn is_abroad(&self, digits: Digits) -> Option<bool> {
        if digits.len() < BARE_INTERNATIONAL_MIN {
            return None;
        }
        let is_in_use = |number: Number| self.kind(number) != NumberKind::Unallocated;
        let abroad = Number::try_from(digits).ok();
        if abroad.is_some_and(is_in_use) {
            return Some(true);
        }
        if self.national(digits).is_ok_and(is_in_use) {
            return Some(false);
        }
        abroad.is_some_and(|number| self.is_possible(number)).then_some(true)
    }

    /// Whether a bare number is better read with the home code in front than as a national number.
    fn begins_with_home_code(&self, digits: Digits) -> bool {
        let Some(rest) = digits.strip_prefix(self.plan.code.digits) else { return false };
        self.plan.fits_subscriber(rest.len())
            && !(self.plan.fits_subscriber(digits.len())
                && self.plan.is_allocated(digits)
                && !self.plan.is_allocated(rest))
    }

    /// A number of the home plan, with or without the national prefix.
    fn national(&self, digits: Digits) -> Result<Number, Shape> {
        if self.plan.code.digits.is_empty() {
            return Err(Shape::Absent);
        }
        let digits = self.without_national_prefix(digits);
        if digits.len() < self.plan.shortest() {
            return Err(Shape::TooShort);
        }
        if digits.begin_with_zero() && !self.plan.keeps_zero {
            return Err(Shape::NoCountryCode);
        }
        Number::try_from(self.plan.code.digits.then(digits))
    }

    /// A zero in front is always the prefix, as no national number begins with one where the prefix is zero; another
    /// digit only when the number has one digit too many with it.
    fn without_national_prefix(&self, digits: Digits) -> Digits {
        let prefix = self.plan.national_prefix.digits;
        match digits.strip_prefix(prefix) {
            Some(rest) if prefix.begin_with_zero() => rest,
            Some(rest) if !self.plan.fits(digits.len()) && self.plan.fits(rest.len()) => rest,
            _ => digits,
        }
    }
}

/// An international number, with or without the prefix that says so.
#[inline]
fn international(digits: Digits) -> Result<Number, Shape> {
    Number::try_from(digits.strip_prefix(ZEROS).unwrap_or(digits))
}

/// The party that sent `raw`, which was read so.
#[inline]
fn party(read: Result<Number, Shape>, raw: Raw) -> Party {
    let (number, shape) = match read {
        Ok(number) => (Some(number), Shape::Valid),
        Err(shape) => (None, shape),
    };
    Party { number, shape, restricted: false, raw }
}

/// The digits of a number without visual separators (RFC 3966 §5.1.1, and blanks and slashes that people write), and
/// whether a `+` leads them.
fn digits_of(raw: &[u8]) -> Result<(Digits, bool), Shape> {
    let mut digits: ArrayVec<u8, DIGITS_READ> = ArrayVec::new();
    let mut has_plus = false;
    for byte in raw {
        match byte {
            b'0'..=b'9' => digits.try_push(*byte).map_err(|_| Shape::TooLong)?,
            b'-' | b'.' | b' ' | b'(' | b')' | b'/' => {}
            b'+' if digits.is_empty() && !has_plus => has_plus = true,
            b';' => break,
            // A name, as SIP users may be, is no number that could be wrong.
            _ if !raw.iter().any(u8::is_ascii_digit) => return Err(Shape::Absent),
            _ => return Err(Shape::NotDigits),
        }
    }
    Digits::parse(&digits)
        .filter(|digits| !digits.is_empty())
        .map(|digits| (digits, has_plus))
        .ok_or(Shape::Absent)
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

    use super::*;
    use crate::base::numbering::tests::{home, shown};

    #[test]
    fn reads_numbers_seen_from_poland() {
        let plan = home("PL");
        use Nature::{International, National, Subscriber, Unknown};
        for (raw, nature, hint, expected) in [
            ("+48 601-234.567", Unknown, NumberFormat::Auto, "+48601234567"),
            ("+48601234567", National, NumberFormat::National, "+48601234567"),
            ("+48601234567;npdi", Unknown, NumberFormat::Auto, "+48601234567"),
            ("48601234567", International, NumberFormat::Auto, "+48601234567"),
            ("0048601234567", International, NumberFormat::Auto, "+48601234567"),
            ("+0048601234567", International, NumberFormat::Auto, "+48601234567"),
            ("0048601234567", Unknown, NumberFormat::National, "+48601234567"),
            ("0048601234567", National, NumberFormat::Auto, "+48601234567"),
            ("601234567", National, NumberFormat::Auto, "+48601234567"),
            ("601234567", Unknown, NumberFormat::Auto, "+48601234567"),
            ("(22) 123/45/67", Unknown, NumberFormat::Auto, "+48221234567"),
            ("601234567", Unknown, NumberFormat::International, "+601234567"),
            ("48601234567", Unknown, NumberFormat::Auto, "+48601234567"),
            ("483621234", Unknown, NumberFormat::Auto, "+48483621234"),
            ("37120123456", Unknown, NumberFormat::Auto, "+37120123456"),
            ("0601234567", National, NumberFormat::Auto, "no_country_code"),
            ("0601234567", Unknown, NumberFormat::Auto, "no_country_code"),
            ("1234567", Subscriber, NumberFormat::Auto, "too_short"),
            ("601234567", Subscriber, NumberFormat::National, "+48601234567"),
            ("112", Unknown, NumberFormat::Auto, "too_short"),
            ("112", National, NumberFormat::Auto, "too_short"),
            ("997", National, NumberFormat::National, "too_short"),
            ("19115", Unknown, NumberFormat::Auto, "too_short"),
            ("+112", Unknown, NumberFormat::Auto, "too_short"),
            ("4860123456789012", International, NumberFormat::Auto, "too_long"),
            ("123456789012345678901234567890", Unknown, NumberFormat::Auto, "too_long"),
            ("anonymous", Unknown, NumberFormat::Auto, "absent"),
            ("48601a", Unknown, NumberFormat::Auto, "not_digits"),
            ("48+601234567", Unknown, NumberFormat::Auto, "not_digits"),
            ("", Unknown, NumberFormat::Auto, "absent"),
            ("+", Unknown, NumberFormat::Auto, "absent"),
        ] {
            let party = plan.party(raw.as_bytes(), nature, hint);
            assert_eq!(shown(&party), expected, "{raw} {nature:?} {hint:?}");
            assert_eq!(party.raw.as_slice(), raw.as_bytes());
        }
    }

    #[test]
    fn reads_bare_numbers_by_each_plan() {
        for (country, raw, expected) in [
            ("DE", "03012345678", "+493012345678"),
            ("DE", "493012345678", "+493012345678"),
            ("GB", "07911123456", "+447911123456"),
            ("GB", "447911123456", "+447911123456"),
            ("US", "2125551234", "+12125551234"),
            ("US", "12125551234", "+12125551234"),
            ("US", "01148601234567", "+48601234567"),
            ("US", "0048601234567", "+48601234567"),
            ("IT", "0612345678", "+390612345678"),
            ("IT", "390612345678", "+390612345678"),
            // An Italian mobile number that begins like Italy's own code.
            ("IT", "3912345678", "+393912345678"),
            ("IT", "393912345678", "+393912345678"),
            ("FR", "0123456789", "+33123456789"),
            ("RU", "84951234567", "+74951234567"),
            ("RU", "74951234567", "+74951234567"),
            ("RU", "81048601234567", "+48601234567"),
            ("CH", "0446681800", "+41446681800"),
            ("HU", "0612345678", "+3612345678"),
            ("AU", "001148601234567", "+48601234567"),
            ("JP", "01048601234567", "+48601234567"),
        ] {
            let party = home(country).party(raw.as_bytes(), Nature::Unknown, NumberFormat::Auto);
            assert_eq!(shown(&party), expected, "{country} {raw}");
        }
    }

    #[test]
    fn agrees_with_the_library() {
        let abroad =
            ["48601234567", "4930123456", "447911123456", "12125551234", "390612345678", "37120123456"];
        for country in ["PL", "DE", "GB", "US", "IT", "FR", "RU", "CH", "ES", "BR", "HU", "JP", "IN"] {
            let (plan, region) = (home(country), Region::from_code(country).unwrap());
            let library = |text: &str| {
                let parsed = PHONE_NUMBER_UTIL.parse(text, Some(region)).unwrap();
                PHONE_NUMBER_UTIL.format(&parsed, rlibphonenumber::PhoneNumberFormat::E164).into_owned()
            };
            let prefixes = plan.international_prefixes().map(|prefix| std::str::from_utf8(prefix).unwrap());
            for prefix in prefixes.chain(["+"]) {
                for number in abroad {
                    let text = format!("{prefix}{number}");
                    // The library does not know `00` everywhere.
                    let expected = if prefix == "00" { format!("+{number}") } else { library(&text) };
                    let party = plan.party(text.as_bytes(), Nature::Unknown, NumberFormat::Auto);
                    assert_eq!(shown(&party), expected, "{country} {text}");
                }
            }
            for ty in [PhoneNumberType::FixedLine, PhoneNumberType::Mobile, PhoneNumberType::TollFree] {
                let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, ty) else {
                    continue;
                };
                let digits = rlibphonenumber::get_national_significant_number_owned(&example);
                let with_prefix = format!("{}{digits}", std::str::from_utf8(plan.national_prefix()).unwrap());
                for text in [digits, with_prefix] {
                    let party = plan.party(text.as_bytes(), Nature::National, NumberFormat::Auto);
                    assert_eq!(shown(&party), library(&text), "{country} {text}");
                }
            }
        }
    }
}
