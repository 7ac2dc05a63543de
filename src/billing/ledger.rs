//! The ledger: one JSON line a record, each bound to the one before by SHA-256, and the sums of what was written.
//!
//! A line is the record's fields, then `prev_hash`, then `hash`. `hash` is the SHA-256 of the bytes of `prev_hash`
//! followed by the line without its `hash` member. The first line's `prev_hash` is [`GENESIS`]. Whoever keeps the last
//! hash (it is in the report) can tell that lines were cut off the end.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use rust_decimal::Decimal;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::base::text::hex;
use crate::billing::rate::BillingRecord;

/// `prev_hash` of the first line of a ledger.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What the report says of one sender and currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Records written.
    pub records: u64,
    /// Of these, billable.
    pub billable: u64,
    /// Sum of their amounts.
    pub amount: Decimal,
}

/// Sums by sender and currency; the currency is empty for calls without a rate.
pub type Totals = BTreeMap<(String, String), Total>;

/// Writes records to `out`.
#[derive(Debug)]
pub struct Ledger<W> {
    out: W,
    prev_hash: String,
    totals: Totals,
    line: Vec<u8>,
}

/// A line without its hash.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: &'a BillingRecord,
    prev_hash: &'a str,
}

impl<W: Write> Ledger<W> {
    /// A ledger that goes on after the line with the hash `prev_hash`; [`GENESIS`] begins one.
    pub fn new(out: W, prev_hash: &str) -> Self {
        Self { out, prev_hash: prev_hash.to_owned(), totals: Totals::new(), line: Vec::new() }
    }

    /// Writes a record and adds it to the sums.
    ///
    /// # Errors
    /// What the writer says. The record is then not in the sums, and the ledger must not be written to further: part
    /// of its line may be there.
    pub fn append(&mut self, record: &BillingRecord) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, &Line { record, prev_hash: &self.prev_hash })?;
        let hash = hash(&self.prev_hash, &self.line);
        self.line.pop();
        self.line.extend_from_slice(HASH_MEMBER.as_bytes());
        self.line.extend_from_slice(hash.as_bytes());
        self.line.extend_from_slice(LINE_END.as_bytes());
        self.out.write_all(&self.line)?;
        self.prev_hash = hash;
        let key = (record.sender.clone(), record.currency.clone().unwrap_or_default());
        let total = self.totals.entry(key).or_default();
        total.records += 1;
        total.billable += u64::from(record.billable);
        let amount = Decimal::from_str_exact(&record.amount).map_err(io::Error::other)?;
        total.amount =
            total.amount.checked_add(amount).ok_or_else(|| io::Error::other("a sum is too large"))?;
        Ok(())
    }

    /// The sums so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What it writes to.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// The same, for whoever takes away what was written.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Hash of the last line.
    pub fn last_hash(&self) -> &str {
        &self.prev_hash
    }

    /// Flushes and gives the writer back.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// What stands between a line's other members and its hash.
const HASH_MEMBER: &str = ",\"hash\":\"";
/// What stands after the hash.
const LINE_END: &str = "\"}\n";
/// Longest line that is read: no record comes near it.
const LINE_MAX: u64 = 65_536;

fn hash(prev_hash: &str, line: &[u8]) -> String {
    hex(&Sha256::new().chain_update(prev_hash).chain_update(line).finalize())
}

/// A ledger that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Lines.
    pub records: u64,
    /// Hash of the last line, or [`GENESIS`].
    pub last_hash: String,
}

/// Why a ledger is not whole.
#[derive(Debug)]
pub enum VerifyError {
    /// This line (from 1) is not as it was written, or the one before it is missing or another.
    Broken(u64),
    /// It could not be read.
    Io(io::Error),
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(line) => write!(f, "line {line} does not fit the chain of hashes"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Checks every line of a ledger that goes on after this hash: [`GENESIS`], or the last one of the file before.
///
/// # Errors
/// The first line that does not fit the chain.
pub fn verify(mut reader: impl BufRead, after: &str) -> Result<Verified, VerifyError> {
    let mut verified = Verified { records: 0, last_hash: after.to_owned() };
    let mut line = Vec::new();
    loop {
        line.clear();
        io::Read::take(&mut reader, LINE_MAX).read_until(b'\n', &mut line).map_err(VerifyError::Io)?;
        if line.is_empty() {
            return Ok(verified);
        }
        verified.records += 1;
        verified.last_hash =
            fitting_hash(&verified.last_hash, &mut line).ok_or(VerifyError::Broken(verified.records))?;
    }
}

/// The hash of a line that fits after `prev_hash`. Takes the line apart byte for byte, so no other spelling passes.
fn fitting_hash(prev_hash: &str, line: &mut Vec<u8>) -> Option<String> {
    let body = line.strip_suffix(LINE_END.as_bytes())?;
    let (body, written) = body.split_at_checked(body.len().checked_sub(GENESIS.len())?)?;
    let (written, end) = (written.to_vec(), body.strip_suffix(HASH_MEMBER.as_bytes())?.len());
    line.truncate(end);
    line.push(b'}');
    let computed = hash(prev_hash, line);
    (computed.as_bytes() == written).then_some(computed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::rate::tests::{call, charge, rater};
    use crate::call::Call;
    use proptest::prelude::*;

    fn calls(count: u32) -> Vec<Call> {
        let prefixes = ["4860100", "4930123", "1212555", "3312345"];
        (0..count)
            .map(|index| {
                let setup = format!("2026-11-21T20:{:02}:{:02}Z", index / 60 % 60, index % 60);
                let called = format!("{}{:04}", prefixes[index as usize % 4], index / 2);
                call(&setup, "882391234567", &called)
            })
            .collect()
    }

    fn written(calls: &[Call]) -> (Vec<u8>, Totals, String) {
        let (mut rater, mut ledger) = (rater(), Ledger::new(Vec::new(), GENESIS));
        for call in calls {
            ledger.append(&rater.rate(&charge(call))).unwrap();
        }
        let (totals, last) = (ledger.totals().clone(), ledger.last_hash().to_owned());
        (ledger.finish().unwrap(), totals, last)
    }

    #[test]
    fn a_line_shows_everything() {
        let call = call("2026-11-21T20:15:03Z", "882391234567", "48601000001");
        let (bytes, _, last) = written(&[call]);
        let line = String::from_utf8(bytes).unwrap();
        let expected = format!(
            "{{\"schema\":1,\"id\":\"{}\",\"call_id\":\"{}\",\"sender\":\"acme\",\"route\":\"otp\",\
             \"calling\":\"+882391234567\",\"called\":\"+48601000001\",\"dest_prefix\":\"+48\",\
             \"setup_at\":\"2026-11-21T20:15:03.000000000Z\",\"class\":\"flash\",\"ruleset\":\"0123456789abcdef\",\
             \"rate\":\"0.0065\",\"amount\":\"0.0065\",\"currency\":\"EUR\",\"tier\":0,\"units\":1,\"billable\":true,\
             \"reason\":null,\"prev_hash\":\"{GENESIS}\",\"hash\":\"{last}\"}}\n",
            line.split('"').nth(5).unwrap(),
            line.split('"').nth(9).unwrap(),
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn sums_of_records_are_the_report() {
        let (bytes, totals, _) = written(&calls(500));
        let mut counted = Totals::new();
        for line in String::from_utf8(bytes).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let total = counted.entry((text("sender"), text("currency"))).or_default();
            total.records += 1;
            total.billable += u64::from(record["billable"].as_bool().unwrap());
            total.amount += Decimal::from_str_exact(&text("amount")).unwrap();
        }
        assert_eq!(counted, totals);
        assert_eq!(totals.values().map(|total| total.records).sum::<u64>(), 500);
        let unrated = &totals[&("acme".into(), String::new())];
        assert_eq!((unrated.records, unrated.billable, unrated.amount), (125, 0, Decimal::ZERO));
        // 125 calls to +48: two at 0.0065, the rest at 0.0052; 125 to +49 at 0.01.
        assert_eq!(totals[&("acme".into(), "EUR".into())].amount.to_string(), "1.9026");
        assert_eq!(totals[&("acme".into(), "USD".into())].amount.to_string(), "2.50");
    }

    #[test]
    fn whole_ledgers_pass_and_are_the_same_each_time() {
        let calls = calls(20);
        let (bytes, _, last) = written(&calls);
        assert_eq!(written(&calls).0, bytes);
        assert_eq!(verify(&bytes[..], GENESIS).unwrap(), Verified { records: 20, last_hash: last });
        assert_eq!(verify(&b""[..], GENESIS).unwrap().last_hash, GENESIS);
    }

    #[test]
    fn lines_taken_out_or_changed_over_are_found() {
        let (bytes, _, _) = written(&calls(5));
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let broken_at = |order: &[usize]| {
            let text: Vec<u8> = order.iter().flat_map(|index| lines[*index]).copied().collect();
            match verify(&text[..], GENESIS) {
                Err(VerifyError::Broken(line)) => line,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(broken_at(&[1, 2, 3, 4]), 1);
        assert_eq!(broken_at(&[0, 1, 3, 4]), 3);
        assert_eq!(broken_at(&[0, 2, 1, 3, 4]), 2);
        assert_eq!(broken_at(&[0, 1, 1, 2]), 3);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_found(position in any::<prop::sample::Index>(), bit in 0..8) {
            let (mut bytes, _, _) = written(&calls(4));
            let position = position.index(bytes.len());
            let line = 1 + bytes[..position].iter().filter(|byte| **byte == b'\n').count() as u64;
            bytes[position] ^= 1_u8 << bit;
            match verify(&bytes[..], GENESIS) {
                Err(VerifyError::Broken(broken)) => prop_assert_eq!(broken, line),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
            prop_assert!(verify(&bytes[..], GENESIS).is_err());
        }
    }
}
