//! Colour, where a person looks and has not said no.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};

use clap::ValueEnum;

use crate::call::CallId;
use crate::inspect::Tone;

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    Auto,
    /// Also into a pipe, such as to `less -R`
    Always,
    /// Not at all
    Never,
}

impl Colour {
    /// Whether standard output is to be coloured. <https://no-color.org>: any value that is not empty says no.
    pub fn is_wanted(self) -> bool {
        let says_no = || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = || env::var_os("TERM").is_some_and(|value| value == "dumb");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => io::stdout().is_terminal() && !says_no() && !is_dumb(),
        }
    }
}

/// Puts colour around texts, or leaves them alone.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

/// Colours in which calls are told apart: all but black, white and those of failures.
const CALLS: [u8; 6] = [32, 33, 34, 35, 36, 94];

impl Paint {
    /// A text in the colour of what it says.
    pub fn tone<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let code = match tone {
            Tone::Faulty => 35,
            Tone::Failure => 31,
            Tone::Plain => 0,
            Tone::Progress => 36,
            Tone::Setup => 1,
            Tone::Success => 32,
        };
        self.code(code, text)
    }

    /// The name of a call, in a colour of its own.
    pub fn call<T: fmt::Display>(self, call: CallId, text: T) -> Painted<T> {
        let index = (call.0 % CALLS.len() as u128) as usize;
        self.code(CALLS[index], text)
    }

    /// A text that steps back.
    pub fn dim<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.code(2, text)
    }

    fn code<T: fmt::Display>(self, code: u8, text: T) -> Painted<T> {
        Painted { code: if self.0 { code } else { 0 }, text }
    }
}

/// A text and its colour (ECMA-48 §8.3.117, SGR); 0 is none.
pub struct Painted<T> {
    code: u8,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            0 => fmt::Display::fmt(&self.text, f),
            code => {
                write!(f, "\x1b[{code}m")?;
                fmt::Display::fmt(&self.text, f)?;
                f.write_str("\x1b[0m")
            }
        }
    }
}
