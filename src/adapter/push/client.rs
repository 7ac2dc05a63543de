//! HTTP to a switch: one request, one answer, within a time limit.

use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Request;

use crate::adapter::push::Trouble;
use crate::token::Token;

/// Largest answer read, octets: a list of 100,000 entries has some 12 MB.
const ANSWER_MAX: u64 = 64 * 1024 * 1024;
/// Longest text of an answer that is said again, octets.
const SAID_MAX: usize = 200;

/// Where a switch takes its list, and how it is reached.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// URL.
    pub url: String,
    /// File with a bearer token to show; `None`: none is shown.
    pub token_file: Option<PathBuf>,
    /// Longest wait for an answer. Default 2 s.
    pub timeout: Duration,
}

impl ClientOptions {
    /// The defaults, for this URL.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), token_file: None, timeout: Duration::from_secs(2) }
    }
}

#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    url: String,
    token: Option<Token>,
}

impl Client {
    pub(super) fn new(options: &ClientOptions) -> std::io::Result<Self> {
        let agent = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(options.timeout))
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let token = options.token_file.as_deref().map(Token::open).transpose()?;
        Ok(Self { agent, url: options.url.clone(), token })
    }

    /// Status and body of the answer. A token that is refused may have been renewed: it is read again, once.
    pub(super) fn send(&self, method: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Trouble> {
        match self.send_once(method, body) {
            Ok((401, _)) if self.token.as_ref().is_some_and(Token::renew) => self.send_once(method, body),
            answer => answer,
        }
    }

    fn send_once(&self, method: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Trouble> {
        let mut request =
            Request::builder().method(method).uri(&self.url).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.value()));
        }
        let unreachable = |error: ureq::Error| Trouble::Unreachable(error.to_string());
        let request = request.body(body).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let mut response = self.agent.run(request).map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(unreachable)?;
        Ok((status, body))
    }
}

/// So much of an answer as fits in a log line.
pub(super) fn said(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..SAID_MAX).unwrap_or(body));
    format!("{status} {}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}
