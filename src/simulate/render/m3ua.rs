//! M3UA messages. RFC 4666 §3.

use crate::base::frame::RoutingLabel;

/// Routing context of the one application server here.
const ROUTING_CONTEXT: u32 = 7;
const SERVICE_ISUP: u8 = 5;

fn message(class: u8, kind: u8, parameters: &[u8]) -> Vec<u8> {
    let mut message = vec![1, 0, class, kind];
    message.extend(((8 + parameters.len()) as u32).to_be_bytes());
    message.extend(parameters);
    message
}

fn parameter(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut parameter = tag.to_be_bytes().to_vec();
    parameter.extend(((4 + value.len()) as u16).to_be_bytes());
    parameter.extend(value);
    parameter.resize(parameter.len().next_multiple_of(4), 0);
    parameter
}

fn routing_context() -> Vec<u8> {
    parameter(0x0006, &ROUTING_CONTEXT.to_be_bytes())
}

/// DATA with one ISUP message (§3.3.1).
pub fn data(label: RoutingLabel, isup: &[u8]) -> Vec<u8> {
    let mut value = label.opc.to_be_bytes().to_vec();
    value.extend(label.dpc.to_be_bytes());
    value.extend([SERVICE_ISUP, label.network_indicator, 0, label.sls]);
    value.extend(isup);
    message(1, 1, &[routing_context(), parameter(0x0210, &value)].concat())
}

/// ASP up (§3.5.1), and its acknowledgement (§3.5.2).
pub fn asp_up() -> [Vec<u8>; 2] {
    [message(3, 1, &[]), message(3, 4, &[])]
}

/// ASP active (§3.7.1), and its acknowledgement (§3.7.2), sharing the load.
pub fn asp_active() -> [Vec<u8>; 2] {
    let parameters = [parameter(0x000B, &2_u32.to_be_bytes()), routing_context()].concat();
    [message(4, 1, &parameters), message(4, 3, &parameters)]
}

/// Notify: the application server is active (§3.8.2).
pub fn notify_active() -> Vec<u8> {
    message(0, 1, &[parameter(0x000D, &[0, 1, 0, 3]), routing_context()].concat())
}
