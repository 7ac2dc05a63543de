//! Line charts as SVG text: axes, ticks, one line a series. No script, no style sheet, colours that stay apart in grey.

use std::fmt::Write;

/// A chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis counts.
    pub x: String,
    /// What the vertical axis counts.
    pub y: String,
    /// Whether the horizontal axis grows by factors; it then begins at 1.
    pub is_log: bool,
    /// Lines.
    pub series: Vec<Series>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Points from left to right, finite; a word beside a point may be empty.
    pub points: Vec<(f64, f64, String)>,
}

impl Series {
    /// A line without words. Points that are not finite are left out.
    #[must_use]
    pub fn new(name: &str, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let finite = points.filter(|(x, y)| x.is_finite() && y.is_finite());
        Self { name: name.to_owned(), points: finite.map(|(x, y)| (x, y, String::new())).collect() }
    }
}

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 46.0;
/// Ticks wished for on an axis.
const TICKS: f64 = 5.0;
/// After P. Tol's "bright" scheme, which colour-blind people can tell apart.
const COLOURS: [&str; 7] = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777"];

impl Chart {
    /// The chart as an `<svg>` element.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        // A logarithmic axis begins at 1; any other ends with its points, however small they are.
        let x_top = points().map(|(x, ..)| *x).fold(if self.is_log { 1.0 } else { 0.0 }, f64::max);
        let x_top = if x_top > 0.0 { x_top } else { 1.0 };
        let y_top = nice(points().map(|(_, y, _)| *y).fold(f64::MIN_POSITIVE, f64::max));
        let frame = Frame { x_top, y_top, is_log: self.is_log };
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"11\"><title>{title}</title>\
             <text x=\"{LEFT}\" y=\"16\" font-size=\"13\">{title}</text>",
            title = escaped(&self.title)
        );
        frame.axes(&mut out, (&self.x, &self.y));
        for (index, series) in self.series.iter().enumerate() {
            frame.line(&mut out, series, index);
        }
        out.push_str("</svg>");
        out
    }
}

/// The space that points are put in.
struct Frame {
    x_top: f64,
    y_top: f64,
    is_log: bool,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        let share =
            if self.is_log { value.max(1.0).ln() / self.x_top.max(2.0).ln() } else { value / self.x_top };
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.y_top * (HEIGHT - TOP - BOTTOM)
    }

    fn axes(&self, out: &mut String, (x_name, y_name): (&str, &str)) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let _ = write!(
            out,
            "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#333\"/>\
             <text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\
             <text x=\"14\" y=\"{centre}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {centre})\">{}</text>",
            escaped(x_name),
            escaped(y_name),
            middle = f64::midpoint(LEFT, right),
            below = HEIGHT - 8.0,
            centre = f64::midpoint(TOP, bottom),
        );
        for value in ticks(self.y_top) {
            let y = self.y(value);
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        }
        let marks = if self.is_log { decades(self.x_top) } else { ticks(self.x_top) };
        for value in marks.into_iter().filter(|value| *value <= self.x_top) {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                self.x(value),
                bottom + 15.0,
                short(value)
            );
        }
    }

    fn line(&self, out: &mut String, series: &Series, index: usize) {
        let colour = COLOURS[index % COLOURS.len()];
        let mut path = String::new();
        for (x, y, _) in &series.points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.x(*x), self.y(*y));
        }
        let _ = write!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"/>");
        for (x, y, word) in series.points.iter().filter(|(_, _, word)| !word.is_empty()) {
            let (x, y) = (self.x(*x), self.y(*y));
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 5.0,
                y - 5.0,
                escaped(word)
            );
        }
        let legend = TOP + 14.0 * index as f64 + 8.0;
        let _ = write!(
            out,
            "<path d=\"M{} {legend}h16\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{}\" y=\"{}\">{}</text>",
            WIDTH - RIGHT + 10.0,
            WIDTH - RIGHT + 31.0,
            legend + 4.0,
            escaped(&series.name)
        );
    }
}

/// Text as it may stand in an element or attribute.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// Distance between ticks: 1, 2 or 5 times a power of ten.
fn step(top: f64) -> f64 {
    let rough = top / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

/// The first tick at or above.
fn nice(top: f64) -> f64 {
    (top / step(top) - 1e-9).ceil().max(1.0) * step(top)
}

fn ticks(top: f64) -> Vec<f64> {
    let step = step(top);
    (0..=(top / step + 1e-9) as u32).map(|tick| f64::from(tick) * step).collect()
}

fn decades(top: f64) -> Vec<f64> {
    (0..=(top.max(1.0).log10() as i32)).map(|power| 10_f64.powi(power)).collect()
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{}M", value / 1e6),
        size if size >= 1e4 => format!("{}k", value / 1e3),
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn draws_axes_lines_and_words() {
        let points = vec![(0.0, 0.0, String::new()), (10.0, 3.0, "a<b".to_owned())];
        let series = vec![Series { name: "one & two".into(), points }];
        let chart = Chart { title: "T".into(), x: "calls".into(), y: "leak".into(), is_log: false, series };
        let svg = chart.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        assert!(
            svg.contains("a&lt;b") && svg.contains("one &amp; two") && svg.contains("M70.0 254.0L850.0 ")
        );
        let series = vec![Series::new("s", [(0.0, 0.0), (0.2, 1.0)].into_iter())];
        assert!(
            Chart { series, ..Chart::default() }.svg().contains("L850.0 "),
            "the axis ends with its points"
        );
        assert_eq!(ticks(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!((nice(0.93), nice(3.2), short(20_000.0)), (1.0, 4.0, "20k".to_owned()));
    }

    proptest! {
        #[test]
        fn any_points_can_be_drawn(points in proptest::collection::vec((0.0..1e12_f64, 0.0..1e12_f64), 0..20), is_log: bool) {
            let series = vec![Series::new("s", points.into_iter())];
            let svg = Chart { is_log, series, ..Chart::default() }.svg();
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
            prop_assert!(svg.len() < 100_000);
        }
    }
}
