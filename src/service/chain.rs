//! Where the chain of bills goes on after a start.
//!
//! In: the files of bills in the directory. Out: the hash that the first new line goes on after. What a crash left of a
//! line is cut off. A file that ends otherwise than a ledger does is set aside, whole, as `NAME.damaged`, and the chain
//! goes on after its SHA-256: it keeps its place in the chain, and cannot be exchanged for another afterwards.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::base::text::hex;
use crate::billing::GENESIS;
use crate::journal::Ending;

/// What names of files of bills begin with.
const PREFIX: &str = "billing-";
/// What the extension of a file that was set aside begins with; a number follows where there are several of a day. It
/// sorts before that of the file that goes on after it.
const DAMAGED: &str = "damaged";
/// Longest that the beginning of a line may be.
const TORN_MAX: usize = 65_536;

/// The hash after which the chain goes on.
///
/// # Errors
/// As the operating system says of a file that cannot be listed, opened, read, cut or renamed, with its name.
pub fn resume(directory: &Path) -> io::Result<String> {
    let named =
        |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    for path in files(directory)?.iter().rev() {
        if let Some(hash) = goes_on(directory, path).map_err(|error| named(path, error))? {
            return Ok(hash);
        }
    }
    Ok(GENESIS.to_owned())
}

/// Files that were set aside, and are still there.
///
/// # Errors
/// As the operating system says of the directory.
pub fn set_aside(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = files(directory)?;
    files.retain(|path| is_set_aside(path));
    Ok(files)
}

/// Files of bills in the order of the chain.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX) && (name.ends_with(".jsonl") || is_set_aside(&path)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_set_aside(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.to_string_lossy().starts_with(DAMAGED))
}

/// The hash after which the chain goes on behind this file; nothing when the file holds no line.
fn goes_on(directory: &Path, path: &Path) -> io::Result<Option<String>> {
    if is_set_aside(path) {
        return hash_of_file(path).map(Some);
    }
    let ending = Ending::of(path)?;
    let hash = ending.line.as_deref().map(hash_of_line);
    if hash == Some(None) || !is_torn_line(&ending.rest) {
        return put_aside(directory, path).map(Some);
    }
    ending.cut(path)?;
    Ok(hash.flatten())
}

/// The hash that a line of the ledger ends with.
fn hash_of_line(line: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    let hash = line.get("hash")?.as_str()?;
    let is_hash = hash.len() == GENESIS.len() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| hash.to_owned())
}

/// Whether this may be the beginning of a line, or is nothing. No line has control characters.
fn is_torn_line(rest: &[u8]) -> bool {
    let is_beginning = rest.first().is_none_or(|first| *first == b'{');
    is_beginning && rest.len() < TORN_MAX && !rest.iter().any(u8::is_ascii_control)
}

fn put_aside(directory: &Path, path: &Path) -> io::Result<String> {
    let hash = hash_of_file(path)?;
    let mut aside = path.with_extension(DAMAGED);
    let mut number = 1;
    while aside.try_exists()? {
        number += 1;
        aside = path.with_extension(format!("{DAMAGED}{number}"));
    }
    fs::rename(path, &aside)?;
    File::open(directory)?.sync_all()?;
    tracing::error!(
        event = "bills_set_aside",
        file = %aside.display(),
        sha256 = hash,
        "it does not end as a ledger does; the chain goes on after its SHA-256"
    );
    Ok(hash)
}

fn hash_of_file(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "billing-20261122.jsonl";
    const BEFORE: &str = "billing-20261121.jsonl";

    fn line(digit: char) -> String {
        format!("{{\"schema\":1,\"hash\":\"{}\"}}\n", digit.to_string().repeat(64))
    }

    /// What becomes of a directory with these files: the hash, and the names that are there then.
    fn resumed(files: &[(&str, &[u8])]) -> (String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let hash = resume(folder.path()).unwrap();
        // A start that comes to nothing changes nothing.
        assert_eq!(resume(folder.path()).unwrap(), hash);
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        (hash, names)
    }

    #[test]
    fn goes_on_after_the_last_whole_line() {
        let (a, b) = (line('a'), line('b'));
        assert_eq!(resumed(&[]).0, GENESIS);
        assert_eq!(resumed(&[("calls-20261122T10.jsonl", b.as_bytes())]).0, GENESIS);
        let both = format!("{a}{b}");
        let torn = format!("{a}{b}{{\"schema\":1,\"id\":\"12");
        for text in [both, torn] {
            let (hash, names) = resumed(&[(BEFORE, a.as_bytes()), (DAY, text.as_bytes())]);
            assert_eq!((hash, names), ("b".repeat(64), vec![BEFORE.to_owned(), DAY.to_owned()]), "{text}");
        }
        for without_a_line in ["", "{\"schema\""] {
            assert_eq!(
                resumed(&[(BEFORE, a.as_bytes()), (DAY, without_a_line.as_bytes())]).0,
                "a".repeat(64)
            );
        }
    }

    #[test]
    fn what_is_no_ledger_is_set_aside_and_chained() {
        let good = line('a');
        for tail in
            ["\0\0\0\0", "garbage", "{}\n", "\n", "{\"hash\":\"12\"}\n", "{\"schema\":1,\"\0\0", "\0\n"]
        {
            let content = format!("{good}{tail}");
            let (hash, names) = resumed(&[(BEFORE, good.as_bytes()), (DAY, content.as_bytes())]);
            assert_eq!(hash, hex(&Sha256::digest(&content)), "{tail:?}");
            assert_eq!(names, [BEFORE, "billing-20261122.damaged"], "{tail:?}");
        }
        let long = vec![b'{'; 200_000];
        assert_eq!(resumed(&[(DAY, &long)]).0, hex(&Sha256::digest(&long)));
    }

    #[test]
    fn a_second_one_of_a_day_has_a_number_and_its_place() {
        let (first, second) = (b"one".as_slice(), b"two\n".as_slice());
        let files = [("billing-20261122.damaged", first), (DAY, second)];
        let (hash, names) = resumed(&files);
        assert_eq!(hash, hex(&Sha256::digest(second)));
        assert_eq!(names, ["billing-20261122.damaged", "billing-20261122.damaged2"]);
        let good = line('c');
        assert_eq!(resumed(&[files[0], (DAY, good.as_bytes())]).0, "c".repeat(64));
    }
}
