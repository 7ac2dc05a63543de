//! What test-call campaigns and senders say of flash calls: labels, which seed marks and against which recall is measured.
//!
//! In: the text of a file of test calls or of published prefixes (`import`), and of a file of labels (`labels`). Out: labels, the
//! marks they seed, and how many of the test calls were recognised (`recall`). Must not: read or write files.

pub mod import;
pub mod labels;
pub mod recall;

use crate::base::number::Number;
use crate::base::range::Range;

pub use labels::{Label, Labels, Source};

/// Digits that a published prefix leaves open when its length of code is not given: a code has four to six.
const CODE_LENGTH: u8 = 4;
/// Digits that a calling number leaves open of which no prefix is known: the hundred around it is surely the sender's.
const SEEN_WIDTH: u8 = 2;
/// Most digits that a label may leave open; a wider one would mark people by the million.
const WIDTH_MAX: u8 = 6;
/// Fewest digits of a prefix: a country and the beginning of an operator's numbers.
const PREFIX_MIN: usize = 5;

/// The block behind a prefix, when it is neither too short nor too wide.
fn block(prefix: &str, width: u8) -> Option<Range> {
    let is_sound =
        width <= WIDTH_MAX && prefix.len() >= PREFIX_MIN && prefix.bytes().all(|byte| byte.is_ascii_digit());
    if is_sound { Range::from_prefix(prefix, width) } else { None }
}

/// A number with or without its plus.
fn number(text: &str) -> Option<Number> {
    Number::from_digits(text.strip_prefix('+').unwrap_or(text).as_bytes()).ok()
}
