//! What the tests of families share: a small world, and the attempts of an attack as written.

use std::sync::Arc;

use crate::simulate::attempt::{Attempt, End};
use crate::simulate::scenario::Scenario;
use crate::simulate::source::Merge;
use crate::simulate::source::Source;
use crate::simulate::world::World;

const TRUNKS: [(&str, &str, &str); 5] = [
    ("intl", "international", "sip-udp"),
    ("intl-2", "international", "isup"),
    ("nat", "national", "sip-tcp"),
    ("onnet", "on-net", "isup"),
    ("pbx", "enterprise", "sip-udp"),
];

/// A scenario of so many hours from a Friday morning at 8 in Poland, with this `[[attack]]`.
pub(in crate::simulate) fn scenario(hours: f64, attack: &str) -> Result<Scenario, String> {
    let mut text = format!(
        "[scenario]\nname = 't'\nstart = 2026-11-20T07:00:00Z\nhours = {hours}\n\
         [operator]\ncountry = 'PL'\nsubscribers = 20_000\n"
    );
    for (name, class, transport) in TRUNKS {
        text += &format!("[[trunk]]\nname = '{name}'\nclass = '{class}'\ntransport = '{transport}'\n");
    }
    if !attack.is_empty() {
        text += &format!("[[attack]]\n{attack}\n");
    }
    Scenario::parse("t.toml", &text).map_err(|carets| format!("{carets:?}"))
}

/// The world of such a scenario.
pub(in crate::simulate) fn world(hours: f64) -> Arc<World> {
    Arc::new(World::new(&scenario(hours, "").unwrap(), 7).unwrap())
}

/// The attempts of an attack, checked for what holds of all: order, positions, moments within the scenario.
pub(in crate::simulate) fn attempts(hours: f64, attack: &str) -> Vec<Attempt> {
    let scenario = scenario(hours, attack).unwrap();
    let world = Arc::new(World::new(&scenario, 7).unwrap());
    let mut merge = Merge::new(scenario.sources(&world).unwrap());
    let attempts: Vec<Attempt> = std::iter::from_fn(|| merge.next()).collect();
    assert!(attempts.is_sorted_by_key(|attempt| attempt.setup_at));
    assert!(attempts.iter().all(|attempt| (world.start()..world.end()).contains(&attempt.setup_at)));
    let last = attempts.iter().map(|attempt| attempt.truth.campaign).max().unwrap_or_default();
    for campaign in 1..=last {
        let positions: Vec<u32> = attempts
            .iter()
            .filter(|attempt| attempt.truth.campaign == campaign && attempt.truth.position > 0)
            .map(|attempt| attempt.truth.position)
            .collect();
        assert!(positions.iter().copied().eq(1..=positions.len() as u32), "campaign {campaign}");
    }
    attempts
}

/// Why an attack is refused.
pub(in crate::simulate) fn refusal(attack: &str) -> String {
    match scenario(1.0, attack) {
        Err(message) => message,
        Ok(scenario) => {
            let world = Arc::new(World::new(&scenario, 7).unwrap());
            scenario.sources(&world).err().map(|finding| finding.message).unwrap_or_default()
        }
    }
}

/// Share of these attempts.
pub(in crate::simulate) fn share(attempts: &[Attempt], of: impl Fn(&Attempt) -> bool) -> f64 {
    attempts.iter().filter(|attempt| of(attempt)).count() as f64 / attempts.len() as f64
}

/// Whether it is answered.
pub(in crate::simulate) fn is_answered(attempt: &Attempt) -> bool {
    matches!(attempt.end, End::Answered { .. })
}
