//! Rows of the matrix of calling numbers. Home is Poland; packet time is noon of 2026-06-01.

use tollgate::base::class::Decision;
use tollgate::base::network::RoamingState;

/// What was told of the calling subscriber.
#[derive(Clone, Copy, Debug)]
pub enum State {
    Is(RoamingState),
    NotAsked,
}

/// A call before: route, calling number, called number, minutes ago.
pub type Before = (&'static str, &'static str, &'static str, u32);

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: &'static str,
    pub route: &'static str,
    pub caller: &'static str,
    pub called: Option<&'static str>,
    pub is_outbound: bool,
    pub is_restricted: bool,
    pub shows_other: bool,
    pub state: State,
    pub diverting: Option<&'static str>,
    pub diverting_state: Option<(&'static str, RoamingState)>,
    pub diversions: u8,
    pub first_called: Option<&'static str>,
    pub before: &'static [Before],
    /// The called number called the caller the day before, and they talked.
    pub have_talked: bool,
    pub decision: Decision,
    pub rule: &'static str,
}

impl Row {
    fn called(mut self, number: &'static str) -> Self {
        self.called = Some(number);
        self
    }

    fn home(mut self) -> Self {
        self.state = State::Is(RoamingState::Home);
        self
    }

    fn roaming(mut self) -> Self {
        self.state = State::Is(RoamingState::Roaming);
        self
    }

    fn forwarded(mut self, number: &'static str) -> Self {
        (self.diverting, self.diversions) = (Some(number), 1);
        self
    }

    fn times(mut self, diversions: u8, first_called: &'static str) -> Self {
        (self.diversions, self.first_called) = (diversions, Some(first_called));
        self
    }

    fn forwarder_is(mut self, state: RoamingState) -> Self {
        self.diverting_state = self.diverting.map(|number| (number, state));
        self
    }

    fn after(mut self, before: &'static [Before]) -> Self {
        self.before = before;
        self
    }

    fn have_talked(mut self) -> Self {
        self.have_talked = true;
        self
    }

    fn restricted(mut self) -> Self {
        self.is_restricted = true;
        self
    }

    fn shows_other(mut self) -> Self {
        self.shows_other = true;
        self
    }

    fn outbound(mut self) -> Self {
        self.is_outbound = true;
        self
    }
}

/// A call that passes.
const fn pass(what: &'static str, route: &'static str, caller: &'static str) -> Row {
    Row {
        what,
        route,
        caller,
        called: None,
        is_outbound: false,
        is_restricted: false,
        shows_other: false,
        state: State::NotAsked,
        diverting: None,
        diverting_state: None,
        diversions: 0,
        first_called: None,
        before: &[],
        have_talked: false,
        decision: Decision::Allow,
        rule: "–",
    }
}

/// A call that a rule refuses.
const fn block(rule: &'static str, what: &'static str, route: &'static str, caller: &'static str) -> Row {
    let mut row = pass(what, route, caller);
    row.decision = Decision::Block;
    row.rule = rule;
    row
}

const INTL: &str = "intl-a";
const PBX: &str = "intl-b";
const NAT: &str = "national";
const FIXED: &str = "+48221234567";
const MOBILE: &str = "+48601234567";
const GERMAN: &str = "+4930123456";
const FRENCH: &str = "+33612345678";

/// All rows.
pub fn rows() -> Vec<Row> {
    [plain(), forwarded(), mobiles(), travel(), lists(), shapes(), other_routes()].concat()
}

fn plain() -> Vec<Row> {
    vec![
        pass("Foreign number", INTL, GERMAN),
        pass("Withheld, no number", INTL, "anonymous").restricted(),
        pass("No number", INTL, ""),
        pass("Foreign number, withheld", INTL, GERMAN).restricted(),
        pass("From shows another number than is asserted", INTL, GERMAN).shows_other(),
        block("SP-200", "Home fixed number", INTL, FIXED),
        block("SP-200", "Home fixed number, withheld", INTL, FIXED).restricted(),
        block("SP-205", "Home toll-free number", INTL, "+48800123456"),
        block("SP-205", "Home shared-cost number", INTL, "+48801123456"),
        block("SP-205", "Home number of internet telephony", INTL, "+48391234567"),
        block("SP-140", "Home premium-rate number", INTL, "+48701234567"),
        block("SP-140", "Foreign premium-rate number", INTL, "+449091234567"),
        block("SP-140", "International premium-rate number", INTL, "+979123456789"),
        pass("Satellite telephone", INTL, "+870773111632"),
        pass("Satellite telephone of another system", INTL, "+881612345678"),
        pass("Range with expensive numbers", INTL, "+24775123"),
        pass("Cloud exchange abroad, exempt on its route", PBX, "+48224440001"),
        block("SP-200", "The same number on another route", INTL, "+48224440001"),
        block("SP-200", "Exemption that has ended", PBX, "+48225550001"),
    ]
}

fn forwarded() -> Vec<Row> {
    use RoamingState::{Home, Roaming};
    vec![
        pass("Forwarded back by somebody abroad", INTL, FIXED).forwarded(GERMAN),
        pass("Forwarded twice", INTL, FIXED).forwarded(GERMAN).times(2, FRENCH),
        block("SP-200", "Says it was forwarded, zero times", INTL, FIXED).forwarded(GERMAN).times(0, GERMAN),
        block("SP-200", "Forwarded by a number too short for its country", INTL, FIXED).forwarded("+331234"),
        block("SP-200", "Forwarded by a country code of nobody", INTL, FIXED).forwarded("+21012345678"),
        block("SP-200", "Forwarded by the caller", INTL, FIXED).forwarded(FIXED),
        block("SP-200", "Forwarded by whom it calls", INTL, FIXED).forwarded(super::CALLED),
        block("SP-200", "Forwarded by a home fixed number", INTL, FIXED).forwarded("+48221111111"),
        block("SP-200", "Forwarded by a number that never calls", INTL, FIXED).forwarded("+48222000000"),
        pass("Not delivered abroad, forwarded to voicemail", INTL, FIXED)
            .forwarded("+48601000002")
            .forwarder_is(Roaming),
        block("SP-200", "Forwarded by a subscriber who is at home", INTL, FIXED)
            .forwarded("+48601000003")
            .forwarder_is(Home),
        pass("Forwarded by a home mobile number, state not known", INTL, FIXED).forwarded("+48601000004"),
        pass("Forwarded by a home fixed number that was called through us", INTL, FIXED)
            .forwarded("+48221111111")
            .after(&[(NAT, FIXED, "+48221111111", 1)]),
        pass("Caller at home called whoever forwarded", INTL, MOBILE)
            .home()
            .forwarded(GERMAN)
            .after(&[("on-net", MOBILE, GERMAN, 1)]),
        pass("Caller at home, not delivered abroad; only calls that leave are seen", INTL, MOBILE)
            .home()
            .forwarded("+48601000002")
            .forwarder_is(Roaming)
            .after(&[("on-net", "+48601111111", FRENCH, 1)]),
        block("SP-230", "Caller at home called nobody there", INTL, MOBILE)
            .home()
            .forwarded(GERMAN)
            .after(&[("on-net", "+48601111111", FRENCH, 1)]),
        block("SP-230", "Caller at home called there long ago", INTL, MOBILE)
            .home()
            .forwarded(GERMAN)
            .after(&[("on-net", MOBILE, GERMAN, 12), ("on-net", "+48601111111", FRENCH, 1)]),
        pass("Caller at home called the first of two", INTL, MOBILE)
            .home()
            .forwarded(GERMAN)
            .times(2, FRENCH)
            .after(&[("on-net", MOBILE, FRENCH, 1)]),
        pass("Caller at home, calls out of the country not seen", INTL, MOBILE).home().forwarded(GERMAN),
        block("SP-210", "Caller at home, impossible forwarder", INTL, MOBILE).home().forwarded("+331234"),
        pass("Caller abroad, forwarded", INTL, MOBILE).roaming().forwarded(GERMAN),
    ]
}

fn mobiles() -> Vec<Row> {
    const OWN: &str = "+48601234567";
    vec![
        block("SP-210", "Home mobile number, owner at home", INTL, MOBILE).home(),
        pass("Owner at home by a state that may be late, the two have talked", INTL, MOBILE)
            .home()
            .have_talked(),
        block("SP-210", "Owner at home, calls a short code", INTL, MOBILE).home().called("19115"),
        pass("Home mobile number, owner abroad", INTL, MOBILE).roaming(),
        pass("Home mobile number, state not known", INTL, MOBILE),
        pass("Ported or another operator's, abroad", INTL, "+48501234567").roaming(),
        pass("Ported or another operator's, state not known", INTL, "+48501234567"),
        block("SP-210", "Ported or another operator's, at home", INTL, "+48501234567").home(),
        block("SP-210", "Owner at home, withheld", INTL, MOBILE).home().restricted(),
        pass("Owner abroad, withheld", INTL, MOBILE).roaming().restricted(),
        pass("Owner at home, hosted abroad with proof", PBX, "+48601444001").home(),
        block("SP-210", "Owner at home, hosted abroad, another route", INTL, "+48601444001").home(),
        pass("Voicemail from abroad, by its own number", INTL, MOBILE).called("+48601000999"),
        block("SP-100", "Calls its own number", INTL, OWN).called(OWN),
        block("SP-100", "Calls its own number, at home", INTL, OWN).home().called(OWN),
        {
            let mut row =
                pass("Voicemail from abroad, calls its own number", INTL, OWN).roaming().called(OWN);
            row.rule = "SP-010";
            row
        },
    ]
}

fn travel() -> Vec<Row> {
    vec![
        block("SP-220", "Called at home five minutes ago", INTL, MOBILE)
            .after(&[("on-net", MOBILE, FIXED, 5)]),
        block("SP-220", "The same by its firm's trunk", INTL, MOBILE).after(&[(
            "enterprise",
            MOBILE,
            FIXED,
            5,
        )]),
        pass("Called at home a quarter of an hour ago", INTL, MOBILE).after(&[("on-net", MOBILE, FIXED, 15)]),
        pass("Called at home, known to be abroad since", INTL, MOBILE)
            .roaming()
            .after(&[("on-net", MOBILE, FIXED, 5)]),
        pass("Was called, and the voicemail answered", INTL, MOBILE).after(&[(NAT, FIXED, MOBILE, 5)]),
        pass("Called from abroad five minutes ago", INTL, MOBILE).after(&[(INTL, MOBILE, FIXED, 5)]),
        pass("Called at home, forwarded back from abroad", INTL, MOBILE)
            .forwarded(GERMAN)
            .after(&[("on-net", MOBILE, GERMAN, 1)]),
        pass("Called at home, exempt on its route", PBX, "+48601444001").after(&[(
            "on-net",
            "+48601444001",
            FIXED,
            5,
        )]),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        block("SP-115", "Number that never calls", INTL, "+48222000000"),
        block("SP-115", "Number that never calls, forwarded", INTL, "+48222000000").forwarded(GERMAN),
        pass("Number whose row has ended", INTL, "+48601777777"),
        block("SP-125", "Range that nobody has", INTL, "+441799912345"),
        block("SP-120", "Home number in no plan", INTL, "+48100000001"),
        Row { rule: "FC-180", ..pass("Home number in no plan, checked", INTL, "+48100000002") },
        block("SP-130", "Country code of nobody", INTL, "+21012345678"),
        block("SP-105", "Protected number", INTL, "+48223334455"),
        block("SP-105", "Emergency number", INTL, "112"),
        block("SP-105", "Emergency number with country code", INTL, "+48112"),
        block("SP-105", "National emergency number", INTL, "997"),
        block("SP-105", "Short code", INTL, "19115"),
        block("SP-105", "Short code with country code", INTL, "+4819115"),
    ]
}

fn shapes() -> Vec<Row> {
    vec![
        block("SP-110", "Fewer than five digits", INTL, "+4812"),
        block("SP-110", "Sixteen digits", INTL, "+4860123456789012"),
        block("SP-110", "Letters among digits", INTL, "48601a"),
        block("SP-110", "No country code", INTL, "+0601234567"),
        pass("Five digits that may be a number", INTL, "+24741"),
        pass("Words of a gateway", INTL, "unknown"),
    ]
}

fn other_routes() -> Vec<Row> {
    vec![
        pass("Fixed number by a peer that no route names", "unknown", FIXED),
        pass("Mobile number at home, by a peer that no route names", "unknown", MOBILE).home(),
        pass("Unallocated number by a peer that no route names", "unknown", "+48100000001"),
        pass("Premium-rate number by a peer that no route names", "unknown", "+48701234567"),
        pass("Protected number by a peer that no route names", "unknown", "+48223330001"),
        block("SP-130", "Country code nobody has, by a peer that no route names", "unknown", "+21012345678"),
        block("SP-110", "Too short, by a peer that no route names", "unknown", "+123"),
        pass("Home fixed number", NAT, FIXED),
        pass("Home mobile number, owner at home", NAT, MOBILE).home(),
        pass("Emergency service calls back", NAT, "112"),
        pass("Short number", NAT, "1234"),
        pass("Foreign number", NAT, GERMAN),
        block("SP-100", "Calls its own number", NAT, MOBILE).called(MOBILE),
        block("SP-115", "Number that never calls", NAT, "+48222000000"),
        block("SP-125", "Range that nobody has", NAT, "+441799912345"),
        pass("Subscriber at home", "on-net", MOBILE).home(),
        pass("Subscriber calls his voicemail", "on-net", MOBILE).called(MOBILE),
        pass("Number that never calls, at its owner's", "on-net", "+48222000000"),
        pass("Firm's number", "enterprise", FIXED),
        block("SP-115", "Number that never calls", "enterprise", "+48222000000"),
        {
            let mut row = pass("Contracted flash call", "white", GERMAN);
            (row.decision, row.rule) = (Decision::Monetise, "MO-100");
            row
        },
        block("SP-115", "Number that never calls", "white", "+48222000000"),
        block("SP-125", "Range that nobody has", "white", "+441799912345"),
        pass("Subscriber calls abroad", INTL, MOBILE).called(GERMAN).home().outbound(),
    ]
}
