//! The section on ISUP and BICC in `docs/PROTOCOLS.md` is made from the tables of the code, and from what becomes of a
//! message of each type: `UPDATE_EXPECT=1` renews it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tollgate::base::frame::{Envelope, Mtp, Pdu, RoutingLabel, UserPart};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::signal::{self, Context, Counts, What};
use tollgate::wire::isup::content::Content;
use tollgate::wire::isup::layout::{Layout, Rest};
use tollgate::wire::isup::name::Name;
use tollgate::wire::isup::parameter::{self, Parameter};
use tollgate::wire::isup::{Variant, emit_header_as};

const TITLE: &str = "## ISUP and BICC\n";

#[test]
fn the_section_is_made_from_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOLS.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let start = document.find(TITLE).unwrap_or(document.len());
    let rest = document.get(start + TITLE.len()..).unwrap_or_default();
    let end = rest.find("\n## ").map_or(document.len(), |at| start + TITLE.len() + at + 1);
    let section = section();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let gap =
            if document.get(..start).is_some_and(|before| before.ends_with("\n\n")) { "" } else { "\n" };
        let after = document.get(end..).unwrap_or_default();
        let before_next = if after.is_empty() { "" } else { "\n" };
        std::fs::write(&path, format!("{}{gap}{section}{before_next}{after}", &document[..start])).unwrap();
        return;
    }
    let written = document.get(start..end).unwrap_or_default().trim_end();
    assert!(
        written == section.trim_end(),
        "docs/PROTOCOLS.md is out of date: run with UPDATE_EXPECT=1 and read the diff"
    );
}

fn section() -> String {
    let mut text = format!("{TITLE}{INTRODUCTION}{MESSAGES}");
    for (variant, layout) in Layout::all() {
        let Layout { message_type, acronym, name, .. } = layout;
        let _ = writeln!(
            text,
            "| {:02X} | {acronym} | {name} | {} | {} | {} |",
            message_type.0,
            standard(variant, *layout),
            parameters(variant, layout),
            effect(variant, layout)
        );
    }
    text.push_str(PARAMETERS);
    for (variant, name) in Name::all() {
        let form = form(variant, name.code);
        let used = used(variant, name.code);
        let Name { code, name, section } = name;
        let _ = writeln!(text, "| {code:02X} | {name} | {section} | {form} | {used} |");
    }
    text.push_str(LIMITS);
    text
}

/// Whose message types these are. A row of T1.113 that Q.763 has too is one that differs.
fn standard(variant: Variant, layout: Layout) -> &'static str {
    let is_in = |other| Layout::of(other, layout.message_type).is_some();
    match variant {
        Variant::Ansi if is_in(Variant::Itu) => "T1.113, in place of the one above",
        Variant::Ansi => "T1.113",
        Variant::China => "China",
        Variant::Bicc | Variant::Itu => "Q.763",
    }
}

/// The parameters that must be there, and whether others may follow.
fn parameters(variant: Variant, layout: &Layout) -> String {
    let name = |code: u8| Name::of(variant, code).unwrap().name;
    let fixed = layout.fixed.iter().map(|(code, _)| *code);
    let mut parts: Vec<&str> = fixed.chain(layout.variable.iter().copied()).map(name).collect();
    match layout.rest {
        Rest::Nothing => {}
        Rest::Opaque => parts.push("carried whole"),
        Rest::Optional => parts.push("…"),
    }
    parts.join(", ")
}

/// A message of this type with mandatory parameters that any of them may be, and no optional part.
fn message(variant: Variant, layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    emit_header_as(variant, 1, layout.message_type, &mut bytes);
    layout.fixed.iter().for_each(|(_, octets)| bytes.extend(vec![0; *octets]));
    let count = layout.variable.len();
    let has_optional = layout.rest == Rest::Optional;
    bytes.extend((0..count).map(|index| (count - index + usize::from(has_optional) + 4 * index) as u8));
    bytes.extend(has_optional.then_some(0));
    layout.variable.iter().for_each(|_| bytes.extend([3, 0x03, 0x80, 0x90]));
    bytes
}

/// What becomes of a message: found out by sending one.
fn effect(variant: Variant, layout: &Layout) -> &'static str {
    let (standard, part) = match variant {
        Variant::Ansi => (Mtp::Ansi, UserPart::Isup),
        Variant::Bicc => (Mtp::Itu, UserPart::Bicc),
        Variant::China => (Mtp::China, UserPart::Isup),
        Variant::Itu => (Mtp::Itu, UserPart::Isup),
    };
    let label = RoutingLabel { standard, opc: 1, dpc: 2, network_indicator: 2, sls: 0 };
    let bytes = message(variant, layout);
    let envelope = Envelope::Isup { label, part };
    let pdu = Pdu { at: At::from_nanos(1), seq: 1, frame: 1, envelope, bytes: &bytes };
    let context = Context { network: Arc::new(Network::unknown()), seed: Seed(1) };
    let signal = signal::decode(&pdu, &context, &mut Counts::default());
    let what = signal.unwrap_or_else(|error| panic!("{}: {error:?}", layout.acronym)).unwrap().what;
    match (layout.acronym, what) {
        ("ACM", What::Progress) => "the call rings when the called party's status is *subscriber free*",
        ("CPG", What::Progress) => "the call rings when the event is *alerting*",
        ("SAM", What::More(_)) => "its digits are appended to the called number",
        ("SGM", What::More(_)) => "its generic number is taken as the IAM's",
        (_, What::Setup(_)) => "a call is set up",
        (_, What::Answer) => "the call is answered",
        (_, What::Release) => "the call ends, with this cause",
        (_, What::ReleaseComplete) => "the call ends, if it has not yet",
        (_, What::Reset) => "the call on this circuit ends",
        (_, What::GroupReset { .. }) => "the calls on these circuits end",
        (_, What::Other) => "counted by type",
        (acronym, what) => panic!("{acronym}: {what:?}"),
    }
}

/// How a parameter is shown.
fn form(variant: Variant, code: u8) -> &'static str {
    let content = [0x03, 0x10, 0x80, 0x90];
    match Content::parse(variant, Parameter { code, offset: 0, content: &content }) {
        Ok(Content::Carrier(_)) => "network",
        Ok(Content::Category(_)) => "category",
        Ok(Content::Cause(_)) => "cause",
        Ok(Content::Digits(_)) | Ok(Content::Jurisdiction(_)) => "digits",
        Ok(Content::Event(_)) => "event",
        Ok(Content::Generic(_)) => "qualifier and number",
        Ok(Content::Hops(_)) => "count",
        Ok(Content::Number(_)) => "number",
        Ok(Content::Octets(_)) => "octets",
        Ok(Content::Range(_)) => "range and status",
        Ok(Content::Redirection(_)) => "reasons and counter",
        Ok(Content::Subsequent(_)) => "digits",
        Ok(Content::Transport(_)) => "context and segments",
        Err(error) => panic!("{code:02X}: {error:?}"),
    }
}

/// What a parameter is used for.
fn used(variant: Variant, code: u8) -> &'static str {
    match code {
        parameter::CALLED_NUMBER => {
            "called number: digits, nature, end signal; lists, routes, rules. A network routing number (nature 6 to 8) is none"
        }
        parameter::SUBSEQUENT_NUMBER => "more digits of the called number",
        parameter::CALLING_NUMBER => {
            "calling number: digits, nature, presentation; masked in the path. An incomplete one, or one of another plan than E.164, is none, unless it is as long as numbers are"
        }
        parameter::CALLING_CATEGORY => "category of the caller; test calls are not touched in the path",
        parameter::CALLED_DIRECTORY_NUMBER if variant != Variant::Ansi => {
            "in an IAM: called number where that is a routing number (nature 6, 7); that it is there: fingerprint of the equipment"
        }
        parameter::REDIRECTING_NUMBER => "diverting number",
        parameter::ORIGINAL_CALLED_NUMBER => "who was called first; diverting number without the one before",
        parameter::REDIRECTION_INFORMATION => {
            "how often the call was forwarded: once at least when somebody did"
        }
        parameter::GENERIC_NUMBER => {
            "*additional calling*: whether another number is shown than the network says; masked in the path"
        }
        parameter::HOP_COUNTER => "hops left",
        parameter::CAUSE_INDICATORS => "of a REL: cause, if coded by ITU-T, and location",
        parameter::BACKWARD_CALL_INDICATORS => "of an ACM: called party's status",
        parameter::EVENT_INFORMATION => "alerting or not",
        parameter::RANGE_AND_STATUS => "of a GRS: which circuits",
        parameter::USER_SERVICE_INFORMATION
        | parameter::NATURE_OF_CONNECTION_INDICATORS
        | parameter::FORWARD_CALL_INDICATORS
        | parameter::TRANSMISSION_MEDIUM_REQUIREMENT => "fingerprint of the equipment",
        0 => "–",
        _ if variant == Variant::China => "–",
        _ => "in an IAM that it is there: fingerprint of the equipment",
    }
}

const INTRODUCTION: &str = "
Code: `src/wire/isup/` (`layout.rs` and `name.rs` hold these tables), `src/signal/isup.rs`, `src/call/table/overlap.rs`. This section is made
by `tests/isup_doc.rs` (`UPDATE_EXPECT=1`).

| Standard | Chosen by | Code that names the call |
|---|---|---|
| ITU-T Q.763 | service indicator 5 | circuit identification code, 12 bits; the four above are spare |
| ANSI T1.113 | the same, in a network of ANSI point codes | 14 bits |
| China | the same, in a network of Chinese point codes | 12 bits |
| ITU-T Q.1902.3 (BICC) | service indicator 13, any network | call instance code, 32 bits |

BICC has the messages and parameters of Q.763. An encapsulated message in SIP begins with its type (RFC 3204 §3.1).

A receiving exchange discards a message whose pointers or lengths lie (Q.764 §2.9.5.1). Here what can be read is read, as a call may be carried by an
exchange that checks less, and the fault is counted:

| What comes | What becomes of it |
|---|---|
| a type that the standard has not | not used; `isup unsupported` |
| the message ends within the mandatory part, or a mandatory pointer is zero or points past the end | an IAM, SAM or GRS is not used; any other still says that the call goes on or ends; `isup truncated`, `isup bad_length` |
| a pointer among the pointers | followed; `isup overlap` |
| a fault in the optional part | what comes before it is used; `isup truncated`, `isup missing` (no end), `isup bad_length` |
| a parameter twice | the first counts (Q.764 §2.9.5.2); `isup conflict`. Generic number, digits and notification and application transport may be repeated |
| octets behind the end | not looked at |
| digits behind an end signal, filler of an odd number | not read |
| an odd number of digits in no octets | no digits |
| signals 11, 12 and the spare ones (10, 13, 14) in a number | kept as `A` to `E`: the number is malformed |
| more than 32 digits | cut |
| spare bits above the circuit code | not part of the circuit; the in-path judge sends them back as they came |

**Overlap** (Q.764 §2.1.2). A call is judged at its IAM, by the digits that are there. Digits of SAMs are appended until the end signal, 32 digits, or the first
ACM, CPG, CON or ANM: answer, end and record have the whole number, and what the end counts is counted for it. A SAM after that is `call unexpected`. In the
path a call is not touched while its digits may still become an emergency number.

**Segmentation** (Q.764 §2.1.12). Of what an SGM may hold only the generic number is used. It counts for the call that is being set up on its circuit; rules that
are asked at the setup do not see it. APM segments are not put together: nothing in them is used.
";

const MESSAGES: &str = "
### Messages

Optional parameters (`…`) may be any of the next table. Types marked 1984 and 1988 are of earlier versions of the standard.

| Code | Acronym | Name | Standard | Must have | What becomes of it |
|---|---|---|---|---|---|
";

const PARAMETERS: &str = "
### Parameters

Every parameter of every message is walked, checked, and shown by its name; *Form* is how its content is. Anything else than octets is told apart
further in `src/wire/isup/content.rs`.

| Code | Name | Source | Form | Used for |
|---|---|---|---|---|
";

const LIMITS: &str = "
### What is not used

- Charge number, jurisdiction and carrier of T1.113: shown, and in no rule. A call without calling number is one, whoever pays for it.
- Screening indicator, location number and connected number: shown, and in no rule.
- Causes coded by a national standard or a network's own.
- Hardware failure of a group (CGB): the calls end without a message for each, and here with their timer or the next IAM on the circuit.
- Bearers of BICC (Q.765.5), user-to-user information, remote operations.
- In the path: T1.113 and BICC pass as they are.
";
