//! Worlds and figures for the tests of populations.

use std::sync::Arc;

use crate::simulate::attempt::{Attempt, End};
use crate::simulate::scenario::Scenario;
use crate::simulate::source::{Merge, Source};
use crate::simulate::world::World;

const DAY: &str = "start = 2026-11-16T00:00:00+01:00\nhours = 24";
const NETWORK: &str = r#"
[operator]
country = "PL"
subscribers = 4_000
roaming = 0.05
states-known = 0.8

[[trunk]]
name = "intl-sip-1"
class = "international"
transport = "sip-udp"

[[trunk]]
name = "intl-sip-2"
class = "international"
transport = "sip-tcp"

[[trunk]]
name = "intl-isup-1"
class = "international"
transport = "isup"

[[trunk]]
name = "nat-sip-1"
class = "national"
transport = "sip-tcp"

[[trunk]]
name = "nat-isup-1"
class = "national"
transport = "isup"

[[trunk]]
name = "office-1"
class = "enterprise"
transport = "sip-udp"

[[trunk]]
name = "otp-1"
class = "white"
transport = "sip-udp"
sender = "acme-verify"
"#;

fn scenario_of(span: &str, populations: &str) -> Scenario {
    let span = if span.is_empty() { DAY } else { span };
    let text = format!("[scenario]\nname = \"test\"\n{span}\n{NETWORK}\n{populations}");
    Scenario::parse("test.toml", &text).unwrap_or_else(|found| panic!("{found:?}"))
}

/// A world with this start and these hours; of a Monday when empty.
pub(in crate::simulate) fn world_of(span: &str) -> Arc<World> {
    Arc::new(World::new(&scenario_of(span, ""), 7).unwrap())
}

/// Attempts of a population on a Monday, which are in order.
pub(in crate::simulate) fn attempts_of(population: &str) -> Vec<Attempt> {
    attempts_in("", population)
}

/// Attempts of a population in this span, which are in order.
pub(in crate::simulate) fn attempts_in(span: &str, population: &str) -> Vec<Attempt> {
    let scenario = scenario_of(span, &format!("[[population]]\n{population}"));
    let world = Arc::new(World::new(&scenario, 7).unwrap());
    let made = |world| {
        let mut merge = Merge::new(scenario.sources(world).unwrap());
        let attempts: Vec<Attempt> = std::iter::from_fn(|| merge.next()).collect();
        attempts
    };
    let attempts = made(&world);
    assert!(!attempts.is_empty());
    assert!(attempts.is_sorted_by_key(|attempt| attempt.setup_at));
    assert!(attempts.iter().all(|one| one.setup_at >= world.start() && one.setup_at < world.end()));
    let ways_fit = |one: &Attempt| world.trunk(one.trunk).takes(one.is_outbound);
    assert!(attempts.iter().all(ways_fit));
    assert!(attempts == made(&world), "the same seed gives the same attempts");
    let other_world = Arc::new(World::new(&scenario, 8).unwrap());
    assert!(attempts != made(&other_world), "another seed gives others");
    attempts
}

/// Why a population is refused.
pub(in crate::simulate) fn refusal_of(population: &str) -> String {
    let scenario = scenario_of("", &format!("[[population]]\n{population}"));
    let world = Arc::new(World::new(&scenario, 7).unwrap());
    scenario.sources(&world).err().map(|finding| finding.message).unwrap_or_default()
}

/// Those of this kind.
pub(in crate::simulate) fn of_kind(attempts: &[Attempt], kind: &str) -> Vec<Attempt> {
    attempts.iter().filter(|attempt| attempt.truth.kind == kind).cloned().collect()
}

/// Share of those that are so.
pub(in crate::simulate) fn share<T>(among: &[T], is_so: impl Fn(&T) -> bool) -> f64 {
    assert!(!among.is_empty());
    among.iter().filter(|one| is_so(one)).count() as f64 / among.len() as f64
}

/// How many different values they have.
pub(in crate::simulate) fn distinct<'a, T>(among: &'a [T], value: impl Fn(&'a T) -> &'a str) -> usize {
    among.iter().map(value).collect::<std::collections::BTreeSet<&str>>().len()
}

/// The middle one.
pub(in crate::simulate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which this share of them is.
pub(in crate::simulate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// Whether it is answered.
pub(in crate::simulate) fn is_answered(attempt: &Attempt) -> bool {
    matches!(attempt.end, End::Answered { .. })
}

/// How long it rings, in seconds; `None` when it never alerts.
pub(in crate::simulate) fn ring_s(attempt: &Attempt) -> Option<f64> {
    attempt.alert_after?;
    match attempt.end {
        End::Answered { ring, .. } => Some(ring.as_secs_f64()),
        End::GivenUp { after, .. } | End::Refused { after, .. } => Some(after.as_secs_f64()),
        End::EarlyMedia { .. } | End::Never | End::Reset { .. } | End::Silent { .. } => None,
    }
}

/// How long those that are not answered ring, in seconds.
pub(in crate::simulate) fn unanswered_rings(attempts: &[Attempt]) -> Vec<f64> {
    attempts.iter().filter(|attempt| !is_answered(attempt)).filter_map(ring_s).collect()
}

/// Their calling number.
pub(in crate::simulate) fn calling(attempt: &Attempt) -> &str {
    attempt.calling.text().unwrap_or_default()
}

/// Their called number.
pub(in crate::simulate) fn called(attempt: &Attempt) -> &str {
    &attempt.called
}

/// What a population has proof for.
pub(in crate::simulate) fn exempt_of(population: &str) -> Vec<String> {
    let scenario = scenario_of("", &format!("[[population]]\n{population}"));
    let world = World::new(&scenario, 7).unwrap();
    scenario.populations.iter().enumerate().flat_map(|(i, spec)| spec.get_ref().exempt(&world, i)).collect()
}
