//! Rating: a charged call → the record of what it costs, or of why it costs nothing.

use rust_decimal::Decimal;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::base::class::Class;
use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::text::hex;
use crate::billing::memory::Memory;
use crate::billing::rate_card::{ChargeUnit, RateCard};
use crate::call::Call;
use crate::judge::CallRecord;

/// Version of the record's fields.
pub const SCHEMA: u32 = 1;
/// A monetised call that ended.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The call.
    pub call: &'a Call,
    /// Name of its route.
    pub route: &'a str,
    /// Who pays.
    pub sender: &'a str,
    /// What the call was.
    pub class: Class,
    /// Hash of the rules that decided.
    pub ruleset: &'a str,
}

impl<'a> Charge<'a> {
    /// What a record and the network say of a monetised call.
    #[must_use]
    pub fn new(record: &'a CallRecord, network: &'a Network) -> Self {
        let route = network.routes.route(record.call.route);
        Self {
            call: &record.call,
            route: &route.name,
            sender: route.sender.as_deref().unwrap_or_default(),
            class: record.final_class,
            ruleset: record.ruleset.hash(),
        }
    }
}

/// Why a call costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The rate is for calls that are not answered.
    Answered,
    /// A repetition of a billable call, see [`DUPLICATE_WITHIN`](crate::billing::memory::DUPLICATE_WITHIN).
    Duplicate,
    /// The rate card has no price for the sender, destination and day, or the called number is none.
    NoRate,
    /// The rate is for calls that reach alerting.
    NotAlerted,
}

impl Reason {
    /// Its name in records and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Duplicate => "duplicate",
            Self::NoRate => "no_rate",
            Self::NotAlerted => "not_alerted",
        }
    }
}

/// What a call costs. The ledger adds the hashes. The order of the fields is the order in the ledger's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BillingRecord {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Idempotency key: the first 32 hexadecimal digits of the SHA-256 of `tollgate-billing-1`, call id and sender, with a
    /// zero byte between them.
    pub id: String,
    /// Identity of the call.
    pub call_id: String,
    /// Who pays.
    pub sender: String,
    /// Name of the route.
    pub route: String,
    /// Calling number, as E.164 or else as seen.
    pub calling: String,
    /// Called number, as E.164 or else as seen.
    pub called: String,
    /// Destination prefix of the rate, with `+`.
    pub dest_prefix: Option<String>,
    /// RFC 3339, UTC.
    pub setup_at: String,
    /// What the call was.
    pub class: &'static str,
    /// Hash of the rules that decided.
    pub ruleset: String,
    /// Price of one unit.
    pub rate: Option<String>,
    /// What it costs.
    pub amount: String,
    /// Currency of rate and amount.
    pub currency: Option<String>,
    /// Billable calls of the month before the tier whose price applies.
    pub tier: Option<u64>,
    /// Units charged: 1, or 0 when not billable.
    pub units: u32,
    /// Whether it costs something.
    pub billable: bool,
    /// Why not.
    pub reason: Option<Reason>,
}

/// Rates calls one after the other.
#[derive(Debug)]
pub struct Rater {
    card: RateCard,
    memory: Memory,
}

impl Rater {
    /// A rater that has seen no call of any month.
    #[must_use]
    pub fn new(card: RateCard) -> Self {
        Self { card, memory: Memory::default() }
    }

    /// Goes on with what another remembered, instead of what this one does.
    pub fn resume(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// Rates by another card from now on.
    pub fn load(&mut self, card: RateCard) {
        self.card = card;
    }

    /// What it remembers.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What it remembers, for another to go on with; this one then begins anew.
    pub fn take_memory(&mut self) -> Memory {
        std::mem::take(&mut self.memory)
    }

    /// What this call costs. Every call gets a record.
    pub fn rate(&mut self, charge: &Charge<'_>) -> BillingRecord {
        let call = charge.call;
        let mut record = unrated(charge);
        let called = call.called.number;
        let Some((prefix, rate)) =
            called.and_then(|called| self.card.rate(charge.sender, called, call.setup_at))
        else {
            return record;
        };
        let month = call.setup_at.rfc3339()[..7].to_owned();
        let counter = [month, charge.sender.to_owned(), prefix.to_owned(), rate.currency.clone()];
        let Memory { billable, recent } = &mut self.memory;
        let count = billable.entry(counter).or_insert(0);
        let tier = rate.tier(*count);
        record.dest_prefix = Some(format!("+{prefix}"));
        record.rate = Some(tier.price.to_string());
        record.currency = Some(rate.currency.clone());
        record.tier = Some(tier.from);
        let pair = [charge.sender, &record.called].map(str::to_owned);
        record.reason = match rate.unit {
            ChargeUnit::Alerted if call.alert_at.is_none() && call.answer_at.is_none() => {
                Some(Reason::NotAlerted)
            }
            ChargeUnit::Unanswered if call.answer_at.is_some() => Some(Reason::Answered),
            _ if recent.holds(&pair, call.setup_at) => Some(Reason::Duplicate),
            _ => None,
        };
        if record.reason.is_none() {
            *count += 1;
            recent.add(pair, call.setup_at);
            record.amount = tier.price.to_string();
            record.units = 1;
            record.billable = true;
        }
        record
    }
}

/// The record of a call without a rate.
fn unrated(charge: &Charge<'_>) -> BillingRecord {
    let call_id = charge.call.id.to_string();
    BillingRecord {
        schema: SCHEMA,
        id: record_id(&call_id, charge.sender),
        call_id,
        sender: charge.sender.to_owned(),
        route: charge.route.to_owned(),
        calling: shown(&charge.call.calling),
        called: shown(&charge.call.called),
        dest_prefix: None,
        setup_at: charge.call.setup_at.to_string(),
        class: charge.class.name(),
        ruleset: charge.ruleset.to_owned(),
        rate: None,
        amount: Decimal::ZERO.to_string(),
        currency: None,
        tier: None,
        units: 0,
        billable: false,
        reason: Some(Reason::NoRate),
    }
}

fn record_id(call_id: &str, sender: &str) -> String {
    let mut hasher = Sha256::new();
    for (index, part) in ["tollgate-billing-1", call_id, sender].into_iter().enumerate() {
        if index > 0 {
            hasher.update([0]);
        }
        hasher.update(part);
    }
    let mut id = hex(&hasher.finalize());
    id.truncate(32);
    id
}

fn shown(party: &Party) -> String {
    match party.number {
        Some(number) => number.to_string(),
        None => String::from_utf8_lossy(&party.raw).into_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::number::{Number, Shape};
    use crate::base::route::RouteId;
    use crate::base::time::At;
    use crate::call::{CallId, CallKey, Setup};

    /// A call from `calling` to `called`, set up at `setup`, not answered.
    pub fn call(setup: &str, calling: &str, called: &str) -> Call {
        let time: jiff::Timestamp = setup.parse().unwrap();
        let setup_at = At::from_nanos(time.as_nanosecond() as u64);
        let party = |digits: &str| Party {
            number: Number::from_digits(digits.as_bytes()).ok(),
            shape: Shape::Valid,
            restricted: false,
            raw: digits.bytes().collect(),
        };
        let setup =
            Setup { route: RouteId(1), calling: party(calling), called: party(called), ..Setup::default() };
        Call {
            id: CallId(u128::from(setup_at.nanos())),
            alert_at: Some(setup_at + Duration::from_secs(2)),
            end_at: Some(setup_at + Duration::from_secs(4)),
            ..Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, 0, setup_at, setup)
        }
    }

    pub fn rater() -> Rater {
        let card = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
                    acme,+48,2026-01-01,2027-01-01,0,EUR,0.0065,attempt\n\
                    acme,+48,2026-01-01,2027-01-01,2,EUR,0.0052,attempt\n\
                    acme,+49,2026-01-01,,0,EUR,0.01,alerted\n\
                    acme,+1,2026-01-01,,0,USD,0.02,unanswered\n";
        Rater::new(RateCard::parse("rates.csv", card).unwrap())
    }

    pub fn charge(call: &Call) -> Charge<'_> {
        Charge { call, route: "otp", sender: "acme", class: Class::Flash, ruleset: "0123456789abcdef" }
    }

    fn outcome(record: &BillingRecord) -> (&str, Option<u64>, Option<Reason>) {
        (&record.amount, record.tier, record.reason)
    }

    #[test]
    fn tiers_count_the_billable_calls_of_a_month() {
        let mut rater = rater();
        for (setup, called, expected) in [
            ("2026-10-31T23:59:57Z", "48601000001", ("0.0065", Some(0), None)),
            ("2026-10-31T23:59:58Z", "48601000001", ("0", Some(0), Some(Reason::Duplicate))),
            ("2026-10-31T23:59:58Z", "48601000002", ("0.0065", Some(0), None)),
            ("2026-10-31T23:59:59Z", "48601000003", ("0.0052", Some(2), None)),
            ("2026-11-01T00:00:00Z", "48601000004", ("0.0065", Some(0), None)),
            // Charged late, and still of October.
            ("2026-10-31T23:59:59Z", "48601000005", ("0.0052", Some(2), None)),
            ("2027-01-01T00:00:00Z", "48601000006", ("0", None, Some(Reason::NoRate))),
        ] {
            let call = call(setup, "882391234567", called);
            assert_eq!(outcome(&rater.rate(&charge(&call))), expected, "{setup} {called}");
        }
    }

    #[test]
    fn repetitions_cost_nothing_for_two_minutes() {
        let mut rater = rater();
        for (setup, expected) in [
            ("2026-11-21T20:00:00Z", None),
            ("2026-11-21T20:01:00Z", Some(Reason::Duplicate)),
            ("2026-11-21T20:02:00Z", Some(Reason::Duplicate)),
            ("2026-11-21T20:02:00.000000001Z", None),
            ("2026-11-21T20:00:30Z", Some(Reason::Duplicate)),
            ("2026-11-21T21:00:00Z", None),
        ] {
            let call = call(setup, "882391234567", "48601000001");
            assert_eq!(rater.rate(&charge(&call)).reason, expected, "{setup}");
        }
        let sibling = call("2026-11-21T21:00:01Z", "882391234568", "48601000001");
        assert_eq!(rater.rate(&charge(&sibling)).reason, Some(Reason::Duplicate));
        let other = call("2026-11-21T21:00:01Z", "882391234568", "48601000002");
        assert_eq!(rater.rate(&charge(&other)).reason, None);
        assert_eq!(rater.memory.recent.sizes(), (2, 2));
    }

    #[test]
    fn units_say_what_is_charged() {
        for (called, alerted, answered, expected) in [
            ("493012345678", true, false, None),
            ("493012345678", false, false, Some(Reason::NotAlerted)),
            ("493012345678", false, true, None),
            ("12125551234", false, false, None),
            ("12125551234", true, true, Some(Reason::Answered)),
            ("48601000001", false, true, None),
            ("33123456789", true, false, Some(Reason::NoRate)),
            ("112", true, false, Some(Reason::NoRate)),
        ] {
            let mut call = call("2026-11-21T20:00:00Z", "882391234567", called);
            call.alert_at = call.alert_at.filter(|_| alerted);
            call.answer_at = answered.then_some(call.setup_at + Duration::from_secs(3));
            let record = rater().rate(&charge(&call));
            assert_eq!(record.reason, expected, "{called} {alerted} {answered}");
            assert_eq!(record.billable, expected.is_none());
        }
    }

    #[test]
    fn ids_depend_on_call_and_sender_only() {
        let first = call("2026-11-21T20:00:00Z", "882391234567", "48601000001");
        let (mut a, mut b) = (rater(), rater());
        a.rate(&charge(&first));
        let (again, fresh) = (a.rate(&charge(&first)), b.rate(&charge(&first)));
        assert_eq!(again.id, fresh.id);
        assert_eq!(again.id.len(), 32);
        let other = b.rate(&Charge { sender: "other", ..charge(&first) });
        assert_ne!(other.id, fresh.id);
    }
}
