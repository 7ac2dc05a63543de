//! Rules good and bad, as the fraud team would write them.

use std::cell::Cell;

use super::*;
use crate::base::field::{Country, Type, Unit};
use crate::base::number::Number;

const CLASSES: &[&str] = &["international", "transit", "on-net"];

/// A small table of every type and unit.
pub(super) const FIELDS: &[FieldSpec] = &[
    field("caller", Type::Number, true),
    field("called", Type::Number, true),
    field("caller.country", Type::Country, true),
    field("home", Type::Country, true),
    field("route.class", Type::Enum(CLASSES), true),
    field("caller.attempts_10m", Type::Int(Unit::Calls), true),
    field("caller.answered_10m", Type::Int(Unit::Calls), true),
    field("caller.called_10m", Type::Int(Unit::Numbers), true),
    field("caller.answer_share_24h", Type::Ratio, true),
    field("caller.new", Type::Bool, true),
    field("caller.hidden", Type::Bool, true),
    field("ring_time", Type::Duration, false),
    field("answered", Type::Bool, false),
    field("release_cause", Type::Int(Unit::Code), false),
];

const fn field(name: &'static str, ty: Type, at_setup: bool) -> FieldSpec {
    FieldSpec { name, ty, at_setup, meaning: "" }
}

pub(super) fn id_of(name: &str) -> FieldId {
    FieldId(FIELDS.iter().position(|spec| spec.name == name).unwrap() as u16)
}

/// Facts by field, and how many were read.
#[derive(Debug)]
pub(super) struct Known {
    values: Vec<Value>,
    reads: Cell<u32>,
}

impl Known {
    fn new(facts: &[(&str, Value)]) -> Self {
        let mut values = vec![Value::Unknown; FIELDS.len()];
        for (name, value) in facts {
            values[usize::from(id_of(name).0)] = *value;
        }
        Self::from_values(values)
    }

    pub(super) fn from_values(values: Vec<Value>) -> Self {
        Self { values, reads: Cell::new(0) }
    }
}

impl Facts for Known {
    fn value(&self, field: FieldId) -> Value {
        self.reads.set(self.reads.get() + 1);
        self.values[usize::from(field.0)]
    }
}

pub(super) fn source(path: &str, text: impl Into<String>) -> Source {
    Source { path: path.to_owned(), text: text.into() }
}

/// A file with one rule at the end that has this condition, on line 7 from column 8 on.
pub(super) fn file_with(when: &str) -> Source {
    let head = "schema = 1\n[[rule]]\nid = \"A-1\"\nname = \"n\"\nphase = \"fraud\"\non = \"end\"\n";
    source("rules/a.toml", format!("{head}when = '''\n{when}'''\nclass = \"flash\"\nbecause = \"b\"\n"))
}

fn ruleset(when: &str) -> Ruleset {
    Ruleset::compile(&[file_with(when)], FIELDS).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

fn errors_of(sources: &[Source]) -> Vec<(usize, usize, String)> {
    let errors = Ruleset::compile(sources, FIELDS).err().unwrap_or_default();
    errors.into_iter().map(|error| (error.line, error.column, error.message)).collect()
}

/// Fields and bounds of a match as `field bound`; none when the rule does not match.
fn reasons(when: &str, facts: &[(&str, Value)]) -> Option<Vec<String>> {
    let rules = ruleset(when);
    let mut evidence = Evidence::new();
    let name = |field: FieldId| FIELDS[usize::from(field.0)].name;
    rules.matches(0, &Known::new(facts), &mut evidence).then(|| {
        evidence
            .iter()
            .map(|piece| format!("{} {}", name(piece.field), rules.bound_text(piece.bound)))
            .collect()
    })
}

#[test]
fn accepts_what_the_reference_shows() {
    for when in [
        "caller.new",
        "not caller.new",
        "not not caller.new",
        "caller.new == false and caller.hidden != true",
        "caller.attempts_10m >= 20 # calls",
        "caller.attempts_10m > caller.answered_10m",
        "caller.attempts_10m between 1_0 and 2_000 and caller.new",
        "release_cause in { 16, 17, 31, }",
        "caller.answer_share_24h < 0.5%",
        "ring_time between 300ms and 4s",
        "ring_time in {4s, 5s}",
        "caller starts_with \"+882\" or caller starts_with '+883'",
        "caller == \"+48601234567\" or caller != called or caller in {\"+48601234567\"}",
        "caller.country != home and caller.country in {PL, DE}",
        "route.class == on-net or route.class in {transit,international}",
        "((caller.new))",
        "caller.new\n  and # why\n  (caller.hidden or\tcaller.new)",
    ] {
        assert_eq!(errors_of(&[file_with(when)]), [], "{when}");
    }
}

#[test]
fn refuses_names_types_and_units_and_says_where() {
    for (when, column, message) in [
        ("caller.attempt_10m > 3", 1, "unknown field `caller.attempt_10m`"),
        ("caller.attempts_10m > foo", 23, "unknown field `foo`"),
        (
            "caller.attempts_10m > caller.called_10m",
            23,
            "cannot compare `caller.attempts_10m` (calls) with `caller.called_10m` (numbers)",
        ),
        (
            "caller.attempts_10m > release_cause",
            23,
            "cannot compare `caller.attempts_10m` (calls) with `release_cause` (a code)",
        ),
        ("route.class == home", 16, "cannot compare `route.class` (a word) with `home` (a country)"),
        ("caller.attempts_10m > 2%", 23, "cannot compare `caller.attempts_10m` (calls) with `2%` (a share)"),
        (
            "caller.answer_share_24h < 2",
            27,
            "cannot compare `caller.answer_share_24h` (a share) with `2` (a whole number)",
        ),
        ("ring_time < 4", 13, "cannot compare `ring_time` (a duration) with `4` (a whole number)"),
        (
            "caller == 48601234567",
            11,
            "cannot compare `caller` (a telephone number) with `48601234567` (a whole number)",
        ),
        ("caller == \"+488\"", 11, "\"+488\" is no whole telephone number"),
        ("caller > \"+48601234567\"", 10, "`caller` (a telephone number) has no order: `>` has no meaning"),
        (
            "route.class between transit and on-net",
            21,
            "`route.class` (a word) has no order: `between` has no meaning",
        ),
        ("caller.new == 1", 15, "cannot compare `caller.new` (true or false) with `1` (a whole number)"),
        (
            "caller starts_with 48",
            20,
            "cannot compare `caller` (a telephone number) with `48` (a whole number)",
        ),
        ("home starts_with \"+48\"", 1, "`home` (a country) has no prefix"),
        ("caller.country == Poland", 19, "`Poland` is neither a country nor a field"),
        ("route.class in {transit, on_net}", 26, "`on_net` is not a word of `route.class`"),
        ("caller.attempts_10m", 1, "`caller.attempts_10m` (calls) is no condition by itself"),
    ] {
        assert_eq!(errors_of(&[file_with(when)]), [(8, column, message.to_owned())], "{when}");
    }
}

#[test]
fn refuses_syntax_and_says_where() {
    for (when, column, message) in [
        ("", 1, "there is no condition"),
        ("  # nothing", 12, "there is no condition"),
        ("20 < caller.attempts_10m", 1, "expected a field, found `20`"),
        ("true", 1, "expected a field, found `true`"),
        ("caller.new caller.hidden", 12, "expected `and`, `or` or the end, found `caller.hidden`"),
        ("route.class not in {transit}", 13, "expected `and`, `or` or the end, found `not`"),
        ("caller.new and", 15, "expected a field, the text ends here"),
        ("caller.new)", 11, "expected `and`, `or` or the end, found `)`"),
        ("caller.new or (caller.hidden", 15, "this `(` is never closed"),
        ("(caller.new 1", 13, "expected `and`, `or` or `)`, found `1`"),
        ("caller.attempts_10m >", 22, "expected a value, the text ends here"),
        ("caller.attempts_10m between 1 or 2", 31, "expected `and` with the upper bound, found `or`"),
        ("release_cause in 1", 18, "expected `{`, found `1`"),
        ("release_cause in {}", 19, "expected a value, found `}`"),
        ("release_cause in {1 2}", 21, "expected `,` or `}`, found `2`"),
        ("caller.new = true", 12, "`=` does not compare"),
        ("caller.new && caller.hidden", 12, "`&` has no meaning here"),
        ("!caller.new", 1, "`!` has no meaning here"),
        ("caller.attempts_10m > -1", 23, "`-` has no meaning here"),
        ("caller.new and é", 16, "`é` has no meaning here"),
        ("ring_time < 4parsecs", 13, "`4parsecs` has an unknown unit"),
        ("caller starts_with \"flash\"", 20, "\"flash\" is no telephone number"),
        ("caller starts_with \"+48", 20, "this string is never closed"),
    ] {
        assert_eq!(errors_of(&[file_with(when)]), [(8, column, message.to_owned())], "{when}");
    }
}

#[test]
fn finds_every_fault_of_a_condition() {
    let found = errors_of(&[file_with("foo or\nring_time > 3 and not\n (bar == 3 or route.class == x)")]);
    let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(8, 1), (9, 13), (10, 3), (10, 30)]);
}

#[test]
fn refuses_what_passes_a_limit() {
    let nested =
        |open: &str, close: &str, depth| format!("{}caller.new{}", open.repeat(depth), close.repeat(depth));
    let wide = |terms| vec!["caller.new"; terms].join(" or\n");
    let set = |terms| format!("release_cause in {{ {} }}", vec!["1"; terms].join(", "));
    for sound in [nested("(", ")", 32), nested("not ", "", 32), wide(256), set(256)] {
        assert_eq!(errors_of(&[file_with(&sound)]), [], "{sound}");
    }
    for (when, line, column, message) in [
        (nested("(", ")", 33), 8, 33, "nested deeper than 32"),
        (nested("not ", "", 33), 8, 129, "nested deeper than 32"),
        (wide(257), 8, 1, "257 terms; a rule has at most 256"),
        (set(257), 8, 1, "257 terms; a rule has at most 256"),
        (format!("caller.new #{}", "x".repeat(4_096)), 7, 8, "`when` is longer than 4096 bytes"),
    ] {
        assert_eq!(errors_of(&[file_with(&when)]), [(line, column, message.to_owned())]);
    }
    let large = source("a.toml", format!("schema = 1\n#{}", "x".repeat(1 << 20)));
    assert_eq!(errors_of(&[large]), [(1, 1, "the file is larger than 1 MiB".to_owned())]);
}

#[test]
fn holds_ten_thousand_rules() {
    let rule = |index| {
        let head = format!("[[rule]]\nid = '{index}'\nname = 'n'\n");
        head + "phase = 'lists'\non = 'end'\nclass = 'scan'\nbecause = 'b'\nwhen = 'answered'\n"
    };
    let part = |range: std::ops::Range<usize>| format!("schema = 1\n{}", range.map(rule).collect::<String>());
    let files = |count| [source("a", part(0..5_000)), source("b", part(5_000..count))];
    let rules = Ruleset::compile(&files(10_000), FIELDS).unwrap();
    assert_eq!((rules.rules().len(), rules.at(Point::Setup).len()), (10_000, 0));
    assert_eq!(rules.at(Point::End).len(), 10_000);
    assert_eq!(errors_of(&files(10_002)), [(40_002, 1, "more than 10000 rules in all files".to_owned())]);
}

/// A sound rule at setup, one key a line from line 3 on, with one key replaced or, when empty, left out.
fn setup_with(key: &str, value: &str) -> Source {
    let mut text = "schema = 1\n[[rule]]\n".to_owned();
    for (name, sound) in [
        ("id", "'A-1'"),
        ("name", "'n'"),
        ("mode", "'live'"),
        ("phase", "'fraud'"),
        ("on", "'setup'"),
        ("class", "'flash'"),
        ("when", "'caller.new'"),
        ("action", "{ block = { sip = 603, q850 = 21, reason = 'r' } }"),
        ("mark", "[]"),
        ("because", "'b'"),
    ] {
        let value = if name == key { value } else { sound };
        let line = if value.is_empty() { "\n".to_owned() } else { format!("{name} = {value}\n") };
        text.push_str(&line);
    }
    source("rules/a.toml", text)
}

#[test]
fn refuses_keys_and_says_where() {
    assert_eq!(errors_of(&[setup_with("", "")]), []);
    for (key, value, line, column, message) in [
        ("id", "", 2, 1, "a rule has no `id`"),
        ("id", "3", 3, 6, "`id` is a string, not a whole number"),
        ("id", "'A 1'", 3, 6, "an id is 1 to 64 letters, digits and `-`, such as `FC-200`"),
        ("name", "''", 4, 8, "`name` is one line of 1 to 200 characters"),
        ("name", "'n'\nnane = 1", 5, 1, "a rule has no key `nane`"),
        ("mode", "'alive'", 5, 8, "`alive` is no mode"),
        ("phase", "'safety'", 6, 9, "`safety` is no phase"),
        ("on", "'answer'", 7, 6, "`answer` is no point of judgement"),
        ("on", "'end'", 10, 10, "a rule at the end can only classify"),
        ("class", "'flush'", 8, 9, "`flush` is no class"),
        ("class", "", 10, 10, "a rule that blocks needs a `class`"),
        ("when", "", 2, 1, "a rule has no `when`"),
        ("when", "3", 9, 8, "`when` is a string, not a whole number"),
        ("when", "'answered'", 9, 9, "`answered` is not known at setup"),
        ("when", "'caller.new and ring_time > 3s'", 9, 24, "`ring_time` is not known at setup"),
        ("when", "\"caller.nwe\"", 9, 9, "unknown field `caller.nwe`"),
        ("when", "\"\"\"\n\n  caller.nwe\n\"\"\"", 11, 3, "unknown field `caller.nwe`"),
        ("when", "\"\"\"caller.nwe\"\"\"", 9, 11, "unknown field `caller.nwe`"),
        ("when", "'''\r\n  caller.nwe'''", 10, 3, "unknown field `caller.nwe`"),
        ("when", "'''\r\n\r\n  caller.nwe'''", 11, 3, "unknown field `caller.nwe`"),
        ("when", "\"caller == \\\"+48123\\\" or x\"", 9, 8, "unknown field `x`"),
        ("mark", "[{ subject = 'caller', ttl = '24h' }]", 11, 9, "a rule at setup cannot mark"),
        ("mark", "3", 11, 8, "`mark` is a list, not a whole number"),
        ("mark", "[]\nschema = 1", 12, 1, "a rule has no key `schema`"),
        ("mark", "[]\n[extra]", 12, 2, "the file has no key `extra`"),
        ("mark", "[]\nid = 'A-2'", 12, 1, "TOML: duplicate key"),
    ] {
        let found = errors_of(&[setup_with(key, value)]);
        assert!(found.contains(&(line, column, message.to_owned())), "{key} = {value}: {found:?}");
    }
}

#[test]
fn refuses_actions_and_says_where() {
    let block = |codes: &str| format!("{{ block = {{ {codes}, reason = 'r' }} }}");
    for (action, line, column, message) in [
        (String::new(), 2, 1, "a rule at setup has no `action`"),
        ("'block'".into(), 10, 10, "`block` needs its codes"),
        ("'lose'".into(), 10, 10, "`lose` is no action"),
        ("'divert'".into(), 10, 10, "`divert` needs its target"),
        (
            "{ divert = { to = 'nobody' } }".into(),
            10,
            28,
            "a target is a URI that begins with sip:, sips: or tel:",
        ),
        (
            "{ divert = { to = 'sip:a>b' } }".into(),
            10,
            28,
            "a target is a URI that begins with sip:, sips: or tel:",
        ),
        (
            "{ divert = { to = 'tel:' } }".into(),
            10,
            28,
            "a target is a URI that begins with sip:, sips: or tel:",
        ),
        (
            "{ divert = { to = 'sip:a' }, block = { sip = 603, q850 = 21, reason = 'r' } }".into(),
            10,
            21,
            "a call is blocked or diverted, not both",
        ),
        ("3".into(), 10, 10, "`action` is a table, not a whole number"),
        ("{ blok = 3 }".into(), 10, 10, "`action` has no `block`"),
        ("{ block = 3 }".into(), 10, 20, "`block` is a table, not a whole number"),
        (block("sip = 503, q850 = 21"), 10, 28, "SIP status 503 makes the carrier try another route"),
        (block("sip = 200, q850 = 21"), 10, 28, "200 is no SIP status that refuses a call: 400 to 699"),
        (block("sip = 603, q850 = 38"), 10, 40, "Q.850 cause 38 makes the carrier try another route"),
        (block("sip = 603, q850 = 128"), 10, 40, "128 is no Q.850 cause: 1 to 127"),
        (block("sip = 6.0, q850 = 21"), 10, 28, "`sip` is a whole number, not a fraction"),
        (block("sip = 99999999999999999999, q850 = 1"), 10, 28, "`sip` is too large"),
        (block("sip = 603, q850 = 21, cause = 1"), 10, 44, "`block` has no key `cause`"),
        (
            "{ block = { sip = 603, q850 = 21, reason = \"a\\r\\nb\" } }".into(),
            10,
            53,
            "`reason` is one line of 1 to 200 characters",
        ),
    ] {
        let found = errors_of(&[setup_with("action", &action)]);
        assert!(found.contains(&(line, column, message.to_owned())), "{action}: {found:?}");
    }
    for codes in ["sip = 403, q850 = 1", "sip = 0x25b, q850 = 1_7"] {
        assert_eq!(errors_of(&[setup_with("action", &block(codes))]), []);
    }
    for action in ["'mask'", "{ divert = { to = 'sip:notice@192.0.2.9;user=phone' } }"] {
        assert_eq!(errors_of(&[setup_with("action", action)]), []);
    }
}

#[test]
fn refuses_marks_and_says_where() {
    for (mark, column, message) in [
        ("{ subject = 'called', ttl = '24h' }", 21, "`called` is no subject"),
        ("{ subject = 'caller' }", 9, "a mark has no `ttl`"),
        ("{ subject = 'caller', ttl = '24' }", 38, "`24` is no duration"),
        ("{ subject = 'caller', ttl = '0s' }", 37, "a mark that lasts no time"),
        ("{ subject = 'caller', ttl = '1h 2' }", 38, "`1h 2` is no duration"),
        ("{ subject = 'caller', ttl = '400d' }", 38, "`400d` is longer than 366 days"),
        ("{ subject = 'caller', ttl = '4h', tl = 1 }", 43, "a mark has no key `tl`"),
    ] {
        let mut file = file_with("answered");
        file.text.push_str(&format!("mark = [{mark}]\n"));
        assert_eq!(errors_of(&[file]), [(11, column, message.to_owned())], "{mark}");
    }
}

#[test]
fn shows_the_line_and_what_was_meant() {
    let compiled = Ruleset::compile(&[file_with("answered and caller.attempt_10m > 200\n")], FIELDS);
    assert_eq!(
        compiled.unwrap_err()[0].to_string(),
        "rules/a.toml:8:14: unknown field `caller.attempt_10m`\n\
         \x20 answered and caller.attempt_10m > 200\n\
         \x20              ^^^^^^^^^^^^^^^^^^ did you mean `caller.attempts_10m` (calls)?"
    );
    let errors = Ruleset::compile(&[file_with("route.class == onnet\n")], FIELDS).unwrap_err();
    assert_eq!(errors[0].help.as_deref(), Some("one of international, transit, on-net"));
}

#[test]
fn reports_all_files_in_order() {
    let bad = Source { path: "rules/b.toml".to_owned(), ..file_with("foo\n") };
    let broken = source("rules/c.toml", "schema = 1\n[[rule]\n");
    let other = source("rules/0.toml", "");
    let sources = [bad, file_with("answered\n"), broken, other];
    let errors = Ruleset::compile(&sources, FIELDS).unwrap_err();
    let found: Vec<_> =
        errors.iter().map(|error| (error.path.as_str(), error.line, error.message.as_str())).collect();
    assert_eq!(
        found,
        [
            ("rules/0.toml", 1, "the file has no `schema`"),
            ("rules/a.toml", 3, "the id `A-1` is already used at rules/b.toml:3"),
            ("rules/b.toml", 8, "unknown field `foo`"),
            ("rules/c.toml", 2, "TOML: unclosed array table, expected `]`"),
        ]
    );
}

const WHOLE_FILE: &str = r#"
schema = 1

[[rule]]
id     = "FC-200"
name   = "Flash calls off the white routes: block"
mode   = "live"
phase  = "fraud"
on     = "setup"
class  = "flash"
when   = """
  route.class in {international, transit}
  and caller.attempts_10m >= 60
"""
action = { block = { sip = 603, q850 = 21, reason = "flash call without contract" } }
because = "{caller} called {caller.called_10m} numbers, and {caller.answer_share_24h} answered."

[[rule]]
id    = "FC-110"
name  = "Rings shortly, unanswered"
phase = "fraud"
on    = "end"
class = "flash"
when  = "not answered and ring_time < 4s"
mark  = [ { subject = "caller_range_100", ttl = "24h" } ]
because = "It rang shortly."

[[rule]]
id     = "LS-1"
name   = "Our own"
mode   = "live"
phase  = "lists"
on     = "setup"
when   = "caller.country == home"
action = "allow"

[[rule]]
id     = "LS-2"
name   = "Not now"
mode   = "off"
phase  = "lists"
on     = "setup"
when   = "caller.new"
action = "allow"
"#;

#[test]
fn reads_a_whole_file() {
    let rules = Ruleset::compile(&[source("rules/flash.toml", WHOLE_FILE)], FIELDS).unwrap();
    assert_eq!(rules.at(Point::Setup), [2, 0]);
    assert_eq!(rules.at(Point::End), [1]);
    let [block, classify, allow, off] = rules.rules() else { panic!("four rules") };
    let reason = "flash call without contract".into();
    assert_eq!(block.action, Action::Block { sip: 603, q850: 21, reason });
    assert_eq!((block.phase, block.point, block.class), (Phase::Fraud, Point::Setup, Some(Class::Flash)));
    assert_eq!((classify.mode, &classify.action), (Mode::Shadow, &Action::Classify));
    let ttl = Duration::from_hours(24);
    assert_eq!(classify.marks, [Mark { subject: Subject::CallerRange100, ttl }]);
    assert_eq!((&allow.action, allow.class, off.mode), (&Action::Allow, None, Mode::Off));
}

#[test]
fn explains_itself_in_a_sentence() {
    let rules = Ruleset::compile(&[source("rules/flash.toml", WHOLE_FILE)], FIELDS).unwrap();
    let facts = [
        ("caller", Value::Number(Number::from_digits(b"447700900123").unwrap())),
        ("caller.attempts_10m", Value::Int(60)),
        ("caller.called_10m", Value::Int(58)),
        ("route.class", Value::Word(0)),
    ];
    let mut evidence = Evidence::new();
    assert!(rules.matches(0, &Known::new(&facts), &mut evidence));
    assert_eq!(evidence.iter().map(Piece::is_told).collect::<Vec<_>>(), [false, false, true, true, true]);
    let mut sentence = String::new();
    assert!(rules.because(0, &evidence, FIELDS, &mut sentence));
    assert_eq!(sentence, "+447700900123 called 58 numbers, and unknown answered.");
    sentence.clear();
    assert!(rules.because(1, &[], FIELDS, &mut sentence) && sentence == "It rang shortly.");
    assert!(!rules.because(2, &[], FIELDS, &mut sentence));
}

#[test]
fn refuses_sentences_and_says_where() {
    for (because, column, message) in [
        ("", 1, "a rule that blocks has no `because`"),
        ("''", 11, "`because` is one line of 1 to 200 characters"),
        ("'of {caller.caled_10m}'", 16, "unknown field `caller.caled_10m`"),
        ("'of {}'", 16, "unknown field ``"),
        ("'for {ring_time}'", 17, "`ring_time` is not known at setup"),
        ("'é {caller'", 14, "a brace without its other half"),
        ("'a caller}'", 20, "a brace without its other half"),
        ("'{{caller}}'", 12, "a brace without its other half"),
        ("'{caller}{caller}{caller}{caller}{caller}'", 12, "a sentence names at most 4 fields"),
    ] {
        let line = if because.is_empty() { 2 } else { 12 };
        let expected = [(line, column, message.to_owned())];
        assert_eq!(errors_of(&[setup_with("because", because)]), expected, "{because}");
    }
    let errors = Ruleset::compile(&[setup_with("because", "'{calle}'")], FIELDS).unwrap_err();
    assert_eq!(errors[0].help.as_deref(), Some("did you mean `caller` (a telephone number)?"));
    let at_end = source("a.toml", file_with("answered").text.replace("because = \"b\"\n", ""));
    assert_eq!(errors_of(&[at_end]), [(2, 1, "a rule at the end has no `because`".to_owned())]);
    let at_end = source("a.toml", file_with("answered").text.replace("\"b\"", "\"{ring_time}\""));
    assert_eq!(errors_of(&[at_end]), []);
}

#[test]
fn names_a_set_by_files_and_texts() {
    let hash = |path, text| Ruleset::compile(&[source(path, text)], FIELDS).unwrap().hash().to_owned();
    assert_eq!(hash("/etc/rules/a.toml", "schema = 1\n"), "4439736aa4a73fc0");
    assert_eq!(hash("other/a.toml", "schema = 1\n"), hash("a.toml", "schema = 1\n"));
    assert_ne!(hash("b.toml", "schema = 1\n"), hash("a.toml", "schema = 1\n"));
    assert_ne!(hash("a.toml", "schema = 1"), hash("a.toml", "schema = 1\n"));
    assert_eq!(Ruleset::empty().hash(), "e3b0c44298fc1c14");
    assert_eq!(Ruleset::empty().hash(), Ruleset::compile(&[], FIELDS).unwrap().hash());
}

#[test]
fn unknown_is_neither_true_nor_false() {
    let values = [Value::Bool(true), Value::Bool(false), Value::Unknown];
    let holds = |when: &str, a, b| reasons(when, &[("caller.new", a), ("caller.hidden", b)]).is_some();
    // Rows: the first; columns: the second; true, false, unknown.
    for (when, table) in [
        ("caller.new and caller.hidden", ["t..", "...", "..."]),
        ("caller.new or caller.hidden", ["ttt", "t..", "t.."]),
        ("not (caller.new and caller.hidden)", [".t.", "ttt", ".t."]),
        ("not (caller.new or caller.hidden)", ["...", ".t.", "..."]),
        ("not caller.new", ["...", "ttt", "..."]),
        ("not not caller.new", ["ttt", "...", "..."]),
        ("caller.new == caller.hidden", ["t..", ".t.", "..."]),
        ("not caller.new == caller.hidden", [".t.", "t..", "..."]),
        ("caller.new or not caller.new", ["ttt", "ttt", "..."]),
    ] {
        for (a, row) in values.into_iter().zip(table) {
            for (b, cell) in values.into_iter().zip(row.chars()) {
                assert_eq!(holds(when, a, b), cell == 't', "{when}: {a:?}, {b:?}");
            }
        }
    }
    for when in ["ring_time < 4s", "route.class in {transit}", "caller starts_with \"+48\""] {
        assert_eq!(reasons(when, &[]), None);
        assert_eq!(reasons(&format!("not {when}"), &[]), None);
    }
}

#[test]
fn a_prefix_is_leading_digits() {
    let caller = |digits: &str| [("caller", Value::Number(Number::from_digits(digits.as_bytes()).unwrap()))];
    for (prefix, digits, matched) in [
        ("+4", "48601234567", true),
        ("+48601234567", "48601234567", true),
        ("+486012345678", "48601234567", false),
        ("+49", "48601234567", false),
        ("+882391000000000", "882391000000000", true),
        ("+048", "48601234567", false),
    ] {
        let when = format!("caller starts_with \"{prefix}\"");
        assert_eq!(reasons(&when, &caller(digits)).is_some(), matched, "{prefix} {digits}");
    }
}

#[test]
fn says_why() {
    let facts = [
        ("caller.new", Value::Bool(true)),
        ("caller.hidden", Value::Bool(false)),
        ("caller.attempts_10m", Value::Int(20)),
        ("caller.country", Value::Country(Country(*b"LV"))),
        ("home", Value::Country(Country(*b"PL"))),
        ("route.class", Value::Word(1)),
    ];
    for (when, why) in [
        ("caller.new", vec!["caller.new == true"]),
        ("not caller.hidden", vec!["caller.hidden == false"]),
        ("caller.attempts_10m>=2_0", vec!["caller.attempts_10m >= 2_0"]),
        ("caller.country != home", vec!["caller.country != home"]),
        ("route.class in { transit,on-net, }", vec!["route.class in {transit, on-net}"]),
        (
            "caller.new and route.class != on-net and caller.attempts_10m between 1 and 30",
            vec!["caller.new == true", "route.class != on-net", "caller.attempts_10m between 1 and 30"],
        ),
        ("answered or caller.hidden or caller.new or route.class == transit", vec!["caller.new == true"]),
        ("(caller.new and caller.hidden) or route.class == transit", vec!["route.class == transit"]),
        (
            "route.class == transit and ((caller.new and caller.hidden or caller.hidden) or caller.new)",
            vec!["route.class == transit", "caller.new == true"],
        ),
        ("not (caller.new and caller.attempts_10m < 5)", vec!["caller.attempts_10m not < 5"]),
        (
            "not (caller.hidden or route.class == on-net)",
            vec!["caller.hidden == false", "route.class not == on-net"],
        ),
    ] {
        assert_eq!(reasons(when, &facts).unwrap(), why, "{when}");
    }
    let many = ["caller.new"; 12].join(" and ");
    assert_eq!(reasons(&many, &facts).unwrap().len(), 8);
    assert_eq!(reasons("caller.hidden", &facts), None);
}

#[test]
fn reads_only_what_it_needs() {
    let rules = ruleset("caller.new and (caller.hidden or answered) and ring_time < 4s");
    let mut evidence = Evidence::new();
    for (new, hidden, reads) in [(false, true, 1), (true, false, 3), (true, true, 3)] {
        let facts = Known::new(&[("caller.new", Value::Bool(new)), ("caller.hidden", Value::Bool(hidden))]);
        assert!(!rules.matches(0, &facts, &mut evidence));
        assert_eq!((facts.reads.get(), evidence.len()), (reads, 0));
    }
}

#[test]
fn knows_no_other_rule() {
    let rules = ruleset("caller.new");
    let mut evidence = Evidence::new();
    assert!(!rules.matches(7, &Known::new(&[("caller.new", Value::Bool(true))]), &mut evidence));
    assert_eq!(rules.bound_text(9), "");
}
