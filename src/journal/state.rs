//! The state file: everything learned from calls, so that a later run goes on where an earlier one ended.
//!
//! A line of JSON ([`Header`]), a [`Content`] packed with zstd in the encoding of `postcard`, and the SHA-256 of all before. The file
//! is whole or not there, is checked to its last octet before any of it is taken, and is taken as a whole or not at all. It holds
//! telephone numbers.
//!
//! The store is written in slices ([`Store::slice`]), all at once ([`save`]) or while calls go on changing it ([`Writer`]).

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::text::hex;
use crate::base::time::At;
use crate::feature::{Cursor, Store};
use crate::journal::WholeFile;

/// Version of the encoding: a new one whenever anything that is kept changes its shape or its meaning.
const FORMAT: u32 = 3;
/// Octets of the hash at the end.
const HASH_LENGTH: u64 = 32;
/// Longest header, in octets.
const HEADER_MAX: u64 = 4_096;
/// How hard to pack: fast, as the run waits.
const LEVEL: i32 = 1;

/// What a state file holds.
#[derive(Debug, Deserialize)]
pub struct Content<R> {
    /// Keys the hashes that the store was filled under.
    pub seed: Seed,
    /// Tiers and repetitions.
    pub rated: R,
    /// Windows, marks, evidence.
    pub store: Store,
    /// Packet time of the last call in it.
    pub at: At,
}

/// What a state file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the encoding.
    pub tollgate_state: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Hash of what the state depends on in the network file: home country, routes in their order, their classes.
    pub network: String,
    /// Hash of the rules that were in force when it was begun; another set may go on with what these taught.
    pub ruleset: String,
}

/// Why a state file was not taken.
#[derive(Debug)]
pub enum StateError {
    /// It is not as it was written, or no state file at all.
    Damaged(&'static str),
    /// As the operating system says.
    Io(io::Error),
    /// It is about another network.
    OtherNetwork,
    /// Another version of the program wrote it.
    OtherVersion(String),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(why) => write!(f, "damaged: {why}; nothing was taken from it; move the file away to begin anew"),
            Self::Io(error) => write!(f, "{error}"),
            Self::OtherNetwork => f.write_str(
                "it was learned on another network: the home country, the routes or their order are not the same; \
                 move the file away to begin anew",
            ),
            Self::OtherVersion(theirs) => {
                write!(
                    f,
                    "version {theirs} wrote it, this is {}; move the file away to begin anew, or go on with that version",
                    version()
                )
            }
        }
    }
}

impl From<io::Error> for StateError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes what was learned by packet time `at`, all at once; the rest as of [`Writer::create`].
///
/// # Errors
/// As the operating system says; the earlier file then stays.
pub fn save<R: Serialize>(
    path: &Path,
    about: (&Network, &str),
    with: (Seed, &R),
    (store, at): (&Store, At),
) -> io::Result<()> {
    let mut writer = Writer::create(path, about, with)?;
    let (mut cursor, mut slice, mut is_more) = (Cursor::default(), Vec::new(), true);
    while is_more {
        slice.clear();
        is_more = store.slice(&mut cursor, &mut slice).map_err(io::Error::other)?;
        writer.write(&slice)?;
    }
    writer.finish(at)
}

/// A state file on its way.
pub struct Writer {
    packed: BufWriter<zstd::Encoder<'static, Hashing<WholeFile>>>,
}

impl Writer {
    /// Begins a file about what is learned under `ruleset`, a hash, with the key of hashes and what was rated. A file of that name is
    /// replaced when all is on the disk.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn create<R: Serialize>(
        path: &Path,
        (network, ruleset): (&Network, &str),
        with: (Seed, &R),
    ) -> io::Result<Self> {
        let header = Header {
            tollgate_state: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            network: fingerprint(network),
            ruleset: ruleset.to_owned(),
        };
        let mut file = Hashing { inner: WholeFile::create(path)?, hasher: Sha256::new() };
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        let packed = BufWriter::with_capacity(1 << 17, zstd::Encoder::new(file, LEVEL)?);
        Ok(Self { packed: postcard::to_io(&with, packed).map_err(io::Error::other)? })
    }

    /// Writes the next slice of the store.
    ///
    /// # Errors
    /// As the operating system says; the earlier file then stays.
    pub fn write(&mut self, slice: &[u8]) -> io::Result<()> {
        self.packed.write_all(slice)
    }

    /// Ends the file behind the last slice, and gives it its name; `at` is the packet time of the last call in it.
    ///
    /// # Errors
    /// As the operating system says; the earlier file then stays.
    pub fn finish(self, at: At) -> io::Result<()> {
        let packed = postcard::to_io(&at, self.packed).map_err(io::Error::other)?;
        let Hashing { mut inner, hasher } =
            packed.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        inner.write_all(&hasher.finalize())?;
        inner.finish()
    }
}

/// Reads a file that was written with what was rated of the same type. It holds no texts and no byte strings.
///
/// # Errors
/// Whatever keeps it from being taken as a whole.
pub fn load<R: DeserializeOwned>(path: &Path, network: &Network) -> Result<(Header, Content<R>), StateError> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (header, body) = header(&file)?;
    if (header.tollgate_state, header.program.as_str()) != (FORMAT, env!("CARGO_PKG_VERSION")) {
        return Err(StateError::OtherVersion(format!(
            "{} (format {})",
            header.program, header.tollgate_state
        )));
    }
    let end = length.checked_sub(HASH_LENGTH).filter(|end| *end > body);
    let end = end.ok_or(StateError::Damaged("it ends too soon"))?;
    if !is_whole(&mut file, end)? {
        return Err(StateError::Damaged("its checksum does not fit"));
    }
    if header.network != fingerprint(network) {
        return Err(StateError::OtherNetwork);
    }
    file.seek(SeekFrom::Start(body))?;
    let packed = zstd::Decoder::new(file.take(end - body))?;
    // Texts and byte strings would be read into this.
    let mut scratch = [0; 64];
    let reader = (BufReader::with_capacity(1 << 17, packed), &mut scratch[..]);
    let damaged = StateError::Damaged("its content cannot be read");
    let Ok((content, (mut reader, _))) = postcard::from_io(reader) else { return Err(damaged) };
    if reader.fill_buf()?.is_empty() { Ok((header, content)) } else { Err(damaged) }
}

/// The header, and where the rest begins.
fn header(file: &File) -> Result<(Header, u64), StateError> {
    let mut line = Vec::new();
    BufReader::new(file.take(HEADER_MAX)).read_until(b'\n', &mut line)?;
    let header = serde_json::from_slice(&line)
        .map_err(|_| StateError::Damaged("it does not begin as a state file"))?;
    Ok((header, line.len() as u64))
}

/// Whether the hash behind `end` is that of all before.
fn is_whole(file: &mut File, end: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut hashing = Hashing { inner: io::sink(), hasher: Sha256::new() };
    io::copy(&mut BufReader::with_capacity(1 << 20, Read::by_ref(file).take(end)), &mut hashing)?;
    file.seek(SeekFrom::Start(end))?;
    let mut written = Vec::new();
    file.take(HASH_LENGTH).read_to_end(&mut written)?;
    Ok(hashing.hasher.finalize().as_slice() == written)
}

/// Numbers of routes stand in the state: a route inserted before others would give each the history of its neighbour.
fn fingerprint(network: &Network) -> String {
    let mut hasher = Sha256::new();
    hasher.update(network.numbering.home().to_string());
    for route in network.routes.all() {
        hasher.update([0, route.class as u8]);
        hasher.update(&route.name);
    }
    hex(&hasher.finalize()[..8])
}

fn version() -> String {
    format!("{} (format {FORMAT})", env!("CARGO_PKG_VERSION"))
}

/// Hashes what passes through.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::feature::Limits;

    fn saved(folder: &Path) -> (PathBuf, Network) {
        let path = folder.join("state");
        let mut limits = Limits::default();
        (limits.callers, limits.ranges_100, limits.ranges_10k) = (100, 100, 100);
        (limits.missed, limits.marks, limits.suspects) = (100, 100, 100);
        let people = &mut limits.people;
        (people.known, people.pairs, people.called, people.blocks, people.refused) =
            (100, 100, 100, 100, 100);
        let store = Store::new(limits, Seed(1));
        let at = At::from_nanos(7);
        save(&path, (&Network::unknown(), "0123"), (Seed(1), &0_u8), (&store, at)).unwrap();
        (path, Network::unknown())
    }

    #[test]
    fn a_file_changed_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, network) = saved(folder.path());
        let (header, content) = load::<u8>(&path, &network).unwrap();
        assert_eq!((header.ruleset.as_str(), content.at), ("0123", At::from_nanos(7)));
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(load::<u8>(&path, &network).is_err(), "octet {at} of {}", bytes.len());
        }
        for length in [0, 1, 50, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(matches!(load::<u8>(&path, &network), Err(StateError::Damaged(_))), "{length} octets");
        }
        fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
        assert!(matches!(load::<u8>(&path, &network), Err(StateError::Damaged(_))));
    }

    #[test]
    fn a_file_from_elsewhere_is_refused() {
        use crate::base::numbering::Numbering;
        let folder = tempfile::tempdir().unwrap();
        let (path, network) = saved(folder.path());
        let home = crate::base::field::Country(*b"PL");
        let other = Network { numbering: Numbering::new(home).unwrap(), ..Network::unknown() };
        assert!(matches!(load::<u8>(&path, &other), Err(StateError::OtherNetwork)));
        let text = fs::read(&path).unwrap();
        let newer = [b"{\"tollgate_state\":9", &text[b"{\"tollgate_state\":3".len()..]].concat();
        fs::write(&path, newer).unwrap();
        let error = load::<u8>(&path, &network).unwrap_err();
        assert!(error.to_string().contains("(format 9) wrote it"), "{error}");
    }
}
