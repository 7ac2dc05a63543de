//! `--state`: what a run learned, read at its start and written at its end.
//!
//! It is written after the records have got their names, and only then: of calls that are in no records nothing shall be
//! known, as the same captures are read again.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;

use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::time::At;
use crate::billing::Memory;
use crate::cli::Failure;
use crate::cli::failure::say;
use crate::feature::Store;
use crate::journal::state::{self, Content, Header, StateError};
use crate::judge::Judge;

/// What earlier runs learned.
pub struct Learned {
    header: Header,
    /// Windows, marks, evidence.
    pub store: Store,
    /// Tiers and repetitions.
    pub rated: Memory,
}

/// Keeps the state file of a run.
pub struct Keeper {
    path: PathBuf,
    seed: Seed,
    /// Packet time of the last call in the file.
    until: At,
}

impl Keeper {
    /// Reads the file, if it is there; `seed` keys the hashes of one that is not, instead of a seed that nobody knows.
    pub fn open(
        path: PathBuf,
        seed: Option<u64>,
        network: &Network,
    ) -> Result<(Self, Option<Learned>), Failure> {
        match state::load::<Memory>(&path, network) {
            Ok((header, Content { seed, rated, store, at })) => {
                Ok((Self { path, seed, until: at }, Some(Learned { header, store, rated })))
            }
            Err(StateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                let seed = Seed(seed.unwrap_or_else(|| RandomState::new().hash_one(0)));
                Ok((Self { path, seed, until: At::default() }, None))
            }
            Err(StateError::Io(error)) => Err(Failure::input(&path, &error)),
            Err(error) => Err(Failure::new(65, format!("{}: {error}", path.display()))),
        }
    }

    /// Refuses a capture of calls from before the last one in the file: it may have been learned from already.
    pub fn check_begin(&self, begins_at: Option<At>) -> Result<(), Failure> {
        match begins_at.filter(|begins_at| *begins_at < self.until) {
            None => Ok(()),
            Some(begins_at) => Err(Failure::new(
                65,
                format!(
                    "{}: it tells of calls until {}, and the capture begins at {begins_at}: captures are replayed in \
                     the order of their time, each once",
                    self.path.display(),
                    self.until,
                ),
            )),
        }
    }

    /// Says so when what was learned was learned with other rules.
    pub fn compare_rules(&self, learned: &Learned, ruleset: &str) {
        if learned.header.ruleset != ruleset {
            let path = self.path.display();
            say(format_args!(
                "{path}: learned with the rules {}, goes on with others",
                learned.header.ruleset
            ));
        }
    }

    /// Key of this run's hashes.
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// Writes what is known now, at the end of a run whose last call was over at `at`; where to.
    pub fn save(
        &self,
        judge: &Judge,
        (network, rated): (&Network, &Memory),
        at: Option<At>,
    ) -> Result<String, Failure> {
        let until = self.until.max(at.unwrap_or_default());
        let about = (network, judge.ruleset().hash());
        state::save(&self.path, about, (self.seed, rated), (judge.store(), until))
            .map_err(|error| Failure::output(&self.path, &error))?;
        Ok(self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::judge::JudgeOptions;
    use crate::rule::Ruleset;

    #[test]
    fn a_seed_is_drawn_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let network = Arc::new(Network::unknown());
        let open = |seed| Keeper::open(path.clone(), seed, &network).unwrap();
        let (keeper, _) = open(None);
        let (other, _) = open(None);
        assert_ne!(keeper.seed().0, other.seed().0);
        assert_eq!(open(Some(7)).0.seed().0, 7);
        let judge = Judge::new(Arc::new(Ruleset::empty()), Arc::clone(&network), JudgeOptions::default());
        keeper.save(&judge, (&network, &Memory::default()), None).unwrap();
        let (again, learned) = open(Some(7));
        assert_eq!((again.seed().0, learned.is_some()), (keeper.seed().0, true));
    }
}
