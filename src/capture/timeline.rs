//! The time of a run of frames, which never goes backwards, whatever the clock did that stamped them.

use std::time::Duration;

use crate::base::fault::{Faults, Kind, Layer};
use crate::base::time::At;

/// A frame further ahead of the one before is believed only when the next one is as far.
const LEAP_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Frames a little out of order are only moved to now; a clock further behind has been set back.
const STEP_MIN: Duration = Duration::from_secs(1);

/// Tells the time of each frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    now: At,
    /// A frame has told its time.
    has_begun: bool,
    /// How far the frames' clock is behind now, since it fell back.
    fallen_back: Duration,
    /// Time of the frame before, if it was too far ahead to be believed.
    leapt_to: Option<At>,
}

impl Timeline {
    /// Begins at a time from which on the clock is believed.
    #[must_use]
    pub fn from(at: At) -> Self {
        Self { now: at, has_begun: true, ..Self::default() }
    }

    /// Moves now to a frame's time. A frame from the past happens now; so does a single one from far ahead, whose time is
    /// damaged: believed, it would put every frame after it in the past.
    ///
    /// When the clock falls back by more than `STEP_MIN`, time goes on from now at its own pace, so that the time
    /// between two messages stays what it was, until the clock has caught up.
    #[inline]
    pub fn tell(&mut self, at: At, faults: &mut Faults) -> At {
        if at < self.now {
            faults.count(Layer::File, Kind::ClockBackwards);
            let shifted = at + self.fallen_back;
            if self.now.since(shifted) > STEP_MIN {
                self.fallen_back = self.now.since(at);
            }
            self.now = self.now.max(shifted);
        } else if self.has_begun
            && at.since(self.now) > LEAP_MAX
            && self.leapt_to.is_none_or(|leap| at < leap)
        {
            faults.count(Layer::File, Kind::ClockForwards);
            self.leapt_to = Some(at);
            return self.now;
        } else {
            self.now = at;
            self.fallen_back = Duration::ZERO;
        }
        self.has_begun = true;
        self.leapt_to = None;
        self.now
    }

    /// Lets time pass without a frame.
    pub fn pass(&mut self, until: At) {
        self.now = self.now.max(until);
    }

    /// Time of the last frame, or what has passed since.
    #[must_use]
    pub const fn now(&self) -> At {
        self.now
    }

    /// It is known what time it is.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.has_begun
    }
}
