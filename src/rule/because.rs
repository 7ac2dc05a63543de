//! The sentence by which a rule explains itself to a care agent: `because = "... {caller_range.numbers} ..."`. Text with up to four
//! fields in braces, checked with the rule and filled in from the call when the rule matches.

use std::fmt::Write;
use std::ops::Range;

use crate::base::field::{Facts, FieldId, FieldSpec, Point};
use crate::rule::check;
use crate::rule::effect::{Effect, one_line};
use crate::rule::error::{Fault, Findings};
use crate::rule::keys::Keys;
use crate::rule::{Action, Evidence, Piece};

/// Most fields of one sentence.
pub(super) const FIELDS_MAX: usize = 4;

/// A checked sentence.
#[derive(Debug)]
pub(super) struct Because {
    /// Text before a field, and the field; the last one has none.
    parts: Box<[(String, Option<FieldId>)]>,
}

impl Because {
    /// Takes the key. Rules whose effect somebody may ask about must have it.
    pub fn read(
        keys: &mut Keys<'_>,
        (point, effect): (Option<Point>, Option<&Effect>),
        fields: &[FieldSpec],
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        if let Some(whose) = effect.and_then(|effect| in_need(effect, point)) {
            keys.require(&["because"], whose, findings);
        }
        let text = keys.text("because", findings)?;
        let span = text.span();
        let text = one_line(text, "because", findings)?;
        match parse(&text, fields, point == Some(Point::Setup)) {
            Ok(because) => Some(because),
            Err(faults) => {
                findings.add_faults(faults, &text, span);
                None
            }
        }
    }

    /// Adds the values of its fields to the reasons of a match.
    pub fn tell(&self, facts: &impl Facts, evidence: &mut Evidence) {
        for field in self.parts.iter().filter_map(|(_, field)| *field) {
            // There is room: reasons and fields together are as many as `Evidence` holds.
            let _ = evidence.try_push(Piece { field, value: facts.value(field), bound: Piece::TOLD });
        }
    }

    /// Writes the sentence with the values that were told.
    pub fn fill(&self, evidence: &[Piece], fields: &[FieldSpec], out: &mut String) {
        let mut told = evidence.iter().filter(|piece| piece.is_told());
        for (text, field) in &self.parts {
            out.push_str(text);
            if field.is_none() {
                continue;
            }
            match told.next().and_then(|piece| Some((piece, fields.get(usize::from(piece.field.0))?))) {
                // Writing to a string does not fail.
                Some((piece, spec)) => drop(write!(out, "{}", piece.value.shown(spec.ty))),
                None => out.push_str("unknown"),
            }
        }
    }
}

/// Who must have a sentence: a rule that refuses or charges a call, and one that says what it was.
fn in_need(effect: &Effect, point: Option<Point>) -> Option<&'static str> {
    match (&effect.action, point?) {
        (Action::Block { .. }, _) => Some("a rule that blocks"),
        (Action::Divert { .. }, _) => Some("a rule that diverts"),
        (Action::Mask, _) => Some("a rule that masks"),
        (Action::Monetise, _) => Some("a rule that monetises"),
        (_, Point::End) => Some("a rule at the end"),
        _ => None,
    }
}

fn parse(text: &str, fields: &[FieldSpec], at_setup: bool) -> Result<Because, Vec<Fault>> {
    let (mut parts, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']) {
        let open = at + found;
        let end = text[open + 1..].find(['{', '}']).map(|found| open + 1 + found);
        let (Some(end), true) =
            (end.filter(|end| text[*end..].starts_with('}')), text[open..].starts_with('{'))
        else {
            faults.push(odd_brace(open..open + 1));
            return Err(faults);
        };
        let place = open + 1..end;
        match check::named_field(&text[place.clone()], place, fields, at_setup) {
            Ok(field) => parts.push((text[at..open].to_owned(), Some(field))),
            Err(fault) => faults.push(fault),
        }
        at = end + 1;
    }
    parts.push((text[at..].to_owned(), None));
    if parts.len() > FIELDS_MAX + 1 {
        faults.push(Fault::new(0..text.len(), format!("a sentence names at most {FIELDS_MAX} fields")));
    }
    if faults.is_empty() { Ok(Because { parts: parts.into() }) } else { Err(faults) }
}

fn odd_brace(span: Range<usize>) -> Fault {
    Fault::new(span, "a brace without its other half").with_help("a field is written as `{caller.number}`")
}
