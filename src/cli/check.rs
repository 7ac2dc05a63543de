//! `tollgate check`: are a network file and rules fit to run?

use crate::cli::run::settings;
use crate::cli::{CheckArguments, Failure, load};
use crate::config;
use crate::rule::{Mode, Ruleset};

/// Checks both, and says what they hold.
pub fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if let Some(directory) = &arguments.config {
        let configured =
            config::load_service(directory).map_err(|error| Failure::new(error.exit_code(), error))?;
        let settings = settings(directory, &configured)?;
        let routes = settings.network.routes.all().len() - 1;
        println!("network: home {}, {routes} routes", settings.network.numbering.home());
        print_rules(&settings.ruleset);
        println!("service: {} sources and adapters", settings.parts.len());
        return Ok(());
    }
    if arguments.network.is_some() {
        let loaded = load::network(arguments.network.as_deref())?;
        let routes = loaded.network.routes.all().len() - 1;
        println!("network: home {}, {routes} routes", loaded.network.numbering.home());
    }
    print_rules(&load::rules(arguments.rules.as_deref())?);
    Ok(())
}

fn print_rules(ruleset: &Ruleset) {
    let count = |mode| ruleset.rules().iter().filter(|rule| rule.mode == mode).count();
    println!(
        "rules: {} live, {} in shadow, {} off; hash {}",
        count(Mode::Live),
        count(Mode::Shadow),
        count(Mode::Off),
        ruleset.hash()
    );
}
