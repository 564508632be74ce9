//! A session as one page of HTML that needs nothing else: no script, no font, no file beside it.

use std::fmt::Write as _;

use super::Source;
use super::plot::{Curve, chart};
use crate::config::Config;
use crate::event::{Chart, DataSummary, Event, Grid, Number, NumberInfo, Score, Step, Tint};
use crate::guard::of_things;
use crate::session::read_grid_file;

/// Grids that are shown, the first and the last among them.
const GRIDS: usize = 6;
/// Bytes of the largest one: browsers show no larger page.
const LARGEST_GRID: usize = 64 << 20;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1,h2{font-weight:600}table{border-collapse:collapse}td,th{padding:.15rem .9rem .15rem 0;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}figure{display:inline-block;margin:0 1rem 1rem 0;vertical-align:top}\
figcaption{font-weight:600}svg{width:36rem;max-width:100%}svg text{font-size:11px;fill:#666}.grid{stroke:#ddd}\
.legend{margin:0}.note{color:#666}img{image-rendering:pixelated;max-width:100%}";

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
    settings(&mut page, source.config())?;
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
        ("Data", format!("{}: {}", data.source, classes.join(", "))),
        ("Computed on", format!("{} with {}", s.device, of_things(s.threads, "thread"))),
        ("Generator", format!("{} parameters", s.generator_parameters)),
        ("Discriminator", format!("{} parameters", s.discriminator_parameters)),
        ("Trained by", format!("gandle {}", s.version)),
    ];
    if let Some(parent) = &s.parent {
        rows.push(("Branched off", format!("{} at step {}", parent.session, parent.step)));
    }
    *page += "<table>\n";
    for (name, value) in rows {
        writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", escaped(&value))?;
    }
    *page += "</table>\n";
    Ok(())
}

/// A curve's colour on white paper.
fn color(tint: Tint) -> &'static str {
    const OTHERS: [&str; 6] = ["#1f6fb4", "#c2571a", "#2c8a4b", "#8a4fb0", "#b0872c", "#5a6470"];
    match tint {
        Tint::Discriminator | Tint::Real => OTHERS[0],
        Tint::Generator | Tint::Fake => OTHERS[1],
        Tint::GeneratorPart => "#e0a07c",
        Tint::Main => OTHERS[2],
        Tint::Machine => OTHERS[5],
        Tint::Nth(place) => OTHERS[place % OTHERS.len()],
    }
}

fn curves(page: &mut String, source: &Source) {
    let steps: Vec<&Step> =
        source.history.iter().filter_map(|e| if let Event::Step(step) = e { Some(step) } else { None }).collect();
    let curve = |(number, info): (&Number, NumberInfo)| Curve {
        name: info.curve,
        color: color(info.tint),
        points: steps.iter().filter_map(|s| Some((s.step, s.numbers.get(*number)?.into()))).collect(),
    };
    let numbers = || Number::ALL.iter().map(|number| (number, number.info()));
    let curves = |of: Chart| numbers().filter(|(_, info)| info.chart == of).map(curve).collect::<Vec<_>>();
    let charts = Chart::ALL.iter().map(|of| (of.info().title, curves(*of)));
    let drawn: Vec<String> = charts.filter_map(|(title, curves)| chart(title, curves)).collect();
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
        "<h2>Samples</h2>\n<p class=\"note\">The same noise at every step; rows: {}.</p>",
        classes.join(", ")
    )?;
    let mut chosen: Vec<usize> = (0..GRIDS).map(|i| i * last / (GRIDS - 1)).collect();
    chosen.dedup();
    for grid in chosen.into_iter().map(|at| all[at]) {
        let step = grid.step;
        match read_grid_file(&source.folder, grid).ok().filter(|png| png.len() <= LARGEST_GRID) {
            Some(png) => writeln!(
                page,
                "<figure><figcaption>Step {step}</figcaption><img alt=\"Samples at step {step}\" src=\"data:image/png;base64,{}\"></figure>",
                base64(&png)
            )?,
            None => writeln!(page, "<p class=\"note\">The grid of step {step} could not be read.</p>")?,
        }
    }
    Ok(())
}

fn scores(page: &mut String, source: &Source) -> anyhow::Result<()> {
    let scores: Vec<&Score> =
        source.history.iter().filter_map(|e| if let Event::Score(score) = e { Some(score) } else { None }).collect();
    if scores.is_empty() {
        return Ok(());
    }
    *page += "<h2>Scores</h2>\n<table><tr><th>Step</th><th>Metric</th><th>Features of</th><th>Class</th><th>Images</th><th>Value</th></tr>\n";
    for s in scores {
        let class = escaped(s.class.as_deref().unwrap_or("all"));
        let (metric, extractor) = (escaped(&s.metric), escaped(&s.judge()));
        writeln!(
            page,
            "<tr><td class=\"n\">{}</td><td>{metric}</td><td>{extractor}</td><td>{class}</td><td class=\"n\">{}</td><td class=\"n\">{:.3}</td></tr>",
            s.step, s.samples, s.value
        )?;
    }
    *page += "</table>\n";
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

fn settings(page: &mut String, config: &Config) -> anyhow::Result<()> {
    *page += "<h2>Settings that differ from the defaults</h2>\n<table>\n";
    for (key, _, value) in Config::default().differences(config) {
        writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(&key), escaped(&value))?;
    }
    writeln!(
        page,
        "</table>\n<details><summary>run.toml</summary><pre>{}</pre></details>",
        escaped(&config.to_toml())
    )?;
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
    fn names_cannot_become_part_of_the_page() {
        assert_eq!(escaped("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
    }
}
