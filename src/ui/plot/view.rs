//! What a user did to look at the charts of a page: zoomed, pinned, hid curves.

use std::collections::{BTreeMap, BTreeSet};

use super::super::format;
use super::super::request::FigureFormat;
use crate::event::Form;

/// Places that can be pinned at a time.
const MOST_PINS: usize = 12;

/// What the user chose about the charts; it is kept between starts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ChartSettings {
    /// Charts that are not shown.
    pub hidden: Vec<String>,
    /// Charts whose values stand on a logarithmic axis.
    pub log_y: Vec<String>,
    /// Whether steps stand on a logarithmic axis.
    pub log_x: bool,
    /// Whether the charts of a run stand over time instead of steps.
    pub by_time: bool,
    /// Whether axes of values leave out what lies outside the 1st to the 99th percentile.
    pub ignore_outliers: bool,
    /// Whether scores are drawn for each class.
    pub classes: bool,
    /// Whether what the losses mean is said.
    pub meaning: bool,
}

impl Default for ChartSettings {
    fn default() -> Self {
        let (hidden, log_y, by_time) = (vec!["left".to_owned()], Vec::new(), false);
        Self { hidden, log_y, log_x: false, by_time, ignore_outliers: true, classes: true, meaning: false }
    }
}

/// Adds a name to a list that has it not, or takes it out.
pub(super) fn toggle(list: &mut Vec<String>, id: &str) {
    match list.iter().position(|known| known == id) {
        Some(at) => _ = list.remove(at),
        None => list.push(id.to_owned()),
    }
}

/// What was done in a chart.
#[derive(Default)]
pub(in crate::ui) struct Outcome {
    /// The place under the pointer.
    pub cursor: Option<f64>,
    /// A place that was clicked.
    pub pin: Option<f64>,
    /// Places to show.
    pub range: Option<(f64, f64)>,
    /// Values to show.
    pub values: Option<(f64, f64)>,
    /// Show everything again.
    pub reset: bool,
    /// A curve to hide or to show again.
    pub turned: Option<String>,
    /// Turn the axis of values logarithmic, or straight again.
    pub log: bool,
    /// Hide the chart.
    pub hide: bool,
    pub save: Option<FigureFormat>,
}

/// How the charts of a page are looked at.
#[derive(Clone, Debug, Default)]
pub(in crate::ui) struct View {
    /// The places that are shown, where not all are.
    pub(super) range: Option<(f64, f64)>,
    /// The values that are shown, of charts where that was chosen.
    pub(super) values: BTreeMap<String, (f64, f64)>,
    /// The place under the pointer.
    pub cursor: Option<f64>,
    /// Places that were pinned, in their order.
    pub(super) pins: Vec<f64>,
    /// Curves that are not shown, by chart and name.
    hidden: BTreeSet<(String, String)>,
    /// Whether places are seconds.
    pub by_time: bool,
}

impl View {
    /// Whether not everything is shown.
    pub fn is_zoomed(&self) -> bool {
        self.range.is_some() || !self.values.is_empty()
    }

    /// Shows all places and values again.
    pub fn show_all(&mut self) {
        (self.range, self.values) = (None, BTreeMap::new());
    }

    /// Places are steps or seconds from here on. `moved` tells where a pinned place is on the other axis.
    pub fn turn_to(&mut self, by_time: bool, moved: impl Fn(f64) -> Option<f64>) {
        if self.by_time != by_time {
            (self.by_time, self.range, self.cursor) = (by_time, None, None);
            self.pins = self.pins.iter().filter_map(|pin| moved(*pin)).collect();
        }
    }

    /// Pins a place, or takes out the pin that is there.
    pub fn pin(&mut self, place: f64) {
        match self.pins.binary_search_by(|pin| pin.total_cmp(&place)) {
            Ok(at) => _ = self.pins.remove(at),
            Err(at) => self.pins.insert(at, place),
        }
        self.pins.truncate(MOST_PINS);
    }

    /// Does what was done in a chart.
    pub fn obey(&mut self, chart: &str, outcome: &mut Outcome, settings: &mut ChartSettings) {
        if let Some(place) = outcome.pin {
            self.pin(place);
        }
        if outcome.reset {
            self.show_all();
        }
        if let Some(range) = outcome.range {
            self.range = Some(range);
        }
        if let Some(values) = outcome.values {
            self.values.insert(chart.to_owned(), values);
        }
        if let Some(curve) = outcome.turned.take() {
            let key = (chart.to_owned(), curve);
            if !self.hidden.remove(&key) {
                self.hidden.insert(key);
            }
        }
        if outcome.log {
            toggle(&mut settings.log_y, chart);
        }
        if outcome.hide {
            toggle(&mut settings.hidden, chart);
        }
    }

    /// A place in words: `step 500`, or a length of time.
    pub(super) fn told(&self, place: f64) -> String {
        if self.by_time { format::duration(place) } else { format!("step {}", Form::Count.reading(place)) }
    }

    pub(super) fn hides(&self, chart: &str, curve: &str) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&(chart.to_owned(), curve.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_stay_in_order_and_follow_the_axis() {
        let mut view = View::default();
        [30.0, 10.0, 20.0, 10.0].into_iter().for_each(|place| view.pin(place));
        assert_eq!(view.pins, [20.0, 30.0]);
        view.range = Some((0.0, 5.0));
        view.turn_to(true, |step| Some(step / 2.0));
        assert_eq!(
            (view.pins.as_slice(), view.is_zoomed(), view.told(61.0)),
            (&[10.0, 15.0][..], false, "1 min 01 s".into())
        );
        view.turn_to(true, |_| None);
        assert_eq!(view.pins.len(), 2, "it is that axis already");
        view.turn_to(false, |_| None);
        assert!(view.pins.is_empty() && view.told(1234.4) == "step 1,234");
    }
}
