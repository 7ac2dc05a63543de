//! The number that a URI means. RFC 3261 §19.1.2 (escapes), RFC 3966 (local numbers, visual separators), RFC 3323 (who is
//! anonymous).

use arrayvec::ArrayVec;
use memchr::memchr;

use crate::base::number::{Number, Party, RAW_MAX, Raw, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::route::NumberFormat;
use crate::wire::sip::address::Uri;
use crate::wire::sip::value::is_word;

/// How numbers of one side of this call's route are read.
#[derive(Clone, Copy)]
pub(in crate::signal) struct Plan<'a> {
    pub(in crate::signal) numbering: &'a Numbering,
    pub(in crate::signal) hint: NumberFormat,
}

/// Longest user part whose escapes are undone, in octets; a telephone number has none or few.
const ROOM: usize = 64;
pub(super) type Room = ArrayVec<u8, ROOM>;

/// The number that a URI's user part means.
pub(in crate::signal) fn party(uri: &Uri<'_>, plan: Plan<'_>) -> Party {
    // As nearly all are written: a global number in digits. Nothing else about it matters then.
    if let [b'+', digits @ ..] = uri.user
        && let Ok(number) = Number::from_digits(digits)
        && !is_word(uri.host, WITHHELD_HOST)
    {
        let mut party =
            Party { number: Some(number), shape: Shape::Valid, restricted: false, raw: Raw::new() };
        let _ = party.raw.try_extend_from_slice(uri.user);
        return party;
    }
    let mut room = Room::new();
    let user = unescaped(uri.user, &mut room);
    let raw = Raw::try_from(&user[..user.len().min(RAW_MAX)]).unwrap_or_default();
    if let Some(absence) = absence(uri, user) {
        return Party { number: None, shape: Shape::Absent, restricted: absence == Absence::Withheld, raw };
    }
    let mut composed = Room::new();
    let (text, nature) = if user.starts_with(b"+") {
        (user, Nature::International)
    } else if let Some(prefix @ [b'+', ..]) = uri.phone_context()
        && prefix.len() + user.len() <= ROOM
    {
        // RFC 3966 §5.1.4: a local number within a global prefix.
        composed.extend(prefix.iter().chain(user).copied());
        (&composed[..], Nature::International)
    } else {
        (user, Nature::Unknown)
    };
    let mut party = Party { raw, ..plan.numbering.party(text, nature, plan.hint) };
    if party.number.is_none() && has_foreign_digits(user) {
        party.shape = Shape::NotDigits;
    }
    party
}

/// Host of a caller who asked not to be named (RFC 3323 §4.1.1.3).
const WITHHELD_HOST: &[u8] = b"anonymous.invalid";

/// Why a URI names no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    /// It names somebody or something otherwise: `operator1`, `urn:service:sos`.
    Named,
    /// The caller asked for it (RFC 3323 §4.1.1.3).
    Withheld,
    /// The network does not know it: nothing, zeros, or one of its words (3GPP TS 24.229 §5.7.1.4 and its interworking, TS 29.163 §7.2.3.2.2).
    Unavailable,
}

/// `user` is the user part with its escapes undone.
fn absence(uri: &Uri<'_>, user: &[u8]) -> Option<Absence> {
    let is_user = |names: &[&[u8]]| names.iter().any(|name| is_word(uri.user, name));
    if is_filler(uri.user) {
        Some(Absence::Unavailable)
    } else if is_withheld(uri) {
        Some(Absence::Withheld)
    } else if is_telephone(user) {
        // Nearly all users are numbers.
        None
    } else if is_user(&[b"unavailable", b"unknown"]) || is_word(uri.host, b"unknown.invalid") {
        Some(Absence::Unavailable)
    } else if uri.says_telephone() || looks_like_telephone(user) || has_foreign_digits(user) {
        None
    } else {
        Some(Absence::Named)
    }
}

/// Whether a URI stands for a caller who asked not to be named.
pub(super) fn is_withheld(uri: &Uri<'_>) -> bool {
    let names: [&[u8]; 3] = [b"anonymous", b"restricted", b"private"];
    names.iter().any(|name| is_word(uri.user, name))
        || is_word(uri.host, WITHHELD_HOST) && !is_filler(uri.user)
}

/// Nothing, or zeros.
fn is_filler(user: &[u8]) -> bool {
    user.iter().all(|octet| matches!(octet, b'0' | b'+'))
}

/// A user who begins with `+` and a digit means a telephone number, if a wrong one; so does one who begins with a digit and
/// is mostly digits.
fn looks_like_telephone(user: &[u8]) -> bool {
    let digits = user.iter().filter(|byte| byte.is_ascii_digit()).count();
    match user {
        [b'+', b'0'..=b'9', ..] => true,
        [b'+' | b'(' | b'0'..=b'9', ..] => digits * 2 > user.len(),
        _ => false,
    }
}

/// Whether a URI whose number is `party` names a telephone, and no person.
pub(super) fn names_telephone(uri: &Uri<'_>, party: &Party) -> bool {
    let is_global = |number: Number| party.raw.len() == 1 + number.digit_count() as usize;
    party.number.is_some_and(is_global) && uri.user.starts_with(b"+")
        || is_telephone(unescaped(uri.user, &mut Room::new()))
}

/// Digits, perhaps after `+`, with visual separators (RFC 3966 §3).
fn is_telephone(user: &[u8]) -> bool {
    user.iter().any(u8::is_ascii_digit)
        && user.iter().all(|byte| byte.is_ascii_digit() || b"+-.()*# ".contains(byte))
}

/// Whether a URI is written so that another reader may see another number in it than `party`, or none: digits in escapes, which
/// none needs, or of another script; two `@` (RFC 3261 §25.1 allows one), of which either may end the user part.
pub(super) fn is_disguised(uri: &Uri<'_>, party: &Party) -> bool {
    if uri.has_second_at() {
        return true;
    }
    // A number is digits and visual separators, and as long as it was sent it had no escapes.
    if party.number.is_some() && party.raw.len() == uri.user.len() {
        return false;
    }
    let is_odd = |octet: u8| octet >= 0x80 || octet == b'%';
    uri.user.iter().fold(false, |odd, octet| odd | is_odd(*octet))
        && (has_foreign_digits(unescaped(uri.user, &mut Room::new()))
            || uri.user.windows(3).any(|escape| matches!(escape, [b'%', b'3', b'0'..=b'9'])))
}

fn has_foreign_digits(text: &[u8]) -> bool {
    !text.is_ascii() && (0..text.len()).any(|at| foreign_digit(&text[at..]).is_some())
}

/// Value and octets of a decimal digit of another script that `text` begins with, in UTF-8: Arabic-Indic, its eastern form,
/// Devanagari and full width, which telephones and people read as digits.
fn foreign_digit(text: &[u8]) -> Option<(u8, usize)> {
    match *text {
        [0xD9, low @ 0xA0..=0xA9, ..] => Some((low - 0xA0, 2)),
        [0xDB, low @ 0xB0..=0xB9, ..] => Some((low - 0xB0, 2)),
        [0xE0, 0xA5, low @ 0xA6..=0xAF, ..] => Some((low - 0xA6, 3)),
        [0xEF, 0xBC, low @ 0x90..=0x99, ..] => Some((low - 0x90, 3)),
        _ => None,
    }
}

/// Fewest digits in a display name that is taken for a number.
const NAME_DIGITS_MIN: usize = 5;

/// The number that a display name shows, when it shows nothing else.
pub(super) fn number_of_name(name: &[u8], plan: Plan<'_>) -> Option<Number> {
    let mut rest = name;
    let mut digits = Room::new();
    while let [first, after @ ..] = rest {
        let (digit, length) = match foreign_digit(rest) {
            Some((value, length)) => (b'0' + value, length),
            None => (*first, 1),
        };
        match digit {
            b'0'..=b'9' => digits.try_push(digit).ok()?,
            b'+' if digits.is_empty() => digits.push(digit),
            b'+' | b'-' | b'.' | b'(' | b')' | b'/' | b' ' => {}
            // Full-width plus.
            0xEF if rest.starts_with("＋".as_bytes()) && digits.is_empty() => {
                digits.push(b'+');
                rest = &rest["＋".len()..];
                continue;
            }
            _ => return None,
        }
        rest = if length == 1 { after } else { &rest[length..] };
    }
    if digits.len() < NAME_DIGITS_MIN {
        return None;
    }
    let nature = if digits.starts_with(b"+") { Nature::International } else { Nature::Unknown };
    plan.numbering.party(&digits, nature, plan.hint).number
}

/// The user part with its escapes undone (RFC 3261 §19.1.2): `%2B48` is `+48`. As sent when it has none, a broken one,
/// or does not fit.
pub(super) fn unescaped<'a>(user: &'a [u8], room: &'a mut Room) -> &'a [u8] {
    if memchr(b'%', user).is_none() {
        return user;
    }
    let mut rest = user;
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => return user,
            },
            (b'%', _) => return user,
            _ => (*first, after),
        };
        if room.try_push(byte).is_err() {
            return user;
        }
        rest = after;
    }
    room
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
