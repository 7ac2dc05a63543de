//! One file of rules: the TOML around the conditions.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::base::field::{FieldSpec, Point};
use crate::rule::because::Because;
use crate::rule::check;
use crate::rule::effect::{Effect, one_line};
use crate::rule::error::Findings;
use crate::rule::eval::Node;
use crate::rule::keys::{Entry, Keys, word};
use crate::rule::{Mode, Phase, Rule, Source};

/// The only version of the format.
const SCHEMA: i64 = 1;
/// Largest file, in bytes.
const FILE_MAX: usize = 1 << 20;
/// Longest text of a `when`, in bytes.
const WHEN_MAX: usize = 4 << 10;
/// Longest id, in bytes.
const ID_MAX: usize = 64;
/// Names of the points of judgement, in the order of [`POINTS`].
const POINT_NAMES: [&str; 2] = ["setup", "end"];
const POINTS: [Point; 2] = [Point::Setup, Point::End];

/// What was read from a file.
pub(super) struct File<'a> {
    pub findings: Findings<'a>,
    /// Rules without a finding, in the order of the text.
    pub drafts: Vec<Draft>,
    /// Ids of all rules that have one.
    pub ids: Vec<Spanned<String>>,
}

/// A rule, and its condition before it becomes a program.
pub(super) struct Draft {
    pub rule: Rule,
    pub node: Node,
    /// Where the rule stands.
    pub span: Range<usize>,
}

/// Reads and checks one file.
pub(super) fn read<'a>(source: &'a Source, fields: &[FieldSpec]) -> File<'a> {
    let findings = Findings { path: &source.path, text: &source.text, errors: Vec::new() };
    let mut file = File { findings, drafts: Vec::new(), ids: Vec::new() };
    if source.text.len() > FILE_MAX {
        file.findings.add(0..0, "the file is larger than 1 MiB");
        return file;
    }
    let table = match DeTable::parse(&source.text) {
        Ok(table) => table.into_inner(),
        // What a broken file seems to say after this would only add findings that nobody can use.
        Err(error) => {
            file.findings.add(error.span().unwrap_or(0..0), format!("TOML: {}", error.message()));
            return file;
        }
    };
    let mut keys = Keys::new(table, 0..0);
    keys.require(&["schema"], "the file", &mut file.findings);
    schema(&mut keys, &mut file.findings);
    for entry in keys.list("rule", &mut file.findings).unwrap_or_default() {
        file.rule(entry, fields);
    }
    keys.finish("the file", &mut file.findings);
    file
}

fn schema(keys: &mut Keys<'_>, findings: &mut Findings<'_>) {
    if let Some(schema) = keys.integer("schema", findings)
        && *schema.get_ref() != SCHEMA
    {
        findings.add(schema.span(), format!("schema {} is not known, only {SCHEMA}", schema.get_ref()));
    }
}

impl File<'_> {
    fn rule(&mut self, entry: Entry<'_>, fields: &[FieldSpec]) {
        let findings = &mut self.findings;
        let Some(mut keys) = Keys::of(entry, "a rule", findings) else {
            return;
        };
        let span = keys.span.clone();
        keys.require(&["id", "name", "phase", "on", "when"], "a rule", findings);
        let id = keys.text("id", findings).and_then(|id| checked_id(id, findings));
        let name = keys.text("name", findings).and_then(|name| one_line(name, "name", findings));
        let mode = match keys.text("mode", findings) {
            Some(mode) => word(&mode, "mode", &Mode::NAMES, findings).map(|index| Mode::ALL[index]),
            None => Some(Mode::Shadow),
        };
        let phase = keys
            .text("phase", findings)
            .and_then(|phase| word(&phase, "phase", &Phase::NAMES, findings))
            .map(|index| Phase::ALL[index]);
        let point = keys
            .text("on", findings)
            .and_then(|on| word(&on, "point of judgement", &POINT_NAMES, findings))
            .map(|index| POINTS[index]);
        let effect = Effect::read(&mut keys, point, findings);
        let because = Because::read(&mut keys, (point, effect.as_ref()), fields, findings);
        let node = condition(&mut keys, point, fields, findings);
        keys.finish("a rule", findings);
        self.ids.extend(id.clone());
        let (Some(id), Some(name), Some(mode), Some(phase), Some(point)) = (id, name, mode, phase, point)
        else {
            return;
        };
        if let (Some(Effect { action, class, marks }), Some(node)) = (effect, node) {
            let rule =
                Rule { id: id.into_inner().into(), name, mode, phase, point, class, action, marks, because };
            self.drafts.push(Draft { rule, node, span });
        }
    }
}

fn condition(
    keys: &mut Keys<'_>,
    point: Option<Point>,
    fields: &[FieldSpec],
    findings: &mut Findings<'_>,
) -> Option<Node> {
    let when = keys.text("when", findings)?;
    let text = when.get_ref();
    if text.len() > WHEN_MAX {
        findings.add(when.span(), format!("`when` is longer than {WHEN_MAX} bytes"));
        return None;
    }
    match check::condition(text, fields, point == Some(Point::Setup)) {
        Ok(node) => Some(node),
        Err(faults) => {
            findings.add_faults(faults, text, when.span());
            None
        }
    }
}

fn checked_id(id: Spanned<String>, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
    let text = id.get_ref();
    let sound = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if sound && (1..=ID_MAX).contains(&text.len()) {
        return Some(id);
    }
    findings.add(id.span(), format!("an id is 1 to {ID_MAX} letters, digits and `-`, such as `FC-200`"));
    None
}
