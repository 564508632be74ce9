//! Watches over a run: numbers of its steps and grids go in, alarms come out. It computes nothing on tensors and reads no
//! clock, so the same numbers always raise the same alarms.
//!
//! Each alarm is raised once and again only after what it told of is over. The state is part of a checkpoint, so that a run
//! that goes on from one raises what it would have raised.

use std::collections::VecDeque;

use super::advice;
use super::sheet::cells;
use crate::config::Config;
use crate::event::{Alarm, AlarmKind, Edited, Event, GridPicture, Number, Numbers, Recovered};
use crate::session::{Watched, WatchedClass};

/// Steps over which the discriminator's accuracy is averaged: single steps are all right often, hundreds in a row are not.
const ACCURACY_STEPS: usize = 200;
/// From this mean accuracy on the discriminator is said to be saturated: at a batch of 32, one image of six batches is
/// judged wrong.
const SATURATED: f32 = 0.995;
/// Below this mean accuracy it is not any more; well apart, so that an accuracy between them raises no second alarm.
const CONTESTED: f32 = 0.97;

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

/// Generated images whose median distance to their nearest training image is below this share of that of other real images
/// are said to be copies. Fakes that are all near the middle of the data come somewhat nearer than real ones without that.
const COPIES: f64 = 0.8;
/// From this share on they are not any more; well apart, so that a share between them raises no second alarm.
const NEW: f64 = 0.9;

/// Levels of 256 within which two numbers look alike.
const FLAT: u8 = 6;
/// Levels that are apart in a grid that shows something: far more than in the noise that a generator begins with.
const DRAWN: u8 = 96;

/// Losses and logits of sound runs stay below some thousands, those of a critic at most some millions. Beyond this, weights
/// are growing without bound and will be infinite some steps later, when less is left to go back to.
const ABSURD: f32 = 1e9;

/// When something was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub step: usize,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// What was seen of a run so far.
pub(super) struct Watch {
    config: Config,
    accuracies: VecDeque<f32>,
    saturated: bool,
    classes: Vec<Class>,
    warm_up: usize,
    /// Whether generated images are said to be copies.
    copies: bool,
    /// Whether a grid ever showed pictures that differ, and whether all are said to be blank.
    drawn: bool,
    blank: bool,
    /// What was changed last while the run went on.
    edited: Option<Edited>,
}

struct Class {
    name: String,
    /// What was seen of its grids.
    seen: WatchedClass,
}

impl Watch {
    pub fn new(config: &Config, classes: &[String]) -> Self {
        let class = |name: &String| Class { name: name.clone(), seen: WatchedClass::default() };
        Self {
            config: config.clone(),
            accuracies: VecDeque::with_capacity(ACCURACY_STEPS),
            saturated: false,
            classes: classes.iter().map(class).collect(),
            warm_up: warm_up(config),
            copies: false,
            drawn: false,
            blank: false,
            edited: None,
        }
    }

    /// Takes in what was changed: whatever breaks next may come from it.
    pub fn edited(&mut self, edited: &Edited) {
        self.edited = Some(edited.clone());
    }

    /// Advice goes by the settings in force.
    pub fn take_settings(&mut self, config: &Config) {
        (self.config, self.warm_up) = (config.clone(), warm_up(config));
    }

    /// Goes on where a checkpoint stands.
    pub fn restore(&mut self, watched: &Watched) {
        self.accuracies = watched.accuracies.iter().copied().take(ACCURACY_STEPS).collect();
        self.saturated = watched.saturated;
        (self.drawn, self.blank) = (watched.drawn, watched.blank);
        for (class, seen) in self.classes.iter_mut().zip(&watched.classes) {
            class.seen = seen.clone();
        }
    }

    /// Goes on from the alarms of scores that are not over. Checkpoints say nothing of them, since the best one is written
    /// amid the scores of its step.
    pub fn restore_scores(&mut self, alarms: &[Alarm]) {
        self.copies = alarms.iter().any(|alarm| alarm.kind == AlarmKind::Copies);
    }

    /// Goes on from alarms that are not over, where a checkpoint of an older release says nothing more.
    pub fn restore_alarms(&mut self, alarms: &[Alarm]) {
        for alarm in alarms {
            match alarm.kind {
                AlarmKind::Divergence | AlarmKind::Copies => {}
                AlarmKind::SaturatedDiscriminator => self.saturated = true,
                AlarmKind::BlankImages => self.blank = true,
                AlarmKind::ClassCollapse => {
                    let named = self.classes.iter_mut().filter(|class| alarm.subject.as_ref() == Some(&class.name));
                    named.for_each(|class| class.seen.collapsed = true);
                }
            }
        }
    }

    /// What a checkpoint needs.
    pub fn remember(&self) -> Watched {
        Watched {
            accuracies: self.accuracies.iter().copied().collect(),
            saturated: self.saturated,
            classes: self.classes.iter().map(|class| class.seen.clone()).collect(),
            drawn: self.drawn,
            blank: self.blank,
        }
    }

    /// Takes in the share of the discriminator's right decisions in a step, where there is one.
    pub fn step(&mut self, at: At, numbers: &Numbers) -> Option<Event> {
        let accuracy = 0.5 * (numbers.get(Number::AccuracyReal)? + numbers.get(Number::AccuracyFake)?);
        if self.accuracies.len() == ACCURACY_STEPS {
            self.accuracies.pop_front();
        }
        self.accuracies.push_back(accuracy);
        if self.accuracies.len() < ACCURACY_STEPS {
            return None;
        }
        let mean = self.accuracies.iter().sum::<f32>() / ACCURACY_STEPS as f32;
        let kind = AlarmKind::SaturatedDiscriminator;
        if !self.saturated && mean >= SATURATED {
            self.saturated = true;
            let message = format!(
                "The discriminator was right about {:.1} % of the images of the last {ACCURACY_STEPS} steps. The generator learns little from a discriminator that it can never fool.",
                mean * 100.0
            );
            return Some(Event::Alarm(alarm(at, kind, None, message, advice::saturation(&self.config))));
        }
        if self.saturated && mean < CONTESTED {
            self.saturated = false;
            return Some(Event::Recovered(Recovered { step: at.step, kind, subject: None }));
        }
        None
    }

    /// Takes in how far generated images are from their nearest training image, as a share of how far other real images are;
    /// `picture` shows the nearest images of the step.
    pub fn nearness(&mut self, at: At, share: f64, picture: Option<&str>) -> Option<Event> {
        let kind = AlarmKind::Copies;
        if !self.copies && share < COPIES {
            self.copies = true;
            let message = format!(
                "The generated images are closer to the training images than other real images are: at {:.0} % of their distance. Some may be copies.",
                share * 100.0
            );
            let look = picture.map(|picture| format!("Compare the grid with {picture}. ")).unwrap_or_default();
            return Some(Event::Alarm(alarm(at, kind, None, message, look + &advice::copies(&self.config))));
        }
        if self.copies && share >= NEW {
            self.copies = false;
            return Some(Event::Recovered(Recovered { step: at.step, kind, subject: None }));
        }
        None
    }

    /// Takes in a grid as it is seen: a generator that has broken down draws one colour, or one picture, whatever it is asked for.
    pub fn picture(&mut self, at: At, grid: &GridPicture) -> Option<Event> {
        let kind = AlarmKind::BlankImages;
        let Some(shows) = Blank::of(grid) else {
            self.drawn |= range(&grid.picture.rgb) >= DRAWN;
            let over = std::mem::take(&mut self.blank);
            return over.then_some(Event::Recovered(Recovered { step: at.step, kind, subject: None }));
        };
        // A generator that has learnt nothing yet draws the grey in the middle.
        if self.blank || !(self.drawn || matches!(shows, Blank::Black | Blank::White)) {
            return None;
        }
        self.blank = true;
        let what = match shows {
            Blank::Black => "black",
            Blank::White => "white",
            Blank::Plain => "of one colour",
            Blank::Alike => "the same",
        };
        let message = format!("All images of the grid are {what}: the generator has broken down.");
        let advice = advice::blank(self.edited.as_ref());
        Some(Event::Alarm(alarm(at, kind, None, message, advice)))
    }

    /// Takes in what a grid shows: for each class, how far its generated images are apart as a share of how far real ones
    /// are; nothing where there are too few of either.
    pub fn grid(&mut self, at: At, spreads: &[Option<f32>]) -> Vec<Event> {
        let early = at.step < self.warm_up;
        let help = advice::collapse(&self.config);
        let seen = self.classes.iter_mut().zip(spreads);
        seen.filter_map(|(class, spread)| class.see(at, (*spread)?, early, &help)).collect()
    }
}

/// How all images of a grid are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blank {
    Black,
    White,
    /// Each of one colour.
    Plain,
    /// The same picture.
    Alike,
}

impl Blank {
    /// Nothing where the images differ.
    fn of(grid: &GridPicture) -> Option<Self> {
        let rgb = &*grid.picture.rgb;
        let darkest = rgb.iter().min()?;
        if rgb.iter().all(|value| *value <= FLAT) {
            return Some(Self::Black);
        }
        if *darkest >= u8::MAX - FLAT {
            return Some(Self::White);
        }
        let images = cells(grid);
        let images: Vec<&[u8]> = images.chunks_exact((grid.cell * grid.cell * 3).max(1)).collect();
        let near = |a: &u8, b: &u8| a.abs_diff(*b) <= FLAT;
        if images.iter().all(|image| image.iter().zip(image[..3].iter().cycle()).all(|(a, b)| near(a, b))) {
            return Some(Self::Plain);
        }
        let (first, others) = images.split_first()?;
        let same = |image: &&[u8]| image.iter().zip(*first).all(|(a, b)| near(a, b));
        (!others.is_empty() && others.iter().all(same)).then_some(Self::Alike)
    }
}

/// How far the brightest and the darkest number are apart.
fn range(rgb: &[u8]) -> u8 {
    rgb.iter().max().zip(rgb.iter().min()).map_or(0, |(most, least)| most - least)
}

/// Steps before a class that was never diverse can count as collapsed.
fn warm_up(config: &Config) -> usize {
    let average = TIME_CONSTANTS * config.optimizer.average_reach(config.images_per_step());
    WARM_UP.max(average as usize)
}

impl Class {
    fn see(&mut self, at: At, spread: f32, early: bool, advice: &str) -> Option<Event> {
        let (kind, seen) = (AlarmKind::ClassCollapse, &mut self.seen);
        if spread >= DIVERSE {
            seen.was_diverse = true;
            seen.grids = 0;
            if std::mem::take(&mut seen.collapsed) {
                return Some(Event::Recovered(Recovered { step: at.step, kind, subject: Some(self.name.clone()) }));
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
        Some(Event::Alarm(alarm(at, kind, Some(self.name.clone()), message, advice.to_owned())))
    }
}

/// The alarm that training has diverged, by the first term of a step that is no finite number or beyond [`ABSURD`]; nothing
/// where all are.
pub(super) fn divergence(at: At, numbers: &Numbers, config: &Config) -> Option<Alarm> {
    // In the order in which a step computes them: what comes after the first is broken by it.
    let terms = [
        (Number::LogitsReal, "the discriminator's logits on real images"),
        (Number::LogitsFake, "the discriminator's logits on generated images"),
        (Number::LossD, "the discriminator's loss"),
        (Number::LossG, "the generator's loss"),
    ];
    let mut terms = terms.into_iter().map(|(number, name)| (number.info().key, name, numbers[number]));
    let (term, name, value) = terms.find(|(.., value)| value.is_nan() || value.abs() > ABSURD)?;
    let value = match value {
        value if value.is_nan() => "not a number".to_owned(),
        value if value.is_infinite() => "infinite".to_owned(),
        value => format!("{value:.1e}, far beyond any healthy run"),
    };
    Some(diverged(at, term, &format!("{name} became {value}"), config))
}

/// The alarm that the weights are broken though the losses of their last step were not.
pub(super) fn broken_weights(at: At, config: &Config) -> Alarm {
    diverged(at, "weights", "weights became infinite or not a number", config)
}

fn diverged(at: At, term: &str, what: &str, config: &Config) -> Alarm {
    let message = format!("Training has diverged at step {}: {what}.", at.step);
    alarm(at, AlarmKind::Divergence, Some(term.to_owned()), message, advice::divergence(config))
}

fn alarm(at: At, kind: AlarmKind, subject: Option<String>, message: String, advice: String) -> Alarm {
    Alarm { step: at.step, kind, subject, message, advice, seconds: at.seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: usize) -> At {
        At { step, seconds: step as f64 }
    }

    fn watch(config: &Config) -> Watch {
        Watch::new(config, &["round".to_owned(), "oval".to_owned()])
    }

    /// `(step, whether it is an alarm, what about)`
    fn told(events: impl IntoIterator<Item = Event>) -> Vec<(usize, bool, Option<String>)> {
        let tell = |event| {
            if let Event::Alarm(alarm) = event {
                Some((alarm.step, true, alarm.subject))
            } else if let Event::Recovered(over) = event {
                Some((over.step, false, over.subject))
            } else {
                panic!("{event:?}")
            }
        };
        events.into_iter().filter_map(tell).collect()
    }

    fn right(accuracy: f32) -> Numbers {
        Numbers::of([(Number::AccuracyReal, accuracy), (Number::AccuracyFake, accuracy)])
    }

    fn over_steps(
        config: &Config,
        accuracy: impl Fn(usize) -> f32,
        steps: usize,
    ) -> Vec<(usize, bool, Option<String>)> {
        let mut watch = watch(config);
        told((1..=steps).filter_map(|step| watch.step(at(step), &right(accuracy(step)))))
    }

    #[test]
    fn a_discriminator_that_is_always_right_is_told_once_a_stretch() {
        let config = Config::default();
        let always = over_steps(&config, |_| 1.0, 1000);
        assert_eq!(always, [(ACCURACY_STEPS, true, None)]);
        // Right, then contested for 100 steps, then right again.
        let twice = over_steps(&config, |step| if (400..500).contains(&step) { 0.7 } else { 1.0 }, 1000);
        assert_eq!(twice.iter().map(|(_, raised, _)| *raised).collect::<Vec<_>>(), [true, false, true]);
        // The last wrong steps may still be in the window: their mean is high enough.
        assert!((400..500).contains(&twice[1].0) && (690..700).contains(&twice[2].0), "{twice:?}");
        // Between the two thresholds nothing changes.
        let wavering = over_steps(&config, |step| if step % 400 < 200 { 1.0 } else { 0.985 }, 2000);
        assert_eq!(wavering.len(), 1, "{wavering:?}");
    }

    #[test]
    fn copies_are_told_once_until_they_are_over() {
        let mut watch = watch(&Config::default());
        let shares = [1.4, 0.85, 0.79, 0.5, 0.85, 0.91, 0.6];
        let events: Vec<Event> = (1..)
            .zip(shares)
            .filter_map(|(step, share)| watch.nearness(at(step), share, Some("nearest/x.png")))
            .collect();
        let Event::Alarm(first) = &events[0] else { panic!("{events:?}") };
        assert!(first.message.contains("79 %") && first.advice.contains("nearest/x.png"), "{first:?}");
        let mut again = self::watch(&Config::default());
        again.restore_scores(std::slice::from_ref(first));
        assert_eq!(again.nearness(at(4), 0.5, None), None);
        assert_eq!(told(events), [(3, true, None), (6, false, None), (7, true, None)]);
    }

    #[test]
    fn images_that_turn_blank_are_told_at_once_with_the_change_before() {
        let grid = |image: &dyn Fn(usize) -> [u8; 3]| {
            let rgb: Vec<u8> = (0..8).flat_map(image).collect();
            let picture = crate::event::Picture { width: 4, height: 2, rgb: rgb.into() };
            GridPicture { step: 0, columns: 2, rows: 1, cell: 2, picture }
        };
        let grey = grid(&|at| [126 + (at % 3) as u8, 127, 128]);
        let drawn = grid(&|at| [30 * at as u8, 200, 10]);
        let black = grid(&|_| [0, 1, 2]);
        let mut watch = watch(&Config::default());
        assert_eq!(watch.picture(at(0), &grey), None, "it has learnt nothing yet");
        assert_eq!(watch.picture(at(100), &drawn), None);
        let changes = vec![crate::config::Change {
            key: "optimizer.generator_lr".to_owned(),
            from: "0.0001".to_owned(),
            to: "1".to_owned(),
        }];
        watch.edited(&Edited { step: 140, changes });
        let Some(Event::Alarm(alarm)) = watch.picture(at(200), &black) else { panic!() };
        assert!(alarm.message.contains("All images of the grid are black"), "{alarm:?}");
        assert!(alarm.advice.contains("optimizer.generator_lr") && alarm.advice.contains("step 140"), "{alarm:?}");
        assert_eq!(watch.picture(at(300), &black), None, "it is told once");
        let mut again = self::watch(&Config::default());
        again.restore(&watch.remember());
        assert_eq!(again.picture(at(300), &black), None);
        assert!(matches!(again.picture(at(400), &drawn), Some(Event::Recovered(_))));
        let mut fresh = self::watch(&Config::default());
        assert!(fresh.picture(at(100), &black).is_some(), "no start is black");
    }

    #[test]
    fn a_contested_discriminator_and_a_critic_raise_nothing() {
        let config = Config::default();
        assert_eq!(over_steps(&config, |step| if step % 10 == 0 { 0.9 } else { 1.0 }, 1000), []);
        let mut watch = watch(&config);
        assert!((1..=1000).all(|step| watch.step(at(step), &Numbers::default()).is_none()));
    }

    #[test]
    fn a_class_that_collapses_is_named_once_until_it_recovers() {
        let mut watch = watch(&Config::default());
        let shares = [0.01, 0.7, 0.1, 0.8, 0.1, 0.05, 0.05, 0.3, 0.1, 0.6, 0.1, 0.1];
        let events = shares.into_iter().enumerate().flat_map(|(i, share)| {
            let spreads = [Some(0.8), Some(share)];
            watch.grid(at(i), &spreads)
        });
        let oval = || Some("oval".to_owned());
        assert_eq!(told(events), [(5, true, oval()), (9, false, oval()), (11, true, oval())]);
    }

    #[test]
    fn a_class_that_never_was_diverse_counts_after_the_average_has_caught_up() {
        let config = Config::default();
        let mut watch = watch(&config);
        let steps = (0..).map(|i| i * 250);
        let mut told_of = told(steps.take(20).flat_map(|step| watch.grid(at(step), &[Some(0.02), None])));
        let (step, raised, subject) = told_of.remove(0);
        assert!(raised && subject.as_deref() == Some("round") && (3000..=3500).contains(&step), "{step}");
        assert!(told_of.is_empty());
    }

    #[test]
    fn the_first_term_that_breaks_is_named_and_advice_leaves_out_what_is_on() {
        let mut config = Config::default();
        let fine = [Number::LogitsReal, Number::LogitsFake, Number::LossD, Number::LossG];
        let fine = Numbers::of(fine.into_iter().zip([0.5, -0.5, 1e7, -3.0]));
        assert_eq!(divergence(at(7), &fine, &config), None);
        let nan = f32::NAN;
        let (g, d, fake, real) = (Number::LossG, Number::LossD, Number::LogitsFake, Number::LogitsReal);
        let cases: [(&[_], _, _); 5] = [
            (&[(g, f32::INFINITY)], "loss_g", "generator's loss became infinite"),
            (&[(d, -2e21)], "loss_d", "became -2.0e21, far beyond any healthy run"),
            (&[(g, nan), (d, nan)], "loss_d", "discriminator's loss became not a number"),
            (&[(d, nan), (fake, nan)], "logits_fake", "logits on generated images"),
            (&[(fake, nan), (real, nan)], "logits_real", "logits on real images"),
        ];
        config.discriminator.spectral_norm = true;
        for (losses, term, words) in cases {
            let mut numbers = fine;
            losses.iter().for_each(|(number, value)| numbers.set(*number, *value));
            let alarm = divergence(at(7), &numbers, &config).expect(term);
            assert_eq!((alarm.step, alarm.subject.as_deref()), (7, Some(term)));
            assert!(alarm.message.contains(words) && alarm.message.contains("step 7"), "{}", alarm.message);
            assert!(alarm.advice.contains("learning rates") && !alarm.advice.contains("spectral"), "{}", alarm.advice);
        }
        config.discriminator.spectral_norm = false;
        let alarm = broken_weights(at(7), &config);
        assert!(alarm.advice.contains("spectral normalisation"), "{}", alarm.advice);
    }

    #[test]
    fn alarms_go_on_as_if_the_run_had_never_ended() {
        let names = ["a", "b"].map(str::to_owned);
        let accuracy = |step: usize| if (300..340).contains(&step) { 0.6 } else { 1.0 };
        let see = |watch: &mut Watch, step: usize| {
            let at = At { step, seconds: 0.0 };
            let right = [Number::AccuracyReal, Number::AccuracyFake].map(|number| (number, accuracy(step)));
            let mut told: Vec<Event> = watch.step(at, &Numbers::of(right)).into_iter().collect();
            if step.is_multiple_of(10) {
                let share = if step % 200 < 100 { 0.8 } else { 0.05 };
                told.extend(watch.grid(at, &[Some(0.6), Some(share)]));
            }
            told
        };
        let config = Config::default();
        let mut whole = Watch::new(&config, &names);
        let want: Vec<Event> = (1..=700).flat_map(|step| see(&mut whole, step)).collect();
        assert!(want.len() > 6, "{want:?}");
        for stop in [50, 110, 199, 250, 305, 330, 530] {
            let mut first = Watch::new(&config, &names);
            let mut told: Vec<Event> = (1..=stop).flat_map(|step| see(&mut first, step)).collect();
            let kept = serde_json::to_vec(&first.remember()).unwrap();
            let mut second = Watch::new(&config, &names);
            second.restore(&serde_json::from_slice::<Watched>(&kept).unwrap());
            told.extend((stop + 1..=700).flat_map(|step| see(&mut second, step)));
            assert_eq!(told, want, "stopped after {stop}");
        }
    }
}
