//! Messages of MTP level 3 in a frame, of all user parts, read layer by layer: what assembly passes over, too.

use tollgate::base::frame::{Frame, Link, MtpPlan, RoutingLabel};
use tollgate::wire::m2pa::UserData;
use tollgate::wire::net::{Packet, SCTP};
use tollgate::wire::sctp::{DATA, Data, Header};
use tollgate::wire::sigtran::Adaptation;
use tollgate::wire::{m2ua, m3ua, mtp3};

/// Service indicator and label of each message that is whole in this frame.
pub fn of_frame(frame: &Frame<'_>, plan: MtpPlan) -> Vec<(u8, RoutingLabel)> {
    if matches!(frame.link, Link::Mtp2WithHeader | Link::Mtp2 | Link::Mtp3) {
        let unit = mtp3::strip_link(frame.link, frame.bytes).ok().flatten();
        return unit.and_then(|unit| of_unit(unit, plan)).into_iter().collect();
    }
    let Ok(Some(packet)) = Packet::parse(frame) else { return Vec::new() };
    if packet.protocol != SCTP || packet.fragment.is_some() {
        return Vec::new();
    }
    let Ok((_, chunks)) = Header::parse(packet.payload) else { return Vec::new() };
    let data =
        chunks.flatten().filter(|chunk| chunk.kind == DATA).filter_map(|chunk| Data::parse(chunk).ok());
    data.filter(|data| data.first && data.last).filter_map(|data| of_chunk(&data, plan)).collect()
}

fn of_chunk(data: &Data<'_>, plan: MtpPlan) -> Option<(u8, RoutingLabel)> {
    match Adaptation::of_payload_protocol(data.protocol)? {
        Adaptation::M2pa => of_unit(UserData::parse(data.payload).ok()??.mtp3, plan),
        Adaptation::M2ua => of_unit(m2ua::Data::parse(data.payload).ok()??.mtp3, plan),
        Adaptation::M3ua => {
            let message = m3ua::Message::parse(data.payload).ok().filter(m3ua::Message::is_data)?;
            let carried = message.protocol_data(plan).ok()?;
            Some((carried.service_indicator, carried.label))
        }
        Adaptation::Iua | Adaptation::Sua => None,
    }
}

fn of_unit(unit: &[u8], plan: MtpPlan) -> Option<(u8, RoutingLabel)> {
    let message = mtp3::Message::parse(unit, plan).ok()?;
    Some((message.service_indicator, message.label))
}
