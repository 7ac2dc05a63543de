//! What others tell of a finished call: a switch's detail record, when no tap sees how the call ended.

use crate::base::time::At;
use crate::call::event::ReleasedBy;
use crate::signal::Setup;

/// A finished call, as told by a switch or mediation.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// SIP Call-ID under which the call was asked about, when known; else numbers and time find the call.
    pub call_id: Option<Box<[u8]>>,
    /// Numbers, route and direction.
    pub setup: Setup,
    /// INVITE or IAM.
    pub setup_at: At,
    /// First alerting.
    pub alert_at: Option<At>,
    /// Answer.
    pub answer_at: Option<At>,
    /// End.
    pub end_at: At,
    /// Who ended it.
    pub released_by: Option<ReleasedBy>,
    /// Final SIP status of the INVITE.
    pub sip_status: Option<u16>,
    /// Q.850 cause of the release.
    pub q850_cause: Option<u8>,
}
