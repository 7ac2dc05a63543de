//! Device roaming status over HTTP, as the API of that name of CAMARA 1.1 defines it: `POST /retrieve` with a telephone
//! number, answered with whether its device is roaming (github.com/camaraproject/DeviceRoamingStatus, release r1.2).
//!
//! A token of two legs is meant: the number is in the question, not in the token. What is read of an answer is limited
//! in size and time; redirections are not followed, as they would take the token elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::base::network::RoamingState;
use crate::clock::Deadline;
use crate::lookup::{Answer, Outcome, Question};
use crate::token::Token;

/// Largest answer read, in octets; a true one has some hundred.
const ANSWER_MAX: u64 = 64 * 1024;
/// Largest header of an answer, in octets.
const HEADER_MAX: usize = 16 * 1024;

/// Whom to ask, and how to be let in.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Server of the API, such as `https://api.operator.example/device-roaming-status/v1`.
    pub url: String,
    /// File with a bearer token; read again when the server no longer takes it.
    pub token_file: Option<PathBuf>,
    /// File with certificates in PEM of those who may sign the server's; the common ones when not given.
    pub ca_file: Option<PathBuf>,
    /// Most connections kept open.
    pub connections: usize,
}

/// Asks one server.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    token: Option<Token>,
}

impl Client {
    /// A client that has not asked yet.
    ///
    /// # Errors
    /// A file that cannot be read, with its path, or what is wrong in it.
    pub fn new(options: &ClientOptions) -> Result<Self, (PathBuf, io::Error)> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &options.ca_file {
            tls = tls.root_certs(certificates(path).map_err(|error| (path.clone(), error))?);
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(HEADER_MAX)
            .max_idle_connections(options.connections)
            .max_idle_connections_per_host(options.connections)
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let token = match &options.token_file {
            Some(path) => Some(Token::open(path).map_err(|error| (path.clone(), error))?),
            None => None,
        };
        Ok(Self { agent, url: format!("{}/retrieve", options.url.trim_end_matches('/')), token })
    }

    /// Asks, and waits for `deadline` at most.
    #[must_use]
    pub fn ask(&self, question: &Question, deadline: Deadline) -> Answer {
        let token = self.token.as_ref().map(Token::value);
        let answer = match self.post(question, token.as_deref(), deadline) {
            Ok((401, _)) => {
                // The token may have been renewed since it was read.
                let fresh = self.token.as_ref().map(|known| {
                    known.renew();
                    known.value()
                });
                if fresh == token {
                    return Answer::none(Outcome::Failed);
                }
                self.post(question, fresh.as_deref(), deadline)
            }
            answer => answer,
        };
        match answer {
            Ok((200, body)) => read(&body),
            // 404: no such identifier. 422: the service does not apply to it.
            Ok((404 | 422, _)) => Answer::none(Outcome::Unknown),
            Err(ureq::Error::Timeout(_)) => Answer::none(Outcome::TimedOut),
            Ok(_) | Err(_) => Answer::none(Outcome::Failed),
        }
    }

    fn post(
        &self,
        question: &Question,
        token: Option<&str>,
        deadline: Deadline,
    ) -> Result<(u16, Vec<u8>), ureq::Error> {
        // Zero would mean no limit.
        let left = deadline.left().max(Duration::from_millis(1));
        let mut request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(left))
            .build()
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("x-correlator", question.call.to_string());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = format!("{{\"device\":{{\"phoneNumber\":\"{}\"}}}}", question.number);
        let mut response = request.send(body)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec()?;
        Ok((status, body))
    }
}

/// What matters of an answer; the country it adds does not decide anything.
#[derive(Deserialize)]
struct Status {
    roaming: bool,
}

fn read(body: &[u8]) -> Answer {
    match serde_json::from_slice::<Status>(body) {
        Ok(Status { roaming }) => {
            let state = if roaming { RoamingState::Roaming } else { RoamingState::Home };
            Answer { state: Some(state), outcome: Outcome::Answered }
        }
        Err(_) => Answer::none(Outcome::Failed),
    }
}

fn certificates(path: &Path) -> io::Result<RootCerts> {
    let text = fs::read(path)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in PEM"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
