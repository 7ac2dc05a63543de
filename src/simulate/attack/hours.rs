//! When an attacker works: hours of the day, days of the week, bursts.

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::world::World;

/// Hours by the clock of the home country.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hours {
    /// At any time.
    #[default]
    Any,
    /// 22 to 6, when people see the missed call in the morning.
    Night,
    /// 8 to 18, Monday to Friday: the hours that Elisa and Nkom report for spoofed calls.
    Office,
    /// Outside office hours: nobody watches the exchange of a business.
    Unwatched,
}

impl Hours {
    /// Whether calls are made at this moment.
    #[must_use]
    pub fn are_worked(self, at: At, world: &World) -> bool {
        let hour = world.hour_at(at, world.home());
        let is_office = world.weekday_at(at) < 5 && (8.0..18.0).contains(&hour);
        match self {
            Self::Any => true,
            Self::Night => !(6.0..22.0).contains(&hour),
            Self::Office => is_office,
            Self::Unwatched => !is_office,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attack::testing::world;

    fn at(hours_from_start: u64, world: &World) -> At {
        world.start() + std::time::Duration::from_secs(hours_from_start * 3_600)
    }

    #[test]
    fn hours_are_those_of_the_home_country() {
        // It starts on a Friday at 7:00 UTC, which is 8:00 in Poland.
        let world = world(48.0);
        let worked = |hours: Hours| -> Vec<u64> {
            (0..48).filter(|hour| hours.are_worked(at(*hour, &world), &world)).collect()
        };
        assert_eq!(worked(Hours::Any).len(), 48);
        assert_eq!(worked(Hours::Office), (0..10).collect::<Vec<_>>());
        assert_eq!(worked(Hours::Unwatched), (10..48).collect::<Vec<_>>());
        let night: Vec<u64> = (14..22).chain(38..46).collect();
        assert_eq!(worked(Hours::Night), night);
    }
}
