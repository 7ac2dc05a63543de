//! The shipped rules with another bound: what `--sweep RULE:FIELD=a,b,c` asks for.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use crate::base::caret::nearest;
use crate::rule::Source;

/// Values of one sweep: more would be as many runs.
const VALUES_MAX: usize = 50;

/// A sweep of a bound that the shipped rules have.
pub const EXAMPLE: &str = "FC-200:caller_range.purity=90%,96%,99%";

/// A bound and the values it is to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Id of the rule.
    pub rule: String,
    /// Field that the bound is of.
    pub field: String,
    /// Values as rules write them, such as `20`, `80%` or `4s`.
    pub values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(place, values)| Some((place.split_once(':')?, values)));
        let Some(((rule, field), values)) = parts else {
            return Err(format!("write RULE:FIELD=VALUE,VALUE, such as {EXAMPLE}"));
        };
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        let is_value = |value: &String| {
            !value.is_empty()
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".%".contains(&byte))
        };
        match values.iter().find(|value| !is_value(value)) {
            Some(wrong) => Err(format!("`{wrong}` is no value of a bound")),
            None if values.len() > VALUES_MAX => Err(format!("more than {VALUES_MAX} values")),
            None => Ok(Self { rule: rule.trim().to_owned(), field: field.trim().to_owned(), values }),
        }
    }
}

impl Sweep {
    /// The rules with this value in place of the bound. They still have to be compiled.
    ///
    /// # Errors
    /// No such rule, or the rule has not exactly one bound on the field.
    pub fn apply(&self, sources: &[Source], value: &str) -> Result<Vec<Source>, String> {
        let found = sources
            .iter()
            .enumerate()
            .find_map(|(index, source)| rule_span(&source.text, &self.rule).map(|span| (index, span)));
        let (index, span) = found.ok_or_else(|| self.no_rule(sources))?;
        let text = &sources[index].text;
        let bounds = bounds_of(&text[span.clone()], &self.field);
        let [bound] = &bounds[..] else {
            return Err(self.no_bound(&text[span], bounds.len()));
        };
        let mut changed = sources.to_vec();
        changed[index].text.replace_range(span.start + bound.start..span.start + bound.end, value);
        Ok(changed)
    }
}

impl Sweep {
    fn no_rule(&self, sources: &[Source]) -> String {
        let ids = sources.iter().flat_map(|source| source.text.lines()).filter_map(id);
        match nearest(&self.rule, ids) {
            Some(id) => format!("there is no rule `{}`; did you mean `{id}`?", self.rule),
            None => format!("there is no rule `{}`", self.rule),
        }
    }

    /// Names what could be swept in the rule instead.
    fn no_bound(&self, rule: &str, found: usize) -> String {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let words: BTreeSet<&str> = rule
            .split(|c| !is_name(c))
            .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
            .collect();
        let fields: Vec<&str> = words.into_iter().filter(|word| bounds_of(rule, word).len() == 1).collect();
        let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
        format!(
            "rule `{}` has {found} bounds on `{}`; a sweep needs exactly one: {fields}",
            self.rule, self.field
        )
    }
}

/// Where the rule with this id is: from its id to the next rule.
fn rule_span(text: &str, id: &str) -> Option<Range<usize>> {
    let mut offset = 0;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        match start {
            None if self::id(bare) == Some(id) => start = Some(offset),
            Some(start) if bare == "[[rule]]" => return Some(start..offset),
            _ => {}
        }
        offset += line.len();
    }
    start.map(|start| start..text.len())
}

/// The id that a line gives.
fn id(line: &str) -> Option<&str> {
    let value = line.trim().strip_prefix("id")?.trim_start().strip_prefix('=')?;
    value.trim_start().strip_prefix('"')?.split_once('"').map(|(id, _)| id)
}

/// Where the numbers are that the field is held against.
fn bounds_of(text: &str, field: &str) -> Vec<Range<usize>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let bound = |(start, _): (usize, &str)| {
        let rest = &text[start + field.len()..];
        if text[..start].ends_with(is_name) || rest.starts_with(is_name) {
            return None;
        }
        let after = rest.trim_start();
        let value = [">=", "<=", "==", "!=", ">", "<"].iter().find_map(|sign| after.strip_prefix(sign))?;
        let value = value.trim_start();
        let width =
            value.find(|c: char| !(c.is_ascii_alphanumeric() || ".%".contains(c))).unwrap_or(value.len());
        let begin = text.len() - value.len();
        value.starts_with(|c: char| c.is_ascii_digit()).then_some(begin..begin + width)
    };
    text.match_indices(field).filter_map(bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "schema = 1\n[[rule]]\nid = \"A-1\"\nwhen = \"caller.attempts_1h >= 20 and x.caller.attempts_1h >= 5\"\n\
        [[rule]]\nid     = \"A-2\"\nwhen = \"\"\"\n caller.attempts_1h == 0 or caller.attempts_1h\n <= 10%)\"\"\"\n";

    fn swept(text: &str, value: &str) -> Result<String, String> {
        let sweep: Sweep = text.parse()?;
        let sources = [Source { path: "a.toml".into(), text: RULES.into() }];
        Ok(sweep.apply(&sources, value)?.remove(0).text)
    }

    #[test]
    fn one_bound_is_replaced() {
        let changed = swept("A-1:caller.attempts_1h=30", "30").unwrap();
        assert_eq!(changed, RULES.replacen(">= 20", ">= 30", 1));
    }

    #[test]
    fn what_cannot_be_swept_is_said() {
        assert!(swept("A-2:caller.attempts_1h=1", "1").unwrap_err().contains("has 2 bounds"));
        assert!(swept("A-3:caller.attempts_1h=1", "1").unwrap_err().contains("no rule `A-3`"));
        assert!(swept("A-1:caller.attempts=1", "1").unwrap_err().contains("has 0 bounds"));
        assert!(
            swept("A-1:caller.attempts=1", "1")
                .unwrap_err()
                .ends_with("caller.attempts_1h, x.caller.attempts_1h")
        );
        assert!(swept("B-1:x=1", "1").unwrap_err().ends_with("did you mean `A-1`?"));
        assert!(swept("A-1:x=1 or true", "").unwrap_err().contains("no value"));
        assert!("A-1".parse::<Sweep>().is_err());
        let sweep: Sweep = "A-1:x=70%, 80%".parse().unwrap();
        assert_eq!(sweep.values, ["70%", "80%"]);
    }
}
