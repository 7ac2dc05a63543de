//! The interface's description, OpenAPI 3.1, as it is in the repository. A test holds it against what is sent.

/// The document, in JSON.
pub const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
