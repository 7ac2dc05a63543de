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
    let (mut room, mut composed) = (Room::new(), Room::new());
    let (user, _) = unescaped(uri.user, &mut room);
    let is_composed = compose(uri, user, &mut composed).is_some();
    let text = if is_composed { &composed[..] } else { user };
    let raw = kept(text);
    if let Some(absence) = absence(uri, user, is_composed) {
        return Party { number: None, shape: Shape::Absent, restricted: absence == Absence::Withheld, raw };
    }
    let nature = if text.starts_with(b"+") { Nature::International } else { Nature::Unknown };
    let mut party = Party { raw, ..plan.numbering.party(text, nature, plan.hint) };
    if party.number.is_none() && has_foreign_digits(user) {
        party.shape = Shape::NotDigits;
    }
    party
}

/// What a URI's user part says, as a [`Party`] keeps it: of a local number with its global prefix.
pub(super) fn written(uri: &Uri<'_>) -> Raw {
    let (mut room, mut composed) = (Room::new(), Room::new());
    let (user, _) = unescaped(uri.user, &mut room);
    kept(if compose(uri, user, &mut composed).is_some() { &composed } else { user })
}

/// Of a number that is too long to be kept as it was sent the visual separators go, so that none of its digits does.
fn kept(text: &[u8]) -> Raw {
    if text.len() < RAW_MAX || !is_telephone(text) {
        return Raw::try_from(&text[..text.len().min(RAW_MAX)]).unwrap_or_default();
    }
    text.iter().copied().filter(|octet| !is_separator(*octet)).take(RAW_MAX).collect()
}

/// Puts a local number behind the global prefix of its context (RFC 3966 §5.1.5), without visual separators. `None` when it
/// has no such prefix, else whether both fitted.
fn compose(uri: &Uri<'_>, user: &[u8], composed: &mut Room) -> Option<bool> {
    let context = uri.phone_context().filter(|_| !user.starts_with(b"+"))?;
    let mut room = Room::new();
    let (context, is_whole) = unescaped(context, &mut room);
    // Nothing is quoted in a URI; some undo it all the same.
    let mut digits = context.iter().filter(|octet| **octet != b'"').chain(user).copied();
    let mut digits = digits.by_ref().filter(|octet| !is_separator(*octet)).peekable();
    if digits.peek() != Some(&b'+') {
        return None;
    }
    composed.extend(digits.by_ref().take(ROOM));
    Some(is_whole && digits.next().is_none())
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

/// `user` is the user part with its escapes undone, `is_composed` whether it stands behind a global prefix.
fn absence(uri: &Uri<'_>, user: &[u8], is_composed: bool) -> Option<Absence> {
    let is_user = |names: &[&[u8]]| names.iter().any(|name| is_word(uri.user, name));
    if is_filler(uri.user) && !is_composed {
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
        || is_telephone(unescaped(uri.user, &mut Room::new()).0)
}

/// Digits, perhaps after `+`, with visual separators (RFC 3966 §3).
fn is_telephone(user: &[u8]) -> bool {
    user.iter().any(u8::is_ascii_digit)
        && user.iter().all(|byte| byte.is_ascii_digit() || b"+-.()*# ".contains(byte))
}

/// Whether a URI is written so that another reader may see another number in it than `party`, or none: digits in escapes, which
/// none needs, or of another script; more than is read; two `@` (RFC 3261 §25.1 allows one), of which either may end the user part.
pub(super) fn is_disguised(uri: &Uri<'_>, party: &Party) -> bool {
    if uri.has_second_at() {
        return true;
    }
    // A number is digits and visual separators: as it was sent it had no escapes.
    let is_plain = party.number.is_some() && party.raw[..] == *uri.user;
    !is_plain && is_user_disguised(uri.user) || !uri.user.starts_with(b"+") && is_context_disguised(uri)
}

fn is_user_disguised(user: &[u8]) -> bool {
    let is_odd = |octet: u8| octet >= 0x80 || octet == b'%';
    if !user.iter().fold(false, |odd, octet| odd | is_odd(*octet)) {
        return false;
    }
    let mut room = Room::new();
    let (plain, is_whole) = unescaped(user, &mut room);
    !is_whole || has_foreign_digits(plain) || has_escaped_digits(user)
}

/// A context that some do not find, of which some find two, or which is not read to its end.
fn is_context_disguised(uri: &Uri<'_>) -> bool {
    let mut contexts = 0;
    for (name, value) in uri.number_parameters() {
        contexts += u8::from(is_word(name, b"phone-context"));
        if contexts > 1 || name.contains(&b'%') || value.contains(&b'"') || has_escaped_digits(value) {
            return true;
        }
    }
    let mut room = Room::new();
    contexts > 0 && compose(uri, unescaped(uri.user, &mut room).0, &mut Room::new()) == Some(false)
}

fn has_escaped_digits(text: &[u8]) -> bool {
    text.windows(3).any(|escape| matches!(escape, [b'%', b'3', b'0'..=b'9']))
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

/// A text with its escapes undone (RFC 3261 §19.1.2), and whether that is all of it: `%2B48` is `+48`. What is too long loses its
/// visual separators, and then its end. A broken escape stays as it is.
pub(super) fn unescaped<'a>(text: &'a [u8], room: &'a mut Room) -> (&'a [u8], bool) {
    if memchr(b'%', text).is_none() {
        return (text, true);
    }
    let mut is_whole = octets(text).all(|octet| room.try_push(octet).is_ok());
    if !is_whole {
        room.clear();
        let mut digits = octets(text).filter(|octet| !is_separator(*octet));
        is_whole = digits.all(|octet| room.try_push(octet).is_ok());
    }
    (room, is_whole)
}

fn octets(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let [first, after @ ..] = rest else { return None };
        if let (b'%', [high, low, after @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = after;
            return Some(high << 4 | low);
        }
        rest = after;
        Some(*first)
    })
}

/// Visual separators (RFC 3966 §3), and the blank that people write.
const fn is_separator(octet: u8) -> bool {
    matches!(octet, b'-' | b'.' | b'(' | b')' | b' ')
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
