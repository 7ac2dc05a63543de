//! The directory of rules → the checked set.

use std::path::{Path, PathBuf};

use crate::base::field::FieldSpec;
use crate::config::error::{Error, read_text};
use crate::rule::{Ruleset, Source};

/// Reads every `*.toml` of a directory, in the order of their names, and compiles them.
///
/// # Errors
/// The directory or a file that cannot be read; every finding in the rules.
pub fn load_rules(directory: &Path, fields: &'static [FieldSpec]) -> Result<Ruleset, Error> {
    Ruleset::compile(&read_rules(directory)?, fields)
        .map_err(|findings| Error::Invalid(findings.iter().map(ToString::to_string).collect()))
}

/// Reads every `*.toml` of a directory, in the order of their names.
///
/// # Errors
/// The directory or a file that cannot be read; a directory without rules.
pub fn read_rules(directory: &Path) -> Result<Vec<Source>, Error> {
    let read = |path: &PathBuf| Ok(Source { path: path.display().to_string(), text: read_text(path)? });
    let sources = rule_files(directory)?.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    if sources.is_empty() {
        let message = format!("{}: no rules here (no file ends in .toml)", directory.display());
        return Err(Error::Invalid(vec![message]));
    }
    Ok(sources)
}

fn rule_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: std::io::Error| Error::io(directory, &error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_toml_files_in_the_order_of_their_names() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a.toml", "c.toml~", "README.md"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let names: Vec<_> = rule_files(directory.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.toml", "b.toml"]);
    }

    #[test]
    fn says_what_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load_rules(directory.path(), &[]).unwrap_err().exit_code(), 3);
        let missing = load_rules(&directory.path().join("none"), &[]).unwrap_err();
        assert_eq!(missing.exit_code(), 66);
        std::fs::write(directory.path().join("a.toml"), b"\n\xff").unwrap();
        let broken = load_rules(directory.path(), &[]).unwrap_err();
        assert!(broken.to_string().ends_with("a.toml:2: the file is not UTF-8 text"), "{broken}");
    }
}
