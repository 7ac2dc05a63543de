//! Moments at which calls begin: a Poisson process that follows the rhythm of the day.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::base::time::At;
use crate::simulate::draw::{Rng, exponential};
use crate::simulate::world::{RATE_MAX, World};

/// Moments of a Poisson process between two times, in order.
pub struct Arrivals {
    world: Arc<World>,
    now: At,
    end: At,
    /// Mean span between moments at the highest rate, in seconds.
    gap: f64,
    follows_day: bool,
}

impl Arrivals {
    /// `per_day` moments a day on average, more at busy hours, over the whole scenario.
    #[must_use]
    pub fn daily(world: &Arc<World>, per_day: f64) -> Self {
        let gap = 86_400.0 / (per_day * RATE_MAX);
        Self { now: world.start(), end: world.end(), gap, follows_day: true, world: Arc::clone(world) }
    }

    /// `per_second` moments a second at any hour, from `start` for `span`, within the scenario.
    #[must_use]
    pub fn even(world: &Arc<World>, per_second: f64, (start, span): (At, Duration)) -> Self {
        let (now, end) = (start.max(world.start()), (start + span).min(world.end()));
        Self { now, end, gap: 1.0 / per_second, follows_day: false, world: Arc::clone(world) }
    }

    /// The next moment; `None` at the end, or at once when the rate is not positive.
    pub fn next(&mut self, rng: &mut Rng) -> Option<At> {
        if !(self.gap > 0.0 && self.gap.is_finite()) {
            return None;
        }
        while self.now < self.end {
            // A nanosecond at least, so that any rate comes to an end.
            self.now = self.now + exponential(rng, self.gap).max(Duration::from_nanos(1));
            if self.now >= self.end {
                break;
            }
            // Thinning: a moment at the highest rate stays with the share of the rate of its hour.
            if !self.follows_day || rng.random::<f64>() * RATE_MAX < self.world.rate_at(self.now) {
                return Some(self.now);
            }
        }
        None
    }
}
