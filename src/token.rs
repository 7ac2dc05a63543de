//! Bearer tokens (RFC 6750) kept in files: what a client must show, what is shown to a server. Never printed.

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use crate::clock::Stopwatch;

/// Longest token, in octets.
const TOKEN_MAX: usize = 16 * 1024;
/// A wrong token makes the file be read again, but not more often than this, in seconds.
const READ_AGAIN_SECONDS: f64 = 1.0;

/// A token and the file it is from.
pub struct Token {
    path: PathBuf,
    value: RwLock<String>,
    read_at: Mutex<Stopwatch>,
}

impl Token {
    /// Reads the file: one token, with blanks around it or none.
    ///
    /// # Errors
    /// When it cannot be read, or holds no token.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            value: RwLock::new(read(path)?),
            path: path.to_owned(),
            read_at: Mutex::new(Stopwatch::start()),
        })
    }

    /// The token.
    #[must_use]
    pub fn value(&self) -> String {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the token is the one shown. Takes as long for a near miss as for a far one: hashes are compared, whole.
    #[must_use]
    pub fn is(&self, shown: &[u8]) -> bool {
        let own = Sha256::digest(self.value.read().unwrap_or_else(PoisonError::into_inner).as_bytes());
        let other = Sha256::digest(shown);
        let difference = own.iter().zip(other.iter()).fold(0, |sum, (one, two)| black_box(sum | (one ^ two)));
        difference == 0
    }

    /// Whether a client that shows this may come in. The file is read again when it shows another, but not every time.
    #[must_use]
    pub fn admits(&self, shown: &[u8]) -> bool {
        self.is(shown) || self.is_due() && self.renew() && self.is(shown)
    }

    /// Whether the file was last read long enough ago.
    fn is_due(&self) -> bool {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if read_at.seconds() < READ_AGAIN_SECONDS {
            return false;
        }
        *read_at = Stopwatch::start();
        true
    }

    /// Reads the file again. A file that cannot be read leaves the token as it was. Whether it is another now.
    pub fn renew(&self) -> bool {
        let Ok(fresh) = read(&self.path) else { return false };
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = *value != fresh;
        *value = fresh;
        is_other
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.path.display())
    }
}

fn read(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    let token = text.trim();
    if token.is_empty() || token.len() > TOKEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("not a token: 1 to {TOKEN_MAX} printable characters without blanks");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_token_and_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first\n").unwrap();
        let token = Token::open(&path).unwrap();
        assert!(token.is(b"first") && !token.is(b"firs") && !token.is(b""));
        assert!(!token.renew());
        fs::write(&path, "two words").unwrap();
        assert!(!token.renew() && token.is(b"first"));
        fs::write(&path, "second").unwrap();
        assert!(token.renew() && token.is(b"second") && !token.is(b"first"));
        assert!(!format!("{token:?}").contains("second"));
        assert!(Token::open(&folder.path().join("none")).is_err());
    }
}
