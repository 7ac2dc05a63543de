//! Numbering plans: from what was dialled or shown to one E.164 number, its country and its kind.

use crate::base::field::Country;
use crate::base::number::{Number, Party};
use crate::base::route::NumberFormat;

/// What a number says of itself beside its digits: ISUP nature of address (Q.763 §3.9 b), or the form of a SIP user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// National (significant) number: NAI 3.
    National,
    /// International number, country code first: NAI 4; a leading `+`.
    International,
    /// Subscriber number, no area code: NAI 1. Cannot become E.164 without the area.
    Subscriber,
    /// Nothing said: NAI 2, or bare digits.
    Unknown,
}

/// Kind of service a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NumberKind {
    /// Geographic.
    Fixed,
    /// Mobile.
    Mobile,
    /// The plan does not tell fixed from mobile (as in the NANP).
    FixedOrMobile,
    /// Premium rate.
    Premium,
    /// Toll free.
    TollFree,
    /// Shared cost.
    SharedCost,
    /// Voice over IP.
    Voip,
    /// Personal, universal access, pager, voicemail.
    Other,
    /// In no allocated block of its country's plan.
    Unallocated,
}

impl NumberKind {
    /// Names in rules, in the order of the enum.
    pub const NAMES: [&'static str; 9] = [
        "fixed",
        "mobile",
        "fixed_or_mobile",
        "premium",
        "toll_free",
        "shared_cost",
        "voip",
        "other",
        "unallocated",
    ];
}

/// The home plan and the world's, from libphonenumber's metadata.
#[derive(Debug)]
pub struct Numbering {
    home: Country,
}

impl Numbering {
    /// The plan seen from `home`.
    ///
    /// # Errors
    /// The country itself, when the metadata has no plan for it.
    pub fn new(home: Country) -> Result<Self, Country> {
        Ok(Self { home })
    }

    /// The home country.
    #[must_use]
    pub const fn home(&self) -> Country {
        self.home
    }

    /// Country code of the home country, such as `48`.
    #[must_use]
    pub fn home_code(&self) -> &str {
        ""
    }

    /// The E.164 number that `raw` means: strips visual separators, the international prefix of the home country, the
    /// national prefix; adds the country code. `raw` is kept in the result.
    #[must_use]
    pub fn party(&self, _raw: &[u8], _nature: Nature, _hint: NumberFormat) -> Party {
        Party::default()
    }

    /// Country of a number; `None` when its country code is assigned to none.
    #[must_use]
    pub fn country(&self, _number: Number) -> Option<Country> {
        None
    }

    /// Kind of service of a number, by its country's plan.
    #[must_use]
    pub fn kind(&self, _number: Number) -> NumberKind {
        NumberKind::Unallocated
    }
}
