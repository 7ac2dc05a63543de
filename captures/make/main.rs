//! Makes this project's own captures: the demonstration and the ISUP test cases. Every number in them is invented.
//!
//! ```text
//! cargo run --example make-captures            all cases, into captures/
//! cargo run --example make-captures -- NAME    that case only
//! ```
//!
//! A case is a list of [`call::Call`] scripts, which the library's `simulate::render` plays into one capture. The traffic
//! depends on the seed alone.

mod call;
mod case;
mod fraud;
mod interconnect;
mod isup_cases;
mod look_alikes;
mod network;
mod people;
mod random;
mod recording;

use std::io;
use std::path::Path;

const SEED: u64 = 20_261_116;

fn main() -> io::Result<()> {
    let wanted = std::env::args().nth(1);
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases = isup_cases::cases(SEED);
    cases.push(interconnect::case(SEED));
    cases.retain(|case| wanted.as_ref().is_none_or(|name| name == case.name));
    if cases.is_empty() {
        return Err(io::Error::other("no case has this name"));
    }
    for case in cases {
        println!("{}: {} calls", case.name, case.calls.len());
        case.write(&captures, SEED)?;
    }
    Ok(())
}
