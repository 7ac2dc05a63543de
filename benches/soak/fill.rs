//! What a service has learned that runs for long: tables at their limits, in a state file that the soak begins with.
//!
//! Without it the largest tables would fill for hours at the rate of the soak, and memory would grow as it should.

use std::path::Path;
use std::sync::Arc;

use tollgate::base::map::Seed;
use tollgate::base::number::{Number, Party};
use tollgate::base::route::Direction;
use tollgate::base::time::At;
use tollgate::billing::Memory;
use tollgate::call::{Call, CallEvent, CallKey, ReleasedBy, Setup};
use tollgate::clock;
use tollgate::config::{self, Loaded};
use tollgate::feature::{Limits, fields};
use tollgate::judge::{Judge, JudgeOptions};
use tollgate::service::decision::Learned;
use tollgate::service::snapshot;

use crate::calls::{Kind, Plan};

/// Numbers of the calls that were before those of the soak.
const FIRST: u32 = 1 << 30;
/// Nanoseconds from one of them to the next.
const EVERY: u64 = 1_000_000;

/// Writes the state file that so many calls leave behind; how full its tables are.
pub fn write(folder: &Path, calls: u32) -> String {
    let loaded = config::load_network(&folder.join("network.toml")).expect("the network file is sound");
    let Loaded { network, subscribers, .. } = loaded;
    let rules = config::load_rules(&folder.join("rules"), &fields::FIELDS).expect("the rules are sound");
    let (network, ruleset, seed) = (Arc::new(network), Arc::new(rules), Seed(7));
    let limits = Limits::for_subscribers(subscribers);
    let options = JudgeOptions { features: limits, findings_max: 0, seed, ..JudgeOptions::default() };
    let mut judge = Judge::new(Arc::clone(&ruleset), Arc::clone(&network), options);
    let begin = clock::now().nanos().saturating_sub((u64::from(calls) + 60_000) * EVERY);
    let mut out = Vec::new();
    let mut at = At::from_nanos(begin);
    for index in 0..calls {
        let number = FIRST | index;
        let plan = Plan::of(number);
        if plan.kind == Kind::Emergency {
            continue;
        }
        at = At::from_nanos(begin + u64::from(index) * EVERY);
        let route = network.routes.of_name(plan.route).expect("the network file has it");
        let call = call(number, &plan, Setup { route, ..Setup::default() }, at);
        let setup = Call { alert_at: None, answer_at: None, end_at: None, ..call.clone() };
        judge.handle(at, CallEvent::Setup(setup), &mut out);
        if call.answer_at.is_some() {
            judge.handle(at, CallEvent::Answer(Call { end_at: None, ..call.clone() }), &mut out);
        }
        judge.handle(at, CallEvent::End(call), &mut out);
        out.clear();
    }
    let sizes = judge.store().sizes();
    let learned = Learned { store: judge.into_store(), ruleset, at };
    snapshot::save(&folder.join("state"), &network, (seed, &Memory::default()), &learned)
        .expect("the state can be written");
    let full = sizes.by_table().zip(limits.by_table());
    let shares =
        full.map(|((name, held), (_, most))| format!("{name} {:.0} %", held as f64 / most as f64 * 100.0));
    shares.collect::<Vec<_>>().join(", ")
}

fn call(number: u32, plan: &Plan, setup: Setup, at: At) -> Call {
    let party = |digits: u64| -> Party {
        Number::from_digits(digits.to_string().as_bytes()).expect("it is a number").into()
    };
    let direction = if plan.kind == Kind::Out { Direction::Outbound } else { Direction::Inbound };
    let setup = Setup {
        direction,
        calling: party(plan.calling),
        called: party(plan.called),
        equipment: 1 + number % 5_000,
        ..setup
    };
    let key = CallKey::Sip(Arc::from(number.to_be_bytes()));
    // As every event is told at once, all that happens is in the past of the next call.
    let begun = At::from_nanos(at.nanos().saturating_sub(plan.length().as_nanos() as u64));
    let alert_at = (!plan.ring.is_zero()).then_some(begun + plan.setup);
    Call {
        alert_at,
        answer_at: plan.talk.and(alert_at).map(|alert_at| alert_at + plan.ring),
        end_at: Some(at),
        released_by: Some(if plan.kind == Kind::Busy { ReleasedBy::Called } else { ReleasedBy::Calling }),
        sip_status: Some(match plan.kind {
            Kind::Busy => 486,
            _ if plan.talk.is_some() => 200,
            _ => 487,
        }),
        ..Call::new(key, u64::from(number), begun, setup)
    }
}
