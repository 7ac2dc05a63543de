//! `[legs]`: how legs of one call are joined.

use std::time::Duration;

use toml::Spanned;

use crate::call::LegOptions;
use crate::config::raw::{Findings, RawLegs};

/// Longest that setups of one call may be apart.
const WITHIN_MAX: Duration = Duration::from_secs(60);

/// What the file says; what it does not say is as in [`LegOptions::default`].
pub(super) fn read_legs(raw: &RawLegs, findings: &mut Findings<'_>) -> LegOptions {
    let usual = LegOptions::default();
    LegOptions {
        within: span_of(&raw.within, usual.within, findings),
        numbers: span_of(&raw.numbers, usual.numbers, findings),
        ..usual
    }
}

/// A span written `250ms` or `4s`; `0s` is none.
fn span_of(text: &Option<Spanned<String>>, otherwise: Duration, findings: &mut Findings<'_>) -> Duration {
    let Some(text) = text else { return otherwise };
    let written = text.get_ref();
    let parsed = match written.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => written.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs),
    };
    parsed.filter(|span| *span <= WITHIN_MAX).unwrap_or_else(|| {
        let message = format!("a span up to {} s, with its unit", WITHIN_MAX.as_secs());
        findings.add(text.span(), message, "such as 250ms or 4s; 0s for none");
        otherwise
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::RawNetwork;

    fn read(keys: &str) -> (LegOptions, Vec<String>) {
        let text = format!("home = \"PL\"\n[legs]\n{keys}\n");
        let mut findings = Findings::new("n.toml", &text);
        let raw = RawNetwork::read(&text, &mut findings);
        let options = read_legs(&raw.legs, &mut findings);
        let first =
            |finding: &crate::base::caret::Caret| finding.to_string().lines().next().unwrap().to_owned();
        (options, findings.into_sorted().iter().map(first).collect())
    }

    #[test]
    fn spans_are_read() {
        let usual = LegOptions::default();
        assert_eq!(read(""), (usual, Vec::new()));
        let (options, findings) = read("within = \"0s\"\nnumbers = \"1500ms\"");
        assert_eq!((options.within, options.numbers), (Duration::ZERO, Duration::from_millis(1_500)));
        assert!(findings.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for keys in ["numbers = \"4\"", "numbers = \"61s\"", "within = \"-1s\"", "number = \"4s\""] {
            let (options, findings) = read(keys);
            assert_eq!((options, findings.len()), (LegOptions::default(), 1), "{keys}");
        }
    }
}
