//! Where subscribers were of late: who made a call at home, whom they called, and what was answered when somebody else
//! was asked for their roaming state.
//!
//! In: setups in time order, and answers. A number that made a call at home minutes ago cannot call from abroad now;
//! a call that somebody abroad forwarded to us was first made through us, if the caller is at home.
//!
//! Must not: take the word of a call whose calling number was refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::map::Seed;
use crate::base::network::{Network, RoamingState};
use crate::base::number::Number;
use crate::base::route::{Direction, RouteClass};
use crate::base::time::At;
use crate::call::Call;
use crate::feature::clock::seconds;
use crate::feature::slices::Part;
use crate::feature::table::Table;

/// How long a call may take from its setup until it is forwarded back to us: a telephone rings until its network gives
/// up, and there is room for a second one after it.
pub const FORWARDED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Most keys of each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceLimits {
    /// Subscribers who made a call at home.
    pub at_home: usize,
    /// Pairs of who called whom.
    pub pairs: usize,
    /// Answers about roaming.
    pub answers: usize,
}

impl Default for PresenceLimits {
    fn default() -> Self {
        Self { at_home: 500_000, pairs: 500_000, answers: 200_000 }
    }
}

/// An answer about roaming: a state or none, for a while.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Answer {
    state: Option<RoamingState>,
    until: At,
}

/// What is known of one number's whereabouts.
#[derive(Clone, Debug, Deserialize)]
pub struct Presence {
    /// When a call was last seen on its way out of the country: without any, nothing can be said of those not seen. Kept before
    /// the pairs, so that a file knows all pairs until then.
    last_abroad: Option<At>,
    at_home: Table<u64, At>,
    pairs: Table<(u64, u64), At>,
    answers: Table<u64, Answer>,
}

impl Presence {
    /// Nothing known yet.
    #[must_use]
    pub fn new(limits: PresenceLimits, seed: Seed) -> Self {
        Self {
            last_abroad: None,
            at_home: Table::new(limits.at_home, seed),
            pairs: Table::new(limits.pairs, seed),
            answers: Table::new(limits.answers, seed),
        }
    }

    /// What is kept in a file, in the order of the fields.
    pub(super) fn parts(&self) -> [&dyn Part; 4] {
        let Self { last_abroad, at_home, pairs, answers } = self;
        [last_abroad, at_home, pairs, answers]
    }

    /// Sets how many answers are held: what the network file says may have changed since they were learned.
    pub fn hold_answers(&mut self, limit: usize) {
        if self.answers.limit() != limit.max(1) {
            let answers = std::mem::replace(&mut self.answers, Table::new(1, Seed::default()));
            self.answers = answers.resized(limit);
        }
    }

    /// Takes note of a setup whose calling number was not refused. How many keys gave way for want of room.
    pub fn setup(&mut self, call: &Call, network: &Network) -> u32 {
        let Some(caller) = call.calling.number else { return 0 };
        let class = network.routes.route(call.route).class;
        let is_inbound = call.direction == Direction::Inbound;
        if is_inbound && matches!(class, RouteClass::International | RouteClass::White) {
            return 0;
        }
        let rank = seconds(call.setup_at);
        let mut evicted = 0;
        // A call that was forwarded shows its first caller's number, who may be anywhere.
        let is_own = is_inbound && class.is_own();
        if is_own && call.diverting.is_none() {
            let (at, old) = self.at_home.touch(caller.value(), rank);
            *at = call.setup_at;
            evicted += u32::from(old.is_some());
        }
        if let Some(called) = call.called.number {
            let (at, old) = self.pairs.touch((caller.value(), called.value()), rank);
            *at = call.setup_at;
            evicted += u32::from(old.is_some());
            if !network.numbering.is_home(called) {
                self.last_abroad = Some(call.setup_at);
            }
        }
        evicted
    }

    /// Takes note of an answer about a number, which holds before `until`. Whether another gave way.
    pub fn answer(&mut self, number: Number, state: Option<RoamingState>, (at, until): (At, At)) -> bool {
        let (answer, evicted) = self.answers.touch(number.value(), seconds(at));
        *answer = Answer { state, until };
        evicted.is_some()
    }

    /// The answer in force: `None` when nobody was asked, `Some(None)` when nobody knew.
    #[must_use]
    pub fn answered(&self, number: Number, at: At) -> Option<Option<RoamingState>> {
        self.answers.get(&number.value()).filter(|answer| at < answer.until).map(|answer| answer.state)
    }

    /// For how long a number has not made a call at home; `None` when it was never seen to.
    #[must_use]
    pub fn at_home_ago(&self, number: Number, at: At) -> Option<Duration> {
        self.at_home.get(&number.value()).map(|seen| at.since(*seen))
    }

    /// Whether `caller` called `called` through us so lately that the call may have been forwarded since. `None` when
    /// no call out of the country was seen in that time: we do not see them, or there are none.
    #[must_use]
    pub fn has_called(&self, caller: Number, called: &[Number], at: At) -> Option<bool> {
        let is_lately = |seen: &At| at.since(*seen) <= FORWARDED_WITHIN;
        let pair = |called: &Number| self.pairs.get(&(caller.value(), called.value()));
        if called.iter().filter_map(pair).any(is_lately) {
            return Some(true);
        }
        self.last_abroad.as_ref().is_some_and(is_lately).then_some(false)
    }

    /// Keys held: at home, pairs, answers.
    #[must_use]
    pub fn sizes(&self) -> [usize; 3] {
        [self.at_home.len(), self.pairs.len(), self.answers.len()]
    }

    /// Octets of memory at the limits.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.at_home.bytes_max() + self.pairs.bytes_max() + self.answers.bytes_max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::number::Party;
    use crate::base::numbering::Numbering;
    use crate::base::route::{Route, RouteId, Routes};
    use crate::feature::tests::call;

    const MINUTE: Duration = Duration::from_secs(60);

    fn network() -> Network {
        let route = |class| Route::new("", class);
        let classes = [RouteClass::OnNet, RouteClass::Enterprise, RouteClass::National, RouteClass::White];
        Network {
            routes: Routes::new(classes.map(route).into()),
            numbering: Numbering::new(Country(*b"PL")).unwrap(),
            ..Network::unknown()
        }
    }

    fn presence() -> Presence {
        Presence::new(PresenceLimits::default(), Seed(1))
    }

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    #[test]
    fn only_a_call_made_at_home_shows_that_somebody_is_there() {
        let network = network();
        for (route, direction, is_diverted, expected) in [
            (1, Direction::Inbound, false, true),
            (2, Direction::Inbound, false, true),
            (1, Direction::Inbound, true, false),
            (1, Direction::Outbound, false, false),
            (3, Direction::Inbound, false, false),
            (4, Direction::Inbound, false, false),
            (0, Direction::Inbound, false, false),
        ] {
            let mut presence = presence();
            let diverting = is_diverted.then(Party::default);
            let call =
                Call { route: RouteId(route), direction, diverting, ..call("48601000001", "48601000002") };
            presence.setup(&call, &network);
            let ago = presence.at_home_ago(number("48601000001"), call.setup_at + MINUTE);
            assert_eq!(ago, expected.then_some(MINUTE), "{route} {direction:?} {is_diverted}");
            assert_eq!(presence.at_home_ago(number("48601000002"), call.setup_at), None, "the called one");
        }
    }

    #[test]
    fn says_nothing_of_calls_that_it_could_not_have_seen() {
        let (mut presence, network) = (presence(), network());
        let out = Call { direction: Direction::Outbound, ..call("48601000001", "4930123456") };
        let (caller, now) = (number("48601000001"), out.setup_at);
        let [abroad, other] = ["4930123456", "4930999999"].map(number);
        assert_eq!(presence.has_called(caller, &[abroad], now), None);
        presence.setup(&out, &network);
        assert_eq!(presence.has_called(caller, &[other, abroad], now + MINUTE), Some(true));
        assert_eq!(presence.has_called(caller, &[other], now + MINUTE), Some(false));
        assert_eq!(presence.has_called(other, &[abroad], now + MINUTE), Some(false));
        assert_eq!(presence.has_called(caller, &[abroad], now + MINUTE * 5), Some(true));
        assert_eq!(presence.has_called(caller, &[abroad], now + MINUTE * 6), None, "none was seen since");
    }

    #[test]
    fn answers_end() {
        let mut presence = presence();
        let (who, now) = (number("48601000001"), At::from_nanos(1_700_000_000_000_000_000));
        assert_eq!(presence.answered(who, now), None);
        presence.answer(who, Some(RoamingState::Roaming), (now, now + MINUTE));
        assert_eq!(presence.answered(who, now), Some(Some(RoamingState::Roaming)));
        assert_eq!(presence.answered(who, now + MINUTE), None);
        presence.answer(who, None, (now + MINUTE, now + MINUTE * 2));
        assert_eq!(presence.answered(who, now + MINUTE), Some(None));
    }

    #[test]
    fn every_table_has_a_limit() {
        let limits = PresenceLimits { at_home: 10, pairs: 10, answers: 10 };
        let (mut presence, network) = (Presence::new(limits, Seed(1)), network());
        let mut evicted = 0;
        for tail in 0..100 {
            let digits = format!("4860100{tail:04}");
            let call = Call { route: RouteId(1), ..call(&digits, "48601999999") };
            evicted += presence.setup(&call, &network);
            presence.answer(number(&digits), None, (call.setup_at, call.setup_at + MINUTE));
        }
        assert_eq!((presence.sizes(), evicted), ([10, 10, 10], 180));
    }
}
