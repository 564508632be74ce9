//! How long the set-up would train: what was measured of a step's time, and how it is told.

use egui::Ui;

use super::super::{format, widgets};
use super::checked::DEMO_CLASSES;
use crate::config::Config;
use crate::event::{JobEvent, Pace};

/// Measurements that are remembered.
const MOST: usize = 64;

/// What a step's time depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct PaceRequest {
    /// The settings that count, the others at their defaults.
    pub config: Config,
    /// Classes of the data.
    pub classes: usize,
}

impl PaceRequest {
    /// What the time of a step depends on, with data of so many classes, where that is known.
    pub fn of(config: &Config, classes: Option<usize>) -> Self {
        Self { config: config.paced(), classes: classes.unwrap_or(DEMO_CLASSES).max(1) }
    }
}

/// What was measured of a step's time on this machine, or why it could not be. [`Paces::apply`] alone takes in news.
#[derive(Clone, Debug, Default)]
pub struct Paces {
    known: Vec<(PaceRequest, Result<Pace, String>)>,
    measured: Option<PaceRequest>,
}

impl Paces {
    /// Remembers that this is being measured. What could not be measured may be asked for again: memory comes free.
    pub fn begin(&mut self, asked: PaceRequest) {
        self.known.retain(|(_, result)| result.is_ok());
        self.measured = Some(asked);
    }

    /// Takes in news of the measurement.
    pub fn apply(&mut self, event: JobEvent) {
        let result = match event {
            JobEvent::Probed(pace) => Ok(pace),
            JobEvent::Failed { message } => Err(message),
            JobEvent::Cancelled => {
                self.measured = None;
                return;
            }
            JobEvent::Progress { .. }
            | JobEvent::Preview { .. }
            | JobEvent::Exported(_)
            | JobEvent::Scoring(_)
            | JobEvent::BrowsePage(_)
            | JobEvent::Refused(_)
            | JobEvent::Rescored { .. }
            | JobEvent::Quiz(_) => return,
        };
        if let Some(asked) = self.measured.take() {
            self.known.insert(0, (asked, result));
            self.known.truncate(MOST);
        }
    }

    /// What was measured.
    pub fn find(&self, asked: &PaceRequest) -> Option<&Result<Pace, String>> {
        self.known.iter().find(|(known, _)| known == asked).map(|(_, result)| result)
    }

    /// Seconds a step of a run with these settings takes, with data of any number of classes; nothing for one that grows,
    /// whose steps are not alike.
    pub fn seconds_a_step(&self, config: &Config) -> Option<f64> {
        let paced = (config.growing.start == 0).then(|| config.paced())?;
        let found = self.known.iter().find(|(known, result)| result.is_ok() && known.config == paced);
        found.and_then(|(_, result)| result.as_ref().ok()).map(|pace| pace.seconds)
    }
}

/// What is told of the time.
pub struct TimeEstimate<'a> {
    /// What was measured.
    pub paces: &'a Paces,
    /// What the set-up asks about.
    pub asked: PaceRequest,
    /// Whether a run trains, during which nothing is measured.
    pub training: bool,
    /// Seconds that a step takes in the run that trains, where its settings are those of the set-up.
    pub live: Option<f64>,
    /// Steps and seconds of the run on the screen, where it has ended and the set-up would do the same again.
    pub taken: Option<(usize, f64)>,
    /// Whether the set-up has no errors.
    pub possible: bool,
}

impl TimeEstimate<'_> {
    /// A line, and what stands on hover.
    fn text(&self, config: &Config) -> (String, String) {
        if let Some(seconds) = self.live {
            // What was measured before a run, beside whatever else was at work, is not what the run takes.
            let pace = Pace { seconds, timed: 0, images: config.train.batch_size };
            let about = "By the newest steps of the run that trains, which has these settings";
            return (line(&pace, config), about.to_owned());
        }
        if let Some((steps, seconds)) = self.taken {
            let text =
                format!("Time: {} took {} in all, scores included", format::plural(steps, "step"), time(seconds));
            let about = "So long took the run on the screen, which has ended and had these settings";
            return (text, about.to_owned());
        }
        match self.paces.find(&self.asked) {
            Some(Ok(pace)) => (line(pace, config), about(pace, config)),
            Some(Err(reason)) => (format!("Time: not measured, {reason}"), reason.clone()),
            None if !self.possible => ("Time: measured once the errors are fixed".to_owned(), String::new()),
            None if self.training => ("Time: not measured while a run trains".to_owned(), String::new()),
            None => ("Time: being measured…".to_owned(), String::new()),
        }
    }

    /// Draws it.
    pub fn ui(&self, ui: &mut Ui, config: &Config) {
        let p = widgets::palette(ui);
        let (text, hover) = self.text(config);
        // Of one height whatever it says, so that nothing above it jumps.
        let size = egui::vec2(ui.available_width(), 30.0);
        ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
            ui.set_min_size(size);
            ui.spacing_mut().item_spacing.y = 1.0;
            let shown = egui::Label::new(egui::RichText::new(text).color(p.strong).small()).wrap();
            let shown = ui.add(shown);
            if !hover.is_empty() {
                shown.on_hover_text(hover);
            }
        });
    }
}

/// The time of 1,000 steps and of all.
fn line(pace: &Pace, config: &Config) -> String {
    let all = pace.seconds * config.train.steps as f64;
    let all = if config.train.minutes > 0.0 { all.min(60.0 * config.train.minutes) } else { all };
    let first = config.first_look().filter(|steps| *steps < config.train.steps);
    // Two lines are all the room there is.
    let grown = match first {
        _ if config.growing.start > 0 => " once it has grown",
        Some(_) => "",
        None => " on this machine",
    };
    let how = if pace.images < config.train.batch_size { "estimated" } else { "measured" };
    let scores = if config.score.every > 0 { " without scores" } else { "" };
    let all = if config.growing.start > 0 {
        format!("at most {} in all", time(all))
    } else {
        format!("{} in all", time(all))
    };
    let first = first.map(|steps| format!("; worth a look after {}", time(steps as f64 * pace.seconds)));
    let first = first.unwrap_or_default();
    format!("Time: about {} for 1,000 steps, {all}{scores} ({how}{grown}){first}", time(1000.0 * pace.seconds))
}

/// How it was measured, and what it leaves out.
fn about(pace: &Pace, config: &Config) -> String {
    let timed = format::plural(pace.timed, "update");
    let mut text = format!("{timed} of both networks were timed with made-up images in batches of {}.", pace.images);
    if pace.images < config.train.batch_size {
        let whole = config.train.batch_size;
        text += &format!(
            " A batch of {whole} would have taken too long to try, so the time was estimated from it, which tells rather too much."
        );
    }
    text + " Scores, sample grids and reading images come on top; other programs at work make it longer."
}

/// A length of time; short ones with a fraction.
fn time(seconds: f64) -> String {
    if seconds < 9.95 { format!("{seconds:.1} s") } else { format::duration(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    const PACE: Pace = Pace { seconds: 0.1, timed: 5, images: 32 };

    #[test]
    fn the_time_is_told_for_a_thousand_steps_and_for_all() {
        let mut config = Config::default();
        config.train.steps = 37_200;
        assert_eq!(
            line(&PACE, &config),
            "Time: about 1 min 40 s for 1,000 steps, 1 h 02 min in all without scores (measured on this machine)"
        );
        config.train.batch_size = 64;
        assert!(line(&PACE, &config).ends_with("(estimated on this machine)"));
        assert!(about(&PACE, &config).contains("A batch of 64 would have taken too long"));
        let quick = Preset::Quick.config();
        assert!(
            line(&PACE, &quick).ends_with("without scores (measured); worth a look after 50 s"),
            "{}",
            line(&PACE, &quick)
        );
        config.score.every = 0;
        assert!(line(&PACE, &config).contains("1 h 02 min in all (estimated"));
        config.growing.start = 8;
        assert!(line(&PACE, &config).contains("at most 1 h 02 min"));
    }

    #[test]
    fn a_measurement_is_found_by_what_costs_time() {
        let mut paces = Paces::default();
        let mut config = Config::default();
        let asked = PaceRequest::of(&config, None);
        paces.apply(JobEvent::Probed(PACE));
        assert!(paces.find(&asked).is_none(), "nothing was asked for");
        paces.begin(asked.clone());
        paces.apply(JobEvent::Cancelled);
        paces.apply(JobEvent::Probed(PACE));
        assert!(paces.find(&asked).is_none(), "it was cancelled");
        paces.begin(asked);
        paces.apply(JobEvent::Probed(PACE));
        config.train.seed = 4;
        assert_eq!(paces.find(&PaceRequest::of(&config, None)), Some(&Ok(PACE)));
        assert_eq!(paces.seconds_a_step(&config), Some(0.1));
        config.train.batch_size = 8;
        assert_eq!((paces.find(&PaceRequest::of(&config, None)), paces.seconds_a_step(&config)), (None, None));
    }
}
