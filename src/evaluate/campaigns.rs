//! What needs the order of setups: the courses of campaigns, of their ranges and numbers, and ranges that changed
//! hands.

use crate::base::class::Class;
use crate::base::map::Map;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::evaluate::counts::CLASSES;
use crate::evaluate::course::{Course, Ended, Outcome};
use crate::evaluate::curve::Positions;
use crate::evaluate::judged::{Judged, Standing};
use crate::evaluate::names::Name;
use crate::evaluate::release::{Release, Released};

/// Courses followed at a time, and releases as many again; what comes after them is counted, not followed.
pub const COURSES_MAX: usize = 500_000;
/// Last digits that a range leaves open.
const RANGE_WIDTH: u8 = 4;

/// What a course is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A campaign.
    Campaign,
    /// A campaign's calls with one number.
    Number,
    /// A campaign's calls of one route with numbers from one block of 10,000.
    Range,
}

/// What a campaign is called. When the truth does not tell, all calls of a class, kind and route are one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Campaign {
    Guessed { kind: Name, route: RouteId },
    Told { family: Name, number: u32 },
}

/// What a course is called: scope, class, campaign, first digits of its numbers, and route where it counts.
type CourseKey = (Scope, Class, Campaign, u64, RouteId);

/// Follows them. Calls come in the order of their setup.
#[derive(Debug, Default)]
pub struct Campaigns {
    courses: Map<CourseKey, usize>,
    followed: Vec<(CourseKey, Name, Course)>,
    releases: Map<(u32, Option<Range>, RouteId), usize>,
    released: Vec<Release>,
    positions: [Positions; CLASSES],
    unfollowed: u64,
}

/// A course that has ended, and whose it was.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What it is of.
    pub scope: Scope,
    /// Class of its calls.
    pub class: Class,
    /// Family of its first call.
    pub family: Name,
    /// The course.
    pub ended: Ended,
}

/// All that have ended, of one run or several.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// Courses, in the order in which they began, run after run.
    pub courses: Vec<Run>,
    /// Ranges that changed hands.
    pub releases: Vec<Released>,
    /// How many *n*-th calls of campaigns were stopped, by class.
    pub positions: [Positions; CLASSES],
    /// Calls whose course began when there was no room.
    pub unfollowed: u64,
}

impl Runs {
    /// Adds those of another run.
    pub fn merge(&mut self, other: &Self) {
        self.courses.extend_from_slice(&other.courses);
        self.releases.extend_from_slice(&other.releases);
        self.positions.iter_mut().zip(&other.positions).for_each(|(own, other)| own.merge(other));
        self.unfollowed += other.unfollowed;
    }
}

impl Campaigns {
    /// Whether the order of this call among others matters.
    #[must_use]
    pub fn wants(call: &Judged, reassigned: Name) -> bool {
        match call.standing {
            Standing::Contracted => false,
            Standing::Legitimate => call.truth.kind == reassigned,
            Standing::Unwanted => true,
        }
    }

    /// Takes a call that it [wants](Campaigns::wants).
    pub fn take(&mut self, call: &Judged) {
        if call.standing == Standing::Legitimate {
            self.take_reassigned(call);
            return;
        }
        let class = call.truth.label;
        let campaign = match call.truth.campaign {
            0 => Campaign::Guessed { kind: call.truth.kind, route: call.route },
            number => Campaign::Told { family: call.truth.family, number },
        };
        let position = self.follow(call, (Scope::Campaign, class, campaign, 0, RouteId::UNKNOWN));
        if let Some(position) = position.filter(|_| call.outcome() != Outcome::Probe) {
            self.positions[class as usize].count(position, call.outcome() == Outcome::Stopped);
        }
        let range = call.number.map_or(0, |number| Range::of(number, RANGE_WIDTH).prefix());
        self.follow(call, (Scope::Range, class, campaign, range, call.route));
        if class == Class::Wangiri {
            let number = call.number.map_or(0, |number| number.value());
            self.follow(call, (Scope::Number, class, campaign, number, RouteId::UNKNOWN));
        }
    }

    /// The end of the run.
    #[must_use]
    pub fn finish(self) -> Runs {
        let courses = self.followed.into_iter().map(|((scope, class, ..), family, course)| Run {
            scope,
            class,
            family,
            ended: course.finish(),
        });
        Runs {
            courses: courses.collect(),
            releases: self.released.into_iter().map(Release::finish).collect(),
            positions: self.positions,
            unfollowed: self.unfollowed,
        }
    }

    /// Adds a call to its course, and gives its position in it, from 1.
    fn follow(&mut self, call: &Judged, key: CourseKey) -> Option<u64> {
        let index = match self.courses.get(&key) {
            Some(index) => *index,
            None if self.followed.len() == COURSES_MAX => {
                self.unfollowed += 1;
                return None;
            }
            None => {
                self.followed.push((key, call.truth.family, Course::new(call.setup_at)));
                self.courses.insert(key, self.followed.len() - 1);
                self.followed.len() - 1
            }
        };
        let (_, _, course) = &mut self.followed[index];
        course.take(call.setup_at, call.outcome());
        Some(course.calls())
    }

    fn take_reassigned(&mut self, call: &Judged) {
        // A campaign that is told is one range, or several that were given back together.
        let range = match call.truth.campaign {
            0 => call.number.map(|number| Range::of(number, RANGE_WIDTH)),
            _ => None,
        };
        let key = (call.truth.campaign, range, call.route);
        let at: At = call.setup_at;
        let index = match self.releases.get(&key) {
            Some(index) => *index,
            None if self.released.len() == COURSES_MAX => {
                self.unfollowed += 1;
                return;
            }
            None => {
                self.released.push(Release::new(at));
                self.releases.insert(key, self.released.len() - 1);
                self.released.len() - 1
            }
        };
        self.released[index].take(at, call.decision.keeps_away());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::class::Decision;
    use crate::evaluate::truth::Truth;

    fn call(at_s: u64, number: &str, decision: Decision, truth: Truth) -> Judged {
        let standing = if truth.label == Class::Normal { Standing::Legitimate } else { Standing::Unwanted };
        Judged {
            truth,
            standing,
            setup_at: At::from_nanos(at_s * 1_000_000_000),
            route: RouteId(1),
            number: crate::base::number::Number::from_digits(number.as_bytes()).ok(),
            decision,
            class: truth.label,
            final_class: truth.label,
            rule: None,
            is_probe: false,
            is_sample: false,
            is_confirmed: false,
        }
    }

    fn truth(label: Class, campaign: u32) -> Truth {
        Truth { label, kind: Name::default(), family: Name::default(), campaign }
    }

    #[test]
    fn a_campaign_has_a_course_of_its_own_and_one_for_each_range() {
        let mut campaigns = Campaigns::default();
        for second in 0..40 {
            let number = if second < 20 { "48221000001" } else { "48221010001" };
            let decision = if second % 20 < 4 { Decision::Allow } else { Decision::Block };
            campaigns.take(&call(second, number, decision, truth(Class::Flash, 1)));
        }
        let runs = campaigns.finish();
        let of = |scope| runs.courses.iter().filter(move |run| run.scope == scope);
        assert_eq!(
            (of(Scope::Campaign).count(), of(Scope::Range).count(), of(Scope::Number).count()),
            (1, 2, 0)
        );
        assert!(of(Scope::Range).all(|run| run.ended.caught.is_some_and(|caught| caught.passed == 4)));
        let first: Vec<_> =
            runs.positions[Class::Flash as usize].shares().take(5).map(|(_, share)| share).collect();
        assert_eq!(first, [0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn wangiri_is_followed_by_number_too() {
        let mut campaigns = Campaigns::default();
        for second in 0..10 {
            let number = if second % 2 == 0 { "48221000001" } else { "48221000002" };
            campaigns.take(&call(second, number, Decision::Block, truth(Class::Wangiri, 0)));
        }
        let numbers = campaigns.finish().courses.into_iter().filter(|run| run.scope == Scope::Number);
        assert_eq!(numbers.map(|run| run.ended.calls).collect::<Vec<_>>(), [5, 5]);
    }

    #[test]
    fn releases_are_by_campaign_or_by_range() {
        let mut campaigns = Campaigns::default();
        for (second, number, campaign) in
            [(0, "48221000001", 3), (1, "48221990001", 3), (2, "48221000001", 0), (3, "48221990001", 0)]
        {
            campaigns.take(&call(second, number, Decision::Block, truth(Class::Normal, campaign)));
        }
        let releases = campaigns.finish().releases;
        assert_eq!(releases.iter().map(|released| released.blocked).collect::<Vec<_>>(), [2, 1, 1]);
    }
}
