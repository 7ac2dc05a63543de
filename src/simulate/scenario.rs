//! A scenario as written: TOML → [`Scenario`], or every finding with its place.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::base::caret::Caret;
use crate::simulate::attack::Attack;
use crate::simulate::people::Population;
use crate::simulate::source::Source;
use crate::simulate::world::World;

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// `[scenario]`
    pub scenario: Span,
    /// `[operator]`
    pub operator: Operator,
    /// `[[trunk]]`
    #[serde(default, rename = "trunk")]
    pub trunks: Vec<Spanned<TrunkSpec>>,
    /// `[[population]]`
    #[serde(default, rename = "population")]
    pub populations: Vec<Spanned<Population>>,
    /// `[[attack]]`
    #[serde(default, rename = "attack")]
    pub attacks: Vec<Spanned<Attack>>,
}

/// `[scenario]`: what and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Span {
    /// Name, for people.
    pub name: String,
    /// When it begins, with its offset from UTC; years 2000 to 2199.
    pub start: Spanned<Datetime>,
    /// How long calls are set up, in hours; above 0, at most 8,784. Calls end later.
    pub hours: Spanned<f64>,
}

/// `[operator]`: whose network it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Operator {
    /// Home country: ISO 3166-1 alpha-2, one of [`NATIONS`](crate::simulate::countries::NATIONS).
    pub country: Spanned<String>,
    /// How many subscribers; 1 to 10,000,000 and to what the country's own mobile blocks hold.
    pub subscribers: Spanned<u64>,
    /// Share of subscribers who are abroad, 0 to 1.
    #[serde(default = "roaming")]
    pub roaming: Spanned<f64>,
    /// Share of subscribers whose roaming state the operator knows, 0 to 1.
    #[serde(default = "states_known")]
    pub states_known: Spanned<f64>,
}

fn roaming() -> Spanned<f64> {
    Spanned::new(0..0, 0.02)
}

fn states_known() -> Spanned<f64> {
    Spanned::new(0..0, 1.0)
}

/// `[[trunk]]`: an interconnect.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrunkSpec {
    /// Name of the route; unique.
    pub name: String,
    /// Class of the route, as in the network file; not `outbound`.
    pub class: String,
    /// What it speaks.
    pub transport: Transport,
    /// Who is on the other side; the trunk's name when left out.
    pub carrier: Option<String>,
    /// Which way calls are set up.
    #[serde(default)]
    pub ways: Ways,
    /// Share of its class's ordinary traffic, before normalisation; 0 for none.
    #[serde(default = "weight")]
    pub weight: f64,
    /// Who pays for flash calls; needed for class `white`, refused elsewhere.
    pub sender: Option<String>,
    /// SIP: elements of the other side, 1 to 8.
    #[serde(default = "elements")]
    pub elements: u8,
    /// ISUP: circuits, 2 to 16,382.
    #[serde(default = "circuits")]
    pub circuits: u16,
}

const fn weight() -> f64 {
    1.0
}

const fn elements() -> u8 {
    2
}

const fn circuits() -> u16 {
    4_000
}

/// What a trunk speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// ISUP over M3UA and SCTP.
    Isup,
    /// SIP over TCP.
    SipTcp,
    /// SIP over UDP.
    SipUdp,
}

/// Which way calls are set up on a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ways {
    /// Both.
    #[default]
    Both,
    /// Towards the operator.
    In,
    /// Away from the operator.
    Out,
}

impl Scenario {
    /// Reads the text of the file `path`.
    ///
    /// # Errors
    /// What cannot be read, each at its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Caret>> {
        toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(text.len()..text.len());
            vec![Caret::new(path, text, span, error.message().replace('\n', ", "))]
        })
    }
}

/// What a scenario asks for and cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the file.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}

impl Finding {
    /// It, to be shown with its place in the file `path` with this text.
    #[must_use]
    pub fn caret(&self, path: &str, text: &str) -> Caret {
        Caret::new(path, text, self.span.clone(), &self.message)
    }
}

impl Scenario {
    /// Moves its beginning.
    pub fn start_at(&mut self, start: Datetime) {
        self.scenario.start = Spanned::new(self.scenario.start.span(), start);
    }

    /// Every source: of the populations first, then of the attacks, in the order of the file.
    ///
    /// # Errors
    /// What a source refuses, with the place of its table.
    pub fn sources(&self, world: &Arc<World>) -> Result<Vec<Box<dyn Source>>, Finding> {
        let mut sources = Vec::new();
        for (index, spec) in self.populations.iter().enumerate() {
            let made = spec.get_ref().sources(world, index);
            sources.extend(made.map_err(|message| Finding { span: spec.span(), message })?);
        }
        for (index, spec) in self.attacks.iter().enumerate() {
            let made = spec.get_ref().sources(world, index);
            sources.extend(made.map_err(|message| Finding { span: spec.span(), message })?);
        }
        Ok(sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::source::Merge;

    const SMALL: &str = include_str!("../../scenarios/small.toml");

    #[test]
    fn attempts_come_in_order_and_end() {
        let scenario = Scenario::parse("small.toml", SMALL).unwrap();
        let world = Arc::new(World::new(&scenario, 1).unwrap());
        let mut merge = Merge::new(scenario.sources(&world).unwrap());
        let attempts: Vec<_> = std::iter::from_fn(|| merge.next()).collect();
        assert!(attempts.is_sorted_by_key(|attempt| attempt.setup_at));
        assert!(attempts.iter().any(|attempt| attempt.truth.family == "flash"));
        assert!(attempts.iter().any(|attempt| attempt.truth.label == "normal"));
        assert!(
            attempts
                .iter()
                .all(|attempt| attempt.setup_at >= world.start() && attempt.setup_at < world.end())
        );
    }
}
