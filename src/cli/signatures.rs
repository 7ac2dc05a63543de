//! How a replay verifies who signed for calls: with the certificates that the network file names, or by the answers of an earlier run.

use std::fs;
use std::sync::Arc;

use crate::base::network::Network;
use crate::cli::{Failure, ReplayArguments};
use crate::stir::{Options, Source, Verifier, parse_answers};

/// Whoever answers, and whether the answers are to be written down: they are where certificates are fetched, or were.
type Asked = (Box<dyn Source>, bool);

/// The source; `None` when nothing is verified.
pub fn source(
    arguments: &ReplayArguments,
    options: Option<&Options>,
    network: &Arc<Network>,
) -> Result<Option<Asked>, Failure> {
    if let Some(path) = &arguments.stir_answers {
        let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
        let recorded = parse_answers(&text)
            .map_err(|(line, why)| Failure::new(65, format!("{}:{line}: {why}", path.display())))?;
        return Ok(Some((Box::new(recorded), true)));
    }
    let Some(options) = options else { return Ok(None) };
    Ok(Some((Box::new(verifier(options, network)?), options.fetch.is_some())))
}

/// Starts whoever verifies.
pub fn verifier(options: &Options, network: &Arc<Network>) -> Result<Verifier, Failure> {
    Verifier::start(options, network)
        .map_err(|error| Failure::new(71, format!("verification of signatures: {error}")))
}
