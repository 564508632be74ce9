//! Which charts there are, what is in them, and what they tell.

use egui::Color32;

use super::super::format;
use super::super::run_view::RunView;
use super::super::series::Series;
use super::super::theme::{self, Palette};
use super::scores::{SCORE_ABOUT, Scores};

/// One curve of a chart.
pub(super) struct Curve<'a> {
    pub name: &'a str,
    pub color: Color32,
    pub series: &'a Series,
    /// Whether its points are few and marked one by one.
    pub marked: bool,
    /// Whether it stands back behind the others.
    pub faint: bool,
}

/// A chart of curves.
pub(super) struct Chart<'a> {
    /// Under which it is hidden and zoomed.
    pub id: String,
    pub title: String,
    pub about: &'static str,
    pub curves: Vec<Curve<'a>>,
    /// How its numbers are written.
    pub write: fn(f64) -> String,
    /// How the numbers of its axis are written.
    pub tick: fn(f64) -> String,
    /// Whether the slider smooths it.
    pub smoothed: bool,
    /// What is said beside the title.
    pub note: String,
    /// What is said where there is nothing to show yet; without it, there is no chart then.
    pub empty: String,
}

impl Chart<'_> {
    /// Whether nothing was told of what it shows.
    pub fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.series.is_empty())
    }
}

/// The charts of a run that have something to show, in their order; the first two are always there.
pub(super) fn of<'a>(p: &Palette, view: &'a RunView, scores: &'a Scores, classes: bool) -> Vec<Chart<'a>> {
    let (before, after) = of_steps(p, view);
    let mut charts = before;
    charts.extend(scores.groups().iter().map(|group| of_scores(p, view.classes(), group, classes)));
    if scores.groups().is_empty() {
        charts.push(no_scores(view));
    }
    charts.extend(after);
    charts.retain(|chart| !chart.is_empty() || !chart.empty.is_empty());
    charts
}

fn number(value: f64) -> String {
    format::reading(value as f32)
}

fn percent(value: f64) -> String {
    format!("{:>5.1} %", value * 100.0)
}

fn percent_tick(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

fn minutes(value: f64) -> String {
    format::duration(value)
}

fn curve<'a>(name: &'a str, color: Color32, series: &'a Series) -> Curve<'a> {
    Curve { name, color, series, marked: false, faint: false }
}

/// A chart of numbers that every step tells.
fn plain<'a>(id: &str, title: &str, about: &'static str, curves: Vec<Curve<'a>>) -> Chart<'a> {
    let curves = curves.into_iter().filter(|curve| !curve.series.is_empty()).collect();
    let (id, title, note, empty) = (id.to_owned(), title.to_owned(), String::new(), String::new());
    Chart { id, title, about, curves, write: number, tick: format::tick, smoothed: true, note, empty }
}

/// The charts before and after those of the scores.
fn of_steps<'a>(p: &Palette, view: &'a RunView) -> (Vec<Chart<'a>>, Vec<Chart<'a>>) {
    let c = view.curves();
    let before = vec![
        plain(
            "losses",
            "Losses",
            "What each network is trained to lower. In a healthy run neither runs away; they need not fall. The perceptual and the texture loss, where they are on, are a part of G's and shown beside it.",
            vec![
                curve("D", p.discriminator, &c.loss_d),
                curve("G", p.generator, &c.loss_g),
                curve("G features", p.generator.gamma_multiply(0.6), &c.loss_features),
            ],
        ),
        plain(
            "logits",
            "Logits of D",
            "The discriminator's mean decision on real and on generated images. Far apart, it wins; on top of each other, it is fooled.",
            vec![curve("real", p.real, &c.logits_real), curve("fake", p.fake, &c.logits_fake)],
        ),
    ];
    let waiting = |chart: Chart<'a>| Chart { empty: "The first step has not been taken yet".to_owned(), ..chart };
    (before.into_iter().map(waiting).collect(), of_training(p, view))
}

fn of_training<'a>(p: &Palette, view: &'a RunView) -> Vec<Chart<'a>> {
    let c = view.curves();
    let accuracy = plain(
        "accuracy",
        "Accuracy of D",
        "The share of real images that the discriminator calls real, and of generated ones that it calls generated, batch by batch. Near 50 % it guesses; near 100 % for long, the generator learns little.",
        vec![curve("real", p.real, &c.accuracy_real), curve("fake", p.fake, &c.accuracy_fake)],
    );
    let gradients = plain(
        "gradients",
        "Gradient norms",
        "How long each network's whole gradient is, before it is clipped. Near 0 a network learns nothing any more; a norm that grows and grows comes before a divergence.",
        vec![curve("D", p.discriminator, &c.gradient_d), curve("G", p.generator, &c.gradient_g)],
    );
    let rates = plain(
        "rates",
        "Learning rates",
        "The rates that the schedule gives to the generator and the discriminator.",
        vec![curve("D", p.discriminator, &c.discriminator_lr), curve("G", p.generator, &c.generator_lr)],
    );
    let augment = plain(
        "augment",
        "Augmentation of what D sees",
        "The probability with which what the discriminator sees is changed, and the mean sign of its decisions on real images: near 1 it knows them by heart. The adaptive probability rises while that is above its target.",
        vec![curve("p", p.accent, &c.augment_probability), curve("sign of real", p.real, &c.sign_real)],
    );
    let speed = plain(
        "speed",
        "Images a second",
        "Real images that went through training, over about the last second.",
        vec![curve("images/s", p.accent, &c.images_per_s)],
    );
    let left = plain(
        "left",
        "Time left",
        "How long the steps to come would take at the speed of the newest ones.",
        vec![curve("left", p.muted, &c.seconds_left)],
    );
    let memory = plain(
        "memory",
        "Memory",
        "What the program holds of the machine's memory, in MB.",
        vec![curve("MB", p.flame, &c.memory)],
    );
    vec![
        Chart { write: percent, tick: percent_tick, ..accuracy },
        gradients,
        augment,
        Chart { write: format::rate, tick: format::rate, smoothed: false, ..rates },
        speed,
        Chart { write: minutes, tick: minutes, ..left },
        Chart { smoothed: false, ..memory },
    ]
}

fn of_scores<'a>(p: &Palette, names: &[String], group: &'a super::scores::Group, classes: bool) -> Chart<'a> {
    let color = |class: &str| theme::class_color(names.iter().position(|name| name == class).unwrap_or(0));
    let mine = group.classes.iter().filter(|_| classes);
    let mut curves: Vec<Curve<'a>> = mine
        .map(|(class, series)| Curve { name: class, color: color(class), series, marked: true, faint: true })
        .collect();
    curves.push(Curve { name: "all classes", color: p.accent, series: &group.all, marked: true, faint: false });
    curves.retain(|curve| !curve.series.is_empty());
    let title = format!("{} ({})", format::metric(&group.metric), format::extractor(&group.extractor));
    Chart {
        id: format!("{}/{}", group.metric, group.extractor),
        title,
        about: SCORE_ABOUT,
        curves,
        write: score,
        tick: format::tick,
        smoothed: false,
        note: format!("N {}", format::count(group.samples)),
        empty: String::new(),
    }
}

/// What stands in the place of scores before the first.
fn no_scores<'a>(view: &RunView) -> Chart<'a> {
    let chart = plain("scores", "Scores", SCORE_ABOUT, Vec::new());
    let empty = match view.started().map(|started| started.config.score.every) {
        Some(0) => "Scores are turned off in this run".to_owned(),
        Some(every) => format!("The first score comes at step {}", format::count(every)),
        None => String::new(),
    };
    Chart { empty, ..chart }
}

fn score(value: f64) -> String {
    format!("{:>8}", format::score(value))
}
