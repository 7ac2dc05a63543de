//! Callers with a dishonest reason.

mod flash;

use std::sync::Arc;

use serde::Deserialize;

use crate::simulate::source::Source;
use crate::simulate::world::World;

pub use flash::Flash;

/// One `[[attack]]` of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Attack {
    /// One-time passwords in the last digits of calling numbers.
    Flash(Flash),
}

impl Attack {
    /// The sources of this attack, the `index`th of the scenario, which is campaign `index + 1`.
    ///
    /// # Errors
    /// What cannot be: a figure out of its range, a trunk that is not there.
    pub fn sources(&self, world: &Arc<World>, index: usize) -> Result<Vec<Box<dyn Source>>, String> {
        match self {
            Self::Flash(flash) => flash.sources(world, index),
        }
    }
}
