//! Calls to emergency numbers: as they come, as an exercise makes them, and the centre's calls back.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{below, chance, lognormal, seconds};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Course, lognormal_of_mean};
use crate::simulate::people::paced::{Maker, Note, Paced, within};
use crate::simulate::people::post::{BUSINESSES, Post};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Emergency calls. Reference list of hard negatives, item 9 for the exercise; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Emergency {
    /// Calls a day.
    pub calls_per_day: f64,
    /// Share made by mistake: cut as soon as it rings.
    #[serde(default = "by_mistake")]
    pub by_mistake: f64,
    /// Share of those that the centre calls back.
    #[serde(default = "called_back")]
    pub called_back: f64,
    /// Calls of the exercise; none when 0.
    #[serde(default)]
    pub drill_calls: f64,
    /// Start of the exercise, in seconds after that of the scenario.
    #[serde(default)]
    pub drill_after_s: f64,
    /// How long the exercise lasts, in seconds.
    #[serde(default = "ten_minutes")]
    pub drill_for_s: f64,
}

const fn by_mistake() -> f64 {
    0.2
}

const fn called_back() -> f64 {
    0.6
}

const fn ten_minutes() -> f64 {
    600.0
}

impl Emergency {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 1_000_000.0)?;
        check::share("by-mistake", self.by_mistake)?;
        check::share("called-back", self.called_back)?;
        check::after("drill-after-s", self.drill_after_s)?;
        check::span("drill-for-s", self.drill_for_s)?;
        if !(0.0..=1_000_000.0).contains(&self.drill_calls) {
            return Err("drill-calls: 0 to 1000000".into());
        }
        let inbound = check::trunks(world, None, &BUSINESSES, false)?;
        let outbound = check::trunks(world, None, &BUSINESSES, true)?;
        let maker = |is_drill| {
            let part = if is_drill { "drill" } else { "calls" };
            let name = format!("{name}/{part}");
            let post = Post::new(world, &name, inbound.clone()).and_out(outbound.clone());
            (name, Centre { post, is_drill, spec: self.clone() })
        };
        let (calls, drill) = (maker(false), maker(true));
        let daily = [Arrivals::daily(world, self.calls_per_day)];
        let exercise = within(world, self.drill_calls, (self.drill_after_s, self.drill_for_s));
        Ok(vec![
            Paced::boxed(world, &calls.0, daily, calls.1),
            Paced::boxed(world, &drill.0, exercise, drill.1),
        ])
    }
}

struct Centre {
    post: Post,
    is_drill: bool,
    spec: Emergency,
}

impl Centre {
    /// A number of the country: 112 works from mobiles everywhere in Europe and in most of the world.
    fn number(&self) -> &'static str {
        match self.post.world.home().iso {
            "GB" => "999",
            "US" => "911",
            _ => "112",
        }
    }

    fn answered(&mut self) -> Course {
        let rng = &mut self.post.rng;
        let (ring, talk) = (lognormal(rng, 4.0, 0.5, 60.0), lognormal_of_mean(rng, 90.0, 0.8, 3_600.0));
        (Some(lognormal(rng, 1.2, 0.3, 6.0)), End::Answered { ring, talk, by: Side::Called })
    }
}

impl Maker for Centre {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let (caller, number) = (self.post.subscriber(), self.number());
        let is_mistake = !self.is_drill && chance(&mut self.post.rng, self.spec.by_mistake);
        let course = match is_mistake {
            true => {
                let ring = lognormal(&mut self.post.rng, 2.0, 0.6, 15.0);
                self.post.given_up(ring)
            }
            false => self.answered(),
        };
        let kind = if self.is_drill { "emergency_drill" } else { "emergency" };
        let parties = (caller.clone(), number.to_owned());
        let Some(call) = self.post.outbound(at, parties, course, kind) else { return };
        let later = call.end_at() + Duration::from_secs(20) + lognormal(&mut self.post.rng, 40.0, 0.6, 600.0);
        out.push(call);
        if is_mistake && chance(&mut self.post.rng, self.spec.called_back) {
            let desk = below(&mut self.post.rng, 20);
            let parties = (self.post.world.other_fixed(700_000 + desk), caller);
            let mut course = self.post.course(0.8, 40.0);
            // The centre is patient.
            if let (Some(_), End::GivenUp { after, .. }) = &mut course {
                *after = (*after).max(seconds(20.0));
            }
            out.note(self.post.inbound(later, parties, course, "emergency_call_back"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{attempts_of, calling, distinct, is_answered, of_kind, share};

    #[test]
    fn emergency_calls_leave_and_mistakes_are_called_back() {
        let attempts = attempts_of(
            "kind = \"emergency\"\ncalls-per-day = 600\ndrill-calls = 300\ndrill-after-s = 36_000",
        );
        let calls = of_kind(&attempts, "emergency");
        assert!(calls.iter().all(|one| one.is_outbound && one.called == "112"));
        let answered = share(&calls, is_answered);
        assert!((0.75..0.85).contains(&answered), "{answered}");
        let drill = of_kind(&attempts, "emergency_drill");
        assert_eq!(share(&drill, is_answered), 1.0);
        assert!((240..360).contains(&drill.len()) && distinct(&drill, calling) > 200);
        let span = drill[drill.len() - 1].setup_at.since(drill[0].setup_at);
        assert!(span.as_secs() < 600);
        let backs = of_kind(&attempts, "emergency_call_back");
        assert!(backs.iter().all(|one| !one.is_outbound) && !backs.is_empty());
    }
}
