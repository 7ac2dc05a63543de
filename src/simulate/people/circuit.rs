//! ISUP circuits on which something goes wrong: seized from both ends at once, reset, reset in groups.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, End, Oddity, TrunkId, Truth};
use crate::simulate::draw::{below, between, chance};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation};
use crate::simulate::people::paced::{Maker, Paced};
use crate::simulate::people::talk::{Call, Peer, Talk};
use crate::simulate::scenario::Transport;
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Faults of one ISUP trunk that takes calls both ways. Reference list of hard negatives, item 20; its figures are
/// assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Circuits {
    /// The trunk.
    pub trunk: String,
    /// Circuits seized from both ends at once (Q.764 §2.9.1), a day.
    pub dual_seizures_per_day: f64,
    /// Circuits reset in the middle of a call attempt, a day.
    pub resets_per_day: f64,
    /// Group resets that end a call each, a day.
    pub group_resets_per_day: f64,
}

impl Circuits {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        let trunk = check::trunk(world, &self.trunk)?;
        let there = world.trunk(trunk);
        if there.transport != Transport::Isup || !there.takes(true) || !there.takes(false) {
            return Err(format!("trunk: `{}` is not ISUP both ways", self.trunk));
        }
        let talk = |part| Talk::new(world, &format!("{name}/{part}"), &Habits::default());
        let faults = [
            ("dual_seizure", "dual-seizures-per-day", self.dual_seizures_per_day),
            ("circuit_reset", "resets-per-day", self.resets_per_day),
            ("group_reset", "group-resets-per-day", self.group_resets_per_day),
        ];
        let mut sources = Vec::new();
        for (kind, field, per_day) in faults {
            check::positive(field, per_day, 1_000_000.0)?;
            let maker = Faults { talk: talk(kind)?, trunk, kind };
            let moments = Arrivals::daily(world, per_day);
            sources.push(Paced::boxed(world, &format!("{name}/{kind}"), [moments], maker));
        }
        Ok(sources)
    }
}

struct Faults {
    talk: Talk,
    trunk: TrunkId,
    kind: &'static str,
}

impl Faults {
    fn parties(&mut self) -> (String, Peer) {
        let talk = &mut self.talk;
        let is_abroad = talk.world.trunk(self.trunk).class == RouteClass::International;
        let own = below(&mut talk.rng, talk.world.subscribers());
        let person = below(&mut talk.rng, u64::MAX);
        (talk.world.subscriber(own), talk.person(person, if is_abroad { 1.0 } else { 0.0 }))
    }

    /// A call one way, as people's calls go.
    fn call(&mut self, at: At, is_outbound: bool) -> Attempt {
        let (own, peer) = self.parties();
        let call =
            Call { at, own: &own, peer: &peer, is_outbound, relation: Relation::Contact, is_away: false };
        let course = self.talk.habits.course(&mut self.talk.rng, Relation::Contact);
        self.talk.play(&call, (self.trunk, course), Truth::normal(self.kind))
    }

    /// Both ends seize a circuit. The end that does not control it gives way and takes another (Q.764 §2.9.1.4).
    fn dual_seizure(&mut self, at: At, out: &mut Agenda) {
        // Exchanges take the first free circuit: the upper half is hardly ever busy.
        let upper = u64::from(self.talk.world.trunk(self.trunk).circuits / 2);
        let circuit = 1 + upper + below(&mut self.talk.rng, upper);
        // The far end controls the odd ones.
        let loses_outbound = circuit % 2 == 1;
        let circuit = Oddity::OnCircuit(circuit as u16);
        let later = at + between(&mut self.talk.rng, 0.1, 0.6);
        let again = self.call(later, loses_outbound);
        let lost =
            Attempt { setup_at: at, alert_after: None, end: End::Never, oddity: circuit, ..again.clone() };
        let crossing = at + between(&mut self.talk.rng, 0.001, 0.03);
        let won = Attempt { oddity: circuit, ..self.call(crossing, !loses_outbound) };
        let again = Attempt { oddity: Oddity::None, ..again };
        [lost, won, again].into_iter().for_each(|attempt| out.push(attempt));
    }

    fn reset(&mut self, at: At, out: &mut Agenda) {
        let is_outbound = chance(&mut self.talk.rng, 0.5);
        let attempt = self.call(at, is_outbound);
        let rng = &mut self.talk.rng;
        let after = between(rng, 0.5, 15.0);
        let alert_after = Some(self.talk.habits.alerting(rng)).filter(|_| chance(rng, 0.5));
        let end = match self.kind {
            "circuit_reset" => End::Reset { after },
            _ => End::Silent { after },
        };
        out.push(attempt.clone().with((alert_after, end)));
        // People try again.
        let again =
            self.call(at + alert_after.unwrap_or_default() + after + Duration::from_secs(8), is_outbound);
        let parties = (attempt.calling, attempt.called);
        out.push(Attempt { calling: parties.0, called: parties.1, ..again });
    }
}

impl Maker for Faults {
    fn make(&mut self, at: At, out: &mut Agenda) {
        match self.kind {
            "dual_seizure" => self.dual_seizure(at, out),
            _ => self.reset(at, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{attempts_of, of_kind, refusal_of};

    const FAULTS: &str =
        "dual-seizures-per-day = 60\nresets-per-day = 40\ngroup-resets-per-day = 30\nkind = \"circuits\"";

    #[test]
    fn a_circuit_seized_twice_is_left_by_one_who_tries_again() {
        let attempts = attempts_of(&format!("{FAULTS}\ntrunk = \"nat-isup-1\""));
        let seizures = of_kind(&attempts, "dual_seizure");
        let lost: Vec<&Attempt> = seizures.iter().filter(|one| one.end == End::Never).collect();
        assert_eq!(seizures.len(), 3 * lost.len());
        for lost in lost {
            let mine = |one: &&Attempt| one.setup_at.since(lost.setup_at).as_millis() < 700 && *one != lost;
            let near: Vec<&Attempt> = seizures.iter().filter(mine).collect();
            assert!(near.iter().any(|one| one.oddity == lost.oddity && one.is_outbound != lost.is_outbound));
            assert!(near.iter().any(|one| one.oddity == Oddity::None && one.called == lost.called));
        }
        let resets = of_kind(&attempts, "circuit_reset");
        assert!(resets.iter().any(|one| matches!(one.end, End::Reset { .. })));
        let groups = of_kind(&attempts, "group_reset");
        assert!(groups.iter().any(|one| matches!(one.end, End::Silent { .. })));
    }

    #[test]
    fn needs_circuits() {
        let refused = refusal_of(&format!("{FAULTS}\ntrunk = \"nat-sip-1\""));
        assert_eq!(refused, "trunk: `nat-sip-1` is not ISUP both ways");
    }
}
