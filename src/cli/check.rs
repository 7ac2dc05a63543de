//! `tollgate check`: are a network file and rules fit to run?

use crate::cli::{CheckArguments, Failure, load};
use crate::rule::Mode;

/// Checks both, and says what they hold.
pub fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if arguments.network.is_some() {
        let loaded = load::network(arguments.network.as_deref())?;
        let routes = loaded.network.routes.all().len() - 1;
        println!("network: home {}, {routes} routes", loaded.network.numbering.home());
    }
    let ruleset = load::rules(arguments.rules.as_deref())?;
    let count = |mode| ruleset.rules().iter().filter(|rule| rule.mode == mode).count();
    println!(
        "rules: {} live, {} in shadow, {} off; hash {}",
        count(Mode::Live),
        count(Mode::Shadow),
        count(Mode::Off),
        ruleset.hash()
    );
    Ok(())
}
