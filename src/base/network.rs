//! What the operator told us of its network: routes, home plan, roaming states, emergency numbers. Never changes while
//! a run lasts; made by `config` from the network file.

use crate::base::map::Map;
use crate::base::number::{Number, Party};
use crate::base::numbering::Numbering;
use crate::base::route::Routes;

/// Where a subscriber of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RoamingState {
    /// In the home network.
    Home,
    /// Abroad.
    Roaming,
}

impl RoamingState {
    /// Names in rules and in `roaming.csv`, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["home", "roaming"];
}

/// The operator's network.
#[derive(Debug)]
pub struct Network {
    /// Routes by address and point code.
    pub routes: Routes,
    /// Home plan, and the world's.
    pub numbering: Numbering,
    /// Roaming states of subscribers, where known.
    pub roaming: Map<Number, RoamingState>,
    /// Emergency numbers as dialled, such as `112`, sorted.
    pub emergency: Vec<String>,
}

impl Network {
    /// Whether `called` is an emergency number: as dialled, with an international or home country code before it
    /// or with a separator in it.
    #[must_use]
    pub fn is_emergency(&self, called: &Party) -> bool {
        let digits: arrayvec::ArrayVec<u8, 32> =
            called.raw.iter().copied().filter(u8::is_ascii_digit).collect();
        let is_listed = |digits: &[u8]| self.emergency.iter().any(|number| number.as_bytes() == digits);
        let code = self.numbering.home_code();
        is_listed(&digits)
            || [digits.strip_prefix(b"00"), Some(&digits[..])]
                .into_iter()
                .flatten()
                .any(|rest| rest.strip_prefix(code.as_bytes()).is_some_and(is_listed))
    }
}
