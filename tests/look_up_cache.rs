//! Whom a run asks for, how often, and that its answers hold for a while: with a source in place of a server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::base::field::Country;
use tollgate::base::lists::{NEVER, Prefix, Proof};
use tollgate::base::network::{Network, RoamingState};
use tollgate::base::number::Party;
use tollgate::base::numbering::{Nature, Numbering};
use tollgate::base::route::{Direction, NumberFormat, Route, RouteClass, RouteId, Routes};
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallId, CallKey, Setup};
use tollgate::feature::fields;
use tollgate::judge::{Judge, JudgeOptions};
use tollgate::lookup::{Answer, LookUps, Outcome, Question, Resolver, Source};
use tollgate::rule::Ruleset;

const HOLD: Duration = Duration::from_secs(60);
const START: At = At::from_nanos(1_700_000_000_000_000_000);

/// Remembers what it was asked, in rounds, and says `roaming`.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Vec<Vec<String>>>>);

impl Source for Fake {
    fn ask(&mut self, questions: &[Question]) -> Vec<Answer> {
        let numbers = questions.iter().map(|question| question.number.to_string()).collect();
        self.0.lock().unwrap().push(numbers);
        let state = Some(RoamingState::Roaming);
        vec![Answer { state, outcome: Outcome::Answered }; questions.len()]
    }
}

fn network() -> Network {
    let route = |class| Route::new("", class);
    let mut network = Network {
        routes: Routes::new([RouteClass::International, RouteClass::National].map(route).into()),
        numbering: Numbering::new(Country(*b"PL")).unwrap(),
        ..Network::unknown()
    };
    let prefix = |digits: &[u8]| Prefix::from_digits(digits).unwrap();
    network.lists.dno.insert(prefix(b"48601777"), (), NEVER);
    let exempt = network.lists.cli_exempt.entry(RouteId(1)).or_default();
    exempt.insert(prefix(b"48601444"), Proof::CloudPbx, NEVER);
    network
}

struct Bench {
    judge: Judge,
    look_ups: LookUps<Vec<u8>>,
    asked: Fake,
}

impl Bench {
    fn new() -> Self {
        let network = Arc::new(network());
        let ruleset = Ruleset::compile(&[], &fields::FIELDS).unwrap();
        let judge = Judge::new(Arc::new(ruleset), Arc::clone(&network), JudgeOptions::default());
        let asked = Fake::default();
        let look_ups = LookUps::new(network, Box::new(asked.clone()), HOLD, Vec::new());
        Self { judge, look_ups, asked }
    }

    /// A batch of calls; what was asked in each round.
    fn batch(&mut self, calls: &[Call]) -> Vec<Vec<String>> {
        let events: Vec<CallEvent> = calls.iter().cloned().map(CallEvent::Setup).collect();
        self.look_ups.fetch(&self.judge, &mut events.iter());
        for event in events {
            self.look_ups.resolve(&mut self.judge, &event);
            self.judge.handle(event.call().setup_at, event, &mut Vec::new());
        }
        std::mem::take(&mut self.asked.0.lock().unwrap())
    }

    fn count(&self, outcome: Outcome) -> u64 {
        self.look_ups.counts()[outcome as usize]
    }
}

fn call(from: &str, route: u16, second: u64) -> Call {
    let numbering = &network().numbering;
    let party = |raw: &str| numbering.party(raw.as_bytes(), Nature::Unknown, NumberFormat::Auto);
    let setup = Setup {
        route: RouteId(route),
        calling: party(from),
        called: party("+48221234567"),
        ..Setup::default()
    };
    Call {
        id: CallId(u128::from(second)),
        ..Call::new(
            CallKey::Isup { opc: 1, dpc: 2, cic: 3 },
            second,
            START + Duration::from_secs(second),
            setup,
        )
    }
}

#[test]
fn asks_only_for_numbers_that_can_matter() {
    let outbound = Call { direction: Direction::Outbound, ..call("+48601000001", 1, 0) };
    let emergency = Call {
        called: Party { raw: b"112".iter().copied().collect(), ..Party::default() },
        ..call("+48601000001", 1, 0)
    };
    let diverting = Some(call("+48601000002", 1, 0).calling);
    let diverted = Call { diverting, ..call("+48221234567", 1, 0) };
    for (call, expected) in [
        (call("+48601000001", 1, 0), &["+48601000001"][..]),
        (diverted, &["+48601000002"]),
        (call("+48601000001", 2, 0), &[]),
        (call("+48221234567", 1, 0), &[]),
        (call("+4930123456", 1, 0), &[]),
        (call("", 1, 0), &[]),
        (call("+48601777000", 1, 0), &[]),
        (call("+48601444000", 1, 0), &[]),
        (outbound, &[]),
        (emergency, &[]),
    ] {
        let asked = Bench::new().batch(std::slice::from_ref(&call));
        assert_eq!(asked.concat(), expected, "{call:?}");
    }
}

#[test]
fn a_batch_asks_once_for_each_number_and_an_answer_holds() {
    let mut bench = Bench::new();
    let both = vec!["+48601000001".to_owned(), "+48601000002".to_owned()];
    let asked =
        bench.batch(&[call("+48601000001", 1, 0), call("+48601000002", 1, 0), call("+48601000001", 1, 1)]);
    assert_eq!(asked, [both]);
    assert!(bench.batch(&[call("+48601000001", 1, 59)]).is_empty());
    assert_eq!((bench.count(Outcome::Answered), bench.count(Outcome::Cached)), (2, 2));
    assert_eq!(bench.batch(&[call("+48601000001", 1, 60)]).len(), 1, "the answer has ended");
}

#[test]
fn what_is_asked_does_not_depend_on_batches() {
    let calls: Vec<Call> =
        (0..300).map(|second| call(&format!("+4860100000{}", second % 7), 1, second)).collect();
    let written = |size: usize| {
        let mut bench = Bench::new();
        for batch in calls.chunks(size) {
            bench.batch(batch);
        }
        bench.look_ups.finish().unwrap()
    };
    let expected = written(1);
    assert!(expected.iter().filter(|byte| **byte == b'\n').count() > 28);
    for size in [2, 50, 300] {
        assert!(written(size) == expected, "batches of {size}");
    }
}
