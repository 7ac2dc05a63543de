//! What a command is given: the network file, or none; the rules of a directory, or those shipped.

use std::path::Path;

use crate::base::network::Network;
use crate::cli::Failure;
use crate::config::{self, Loaded};
use crate::feature::fields;
use crate::rule::{Ruleset, Source};

/// The rules in `rules/`, as they were when the program was built.
const SHIPPED: [(&str, &str); 8] = [
    ("10-identity.toml", include_str!("../../rules/10-identity.toml")),
    ("20-flash.toml", include_str!("../../rules/20-flash.toml")),
    ("30-wangiri.toml", include_str!("../../rules/30-wangiri.toml")),
    ("40-white-routes.toml", include_str!("../../rules/40-white-routes.toml")),
    ("50-robocalls.toml", include_str!("../../rules/50-robocalls.toml")),
    ("60-toll-fraud.toml", include_str!("../../rules/60-toll-fraud.toml")),
    ("70-bypass.toml", include_str!("../../rules/70-bypass.toml")),
    ("80-scan-tdos.toml", include_str!("../../rules/80-scan-tdos.toml")),
];

/// The network of a file; without one, a network with no home and no routes.
pub fn network(path: Option<&Path>) -> Result<Loaded, Failure> {
    match path {
        Some(path) => config::load_network(path).map_err(|error| Failure::new(error.exit_code(), error)),
        None => Ok(Loaded { network: Network::unknown(), rate_card: None }),
    }
}

/// The rules of a directory, or those shipped.
pub fn rules(directory: Option<&Path>) -> Result<Ruleset, Failure> {
    match directory {
        Some(directory) => config::load_rules(directory, &fields::FIELDS)
            .map_err(|error| Failure::new(error.exit_code(), error)),
        None => {
            let source = |(path, text): (&str, &str)| Source { path: path.to_owned(), text: text.to_owned() };
            let sources: Vec<Source> = SHIPPED.into_iter().map(source).collect();
            Ruleset::compile(&sources, &fields::FIELDS).map_err(|errors| {
                let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Failure::new(3, shown.join("\n"))
            })
        }
    }
}
