//! What was learned, kept over restarts: the decision loop hands out slices of it ([`Copying`](super::copying::Copying)), another
//! thread writes them.

use std::fmt::Display;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;

use crossbeam_channel::Receiver;

use crate::base::map::Seed;
use crate::base::network::Network;
use crate::billing::Memory;
use crate::clock::Stopwatch;
use crate::feature::Store;
use crate::journal::state::{self, Content, StateError};
use crate::service::StateOptions;
use crate::service::copying::Piece;
use crate::service::decision::Learned;

/// Most pieces on their way from the loop to the disk, of about 64 KiB each.
pub const PIECES_MAX: usize = 4;

/// What an earlier run left.
pub struct Snapshot {
    /// Keys the hashes that the store was filled under.
    pub seed: Seed,
    /// Windows, marks, evidence; nothing when there was no file, or none that could be taken.
    pub learned: Option<(Store, Memory)>,
    /// Why a file that is there was not taken.
    pub refused: Option<StateError>,
}

/// Reads the file. One that is not there, or cannot be taken, is no reason not to start: the service then begins anew,
/// with a key that nobody knows.
#[must_use]
pub fn load(path: Option<&Path>, network: &Network) -> Snapshot {
    let fresh = |refused| Snapshot { seed: Seed(RandomState::new().hash_one(0)), learned: None, refused };
    let Some(path) = path else { return fresh(None) };
    match state::load::<Memory>(path, network) {
        Ok((_, Content { seed, rated, store, .. })) => {
            Snapshot { seed, learned: Some((store, rated)), refused: None }
        }
        Err(StateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => fresh(None),
        Err(error) => fresh(Some(error)),
    }
}

/// What a service begins with. A file that cannot be taken is set aside, and not written over.
#[must_use]
pub fn begin(state: Option<&StateOptions>, network: &Network) -> Snapshot {
    let path = state.map(|state| &*state.path);
    let kept = load(path, network);
    if let (Some(error), Some(path)) = (&kept.refused, path) {
        set_aside(path, error);
    }
    kept
}

/// A file that cannot be taken is not written over.
fn set_aside(path: &Path, error: &StateError) {
    let aside = path.with_extension("refused");
    tracing::error!(event = "state_refused", %error, "begins knowing nothing");
    if let Err(error) = fs::rename(path, &aside) {
        tracing::error!(event = "state_not_set_aside", %error, "the file will be written over");
    }
}

/// Why what was learned is not kept: without what was rated, the file that is there is better.
pub const NO_MEMORY: &str = "what was rated is not known: the records' thread does not answer";

/// Writes the file all at once, and says so; whether it is written.
#[must_use]
pub fn keep(path: &Path, network: &Network, (learned, rated, seed): (&Learned, &Memory, Seed)) -> bool {
    let watch = Stopwatch::start();
    let saved = save(path, network, (seed, rated), learned);
    let is_saved = saved.is_ok();
    tell(&watch, saved);
    is_saved
}

/// Writes the file piece by piece, and says so. Pieces without an end are dropped: the service is about to end, and then writes
/// the file all at once.
pub fn keep_pieces(path: &Path, network: &Network, rated: (Seed, &Memory), pieces: &Receiver<Piece>) {
    let watch = Stopwatch::start();
    match take(path, network, rated, pieces) {
        Ok(false) => {}
        taken => tell(&watch, taken.map(drop)),
    }
}

fn tell(watch: &Stopwatch, saved: io::Result<()>) {
    match saved {
        Ok(()) => {
            tracing::info!(event = "state_saved", seconds = watch.seconds(), "what was learned is kept")
        }
        Err(error) => not_kept(&error),
    }
}

/// Says that the file is not written.
pub fn not_kept(error: &dyn Display) {
    tracing::error!(event = "state_not_saved", %error, "what was learned is not kept");
}

/// Writes the file; the earlier one stays until all is on the disk.
///
/// # Errors
/// As the operating system says.
pub fn save(path: &Path, network: &Network, rated: (Seed, &Memory), learned: &Learned) -> io::Result<()> {
    state::save(path, (network, learned.ruleset.hash()), rated, (&learned.store, learned.at))
}

/// Writes the file piece by piece; whether there was an end: without it, the earlier file stays.
///
/// # Errors
/// As the operating system says.
pub fn take(
    path: &Path,
    network: &Network,
    rated: (Seed, &Memory),
    pieces: &Receiver<Piece>,
) -> io::Result<bool> {
    let Ok(Piece::Begin(ruleset)) = pieces.recv() else { return Ok(false) };
    let mut writer = state::Writer::create(path, (network, ruleset.hash()), rated)?;
    for piece in pieces {
        match piece {
            Piece::Begin(_) => return Ok(false),
            Piece::End(at) => return writer.finish(at).map(|()| true),
            Piece::Slice(slice) => writer.write(&slice)?,
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::time::At;
    use crate::judge::{Judge, JudgeOptions};
    use crate::rule::Ruleset;

    #[test]
    fn what_cannot_be_taken_is_no_reason_not_to_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let network = Arc::new(Network::unknown());
        let missing = load(Some(&path), &network);
        assert!(missing.learned.is_none() && missing.refused.is_none());

        let ruleset = Arc::new(Ruleset::empty());
        let store =
            Judge::new(Arc::clone(&ruleset), Arc::clone(&network), JudgeOptions::default()).into_store();
        let learned = Learned { store, ruleset, at: At::default() };
        save(&path, &network, (Seed(7), &Memory::default()), &learned).unwrap();
        let kept = load(Some(&path), &network);
        assert!(kept.learned.is_some());
        assert_eq!(kept.seed.0, 7);

        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let damaged = load(Some(&path), &network);
        assert!(damaged.learned.is_none() && damaged.refused.is_some());
    }
}
