//! Names of causes. ITU-T Q.850 (05/2018) table 1, shortened to what an engineer says.

/// Name of a cause value; `None` when the table has no such value.
#[must_use]
pub fn name(cause: u8) -> Option<&'static str> {
    let index = NAMES.binary_search_by_key(&cause, |(value, _)| *value).ok()?;
    Some(NAMES[index].1)
}

/// In order of value.
const NAMES: [(u8, &str); 71] = [
    (1, "unallocated number"),
    (2, "no route to transit network"),
    (3, "no route to destination"),
    (4, "send special information tone"),
    (5, "misdialled trunk prefix"),
    (6, "channel unacceptable"),
    (7, "call awarded in an established channel"),
    (8, "preemption"),
    (9, "preemption, circuit reserved"),
    (14, "ported number"),
    (16, "normal call clearing"),
    (17, "user busy"),
    (18, "no user responding"),
    (19, "no answer from user"),
    (20, "subscriber absent"),
    (21, "call rejected"),
    (22, "number changed"),
    (23, "redirection to new destination"),
    (24, "rejected due to a feature at the destination"),
    (25, "exchange routing error"),
    (26, "non-selected user clearing"),
    (27, "destination out of order"),
    (28, "invalid number format"),
    (29, "facility rejected"),
    (30, "response to status enquiry"),
    (31, "normal, unspecified"),
    (34, "no circuit available"),
    (38, "network out of order"),
    (39, "permanent connection out of service"),
    (40, "permanent connection operational"),
    (41, "temporary failure"),
    (42, "switching equipment congestion"),
    (43, "access information discarded"),
    (44, "requested circuit not available"),
    (46, "precedence call blocked"),
    (47, "resource unavailable"),
    (49, "quality of service not available"),
    (50, "facility not subscribed"),
    (53, "outgoing calls barred within the group"),
    (55, "incoming calls barred within the group"),
    (57, "bearer capability not authorized"),
    (58, "bearer capability not available"),
    (62, "inconsistent access information"),
    (63, "service not available"),
    (65, "bearer capability not implemented"),
    (66, "channel type not implemented"),
    (69, "facility not implemented"),
    (70, "only restricted digital information"),
    (79, "service not implemented"),
    (81, "invalid call reference"),
    (82, "channel does not exist"),
    (83, "no such suspended call"),
    (84, "call identity in use"),
    (85, "no call suspended"),
    (86, "call with that identity has been cleared"),
    (87, "user not member of the group"),
    (88, "incompatible destination"),
    (90, "no such group"),
    (91, "invalid transit network"),
    (95, "invalid message"),
    (96, "mandatory element missing"),
    (97, "message type not implemented"),
    (98, "message type not compatible with the call state"),
    (99, "parameter not implemented"),
    (100, "invalid element contents"),
    (101, "message not compatible with the call state"),
    (102, "recovery on timer expiry"),
    (103, "parameter not implemented, passed on"),
    (110, "message with unknown parameter discarded"),
    (111, "protocol error"),
    (127, "interworking"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_found() {
        for (value, text) in NAMES {
            assert_eq!(name(value), Some(text));
        }
        assert_eq!((name(0), name(126), name(255)), (None, None, None));
    }
}
