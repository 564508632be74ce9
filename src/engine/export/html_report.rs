//! A session as one page of HTML that needs nothing else: no script, no font, no file beside it.

use std::fmt::Write as _;

use super::source::Source;
use crate::chart::{self, Axis, Color, Curve, Drawing, Mark, Scale, Series, escaped, span};
use crate::config::{Config, Metric, Prefers};
use crate::event::{
    Best, Chart, DataSummary, Edited, Event, Form, Grid, REAL_IMAGES, Scalar, ScalarInfo, Score, Step, Tint,
};
use crate::guard::{Digits, few};
use crate::session::{find_parent, read_grid_file};

/// Grids that are shown, the first and the last among them.
const GRIDS: usize = 6;
/// Bytes of the largest one: browsers show no larger page.
const LARGEST_GRID: usize = 64 << 20;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1,h2{font-weight:600}table{border-collapse:collapse}td,th{padding:.15rem .9rem .15rem 0;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}figure{display:inline-block;margin:0 1rem 1rem 0;vertical-align:top}\
figcaption{font-weight:600}figure>svg{width:44rem;max-width:100%;height:auto}.note{color:#666}img{image-rendering:pixelated}\
.rows{display:flex;overflow-x:auto}.rows div{display:grid;grid-auto-rows:1fr;align-items:center;padding-right:.7rem;font-size:12px}";

/// `report-step<N>.html`
pub(super) fn file(source: &Source) -> anyhow::Result<(String, Vec<u8>)> {
    let name = escaped(&source.name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\n\
         <meta name=\"generator\" content=\"gandle {}\"><meta name=\"seed\" content=\"{}\"><meta name=\"step\" content=\"{}\">\n\
         <style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n",
        env!("CARGO_PKG_VERSION"),
        source.config().train.seed,
        source.step
    );
    facts(&mut page, source)?;
    curves(&mut page, source);
    grids(&mut page, source)?;
    scores(&mut page, source)?;
    remarks(&mut page, source)?;
    changes(&mut page, source)?;
    settings(&mut page, source)?;
    page += "<p class=\"note\">Generated images are not patients. Frechet distances of different extractors, data sets or numbers of images cannot be compared.</p>\n</body></html>\n";
    Ok((format!("report-step{:07}.html", source.step), page.into_bytes()))
}

fn facts(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let s = &source.started;
    let data = |event: &Event| if let Event::Data(data) = event { Some((**data).clone()) } else { None };
    let data: DataSummary = source.history.iter().rev().find_map(data).unwrap_or_default();
    let classes: Vec<String> = data.classes.iter().map(|class| format!("{} {}", class.name, class.images)).collect();
    let mut rows = vec![
        ("Steps", format!("{} of {}", source.step, s.config.train.steps)),
        ("Seed", s.config.train.seed.to_string()),
        ("Data", format!("{}: {}", data.source, few(&classes))),
        ("Computed on", format!("{} with {}", s.device, Digits::Plain.count(s.threads, "thread"))),
        ("Generator", format!("{} parameters", s.generator_parameters)),
        ("Discriminator", format!("{} parameters", s.discriminator_parameters)),
        ("Trained by", format!("gandle {}", s.version)),
    ];
    let begun = source.history.iter().find_map(|e| if let Event::Started(first) = e { Some(first.time) } else { None });
    if let Some(begun) = begun.filter(|time| *time > 0).and_then(date) {
        rows.insert(0, ("Begun", begun));
    }
    let seconds =
        source.history.iter().rev().find_map(|e| if let Event::Step(step) = e { Some(step.seconds) } else { None });
    if let Some(seconds) = seconds {
        rows.push(("Training time", duration(seconds)));
    }
    if let Some(best) = best(source) {
        rows.push(("Best step", format!("{}, {} {:.3}", best.step, best.metric, best.value)));
    }
    if let Some(parent) = &s.parent {
        let now = find_parent(parent, &source.folder).and_then(|folder| folder.file_name().map(ToOwned::to_owned));
        let name = now.map_or_else(|| parent.session.clone(), |name| name.to_string_lossy().into_owned());
        rows.push(("Branched off", format!("{name} at step {}", parent.step)));
    }
    *page += "<table>\n";
    for (name, value) in rows {
        writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", escaped(&value))?;
    }
    *page += "</table>\n";
    Ok(())
}

/// Pieces of a long curve, each drawn as its mean and its range.
const PIECES: usize = 340;
/// The colour of scores, and of the line at the best.
const SCORE: Color = [0x1f, 0x6f, 0xb4, 0xff];
const BEST: Color = [0x2a, 0x8f, 0x57, 0xff];

/// A curve's colour on white paper.
fn color(tint: Tint) -> Color {
    const OTHERS: [u32; 6] = [0x1f_6f_b4, 0xc2_57_1a, 0x2c_8a_4b, 0x8a_4f_b0, 0xb0_87_2c, 0x5a_64_70];
    let rgb = match tint {
        Tint::Discriminator | Tint::Real => OTHERS[0],
        Tint::Generator | Tint::Fake => OTHERS[1],
        Tint::GeneratorPart => 0xe0_a0_7c,
        Tint::Main => OTHERS[2],
        Tint::Machine => OTHERS[5],
        Tint::Nth(place) => OTHERS[place % OTHERS.len()],
    };
    let [_, r, g, b] = rgb.to_be_bytes();
    [r, g, b, 0xff]
}

/// A chart of curves of a colour, with a line at the best step; nothing where no curve has a point.
fn chart(title: &str, form: Form, curves: &[(&str, Color, Series)], best: Option<usize>) -> Option<String> {
    let drawn = |(name, color, series): &(&str, Color, Series)| {
        let curve = Curve::of(&series.buckets(0.0, f64::MAX, PIECES), 0.0, &|step| step);
        Curve { name: (*name).to_owned(), color: *color, ..curve }
    };
    let last = curves.iter().filter_map(|(.., series)| Some(series.last()?.0)).max()?;
    let curves: Vec<Curve> = curves.iter().filter(|(.., series)| !series.is_empty()).map(drawn).collect();
    let (low, high) = span(curves.iter().flat_map(Curve::values).collect(), false, false);
    let axis = |(from, to), form| Axis { scale: Scale { from, to, log: false }, form };
    let (x, y) = (axis(Drawing::steps(last), Form::Count), axis((low, high), form));
    let marks = best.map(|step| Mark { dash: 4.0, ..Mark::new(step as f64, BEST) }).into_iter().collect();
    let drawing = Drawing { title: title.to_owned(), x, y, curves, marks };
    Some(format!("<figure>{}</figure>\n", chart::inline(&[drawing])))
}

/// The best step by the score that the run goes by.
fn best(source: &Source) -> Option<&Best> {
    source.history.iter().rev().find_map(|e| if let Event::Best(best) = e { Some(best) } else { None })
}

/// A date and time of day, without a zone that only the machine knew.
fn date(time: u64) -> Option<String> {
    let utc = chrono::DateTime::<chrono::Utc>::from_timestamp(i64::try_from(time).ok()?, 0)?;
    Some(format!("{} UTC", utc.format("%Y-%m-%d %H:%M")))
}

fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

fn curves(page: &mut String, source: &Source) {
    let steps: Vec<&Step> =
        source.history.iter().filter_map(|e| if let Event::Step(step) = e { Some(step) } else { None }).collect();
    let curve = |(number, info): (&Scalar, ScalarInfo)| {
        let mut series = Series::default();
        let points = steps.iter().filter_map(|step| Some((step.step, step.numbers.get(*number)?)));
        points.for_each(|(step, value)| series.push(step, value));
        (info.curve, color(info.tint), series)
    };
    let numbers = || Scalar::ALL.iter().map(|number| (number, number.info()));
    let curves = |of: Chart| numbers().filter(|(_, info)| info.chart == of).map(curve).collect::<Vec<_>>();
    let charts = Chart::ALL.iter().map(|of| (of.info(), curves(*of)));
    let drawn: Vec<String> = charts.filter_map(|(of, curves)| chart(of.title, of.form, &curves, None)).collect();
    if !drawn.is_empty() {
        *page += "<h2>Curves</h2>\n";
        *page += &drawn.concat();
    }
}

fn grids(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let all: Vec<&Grid> =
        source.history.iter().filter_map(|e| if let Event::Grid(grid) = e { Some(grid) } else { None }).collect();
    let Some(last) = all.len().checked_sub(1) else { return Ok(()) };
    let classes: Vec<String> = source.started.classes.iter().map(|class| escaped(class)).collect();
    writeln!(
        page,
        "<h2>Samples</h2>\n<p class=\"note\">The averaged generator on the same noise at every step, one row per class.</p>"
    )?;
    let real = Grid { step: 0, file: REAL_IMAGES.to_owned() };
    if let Some(real) = read_grid_file(&source.folder, &real).ok().filter(|png| png.len() <= LARGEST_GRID) {
        figure(page, "Real images", &classes, &real)?;
    }
    let mut chosen: Vec<usize> = (0..GRIDS).map(|i| i * last / (GRIDS - 1)).collect();
    chosen.dedup();
    for grid in chosen.into_iter().map(|at| all[at]) {
        let step = grid.step;
        match read_grid_file(&source.folder, grid).ok().filter(|png| png.len() <= LARGEST_GRID) {
            Some(png) => figure(page, &format!("Step {step}"), &classes, &png)?,
            None => writeln!(page, "<p class=\"note\">The grid of step {step} could not be read.</p>")?,
        }
    }
    Ok(())
}

/// The smallest side of an image on the page, in pixels.
const SIDE: u32 = 48;

/// A grid with the names of its rows, each of its pixels as many whole ones as make its images large enough.
fn figure(page: &mut String, title: &str, classes: &[String], png: &[u8]) -> anyhow::Result<()> {
    // The head of a PNG has its size at fixed places.
    let number = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    let (width, height) = (number(16).unwrap_or(0), number(20).unwrap_or(0));
    let cell = height / u32::try_from(classes.len().max(1))?;
    let zoom = SIDE.div_ceil(cell.max(1)).min(8);
    let names: String = classes.iter().map(|class| format!("<span>{class}</span>")).collect();
    writeln!(
        page,
        "<figure><figcaption>{title}</figcaption><div class=\"rows\"><div>{names}</div><img width=\"{}\" height=\"{}\" alt=\"{title}\" src=\"data:image/png;base64,{}\"></div></figure>",
        width.saturating_mul(zoom),
        height.saturating_mul(zoom),
        base64(png)
    )?;
    Ok(())
}

/// A chart for each score of all classes together, with its best step.
fn score_curves(page: &mut String, scores: &[&Score]) {
    let mut kinds: Vec<(&str, String)> = Vec::new();
    for score in scores.iter().filter(|score| score.class.is_none()) {
        let kind = (score.metric.as_str(), score.judge().into_owned());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for (metric, judge) in kinds {
        let of = scores.iter().filter(|s| s.class.is_none() && s.metric == metric && s.judge() == judge);
        let points: Vec<(usize, f64)> = of.map(|score| (score.step, score.value)).collect();
        let finite = points.iter().filter(|(_, value)| value.is_finite());
        let best = match Metric::named(metric).and_then(Metric::prefers) {
            Some(Prefers::Low) => finite.min_by(|a, b| a.1.total_cmp(&b.1)),
            Some(Prefers::High) => finite.max_by(|a, b| a.1.total_cmp(&b.1)),
            None => None,
        };
        let best = best.map(|(step, _)| *step);
        let title = match best {
            Some(step) => format!("{metric} ({judge}), best at step {step}"),
            None => format!("{metric} ({judge})"),
        };
        let mut series = Series::default();
        points.iter().for_each(|(step, value)| series.push(*step, *value as f32));
        *page += &chart(&title, Form::Score, &[("all classes", SCORE, series)], best).unwrap_or_default();
    }
}

fn scores(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let scores: Vec<&Score> =
        source.history.iter().filter_map(|e| if let Event::Score(score) = e { Some(score) } else { None }).collect();
    if scores.is_empty() {
        return Ok(());
    }
    *page += "<h2>Scores</h2>\n";
    score_curves(page, &scores);
    *page += "<details><summary>Every score</summary>\n<table><tr><th>Step</th><th>Metric</th><th>Features of</th><th>Class</th><th>Images</th><th>Value</th></tr>\n";
    for s in scores {
        let class = escaped(s.class.as_deref().unwrap_or("all"));
        let (metric, extractor) = (escaped(&s.metric), escaped(&s.judge()));
        writeln!(
            page,
            "<tr><td class=\"n\">{}</td><td>{metric}</td><td>{extractor}</td><td>{class}</td><td class=\"n\">{}</td><td class=\"n\">{:.3}</td></tr>",
            s.step, s.samples, s.value
        )?;
    }
    *page += "</table></details>\n";
    Ok(())
}

fn remarks(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for event in &source.history {
        if let Event::Alarm(alarm) = event {
            lines.push((alarm.step, format!("{} {}", alarm.message, alarm.advice)));
        } else if let Event::Warning { step, message } | Event::Failed { step, message } = event {
            lines.push((*step, message.clone()));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    *page += "<h2>Alarms and warnings</h2>\n<table>\n";
    for (step, text) in lines {
        writeln!(page, "<tr><td class=\"n\">{step}</td><td>{}</td></tr>", escaped(&text))?;
    }
    *page += "</table>\n";
    Ok(())
}

/// What was changed while the run went on.
fn edits(source: &Source) -> impl Iterator<Item = &Edited> {
    source.history.iter().filter_map(|e| if let Event::Edited(edited) = e { Some(edited) } else { None })
}

fn changes(page: &mut String, source: &Source) -> anyhow::Result<()> {
    if edits(source).next().is_none() {
        return Ok(());
    }
    *page += "<h2>Changed while it trained</h2>\n<table><tr><th>After step</th><th>Setting</th><th>Before</th><th>From there on</th></tr>\n";
    for edited in edits(source) {
        for change in &edited.changes {
            let (step, key, from, to) = (edited.step, escaped(&change.key), escaped(&change.from), escaped(&change.to));
            writeln!(page, "<tr><td class=\"n\">{step}</td><td>{key}</td><td>{from}</td><td>{to}</td></tr>")?;
        }
    }
    *page += "</table>\n";
    Ok(())
}

/// The settings that hold at the end.
fn settings(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let mut config = source.config().clone();
    for edited in edits(source).filter(|edited| edited.step >= source.started.step) {
        if let Ok((changed, _)) = config.edited(&edited.changes) {
            config = changed;
        }
    }
    let config = &config;
    *page += "<h2>Settings that differ from the defaults</h2>\n<table>\n";
    for (key, _, value) in Config::default().differences(config) {
        writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(&key), escaped(&value))?;
    }
    writeln!(
        page,
        "</table>\n<details><summary>All settings, as run.toml holds them</summary><pre>{}</pre></details>",
        escaped(&config.to_toml())
    )?;
    Ok(())
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let whole = part.iter().fold(0u32, |whole, byte| whole << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for digit in 0..4 {
            let at = (whole >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit <= part.len() { char::from(DIGITS[at]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_digits_of_the_standard() {
        // RFC 4648, section 10.
        for (text, digits) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), digits);
        }
    }

    #[test]
    fn times_are_told_in_words() {
        assert_eq!(date(86_400).as_deref(), Some("1970-01-02 00:00 UTC"));
        assert_eq!([duration(7.2), duration(61.0), duration(7380.0)], ["7 s", "1 min 01 s", "2 h 03 min"]);
    }

    #[test]
    fn names_cannot_become_part_of_the_page() {
        assert_eq!(escaped("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
    }
}
