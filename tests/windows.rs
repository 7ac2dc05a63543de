//! Oracle: whatever the windows say equals what a plain list of all events says.
//!
//! The list knows only what a window covers (its current twelfth and the eleven before it, by packet time) and counts
//! from scratch each time.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tollgate::base::field::{Country, Facts, Point, Value};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::number::{Number, Party};
use tollgate::base::numbering::Numbering;
use tollgate::base::roaming::RoamingStates;
use tollgate::base::route::Routes;
use tollgate::base::time::At;
use tollgate::call::{Call, CallId, CallKey, ReleasedBy, Setup};
use tollgate::feature::distinct::{Distinct, KEPT_MAX, Pool};
use tollgate::feature::window::{Beat, Minute, Ring, Sum, Tick, Window};
use tollgate::feature::{Limits, Store, fields};

const START_S: u64 = 1_700_000_000;

/// One call, as the test makes it.
#[derive(Clone, Copy, Debug)]
struct Made {
    /// Seconds since the call before; some gaps are longer than any window.
    gap_s: u64,
    caller: u64,
    called: u64,
    /// Ring time in seconds; `None` is an answered call.
    ring_s: Option<u64>,
}

fn made() -> impl Strategy<Value = Made> {
    let gap_s = prop_oneof![
        8 => 0_u64..40,
        3 => 40_u64..400,
        2 => (0_u64..20).prop_map(|buckets| buckets * 50),
        1 => 400_u64..8_000,
        1 => Just(86_400_u64 + 7_200),
    ];
    // Few callers, so that some become busy; all in one block of 10,000, in two blocks of 100.
    let caller = prop_oneof![4 => Just(1_u64), 4 => 0_u64..30, 2 => 100_u64..120];
    (gap_s, caller, 0_u64..40, prop::option::of(0_u64..16)).prop_map(|(gap_s, caller, called, ring_s)| Made {
        gap_s,
        caller,
        called,
        ring_s,
    })
}

fn party(value: u64) -> Party {
    Number::from_digits(value.to_string().as_bytes()).unwrap().into()
}

/// The call that is answered or ends at `at`.
fn call(made: Made, at: At) -> Call {
    let ring = Duration::from_secs(made.ring_s.unwrap_or(5));
    let alert_at = At::from_nanos(at.nanos() - u64::try_from(ring.as_nanos()).unwrap());
    let setup = Setup {
        calling: party(24_770_010_000 + made.caller),
        called: party(48_600_000_000 + made.called),
        ..Setup::default()
    };
    Call {
        id: CallId(0),
        alert_at: Some(alert_at),
        answer_at: made.ring_s.is_none().then_some(at),
        end_at: made.ring_s.map(|_| at),
        released_by: made.ring_s.map(|_| ReleasedBy::Calling),
        ..Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, 0, alert_at, setup)
    }
}

fn network() -> Network {
    Network {
        routes: Routes::new(Vec::new()),
        numbering: Numbering::new(Country(*b"PL")).unwrap(),
        roaming: RoamingStates::default(),
        emergency: Vec::new(),
        ..Network::unknown()
    }
}

/// The plain list.
#[derive(Default)]
struct List(Vec<(u64, Made)>);

impl List {
    fn within(&self, now_s: u64, bucket_s: u64, same: impl Fn(&Made) -> bool) -> Vec<Made> {
        let bucket = |at_s| at_s / bucket_s;
        let covered = |at_s| bucket(at_s) + 12 > bucket(now_s);
        self.0.iter().filter(|(at_s, made)| covered(*at_s) && same(made)).map(|(_, made)| *made).collect()
    }
}

fn expected(events: &[Made], measure: &str) -> Value {
    let count = |is: fn(&Made) -> bool| events.iter().filter(|made| is(made)).count();
    let distinct = |of: fn(&Made) -> u64| events.iter().map(of).collect::<BTreeSet<_>>().len();
    let answered = count(|made| made.ring_s.is_none());
    let short = count(|made| made.ring_s.is_some_and(|ring| ring <= 4));
    let share = |part: usize| {
        if events.is_empty() { Value::Unknown } else { Value::Ratio(part as f64 / events.len() as f64) }
    };
    let int = |count: usize| Value::Int(i64::try_from(count).unwrap());
    match measure {
        "attempts" => int(events.len()),
        "answered" => int(answered),
        "answered_share" => share(answered),
        "short_unanswered" => int(short),
        "short_unanswered_share" => share(short),
        "one_ring" => int(count(|made| made.ring_s.is_some_and(|ring| (1..=12).contains(&ring)))),
        "distinct_called" => int(distinct(|made| made.called)),
        "distinct_called_share" => share(distinct(|made| made.called)),
        "distinct_callers" => int(distinct(|made| made.caller)),
        "distinct_callers_share" => share(distinct(|made| made.caller)),
        other => panic!("no oracle for {other}"),
    }
}

/// Measures of callers that `tests/behaviour_windows.rs` holds against its own list.
const ELSEWHERE: [&str; 9] = [
    "brief",
    "brief_share",
    "hung_up_on_share",
    "invalid_share",
    "received",
    "received_share",
    "ringless",
    "routes",
    "sequential_share",
];

/// Compares every windowed field of `key` at `now_s` with the list.
fn compare(store: &Store, network: &Network, list: &List, probe: Made, now_s: u64) {
    let at = At::from_nanos(now_s * 1_000_000_000);
    let call = call(probe, at);
    let moment = store.moment(network, &call, Point::Setup, at);
    let mut compared = 0;
    for field in &fields::FIELDS {
        let Some((key, figure)) = field.name.split_once('.') else { continue };
        let width = match key {
            "caller" => 1,
            "caller_range_100" => 100,
            "caller_range_10k" => 10_000,
            _ => continue,
        };
        let Some((measure, window)) = figure.rsplit_once('_') else { continue };
        if ELSEWHERE.contains(&measure) || measure.starts_with("talk") {
            continue;
        }
        let bucket_s = match window {
            "10m" => 50,
            "1h" => 300,
            "24h" => 7_200,
            _ => continue,
        };
        let events = list.within(now_s, bucket_s, |made| made.caller / width == probe.caller / width);
        let value = moment.value(fields::find(field.name).unwrap());
        assert_eq!(value, expected(&events, measure), "{} at {now_s}", field.name);
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} fields compared");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_windowed_field_equals_the_list(
        calls in prop::collection::vec(made(), 1..120),
        offset_s in 0_u64..7_200,
        ahead_s in prop_oneof![0_u64..50, 0_u64..4_000, 0_u64..100_000],
    ) {
        let network = network();
        let mut store = Store::new(Limits { callers: 1_000, ..Limits::default() }, Seed(5));
        let mut list = List::default();
        let mut now_s = START_S + offset_s;
        for made in calls {
            now_s += made.gap_s;
            let call = call(made, At::from_nanos(now_s * 1_000_000_000));
            store.answered(&call, &network, false);
            store.ended(&call, &network, false);
            list.0.push((now_s, made));
            compare(&store, &network, &list, made, now_s);
        }
        let (_, last) = list.0[list.0.len() - 1];
        compare(&store, &network, &list, last, now_s + ahead_s);
    }

    #[test]
    fn a_ring_equals_the_list(
        gaps in prop::collection::vec(prop_oneof![0_u32..4, 0_u32..30, 60_u32..90, 1_000_u32..2_000], 1..200),
        ahead in 0_u32..100,
    ) {
        let (mut ring, mut list, mut now) = (Ring::<{ Window::Hour.bucket_ticks() }>::default(), Vec::new(), 5_000);
        for gap in gaps {
            now += gap;
            ring.add(Tick(now), [1, (gap % 2) as u16, 0, 1]);
            list.push((now, gap % 2));
            for at in [now, now + ahead] {
                let covered = list.iter().filter(|(tick, _)| tick / 6 + 12 > at / 6);
                let count = covered.clone().count() as u32;
                let odd = covered.map(|(_, odd)| odd).sum::<u32>();
                prop_assert_eq!(ring.counts(Tick(at)), [count, odd, 0, count]);
            }
        }
    }

    #[test]
    fn a_minute_equals_the_list(
        gaps in prop::collection::vec(prop_oneof![0_u32..3, 0_u32..30], 1..200),
        ahead in 0_u32..20,
    ) {
        let (mut minute, mut list, mut now) = (Minute::default(), Vec::new(), 340_000_000);
        for gap in gaps {
            now += gap;
            minute.add(Beat(now), [1, (gap % 2) as u16, 0, 1]);
            list.push((now, gap % 2));
            for at in [now, now + ahead] {
                let covered = list.iter().filter(|(beat, _)| *beat >= Beat(at).minute_since().0);
                let count = covered.clone().count() as u32;
                let odd = covered.map(|(_, odd)| odd).sum::<u32>();
                prop_assert_eq!(minute.counts(Beat(at)), [count, odd, 0, count]);
            }
        }
    }

    #[test]
    fn a_week_equals_the_list(
        gaps in prop::collection::vec(prop_oneof![0_u32..40, 0_u32..2_000, 9_000_u32..20_000], 1..100),
        ahead in 0_u32..20_000,
    ) {
        let mut week = Sum::<{ Window::Week.bucket_ticks() }, u16>::default();
        let (mut list, mut now) = (Vec::new(), 34_000_000);
        for gap in gaps {
            now += gap;
            week.add(Tick(now), gap % 7);
            list.push((now, u64::from(gap % 7)));
            for at in [now, now + ahead] {
                let covered = list.iter().filter(|(tick, _)| Tick(*tick) >= Window::Week.since(Tick(at)));
                prop_assert_eq!(week.total(Tick(at)), covered.map(|(_, more)| more).sum::<u64>());
            }
        }
    }

    #[test]
    fn a_set_is_exact_below_its_limit(
        events in prop::collection::vec((prop_oneof![20 => 0_u32..3, 2 => 0_u32..30, 1 => 60_u32..400], 0_u32..300), 1..900),
        ahead in 0_u32..100,
    ) {
        let mut set = Distinct::new(Tick(9_000));
        let mut pool = Pool::new(10_000);
        let mut list: Vec<(u32, u32)> = Vec::new();
        let mut now = 9_000;
        for (gap, number) in events {
            now += gap;
            set.insert(scatter(number), Tick(now), &mut pool);
            list.push((now, number));
        }
        for at in [now, now + ahead] {
            prop_assert_eq!(set.counts(Tick(at)), distinct(&list, at));
        }
        prop_assert_eq!(pool.left() + set.borrowed(), 10_000);
    }
}

#[test]
fn a_set_stays_near_the_truth_above_its_limit() {
    let bound = 1.2 / (KEPT_MAX as f64).sqrt();
    let mut squares = Vec::new();
    for run in 0_u32..60 {
        let total = 2_000 + run * 700;
        let (mut set, mut pool) = (Distinct::new(Tick(100)), Pool::new(10_000));
        for number in 0..total {
            // Each is seen twice, all within 10 minutes.
            set.insert(scatter(number ^ run << 20), Tick(100 + number * 10 / total), &mut pool);
            set.insert(scatter((number / 2) ^ run << 20), Tick(100 + number * 10 / total), &mut pool);
        }
        let [ten_minutes, hour] = set.counts(Tick(110));
        assert_eq!(ten_minutes, hour);
        let error = f64::from(hour) / f64::from(total) - 1.0;
        assert!(error.abs() < 4.0 * bound, "{hour} of {total}");
        squares.push(error * error);
        assert_eq!(set.counts(Tick(110 + 6 * 12)), [0, 0]);
    }
    let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!(deviation < bound, "standard error {deviation}, bound {bound}");
}

#[test]
fn a_set_without_a_pool_thins_out_instead_of_growing() {
    let (mut set, mut pool) = (Distinct::new(Tick(100)), Pool::new(0));
    for number in 0..100_000 {
        set.insert(scatter(number), Tick(100), &mut pool);
    }
    assert_eq!(set.borrowed(), 0);
    assert!((10_000..1_000_000).contains(&set.counts(Tick(100))[1]));
}

fn distinct(list: &[(u32, u32)], at: u32) -> [u32; 2] {
    [1, 6].map(|bucket| {
        let covered = list.iter().filter(|(tick, _)| tick / bucket + 12 > at / bucket);
        covered.map(|(_, number)| number).collect::<BTreeSet<_>>().len() as u32
    })
}

/// A bijection of 32-bit words that looks random.
fn scatter(number: u32) -> u32 {
    let mut word = number.wrapping_add(0x9e37_79b9);
    for shift in [15, 13, 16] {
        word = (word ^ word >> shift).wrapping_mul(0x85eb_ca6b);
    }
    word ^ word >> 14
}
