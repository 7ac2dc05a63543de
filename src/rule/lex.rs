//! Text of a `when` → tokens with their places.

use std::ops::Range;
use std::time::Duration;

use crate::rule::error::Fault;

/// Longest span of time in a rule: nobody keeps facts longer, and sums of times stay far from their limits.
const DURATION_MAX: Duration = Duration::from_hours(366 * 24);
/// Digits kept after the point of a ratio; more would be below what counts of calls can show.
const FRACTION_DIGITS_MAX: usize = 6;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Literal<'t> {
    Bool(bool),
    Int(i64),
    Ratio(f64),
    Duration(Duration),
    /// Digits of a telephone number or prefix, without the `+`.
    Digits(&'t str),
    /// Any other string, without its quotes.
    Text(&'t str),
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    And,
    Or,
    Not,
    In,
    Between,
    StartsWith,
    Contains,
    Open,
    Close,
    OpenSet,
    CloseSet,
    Comma,
    Op(Op),
    Literal(Literal<'t>),
    /// Name of a field, a country, or a word of a closed list.
    Word,
    End,
}

/// A token: what it is, as it was written, and where.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub kind: Kind<'t>,
    pub text: &'t str,
    pub span: Range<usize>,
}

/// Cuts a text in tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += blank_length(&text[at..]);
        let rest = &text[at..];
        let (kind, length) = match rest.chars().next() {
            None => break,
            Some(first) => token(rest, first).map_err(|fault| shifted(fault, at))?,
        };
        tokens.push(Token { kind, text: &rest[..length], span: at..at + length });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, text: "", span: at..at });
    Ok(tokens)
}

/// Reads a span of time, as in `ttl = "24h"`.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    match tokens(text)?.as_slice() {
        [Token { kind: Kind::Literal(Literal::Duration(duration)), .. }, _] => Ok(*duration),
        _ => Err(Fault::new(0..text.len(), format!("`{text}` is no duration")).with_help(DURATION_HELP)),
    }
}

const DURATION_HELP: &str = "write a duration, such as `300ms`, `4s`, `10m`, `24h` or `7d`";

/// Length of white space and comments (`#` to the end of the line).
fn blank_length(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix('#') {
            Some(comment) => rest = comment.find('\n').map_or("", |newline| &comment[newline..]),
            None => return text.len() - rest.len(),
        }
    }
}

fn token(rest: &str, first: char) -> Result<(Kind<'_>, usize), Fault> {
    match first {
        '(' => Ok((Kind::Open, 1)),
        ')' => Ok((Kind::Close, 1)),
        '{' => Ok((Kind::OpenSet, 1)),
        '}' => Ok((Kind::CloseSet, 1)),
        ',' => Ok((Kind::Comma, 1)),
        '=' | '!' | '<' | '>' => operator(rest),
        '"' | '\'' => string(rest, first),
        '0'..='9' => number(rest),
        'a'..='z' | 'A'..='Z' | '_' => Ok(word(rest)),
        '&' | '|' => Err(Fault::new(0..1, format!("`{first}` has no meaning here"))
            .with_help("write the words `and`, `or`")),
        '-' => Err(Fault::new(0..1, "`-` has no meaning here").with_help("there is no negative value")),
        _ => Err(Fault::new(0..first.len_utf8(), format!("`{}` has no meaning here", first.escape_debug()))),
    }
}

fn operator(rest: &str) -> Result<(Kind<'_>, usize), Fault> {
    const OPERATORS: [(&str, Op); 6] = [
        ("==", Op::Equal),
        ("!=", Op::NotEqual),
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("<", Op::Less),
        (">", Op::Greater),
    ];
    match OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) {
        Some((text, op)) => Ok((Kind::Op(*op), text.len())),
        None if rest.starts_with('=') => {
            Err(Fault::new(0..1, "`=` does not compare").with_help("write `==`"))
        }
        None => Err(Fault::new(0..1, "`!` has no meaning here").with_help("write the word `not`, or `!=`")),
    }
}

fn string(rest: &str, quote: char) -> Result<(Kind<'_>, usize), Fault> {
    let end = rest[1..].find([quote, '\n']).map(|end| end + 1).filter(|end| rest[*end..].starts_with(quote));
    let Some(end) = end else {
        return Err(Fault::new(0..1, "this string is never closed"));
    };
    let text = &rest[1..end];
    let is_number =
        |digits: &str| (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let literal = match text.strip_prefix('+') {
        Some(digits) if is_number(digits) => Literal::Digits(digits),
        _ => Literal::Text(text),
    };
    Ok((Kind::Literal(literal), end + 1))
}

fn word(rest: &str) -> (Kind<'_>, usize) {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let length = rest.bytes().position(|byte| !inside(byte)).unwrap_or(rest.len());
    let kind = match &rest[..length] {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        "in" => Kind::In,
        "between" => Kind::Between,
        "starts_with" => Kind::StartsWith,
        "contains" => Kind::Contains,
        "true" => Kind::Literal(Literal::Bool(true)),
        "false" => Kind::Literal(Literal::Bool(false)),
        _ => Kind::Word,
    };
    (kind, length)
}

/// A whole number, a ratio or a duration, told apart by what follows the digits.
fn number(rest: &str) -> Result<(Kind<'_>, usize), Fault> {
    let digits_end = rest.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'_' | b'.'));
    let (digits, tail) = rest.split_at(digits_end.unwrap_or(rest.len()));
    let unit_end = tail.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    let unit = if tail.starts_with('%') { "%" } else { &tail[..unit_end.unwrap_or(tail.len())] };
    let length = digits.len() + unit.len();
    let written = &rest[..length];
    let fault = |message: &str| Fault::new(0..length, format!("`{written}` {message}"));
    let literal = match unit {
        "%" => {
            let ratio = ratio(digits).ok_or_else(|| {
                fault("is no ratio").with_help("write 0% to 100%, with at most six digits after the point")
            })?;
            Literal::Ratio(ratio)
        }
        "" if digits.contains('.') => {
            return Err(fault("has no unit").with_help("a share is written in percent, such as `0.5%`"));
        }
        "" => Literal::Int(whole(digits).ok_or_else(|| fault("is no whole number, or too large"))?),
        "ms" | "s" | "m" | "h" | "d" if digits.contains('.') => {
            return Err(fault("has a fraction").with_help("use a smaller unit, such as `1500ms`"));
        }
        "ms" | "s" | "m" | "h" | "d" => {
            Literal::Duration(span_of_time(digits, unit).ok_or_else(|| fault("is longer than 366 days"))?)
        }
        _ => return Err(fault("has an unknown unit").with_help("units are `%`, `ms`, `s`, `m`, `h`, `d`")),
    };
    Ok((Kind::Literal(literal), length))
}

/// Digits with `_` between them.
fn whole(digits: &str) -> Option<i64> {
    if digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    digits.replace('_', "").parse().ok()
}

/// Percent as a share: one division of two exact numbers, so that `2%` equals 1 of 50 to the last bit.
fn ratio(digits: &str) -> Option<f64> {
    let (percent, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if digits.ends_with('.') || fraction.len() > FRACTION_DIGITS_MAX || percent.len() > 3 {
        return None;
    }
    let all: u32 = format!("{percent}{fraction}").parse().ok()?;
    let share = f64::from(all) / 10_f64.powi(fraction.len() as i32 + 2);
    (share <= 1.0).then_some(share)
}

fn span_of_time(digits: &str, unit: &str) -> Option<Duration> {
    let count = u64::try_from(whole(digits)?).ok()?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 86_400_000,
    };
    count.checked_mul(unit_ms).map(Duration::from_millis).filter(|duration| *duration <= DURATION_MAX)
}

fn shifted(fault: Fault, by: usize) -> Fault {
    Fault { span: fault.span.start + by..fault.span.end + by, ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Option<Literal<'_>> {
        match tokens(text).ok()?.as_slice() {
            [Token { kind: Kind::Literal(literal), .. }, _] => Some(*literal),
            _ => None,
        }
    }

    #[test]
    fn reads_literals() {
        for (text, expected) in [
            ("0", Literal::Int(0)),
            ("1_000", Literal::Int(1_000)),
            ("9223372036854775807", Literal::Int(i64::MAX)),
            ("2%", Literal::Ratio(1.0 / 50.0)),
            ("0.5%", Literal::Ratio(1.0 / 200.0)),
            ("0.1%", Literal::Ratio(0.001)),
            ("100%", Literal::Ratio(1.0)),
            ("99.999999%", Literal::Ratio(0.999_999_99)),
            ("300ms", Literal::Duration(Duration::from_millis(300))),
            ("4s", Literal::Duration(Duration::from_secs(4))),
            ("10m", Literal::Duration(Duration::from_mins(10))),
            ("24h", Literal::Duration(Duration::from_hours(24))),
            ("7d", Literal::Duration(Duration::from_hours(168))),
            ("true", Literal::Bool(true)),
            ("\"+882\"", Literal::Digits("882")),
            ("'+882'", Literal::Digits("882")),
        ] {
            assert_eq!(literal(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_literals() {
        for text in [
            "9223372036854775808",
            "1_",
            "1__0",
            "0.5",
            "1.5s",
            "101%",
            "1000%",
            "1.%",
            "1.2.3%",
            "1_0%",
            "12x",
            "5M",
            "367d",
            "99999999999999999d",
            "1_d",
            "\"+48",
            "'+48\"",
            "\"+4\n8\"",
            "-1",
            "+1",
            "=",
            "!",
            "&&",
            "ł",
            "\u{0}",
            "10%5",
            "5%%",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn a_string_that_is_no_telephone_number_is_a_text() {
        for text in ["+", "882", "+1234567890123456", "", "a'b", "żółć \\"] {
            assert_eq!(literal(&format!("\"{text}\"")), Some(Literal::Text(text)));
        }
        assert_eq!(literal("'+882'"), Some(Literal::Digits("882")));
    }

    #[test]
    fn words_may_hold_dots_and_hyphens() {
        let all = tokens("route.class==on-net # not this\n# nor this\nandy").unwrap();
        let texts: Vec<_> = all.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["route.class", "==", "on-net", "andy", ""]);
        assert!(all.iter().filter(|token| token.kind == Kind::Word).count() == 3);
        assert_eq!(all[3].span, 42..46);
    }

    #[test]
    fn reads_times_to_live() {
        assert_eq!(duration(" 24h "), Ok(Duration::from_hours(24)));
        for text in ["", "24", "24h 1m", "h", "24 h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
