//! People and machines that call for an honest reason.

mod ordinary;

use std::sync::Arc;

use serde::Deserialize;

use crate::simulate::source::Source;
use crate::simulate::world::World;

pub use ordinary::Ordinary;

/// One `[[population]]` of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Population {
    /// People who call each other.
    Ordinary(Ordinary),
}

impl Population {
    /// The sources of this population, the `index`th of the scenario.
    ///
    /// # Errors
    /// What cannot be: a figure out of its range, a trunk that is not there.
    pub fn sources(&self, world: &Arc<World>, index: usize) -> Result<Vec<Box<dyn Source>>, String> {
        match self {
            Self::Ordinary(people) => people.sources(world, index),
        }
    }
}
