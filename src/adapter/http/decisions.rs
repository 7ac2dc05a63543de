//! What is asked and answered at `POST /v1/decisions`: a call setup in JSON, a decision in JSON. `docs/openapi.json`
//! describes both; a test here holds the two together.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::fail_open::FailOpen;
use crate::base::network::Network;
use crate::judge::{Answer, Treatment};
use crate::signal::Setup;
use crate::signal::plain::{self, Place, Plain, Spoken};

/// Most calls of one request.
pub const CALLS_MAX: usize = 1_000;
/// Longest name of a call, octets.
pub const CALL_ID_MAX: usize = 512;
/// Longest number as signalled, octets: a URI with its parameters.
pub const NUMBER_MAX: usize = 256;
/// Largest point code: 14 bits (ITU-T Q.704 §2.2).
const POINT_CODE_MAX: u32 = 0x3FFF;
/// Largest network indicator: 2 bits (ITU-T Q.704 §14.2.2).
const INDICATOR_MAX: u8 = 3;

/// A call setup as a client tells it.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What names the call; the SIP Call-ID where there is one.
    pub call_id: String,
    /// Calling number as signalled.
    pub calling: Option<String>,
    /// Its nature of address.
    pub calling_nature: Option<String>,
    /// Whether the caller asked that it not be shown.
    #[serde(default)]
    pub restricted: bool,
    /// Number shown to the called, beside an asserted one.
    pub from: Option<String>,
    /// Called number as signalled.
    pub called: String,
    /// Its nature of address.
    pub called_nature: Option<String>,
    /// Last diverting number.
    pub diverting: Option<String>,
    /// Its nature of address.
    pub diverting_nature: Option<String>,
    /// How often the call was forwarded.
    pub diversions: Option<u8>,
    /// Who was called first.
    pub first_called: Option<String>,
    /// Name of the route in the network file.
    pub route: Option<String>,
    /// Address of the SIP element on the other side.
    pub peer: Option<IpAddr>,
    /// Point code of the exchange on the other side.
    pub point_code: Option<u32>,
    /// Network indicator of that point code.
    pub network_indicator: Option<u8>,
    /// `inbound` or `outbound`.
    pub direction: Option<String>,
    /// Milliseconds in which the answer is wanted.
    pub deadline_ms: Option<u64>,
}

/// Several setups at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    calls: Vec<Value>,
    deadline_ms: Option<u64>,
}

/// What a request's body is.
#[derive(Debug)]
pub enum Body {
    /// One setup, answered with one decision.
    One(Box<Request>),
    /// Setups, answered in their order. One that cannot be read does not spoil the others.
    Many {
        /// Each setup, or what is wrong with it.
        calls: Vec<Result<Request, String>>,
        /// Milliseconds for all of them.
        deadline_ms: Option<u64>,
    },
}

impl Body {
    /// Reads a body: an object with `call_id`, an array of such, or an object with `calls`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("no JSON: {error}"))?;
        let batch = match value {
            Value::Array(calls) => Batch { calls, deadline_ms: None },
            Value::Object(ref object) if object.contains_key("calls") => {
                serde_json::from_value(value).map_err(|error| error.to_string())?
            }
            one => return request(one).map(|request| Self::One(Box::new(request))),
        };
        if batch.calls.len() > CALLS_MAX {
            return Err(format!("{} calls in one request; at most {CALLS_MAX}", batch.calls.len()));
        }
        Ok(Self::Many {
            calls: batch.calls.into_iter().map(request).collect(),
            deadline_ms: batch.deadline_ms,
        })
    }

    /// The deadline asked for.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        match self {
            Self::One(request) => request.deadline_ms,
            Self::Many { deadline_ms, .. } => *deadline_ms,
        }
    }
}

fn request(value: Value) -> Result<Request, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

impl Request {
    /// The setup it means.
    ///
    /// # Errors
    /// What is wrong, in words that name the field.
    pub fn setup(&self, network: &Network) -> Result<Setup, String> {
        if self.call_id.is_empty() || self.call_id.len() > CALL_ID_MAX {
            return Err(format!("`call_id` has {} octets; 1 to {CALL_ID_MAX}", self.call_id.len()));
        }
        let direction = match self.direction.as_deref() {
            None => None,
            Some(name) => Some(plain::direction(name).ok_or_else(|| {
                format!("`direction` is `{name}`; one of {}", plain::DIRECTION_NAMES.join(", "))
            })?),
        };
        let route = self.place()?.route(network).ok_or_else(|| {
            format!("`route`: the network file has no route `{}`", self.route.as_deref().unwrap_or_default())
        })?;
        let calling = self.calling.as_deref().unwrap_or_default();
        let calling = spoken("calling", calling, self.calling_nature.as_deref())?;
        let diverting = self.diverting.as_deref();
        let diverting =
            diverting.map(|text| spoken("diverting", text, self.diverting_nature.as_deref())).transpose()?;
        let first_called = self.first_called.as_deref();
        Ok(Plain {
            route: (route, direction),
            calling: Spoken { restricted: self.restricted, ..calling },
            shown: self
                .from
                .as_deref()
                .map(|text| spoken("from", text, None))
                .transpose()?
                .map(|spoken| spoken.text),
            called: spoken("called", &self.called, self.called_nature.as_deref())?,
            diverting,
            diversions: self.diversions,
            first_called: first_called.map(|text| spoken("first_called", text, None)).transpose()?,
        }
        .setup(network))
    }

    fn place(&self) -> Result<Place<'_>, String> {
        match (self.route.as_deref(), self.peer, self.point_code, self.network_indicator) {
            (Some(name), None, None, None) => Ok(Place::Route(name)),
            (None, Some(address), None, None) => Ok(Place::Peer(address)),
            (None, None, Some(code @ ..=POINT_CODE_MAX), Some(indicator @ ..=INDICATOR_MAX)) => {
                Ok(Place::PointCode(indicator, code))
            }
            (None, None, Some(_), _) => Err(format!(
                "`point_code` is 0 to {POINT_CODE_MAX} and comes with `network_indicator`, 0 to {INDICATOR_MAX}"
            )),
            // A call of which nothing says where it comes from is on the route `unknown`, as it is in signalling.
            (None, None, None, None) => Ok(Place::Route("unknown")),
            _ => Err("one of `route`, `peer`, and `point_code` with `network_indicator`".to_owned()),
        }
    }
}

fn spoken<'a>(field: &str, text: &'a str, nature: Option<&str>) -> Result<Spoken<'a>, String> {
    if text.len() > NUMBER_MAX {
        return Err(format!("`{field}` has {} octets; at most {NUMBER_MAX}", text.len()));
    }
    let nature = match nature {
        None => None,
        Some(name) => Some(plain::nature(name).ok_or_else(|| {
            format!("`{field}_nature` is `{name}`; one of {}", plain::NATURE_NAMES.join(", "))
        })?),
    };
    Ok(Spoken { text, nature, restricted: false })
}

/// A decision as a client is told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// As asked.
    pub call_id: String,
    /// What the switch shall do.
    pub decision: &'static str,
    /// What the call is taken for.
    pub class: &'static str,
    /// Id of the rule that said so.
    pub rule: Option<String>,
    /// Name of the call in records.
    pub call: Option<String>,
    /// With what codes, or where to.
    pub treatment: Option<Told>,
    /// Whether rules were asked.
    pub judged: bool,
    /// Why not.
    pub unjudged: Option<&'static str>,
    /// What is wrong with the setup, when it could not be read.
    pub detail: Option<String>,
}

/// Codes of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Told {
    /// Of `block`.
    Block {
        /// SIP status.
        sip_status: u16,
        /// Q.850 cause.
        q850_cause: u8,
        /// Words of the rule.
        reason: String,
    },
    /// Of `divert`.
    Divert {
        /// SIP or tel URI.
        target: String,
    },
}

/// What keeps a setup from being judged beside the reasons of [`FailOpen`]: it is an emergency call.
pub const EMERGENCY: &str = "emergency";

impl Decided {
    /// A judged call.
    #[must_use]
    pub fn judged(call_id: String, answer: &Answer) -> Self {
        let treatment = match &answer.treatment {
            Treatment::Block { sip, q850, reason } => {
                Some(Told::Block { sip_status: *sip, q850_cause: *q850, reason: reason.to_string() })
            }
            Treatment::Divert { target } => Some(Told::Divert { target: target.to_string() }),
            Treatment::Allow | Treatment::Mask | Treatment::Monetise => None,
        };
        Self {
            call_id,
            decision: answer.treatment.decision().name(),
            class: answer.class.name(),
            rule: answer.rule.as_deref().map(str::to_owned),
            call: Some(answer.call.to_string()),
            treatment,
            judged: true,
            unjudged: None,
            detail: None,
        }
    }

    /// A call that passes unjudged.
    #[must_use]
    pub fn unjudged(call_id: String, why: &'static str, detail: Option<String>) -> Self {
        let answer = Answer::default();
        Self { call: None, judged: false, unjudged: Some(why), detail, ..Self::judged(call_id, &answer) }
    }

    /// A call that passes because nothing was decided in time.
    #[must_use]
    pub fn failed_open(call_id: String, why: FailOpen, detail: Option<String>) -> Self {
        Self::unjudged(call_id, why.name(), detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::route::RouteId;

    fn read(text: &str) -> Result<Body, String> {
        Body::read(text.as_bytes())
    }

    #[test]
    fn reads_one_an_array_and_a_batch() {
        let one = r#"{"call_id":"a@b","called":"+48601234567","deadline_ms":9}"#;
        assert!(
            matches!(read(one), Ok(Body::One(request)) if request.call_id == "a@b" && request.deadline_ms == Some(9))
        );
        for (text, deadline) in [
            (format!("[{one},{{}}]"), None),
            (format!(r#"{{"calls":[{one},{{}}],"deadline_ms":7}}"#), Some(7)),
        ] {
            let body = read(&text).unwrap();
            assert_eq!(body.deadline_ms(), deadline);
            let Body::Many { calls, .. } = body else { panic!("{text}") };
            assert!(calls[0].is_ok() && calls[1].as_ref().unwrap_err().contains("call_id"), "{calls:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let many = format!("[{}]", vec!["{}"; CALLS_MAX + 1].join(","));
        for (text, expected) in [
            ("{", "no JSON"),
            ("7", "invalid type"),
            (r#"{"call_id":"x"}"#, "called"),
            (r#"{"call_id":"x","called":"1","colour":2}"#, "unknown field `colour`"),
            (many.as_str(), "1001 calls"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
        let network = Network::unknown();
        for (more, expected) in [
            (r#""call_id":"""#, "`call_id` has 0 octets"),
            (r#""call_id":"x","direction":"up""#, "inbound, outbound"),
            (r#""call_id":"x","route":"nobody""#, "no route `nobody`"),
            (r#""call_id":"x","calling_nature":"odd""#, "`calling_nature` is `odd`"),
            (r#""call_id":"x","route":"unknown","peer":"192.0.2.1""#, "one of `route`"),
            (r#""call_id":"x","point_code":300"#, "`network_indicator`"),
            (r#""call_id":"x","point_code":16384,"network_indicator":2"#, "`point_code` is 0 to"),
        ] {
            let Body::One(request) = read(&format!("{{{more},\"called\":\"1\"}}")).unwrap() else { panic!() };
            let said = request.setup(&network).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
        let long = Request { call_id: "x".into(), called: "1".repeat(NUMBER_MAX + 1), ..Request::default() };
        assert!(long.setup(&network).unwrap_err().contains("`called` has 257 octets"));
        let bare = Request { call_id: "x".into(), called: "1".into(), ..Request::default() };
        assert_eq!(bare.setup(&network).unwrap().route, RouteId::UNKNOWN);
    }
}
