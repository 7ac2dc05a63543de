//! What a rule does and teaches: its `action`, `class` and `mark`, read and checked against each other.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::base::class::{Class, Subject};
use crate::base::field::Point;
use crate::rule::error::Findings;
use crate::rule::keys::{Entry, Keys, word};
use crate::rule::{Action, Mark, lex};

/// Causes on which the network before us tries another route instead of giving up: no circuit available, network
/// out of order, temporary failure, switching equipment congestion, resource unavailable (Q.850 §2.2.7.1.5).
const CAUSES_REROUTED: [i64; 5] = [34, 38, 41, 42, 47];
/// Longest reason or name, in characters.
const LINE_MAX: usize = 200;

/// What a rule does and teaches.
pub(super) struct Effect {
    pub action: Action,
    pub class: Option<Class>,
    pub marks: Vec<Mark>,
}

impl Effect {
    /// Takes the three keys; `point` is none when `on` could not be read.
    pub fn read(keys: &mut Keys<'_>, point: Option<Point>, findings: &mut Findings<'_>) -> Option<Self> {
        let header = keys.span.clone();
        let class_name = keys.text("class", findings);
        let action_entry = keys.take("action");
        let action_span = action_entry.as_ref().map_or(header, Spanned::span);
        let action = match (action_entry, point) {
            (Some(entry), _) => action(entry, findings),
            (None, Some(Point::End)) => Some(Action::Classify),
            (None, Some(Point::Setup)) => {
                findings.add(action_span.clone(), "a rule at setup has no `action`");
                None
            }
            (None, None) => None,
        };
        let marks = marks(keys, point, findings);
        if let Some(action) = &action {
            let needs_class = !matches!(action, Action::Allow) || !marks.is_empty();
            if needs_class && class_name.is_none() {
                findings.add(action_span.clone(), needs_class_text(action));
            }
            if point == Some(Point::End) && *action != Action::Classify {
                let help = "decisions are for rules with on = \"setup\"";
                findings.add_with_help(action_span, "a rule at the end can only classify", help);
            }
        }
        let class = class_name.and_then(|name| word(&name, "class", &Class::NAMES, findings));
        Some(Self { action: action?, class: class.map(|index| Class::ALL[index]), marks })
    }
}

const fn needs_class_text(action: &Action) -> &'static str {
    match action {
        Action::Allow => "a rule that marks needs a `class`",
        Action::Block { .. } => "a rule that blocks needs a `class`",
        Action::Divert { .. } => "a rule that diverts needs a `class`",
        Action::Mask => "a rule that masks needs a `class`",
        Action::Monetise => "a rule that monetises needs a `class`",
        Action::Classify => "a rule that classifies needs a `class`",
    }
}

fn action(entry: Entry<'_>, findings: &mut Findings<'_>) -> Option<Action> {
    const BLOCK_HELP: &str = "write { block = { sip = 603, q850 = 21, reason = \"...\" } }";
    const DIVERT_HELP: &str = "write { divert = { to = \"sip:...\" } }";
    let span = entry.span();
    match entry.get_ref() {
        DeValue::String(text) => match text.as_ref() {
            "allow" => Some(Action::Allow),
            "mask" => Some(Action::Mask),
            "monetise" => Some(Action::Monetise),
            "classify" => Some(Action::Classify),
            "block" => {
                findings.add_with_help(span, "`block` needs its codes", BLOCK_HELP);
                None
            }
            "divert" => {
                findings.add_with_help(span, "`divert` needs its target", DIVERT_HELP);
                None
            }
            other => {
                let message = format!("`{}` is no action", other.escape_debug());
                findings.add_with_help(
                    span,
                    message,
                    "one of allow, block, classify, divert, mask, monetise",
                );
                None
            }
        },
        _ => {
            let mut keys = Keys::of(entry, "`action`", findings)?;
            let divert = keys.take("divert");
            if divert.is_none() {
                keys.require(&["block"], "`action`", findings);
            }
            let block = keys.take("block");
            keys.finish("`action`", findings);
            match (block, divert) {
                (Some(_), Some(divert)) => {
                    findings.add(divert.span(), "a call is blocked or diverted, not both");
                    None
                }
                (_, Some(divert)) => divert_action(Keys::of(divert, "`divert`", findings)?, findings),
                (block, None) => block_action(Keys::of(block?, "`block`", findings)?, findings),
            }
        }
    }
}

fn block_action(mut keys: Keys<'_>, findings: &mut Findings<'_>) -> Option<Action> {
    keys.require(&["sip", "q850", "reason"], "`block`", findings);
    let sip = keys.integer("sip", findings).and_then(|code| sip_code(&code, findings));
    let q850 = keys.integer("q850", findings).and_then(|code| q850_code(&code, findings));
    let reason = keys.text("reason", findings).and_then(|text| one_line(text, "reason", findings));
    keys.finish("`block`", findings);
    Some(Action::Block { sip: sip?, q850: q850?, reason: reason?.into() })
}

fn divert_action(mut keys: Keys<'_>, findings: &mut Findings<'_>) -> Option<Action> {
    keys.require(&["to"], "`divert`", findings);
    let to = keys.text("to", findings).and_then(|text| uri(&text, findings));
    keys.finish("`divert`", findings);
    Some(Action::Divert { to: to?.into() })
}

/// A target that can stand between the angle brackets of a Contact (RFC 3261 §20.10) as it is.
fn uri(text: &Spanned<String>, findings: &mut Findings<'_>) -> Option<String> {
    let uri = text.get_ref();
    let has_scheme = ["sip:", "sips:", "tel:"]
        .iter()
        .any(|scheme| uri.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
    if has_scheme && is_plain && uri.len() <= LINE_MAX {
        return Some(uri.clone());
    }
    let help = "such as \"sip:notice@192.0.2.9\"";
    findings.add_with_help(text.span(), "a target is a URI that begins with sip:, sips: or tel:", help);
    None
}

fn sip_code(code: &Spanned<i64>, findings: &mut Findings<'_>) -> Option<u16> {
    match *code.get_ref() {
        status @ 500..=599 => {
            let message = format!("SIP status {status} makes the carrier try another route");
            findings.add_with_help(
                code.span(),
                message,
                "603 refuses the call everywhere (RFC 3261 §21.6.2)",
            );
            None
        }
        status @ (400..=499 | 600..=699) => u16::try_from(status).ok(),
        status => {
            findings.add(code.span(), format!("{status} is no SIP status that refuses a call: 400 to 699"));
            None
        }
    }
}

fn q850_code(code: &Spanned<i64>, findings: &mut Findings<'_>) -> Option<u8> {
    match *code.get_ref() {
        cause if CAUSES_REROUTED.contains(&cause) => {
            let message = format!("Q.850 cause {cause} makes the carrier try another route");
            findings.add_with_help(code.span(), message, "21 (call rejected) ends the call");
            None
        }
        cause @ 1..=127 => u8::try_from(cause).ok(),
        cause => {
            findings.add(code.span(), format!("{cause} is no Q.850 cause: 1 to 127"));
            None
        }
    }
}

fn marks(keys: &mut Keys<'_>, point: Option<Point>, findings: &mut Findings<'_>) -> Vec<Mark> {
    let Some(entries) = keys.list("mark", findings) else {
        return Vec::new();
    };
    if let (Some(first), Some(Point::Setup)) = (entries.first(), point) {
        let help = "only a finished call teaches: on = \"end\"";
        findings.add_with_help(first.span(), "a rule at setup cannot mark", help);
    }
    entries.into_iter().filter_map(|entry| mark(entry, findings)).collect()
}

fn mark(entry: Entry<'_>, findings: &mut Findings<'_>) -> Option<Mark> {
    let mut keys = Keys::of(entry, "a mark", findings)?;
    keys.require(&["subject", "ttl"], "a mark", findings);
    let subject = keys
        .text("subject", findings)
        .and_then(|name| word(&name, "subject", &Subject::NAMES, findings))
        .map(|index| Subject::ALL[index]);
    let ttl = keys.text("ttl", findings).and_then(|text| time_to_live(&text, findings));
    keys.finish("a mark", findings);
    Some(Mark { subject: subject?, ttl: ttl? })
}

fn time_to_live(text: &Spanned<String>, findings: &mut Findings<'_>) -> Option<Duration> {
    match lex::duration(text.get_ref()) {
        Ok(Duration::ZERO) => {
            findings.add(text.span(), "a mark that lasts no time");
            None
        }
        Ok(ttl) => Some(ttl),
        Err(fault) => {
            findings.add_faults(vec![fault], text.get_ref(), text.span());
            None
        }
    }
}

/// A text for people and records: one line, not empty, not long.
pub(super) fn one_line(text: Spanned<String>, name: &str, findings: &mut Findings<'_>) -> Option<String> {
    let span: Range<usize> = text.span();
    let text = text.into_inner();
    let fits = !text.trim().is_empty() && text.chars().count() <= LINE_MAX;
    if fits && !text.chars().any(char::is_control) {
        return Some(text);
    }
    findings.add(span, format!("`{name}` is one line of 1 to {LINE_MAX} characters"));
    None
}
