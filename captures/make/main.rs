//! Makes this project's own captures: the demonstration and the ISUP test cases. Every number in them is invented.
//!
//! ```text
//! cargo run --example make-captures            all cases, into captures/
//! cargo run --example make-captures -- NAME    that case only
//! ```
//!
//! A case is a list of [`call::Call`] scripts, which the library's `simulate::render` plays into one capture; in those of
//! [`legs`] each call is played at every place where it is seen. The traffic depends on the seed alone.

mod call;
mod case;
mod fraud;
mod interconnect;
mod isup_cases;
mod leg_cases;
mod legs;
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
    let mut leg_cases = leg_cases::cases(SEED);
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    cases.retain(|case| is_wanted(case.name));
    leg_cases.retain(|case| is_wanted(case.name));
    if cases.is_empty() && leg_cases.is_empty() {
        return Err(io::Error::other("no case has this name"));
    }
    for case in cases {
        println!("{}: {} calls", case.name, case.calls.len());
        case.write(&captures, SEED)?;
    }
    for case in leg_cases {
        println!("{}: {} calls", case.name, case.calls.len());
        case.write(&captures, SEED)?;
    }
    Ok(())
}
