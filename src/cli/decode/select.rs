//! Which messages are wanted: by condition, call, number or host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::base::network::Network;
use crate::base::number::Party;
use crate::call::{Call, CallId, CallKey};
use crate::cli::{DecodeArguments, Failure};
use crate::inspect::describe::Place;
use crate::inspect::fields::{FIELDS, MessageFacts};
use crate::inspect::{Entry, Word};
use crate::rule::Condition;

/// Fewest characters of the end of a call's name that stand for it.
const NAME_MIN: usize = 6;
/// Most calls found by names of legs: a circuit has many.
const FOUND_MAX: usize = 100_000;

/// What was asked for; of several kinds all must hold, of several of one kind any.
#[derive(Debug)]
pub struct Selection {
    condition: Option<Condition>,
    calls: Vec<Wanted>,
    /// Calls that were found by the name of a leg.
    found: BTreeSet<CallId>,
    numbers: Vec<Vec<u8>>,
    hosts: Vec<IpNet>,
}

impl Selection {
    /// Reads what was asked for.
    pub fn new(arguments: &DecodeArguments) -> Result<Self, Failure> {
        let condition = arguments.filter.as_deref().map(|text| {
            Condition::parse("--filter", text, &FIELDS).map_err(|errors| {
                let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Failure::new(2, format!("{}\n`tollgate help decode` lists the fields", shown.join("\n")))
            })
        });
        if arguments.call.iter().chain(&arguments.ladder).any(|name| name.trim().is_empty()) {
            let help = "--call and --ladder want the name of a call, as the lines have it";
            return Err(Failure::new(2, help));
        }
        Ok(Self {
            condition: condition.transpose()?,
            calls: arguments.call.iter().chain(&arguments.ladder).map(|name| Wanted::new(name)).collect(),
            found: BTreeSet::new(),
            numbers: arguments.number.iter().map(|number| digits(number.as_bytes())).collect(),
            hosts: arguments.host.clone(),
        })
    }

    /// Nothing was asked for: every message is wanted.
    pub fn is_all(&self) -> bool {
        self.condition.is_none() && self.calls.is_empty() && self.numbers.is_empty() && self.hosts.is_empty()
    }

    /// Whether a call was named by one of its legs, so that its other legs are known only when all has been read.
    pub fn names_legs(&self) -> bool {
        self.calls.iter().any(|call| !call.is_surely_id)
    }

    /// Learns which call a leg that was named is of.
    pub fn learn(&mut self, entry: &Entry<'_>) {
        if let Some(id) = entry.id
            && self.found.len() < FOUND_MAX
            && self.calls.iter().any(|call| call.is(entry))
        {
            self.found.insert(id);
        }
    }

    /// Whether a message is wanted.
    pub fn has(&self, entry: &Entry<'_>, network: &Network) -> bool {
        let any = |is_empty: bool, found: &dyn Fn() -> bool| is_empty || found();
        any(self.calls.is_empty(), &|| self.is_of_call(entry))
            && any(self.hosts.is_empty(), &|| self.hosts.iter().any(|host| is_at(entry, host)))
            && any(self.numbers.is_empty(), &|| self.numbers.iter().any(|prefix| has_number(entry, prefix)))
            && self.condition.as_ref().is_none_or(|it| it.matches(&MessageFacts::new(entry, network)))
    }
}

impl Selection {
    fn is_of_call(&self, entry: &Entry<'_>) -> bool {
        entry.id.is_some_and(|id| self.found.contains(&id)) || self.calls.iter().any(|call| call.is(entry))
    }
}

/// One call, by any of its names.
#[derive(Debug)]
struct Wanted {
    /// Of records, or the end of it; empty when the text can be none.
    id: String,
    /// It is written as ids are.
    is_surely_id: bool,
    call_id: Vec<u8>,
    /// Point codes, the smaller first, and circuit.
    circuit: Option<(u32, u32, u32)>,
}

impl Wanted {
    fn new(name: &str) -> Self {
        let is_id =
            (NAME_MIN..=26).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut parts = name.splitn(3, '-').map(str::parse::<u32>);
        let circuit = match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(opc)), Some(Ok(dpc)), Some(Ok(cic))) => Some((opc.min(dpc), opc.max(dpc), cic)),
            _ => None,
        };
        let id = if is_id { name.to_ascii_uppercase() } else { String::new() };
        let is_surely_id =
            is_id && name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        Self { id, is_surely_id, call_id: name.as_bytes().to_vec(), circuit }
    }

    fn is(&self, entry: &Entry<'_>) -> bool {
        let by_id = |id: CallId| !self.id.is_empty() && id.text().ends_with(self.id.as_bytes());
        let by_key = |call: &Call| matches!(&call.key, CallKey::Sip(key) if **key == *self.call_id);
        let said = &entry.said;
        let circuit = said
            .label
            .zip(said.cic)
            .map(|(label, cic)| (label.opc.min(label.dpc), label.opc.max(label.dpc), cic));
        entry.id.is_some_and(by_id)
            || entry.call.is_some_and(|call| by_id(call.id) || by_key(call))
            || said.call_id == Some(&self.call_id)
            || circuit.is_some() && circuit == self.circuit
    }
}

fn is_at(entry: &Entry<'_>, host: &IpNet) -> bool {
    let is_in = |place: Place| match place {
        Place::Address(address) => {
            let address: IpAddr = address.ip().to_canonical();
            host.contains(&address)
        }
        Place::Point(_) => false,
    };
    is_in(entry.said.src) || is_in(entry.said.dst)
}

/// Whether a calling or called number begins so: as the call's E.164 number, or as any message has it.
fn has_number(entry: &Entry<'_>, prefix: &[u8]) -> bool {
    let begins = |text: &[u8]| digits(text).starts_with(prefix);
    let of_party = |party: &Party| {
        party.number.is_some_and(|number| number.digits().starts_with(prefix)) || begins(&party.raw)
    };
    let of_word = |word: &Option<Word<'_>>| word.as_ref().is_some_and(|word| begins(word.bytes()));
    entry.call.is_some_and(|call| of_party(&call.calling) || of_party(&call.called))
        || of_word(&entry.said.from)
        || of_word(&entry.said.to)
}

/// The digits of a number, without what stands around them.
fn digits(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii_digit).collect()
}

/// A host or network, from an option.
pub fn parse_host(text: &str) -> Result<IpNet, String> {
    let host = text.parse::<IpAddr>().map(IpNet::from);
    host.or_else(|_| text.parse()).map_err(|_| "an address, or a network such as 198.51.100.0/24".to_owned())
}

/// A prefix of a telephone number, from an option.
pub fn parse_number(text: &str) -> Result<String, String> {
    let is_number = !digits(text.as_bytes()).is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-. ()".contains(&byte));
    if is_number { Ok(text.to_owned()) } else { Err("digits, perhaps after `+`".to_owned()) }
}
