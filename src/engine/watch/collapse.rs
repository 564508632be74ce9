//! A class whose generated images are nearly the same.

use super::at::At;
use crate::config::Config;
use crate::event::{AlarmKind, Event};
use crate::session::WatchedClass;

/// Generated images of a class that differ by less than this share of what real ones differ by are nearly the same: less
/// than a fifth of the variety is left. A generator that has learnt nothing yet lies far below it, hence [`WARM_UP`].
const COLLAPSED: f32 = 0.2;
/// From this share on a class is diverse; well apart, so that a share between them raises no second alarm.
const DIVERSE: f32 = 0.35;
/// Grids in a row that must show a collapse: a single one may catch a class in between two states.
const GRIDS: usize = 2;
/// Steps before a class that was never diverse can count as collapsed, since every run begins with grey images...
const WARM_UP: usize = 500;
/// ... and the time constants of the moving average which must have passed too: after 3, 5 % of the beginning is left.
const TIME_CONSTANTS: f64 = 3.0;

/// What was seen of a class.
pub(super) struct Class {
    pub name: String,
    /// What was seen of its grids.
    pub seen: WatchedClass,
}

/// Steps before a class that was never diverse can count as collapsed.
pub(super) fn warm_up(config: &Config) -> usize {
    let average = TIME_CONSTANTS * config.optimizer.average_reach(config.images_per_step());
    WARM_UP.max(average as usize)
}

impl Class {
    /// Takes in how far its generated images are apart, as a share of how far real ones are. `early` tells that a class which
    /// never was diverse does not count yet; `advice` says what helps.
    pub fn see(&mut self, at: At, spread: f32, early: bool, advice: &str) -> Option<Event> {
        let (kind, seen) = (AlarmKind::ClassCollapse, &mut self.seen);
        if spread >= DIVERSE {
            seen.was_diverse = true;
            seen.grids = 0;
            if std::mem::take(&mut seen.collapsed) {
                return Some(at.recovered(kind, Some(self.name.clone())));
            }
        }
        let low = spread < COLLAPSED && (seen.was_diverse || !early);
        seen.grids = if low { seen.grids + 1 } else { 0 };
        if seen.collapsed || seen.grids < GRIDS {
            return None;
        }
        seen.collapsed = true;
        let message = format!(
            "The generated images of {} are nearly the same: they differ by {:.0} % as much as its real images do.",
            self.name,
            spread * 100.0
        );
        Some(Event::Alarm(at.alarm(kind, Some(self.name.clone()), message, advice.to_owned())))
    }
}
