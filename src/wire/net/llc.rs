//! Logical link control with a subnetwork access header. IEEE 802.2 §3.2, RFC 1042.

use super::link::Next;
use crate::base::fault::Layer;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let Some((head, rest)) = bytes.split_first_chunk() else { return Ok(Next::Other) };
    let mut cursor = Cursor::new(Layer::Link, rest);
    match *head {
        [0xaa, 0xaa, 0x03] => {
            let organisation = cursor.array()?;
            let ethertype = cursor.u16()?;
            // RFC 1042's own, and IEEE 802.1H's for bridged Ethernet.
            let is_ethertype = matches!(organisation, [0, 0, 0] | [0, 0, 0xf8]);
            Ok(if is_ethertype { Next::EtherType(ethertype, cursor.rest()) } else { Next::Other })
        }
        // The service access point that RFC 1042 gave up for the header above.
        [0x06, 0x06, 0x03] => Ok(Next::Ip(cursor.rest())),
        _ => Ok(Next::Other),
    }
}
