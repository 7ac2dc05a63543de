//! Oracle: what is known of a caller's and a called number's behaviour equals what a plain list of all calls says.

use std::time::Duration;

use proptest::prelude::*;
use tollgate::base::field::{Facts, Point, Value};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::number::{Number, Party};
use tollgate::base::time::At;
use tollgate::call::{Call, CallId, CallKey, ReleasedBy, Setup};
use tollgate::feature::{Limits, Store, fields};

const START_S: u64 = 1_700_000_000;
const CALLERS: u64 = 48_601_000_000;
const CALLED: u64 = 48_600_000_000;

/// An attempt that failed, or a talk that ends.
#[derive(Clone, Copy, Debug)]
struct Made {
    /// Seconds since the one before; some gaps are longer than any window.
    gap_s: u64,
    caller: u64,
    called: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Attempt { exists: bool },
    Talk { tenths: u64, by: ReleasedBy },
}

fn made() -> impl Strategy<Value = Made> {
    let gap_s = prop_oneof![
        8 => 0_u64..8,
        8 => 0_u64..60,
        3 => 60_u64..600,
        1 => 600_u64..20_000,
        1 => Just(90_000_u64),
        1 => Just(700_000_u64),
    ];
    let by = prop_oneof![Just(ReleasedBy::Calling), Just(ReleasedBy::Called)];
    let what = prop_oneof![
        3 => any::<bool>().prop_map(|exists| What::Attempt { exists }),
        2 => (0_u64..400, by).prop_map(|(tenths, by)| What::Talk { tenths, by }),
    ];
    // Few callers and called numbers, so that some become busy; some called numbers far from the others.
    let called = prop_oneof![6 => 0_u64..30, 1 => (0_u64..9).prop_map(|far| far * 1_000)];
    (gap_s, 0_u64..3, called, what).prop_map(|(gap_s, caller, called, what)| Made {
        gap_s,
        caller,
        called,
        what,
    })
}

fn party(value: u64) -> Party {
    Number::from_digits(value.to_string().as_bytes()).unwrap().into()
}

/// The call that ends at `at`.
fn call(made: Made, at: At) -> Call {
    let before = |tenths: u64| At::from_nanos(at.nanos() - tenths * 100_000_000);
    let (answer_at, released_by, sip_status) = match made.what {
        What::Attempt { exists } => (None, ReleasedBy::Network, Some(if exists { 486 } else { 404 })),
        What::Talk { tenths, by } => (Some(before(tenths)), by, None),
    };
    let setup = Setup {
        calling: party(CALLERS + made.caller),
        called: party(CALLED + made.called),
        ..Setup::default()
    };
    Call {
        id: CallId(0),
        answer_at,
        end_at: Some(at),
        released_by: Some(released_by),
        sip_status,
        ..Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, 0, before(600), setup)
    }
}

/// The plain list: when, what, and whether it was in sequence.
#[derive(Default)]
struct List(Vec<(u64, Made, bool)>);

impl List {
    fn push(&mut self, now_s: u64, made: Made) {
        let is_sequential =
            self.last_called(made.caller).iter().any(|last| (1..=10).contains(&last.abs_diff(made.called)));
        self.0.push((now_s, made, is_sequential));
    }

    /// The last four different numbers that a caller tried.
    fn last_called(&self, caller: u64) -> Vec<u64> {
        let mut last = Vec::new();
        for (_, made, _) in self.0.iter().rev().filter(|(_, made, _)| made.caller == caller) {
            if matches!(made.what, What::Attempt { .. }) && !last.contains(&made.called) && last.len() < 4 {
                last.push(made.called);
            }
        }
        last
    }

    fn count(&self, (now_s, bucket_s): (u64, u64), is: impl Fn(&Made, bool) -> bool) -> u64 {
        self.sum((now_s, bucket_s), |made, sequential| u64::from(is(made, sequential)))
    }

    fn sum(&self, (now_s, bucket_s): (u64, u64), of: impl Fn(&Made, bool) -> u64) -> u64 {
        let covered = self.0.iter().filter(|(at_s, ..)| at_s / bucket_s + 12 > now_s / bucket_s);
        covered.map(|(_, made, sequential)| of(made, *sequential)).sum()
    }
}

const MINUTE: u64 = 5;
const TEN_MINUTES: u64 = 50;
const HOUR: u64 = 300;
const DAY: u64 = 7_200;
const WEEK: u64 = 50_400;

fn is_attempt(made: &Made) -> bool {
    matches!(made.what, What::Attempt { .. })
}

fn tenths(made: &Made) -> Option<u64> {
    match made.what {
        What::Talk { tenths, .. } => Some(tenths),
        What::Attempt { .. } => None,
    }
}

fn share(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::Unknown } else { Value::Ratio(part as f64 / whole as f64) }
}

fn int(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap())
}

/// What the list says of the caller and of the called number of `probe`.
fn expected(list: &List, probe: Made, now_s: u64) -> Vec<(&'static str, Value)> {
    let (hour, day) = ((now_s, HOUR), (now_s, DAY));
    let own = |made: &Made| made.caller == probe.caller;
    let to = |made: &Made| made.called == probe.called && is_attempt(made);
    let attempts = list.count(hour, |made, _| own(made) && is_attempt(made));
    let invalid = |made: &Made| matches!(made.what, What::Attempt { exists: false });
    let talks = list.count(hour, |made, _| own(made) && tenths(made).is_some());
    let brief = |made: &Made| own(made) && tenths(made).is_some_and(|tenths| tenths <= 150);
    let by_called = |made: &Made| matches!(made.what, What::Talk { by: ReleasedBy::Called, .. });
    let talk = |window| list.sum(window, |made, _| if own(made) { tenths(made).unwrap_or(0) } else { 0 });
    let mean = (talk(hour) * 100)
        .checked_div(talks)
        .map_or(Value::Unknown, |ms| Value::Duration(Duration::from_millis(ms)));
    let mut callers: Vec<u64> = list
        .0
        .iter()
        .filter(|(at_s, made, _)| at_s / TEN_MINUTES + 12 > now_s / TEN_MINUTES && to(made))
        .map(|(_, made, _)| made.caller)
        .collect();
    callers.sort_unstable();
    callers.dedup();
    vec![
        ("caller.invalid_share_1h", share(list.count(hour, |made, _| own(made) && invalid(made)), attempts)),
        (
            "caller.sequential_share_1h",
            share(list.count(hour, |made, is| own(made) && is_attempt(made) && is), attempts),
        ),
        ("caller.brief_1h", int(list.count(hour, |made, _| brief(made)))),
        ("caller.brief_share_1h", share(list.count(hour, |made, _| brief(made)), talks)),
        (
            "caller.hung_up_on_share_1h",
            share(list.count(hour, |made, _| brief(made) && by_called(made)), talks),
        ),
        ("caller.talk_mean_1h", mean),
        ("caller.talk_24h", Value::Duration(Duration::from_millis(talk(day) * 100))),
        ("called.attempts_1m", int(list.count((now_s, MINUTE), |made, _| to(made)))),
        ("called.attempts_10m", int(list.count((now_s, TEN_MINUTES), |made, _| to(made)))),
        ("called.distinct_callers_10m", int(callers.len() as u64)),
    ]
}

/// Calls to the called number of `probe`, as that number reads them when it calls itself.
fn received(list: &List, probe: Made, now_s: u64) -> Vec<(&'static str, Value)> {
    let to = |made: &Made| made.called == probe.called && is_attempt(made);
    let day = list.count((now_s, DAY), |made, _| to(made));
    vec![
        ("caller.received_24h", int(day)),
        ("caller.received_7d", int(list.count((now_s, WEEK), |made, _| to(made)))),
        // It never called anybody.
        ("caller.received_share_24h", share(day, day)),
    ]
}

fn compare(store: &Store, network: &Network, call: &Call, now_s: u64, expected: Vec<(&str, Value)>) {
    let moment = store.moment(network, call, Point::Setup, At::from_nanos(now_s * 1_000_000_000));
    for (field, value) in expected {
        assert_eq!(moment.value(fields::find(field).unwrap()), value, "{field} at {now_s}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_field_equals_the_list(
        calls in prop::collection::vec(made(), 1..150),
        offset_s in 0_u64..50_400,
        ahead_s in prop_oneof![0_u64..60, 0_u64..4_000, 0_u64..100_000, 0_u64..700_000],
    ) {
        let network = Network::unknown();
        let mut store = Store::new(Limits::default(), Seed(5));
        let (mut list, mut now_s) = (List::default(), START_S + offset_s);
        for made in &calls {
            now_s += made.gap_s;
            let call = call(*made, At::from_nanos(now_s * 1_000_000_000));
            store.hung_up(&call, &network);
            if is_attempt(made) {
                store.ended(&call, &network, false);
            }
            list.push(now_s, *made);
            for now_s in [now_s, now_s + ahead_s] {
                compare(&store, &network, &call, now_s, expected(&list, *made, now_s));
                let mut back = call.clone();
                (back.calling, back.called) = (call.called.clone(), call.calling.clone());
                compare(&store, &network, &back, now_s, received(&list, *made, now_s));
            }
        }
    }
}
