//! Charts as files: as SVG, as its pixels, or their numbers as a table.

use std::sync::Arc;

use anyhow::Context as _;
use resvg::{tiny_skia, usvg};

use super::super::request::{Figure, FigureContent, FigureFormat};
use super::super::theme::Palette;
use super::{Chart, Look, describe, table};
use crate::chart::{Drawing, document};
use crate::event::Picture;
use crate::guard;

/// Pixels a point of a saved picture, and the points between two places of a curve.
const SCALE: f32 = 2.0;
const COLUMNS: usize = 680;

/// What is to be saved.
#[derive(Clone, Debug)]
pub(in crate::ui) struct Ask {
    pub charts: Vec<String>,
    pub format: FigureFormat,
}

/// The page that the charts stand on.
pub(in crate::ui) struct Page<'a> {
    /// What a file's name begins with, and how it ends before the format.
    pub name: (&'a str, String),
    /// Lines above a table: names and what they stand for.
    pub head: Vec<(&'static str, String)>,
    /// Whether it shows several runs.
    pub compared: bool,
}

/// The charts of a page that are asked for.
pub(in crate::ui) fn save(
    p: &Palette,
    page: &Page<'_>,
    mut charts: Vec<Chart<'_>>,
    look: &Look<'_>,
    ask: &Ask,
) -> Figure {
    charts.retain(|chart| !chart.is_empty() && ask.charts.contains(&chart.id));
    for chart in &mut charts {
        chart.curves.retain(|curve| !look.view.hides(&chart.id, &curve.name));
    }
    let what = match charts.as_slice() {
        [only] => only.title.split('(').next().unwrap_or_default().trim().to_lowercase().replace(' ', "-"),
        _ => "curves".to_owned(),
    };
    // A chart of scores is called as the session says that the score is.
    let what = guard::safe_names(&[what]).concat();
    let (before, after) = &page.name;
    let name = format!("{before}{what}{after}.{}", ask.format.name().to_lowercase());
    let look = Look { at: None, cursor: None, lit: None, ..*look };
    let drawn = || charts.iter().map(|chart| describe(p, chart, &look, COLUMNS)).collect::<Vec<Drawing>>();
    let axis = if look.view.by_time { "seconds" } else { "step" };
    let content = match ask.format {
        FigureFormat::Csv => FigureContent::Text(table::csv(&page.head, axis, &charts)),
        FigureFormat::Svg => FigureContent::Text(document(&drawn())),
        FigureFormat::Png => FigureContent::Pixels(document(&drawn())),
    };
    Figure { name, content, compared: page.compared }
}

/// The pixels of a drawing in SVG, two a point, with the letters of the window.
///
/// # Errors
/// Where it is no SVG, or too large for the memory of a picture.
pub fn pixels(svg: &str) -> anyhow::Result<Picture> {
    let mut options = usvg::Options::default();
    let fonts = options.fontdb_mut();
    for (name, data) in egui::FontDefinitions::default().font_data {
        let ids = fonts.load_font_source(usvg::fontdb::Source::Binary(Arc::clone(&data.font)));
        let family = ids.first().and_then(|id| fonts.face(*id)?.families.first().map(|(family, _)| family.clone()));
        match (name.as_str(), family) {
            ("Ubuntu-Light", Some(family)) => fonts.set_sans_serif_family(family),
            ("Hack", Some(family)) => fonts.set_monospace_family(family),
            _ => {}
        }
    }
    // The letters of other scripts are the system's.
    if svg.chars().any(|letter| letter > '\u{24f}' && letter.is_alphabetic()) {
        fonts.load_system_fonts();
    }
    let tree = usvg::Tree::from_str(svg, &options).context("it is no drawing")?;
    let size = tree.size().to_int_size().scale_by(SCALE).context("it is too large")?;
    let mut pixmap = tiny_skia::Pixmap::new(size.width(), size.height()).context("it is too large")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    // On white nothing is transparent.
    let rgb: Vec<u8> = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    Ok(Picture { width: size.width() as usize, height: size.height() as usize, rgb: rgb.into() })
}
