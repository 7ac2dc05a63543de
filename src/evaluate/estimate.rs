//! What an operator can know without the truth, set against it: how many of the blocked calls were people's, from
//! probes; how many unwanted calls nobody noticed, from test calls.

use crate::base::class::Class;
use crate::base::interval::Interval;
use crate::evaluate::counts::{Counts, Place, Taken};
use crate::evaluate::statistics::{Recapture, Share};

/// A share as estimated, and as it truly is.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// What it is of: a class, a route, a country.
    pub of: String,
    /// How many calls the estimate rests on.
    pub sample: u64,
    /// The estimate.
    pub estimate: f64,
    /// Its bounds at 95 %.
    pub bounds: Interval,
    /// The truth, where there was anything.
    pub truth: Option<f64>,
}

impl Estimate {
    /// Whether the truth lies within the bounds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.truth.is_none_or(|truth| self.bounds.low <= truth && truth <= self.bounds.high)
    }
}

/// For each class of which calls were let through by lot: the share of them that were legitimate, were it not for the
/// lot blocked wrongly. One whose end does not confirm its class counts as legitimate, so the estimate is more often
/// too high than too low.
#[must_use]
pub fn wrongly_blocked(counts: &Counts) -> Vec<Estimate> {
    let classes = Class::ALL.into_iter().map(|class| (class, counts.taken[class as usize]));
    let probed = classes.filter(|(_, taken)| taken.probes > 0);
    probed.map(|(class, taken)| from_probes(class.name(), &taken)).collect()
}

fn from_probes(of: &str, taken: &Taken) -> Estimate {
    let doubted = Share::new(taken.probes - taken.probes_confirmed.min(taken.probes), taken.probes);
    Estimate {
        of: of.to_owned(),
        sample: taken.probes,
        estimate: doubted.value().unwrap_or_default(),
        bounds: doubted.interval(),
        truth: Share::new(taken.probes_legitimate, taken.probes).value(),
    }
}

/// The share of unwanted calls at a place that nobody noticed. The calls that were found out are one sight of them,
/// those to test numbers another. None without a test call.
#[must_use]
pub fn unnoticed(of: &str, place: &Place) -> Option<Estimate> {
    let recapture = Recapture { first: place.seen, second: place.tests, both: place.tests_seen };
    let (estimate, bounds) = recapture.missed()?;
    let truth = Share::new(place.unnoticed, place.unwanted).value();
    Some(Estimate { of: of.to_owned(), sample: place.tests, estimate, bounds, truth })
}

/// All places together.
#[must_use]
pub fn everywhere(counts: &Counts) -> Place {
    let mut all = Place::default();
    counts.routes.values().for_each(|place| all.add(place));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_fair_finds_the_truth() {
        let place = Place {
            unwanted: 10_000,
            blocked: 9_000,
            unnoticed: 1_000,
            seen: 9_000,
            tests: 50,
            tests_seen: 45,
            ..Place::default()
        };
        let estimate = unnoticed("all", &place).unwrap();
        assert!((estimate.estimate - 0.1).abs() < 0.02, "{estimate:?}");
        assert_eq!(estimate.truth, Some(0.1));
        assert!(estimate.holds() && estimate.bounds.high < 0.25);
        assert_eq!(unnoticed("none", &Place { tests: 0, ..place }), None);
    }

    #[test]
    fn probes_bound_what_was_blocked_wrongly() {
        let mut counts = Counts::default();
        counts.taken[Class::Flash as usize] = Taken {
            setup: 5_000,
            probes_legitimate: 2,
            probes: 100,
            probes_confirmed: 97,
            ..Taken::default()
        };
        let [estimate] = &wrongly_blocked(&counts)[..] else { panic!("one class has probes") };
        assert_eq!((estimate.of.as_str(), estimate.estimate, estimate.truth), ("flash", 0.03, Some(0.02)));
        assert!(estimate.holds());
        assert!(!Estimate { truth: Some(0.5), ..estimate.clone() }.holds());
    }
}
