//! Figures as people read them.

use crate::base::text::grouped;
use crate::evaluate::figure::Figures;

/// For what could not be counted.
pub const NOTHING: &str = "–";

/// `97.3 %`, with as many decimals as tell it from 100 %.
#[must_use]
pub fn percent(share: f64) -> String {
    let decimals = match (1.0 - share).min(share) {
        rest if rest <= 0.0 || rest >= 0.01 => 1,
        rest if rest >= 0.000_1 => 2,
        _ => 4,
    };
    format!("{:.decimals$} %", share * 100.0)
}

/// A number with what matters of its decimals.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        value if value.is_infinite() => "never".to_owned(),
        value if value.fract() == 0.0 && (0.0..1e15).contains(&value) => grouped(value as u64),
        value if value >= 100.0 => grouped(value.round() as u64),
        value if value.abs() >= 1.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

/// A span, such as `12.3 s`, `4.2 min` or `1.5 h`.
#[must_use]
pub fn seconds(value: f64) -> String {
    match value {
        value if value.is_infinite() => "never".to_owned(),
        value if value >= 7_200.0 => format!("{:.1} h", value / 3_600.0),
        value if value >= 180.0 => format!("{:.1} min", value / 60.0),
        value => format!("{value:.1} s"),
    }
}

/// Cells of a table, out of figures.
pub struct Cells<'a>(pub &'a Figures);

impl Cells<'_> {
    /// A count or another number.
    #[must_use]
    pub fn number(&self, name: &str) -> String {
        self.0.value(name).map_or(NOTHING.to_owned(), number)
    }

    /// A span.
    #[must_use]
    pub fn seconds(&self, name: &str) -> String {
        self.0.value(name).map_or(NOTHING.to_owned(), seconds)
    }

    /// A share.
    #[must_use]
    pub fn percent(&self, name: &str) -> String {
        self.0.value(name).map_or(NOTHING.to_owned(), percent)
    }

    /// A share with its bounds.
    #[must_use]
    pub fn bounded(&self, name: &str) -> String {
        match self.0.find(name).map(|figure| (figure.value, figure.bounds)) {
            Some((Some(value), Some((low, high)))) => {
                format!(
                    "{} ({}–{})",
                    percent(value),
                    percent(low).trim_end_matches(" %"),
                    percent(high).trim_end_matches(" %")
                )
            }
            _ => self.percent(name),
        }
    }

    /// The bounds of a figure that is no share, such as one in a million.
    #[must_use]
    pub fn bounds(&self, name: &str) -> String {
        let bounds = self.0.find(name).and_then(|figure| figure.bounds);
        bounds.map_or(NOTHING.to_owned(), |(low, high)| format!("{}–{}", number(low), number(high)))
    }

    /// Median, nine tenths, most: three figures that begin alike.
    #[must_use]
    pub fn three(&self, name: &str, shown: impl Fn(&Self, &str) -> String) -> String {
        ["median", "p90", "max"].map(|part| shown(self, &format!("{name}_{part}"))).join(" / ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_matters() {
        assert_eq!(
            [percent(0.5), percent(1.0), percent(0.999), percent(0.999_99)],
            ["50.0 %", "100.0 %", "99.90 %", "99.9990 %"]
        );
        assert_eq!(
            [number(12_345.0), number(f64::INFINITY), number(0.25), number(1234.5)],
            ["12,345", "never", "0.250", "1,235"]
        );
        assert_eq!([seconds(59.0), seconds(600.0), seconds(9_000.0)], ["59.0 s", "10.0 min", "2.5 h"]);
        let mut figures = Figures::default();
        figures.share("a", "b", (crate::evaluate::statistics::Share::new(5, 10), 1.0));
        assert_eq!(Cells(&figures).bounded("a.b"), "50.0 % (18.7–81.3)");
        assert_eq!(Cells(&figures).number("a.c"), NOTHING);
    }
}
