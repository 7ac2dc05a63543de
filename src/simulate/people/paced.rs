//! Occasions at their moments, each with all that follows from it: a redial, a call back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::Attempt;
use crate::simulate::draw::{Rng, seconds};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Makes the attempts of one occasion.
pub(super) trait Maker: Send {
    /// Notes the attempts of an occasion at `at`, none before it.
    fn make(&mut self, at: At, out: &mut Agenda);
}

/// Noting what may not be: no trunk may have taken it.
pub(super) trait Note {
    /// Notes the attempt, if there is one.
    fn note(&mut self, attempt: Option<Attempt>);
}

impl Note for Agenda {
    fn note(&mut self, attempt: Option<Attempt>) {
        if let Some(attempt) = attempt {
            self.push(attempt);
        }
    }
}

/// A maker's attempts in order of setup. Only what follows from earlier occasions is held.
pub(super) struct Paced<M> {
    maker: M,
    moments: VecDeque<Arrivals>,
    rng: Rng,
    agenda: Agenda,
    /// The occasion to come; `None` when there is none.
    ahead: Option<At>,
    end: At,
}

impl<M: Maker + 'static> Paced<M> {
    /// A source of this maker's attempts. `moments` follow each other and do not overlap; `name` is the source's.
    pub(super) fn boxed(
        world: &Arc<World>,
        name: &str,
        moments: impl IntoIterator<Item = Arrivals>,
        maker: M,
    ) -> Box<dyn Source> {
        let (moments, rng) = (moments.into_iter().collect(), world.rng(&format!("{name}/moments")));
        let mut paced =
            Self { maker, moments, rng, agenda: Agenda::default(), ahead: None, end: world.end() };
        paced.ahead = paced.moment();
        Box::new(paced)
    }

    fn moment(&mut self) -> Option<At> {
        while let Some(arrivals) = self.moments.front_mut() {
            match arrivals.next(&mut self.rng) {
                Some(at) => return Some(at),
                None => self.moments.pop_front(),
            };
        }
        None
    }
}

impl<M: Maker + 'static> Source for Paced<M> {
    fn next(&mut self) -> Option<Attempt> {
        while let Some(at) = self.ahead {
            if let Some(attempt) = self.agenda.pop_until(at) {
                return Some(attempt);
            }
            self.maker.make(at, &mut self.agenda);
            self.ahead = self.moment();
        }
        self.agenda.pop().filter(|attempt| attempt.setup_at < self.end)
    }
}

/// How many attempts an occasion makes on average, by a thousand trials.
pub(super) fn attempts_an_occasion(maker: &mut impl Maker, at: At) -> f64 {
    const TRIALS: u32 = 1_000;
    let mut agenda = Agenda::default();
    (0..TRIALS).for_each(|_| maker.make(at, &mut agenda));
    (agenda.len() as f64 / f64::from(TRIALS)).max(0.01)
}

/// An hour in the middle of what people call in: 14:00 at home, on the first day or the next.
pub(super) fn afternoon(world: &Arc<World>) -> At {
    let hours = (14.0 - world.hour_at(world.start(), world.home())).rem_euclid(24.0);
    world.start() + seconds(hours * 3_600.0)
}

/// Hours of the local day in which something happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hours {
    /// From this hour, 0 to 24.
    pub from: f64,
    /// To this hour.
    pub to: f64,
    /// On Saturday and Sunday, too.
    pub weekends: bool,
}

/// `per_day` moments each day, evenly within these hours of the home country.
pub(super) fn at_hours(world: &Arc<World>, per_day: f64, hours: Hours) -> Vec<Arrivals> {
    const DAY_S: f64 = 86_400.0;
    let span = (hours.to - hours.from).max(0.0) * 3_600.0;
    let into_day = world.hour_at(world.start(), world.home()) * 3_600.0;
    let days = ((world.end().since(world.start()).as_secs_f64() + into_day) / DAY_S).ceil() as u32;
    let mut windows = Vec::new();
    for day in 0..days {
        // Seconds after the start of the scenario; of a window that is partly over, the rest.
        let opens = f64::from(day) * DAY_S + hours.from * 3_600.0 - into_day;
        let (from, left) = (opens.max(0.0), span + opens.min(0.0));
        let start = world.start() + seconds_long(from);
        if left > 0.0 && (hours.weekends || world.weekday_at(start) < 5) {
            windows.push(Arrivals::even(world, per_day / span, (start, seconds(left))));
        }
    }
    windows
}

/// `total` moments from `after_s` after the start of the scenario on, spread over `for_s` seconds.
pub(super) fn within(world: &Arc<World>, total: f64, (after_s, for_s): (f64, f64)) -> [Arrivals; 1] {
    let when = (world.start() + seconds_long(after_s), seconds_long(for_s));
    [Arrivals::even(world, total / for_s, when)]
}

/// Seconds as a span of up to a year, where [`seconds`] stops at a day.
pub(super) fn seconds_long(seconds: f64) -> Duration {
    Duration::from_secs_f64(if seconds > 0.0 { seconds.min(31_622_400.0) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::world_of;

    #[test]
    fn hours_are_kept_over_days_and_weekends() {
        // 2026-11-20 is a Friday; the home country is an hour ahead of UTC.
        let world = world_of("start = 2026-11-20T10:00:00Z\nhours = 72");
        let hours = Hours { from: 9.0, to: 17.0, weekends: false };
        let mut rng = world.rng("test");
        let mut moments = Vec::new();
        for mut window in at_hours(&world, 4_000.0, hours) {
            moments.extend(std::iter::from_fn(|| window.next(&mut rng)));
        }
        assert!(moments.is_sorted());
        assert!(moments.iter().all(|at| (9.0..17.0).contains(&world.hour_at(*at, world.home()))));
        assert!(moments.iter().all(|at| world.weekday_at(*at) < 5));
        // Six hours of Friday are left, and two of Monday.
        assert!((3_700..4_300).contains(&moments.len()), "{}", moments.len());
    }
}
