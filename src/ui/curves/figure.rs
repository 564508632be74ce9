//! Charts as files: drawn once more in a window that nobody sees, as pixels or as SVG, or their numbers as a table.

use egui::epaint::ClippedShape;
use egui::{
    Align2, Color32, Context, FontId, Painter, RawInput, Rect, TexturesDelta, Theme, Vec2, Visuals, pos2, vec2,
};

use super::super::ask::{Figure, FigureContent};
use super::super::run_view::RunView;
use super::super::theme::{self, Palette};
use super::charts::{self, Chart};
use super::keys::Keys;
use super::paint::{self, Look};
use super::scores::Scores;
use super::{raster, svg, table};
use crate::guard;

/// Size of a saved chart in points, with its title.
const WIDTH: f32 = 760.0;
const HEIGHT: f32 = 300.0;
const TITLE: f32 = 26.0;
const MARGIN: f32 = 14.0;
/// Pixels a point of a saved picture.
const SCALE: f32 = 2.0;

/// How charts are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    /// Pixels.
    Png,
    /// Lines and texts.
    Svg,
    /// Every number that the charts are drawn from.
    Csv,
}

impl FigureFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Csv];

    /// Its name, which in small letters ends a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Csv => "CSV",
        }
    }
}

/// One chart of a run, or all that are told by `only` being nothing.
pub(super) fn save<'l>(view: &RunView, scores: &Scores, looks: &dyn Fn(&str) -> Look<'l>, ask: &Ask) -> Figure {
    let p = theme::palette(&Visuals::light());
    let mut charts = charts::of(p, view, scores, ask.classes);
    charts.retain(|chart| !chart.is_empty() && ask.charts.contains(&chart.id));
    let name = match charts.as_slice() {
        [only] => only.title.split('(').next().unwrap_or_default().trim().to_lowercase().replace(' ', "-"),
        _ => "curves".to_owned(),
    };
    // A chart of scores is called as the session says that the score is.
    let name = guard::safe_names(&[name]).concat();
    let name = format!("{name}-step{:07}.{}", view.step(), ask.format.name().to_lowercase());
    let content = match ask.format {
        FigureFormat::Csv => FigureContent::Text(table::csv(view, &charts)),
        FigureFormat::Svg => {
            FigureContent::Text(draw(p, &charts, looks, |(_, shapes, _, size)| svg::document(&shapes, size)))
        }
        FigureFormat::Png => FigureContent::Picture(draw(p, &charts, looks, |(ctx, shapes, textures, size)| {
            raster::picture(ctx.tessellate(shapes, SCALE), textures, size, SCALE)
        })),
    };
    Figure { name, content }
}

/// What is to be saved.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub charts: Vec<String>,
    pub format: FigureFormat,
    pub classes: bool,
}

/// What egui has drawn: what draws on, its shapes, its letters, and the size of it all.
type Drawn<'a> = (&'a Context, Vec<ClippedShape>, &'a TexturesDelta, Vec2);

fn draw<'l, R>(
    p: &Palette,
    charts: &[Chart<'_>],
    looks: &dyn Fn(&str) -> Look<'l>,
    finish: impl FnOnce(Drawn<'_>) -> R,
) -> R {
    let ctx = Context::default();
    theme::apply(&ctx);
    ctx.set_theme(Theme::Light);
    let mut input = RawInput::default();
    if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
        viewport.native_pixels_per_point = Some(SCALE);
    }
    let mut size = vec2(WIDTH, HEIGHT);
    let output = ctx.run_ui(input, |ui| {
        // How high it becomes is known when the names of the classes have been laid out.
        let width = WIDTH - 2.0 * MARGIN;
        let keys: Vec<Keys> = charts.iter().map(|chart| Keys::of(ui.painter(), chart, width, usize::MAX)).collect();
        size.y = keys.iter().map(|keys| HEIGHT + keys.height()).sum::<f32>().max(HEIGHT);
        let painter = ui.painter().with_clip_rect(Rect::from_min_size(pos2(0.0, 0.0), size));
        painter.rect_filled(painter.clip_rect(), 0.0, Color32::WHITE);
        let mut top = 6.0;
        for (chart, keys) in charts.iter().zip(&keys) {
            let height = HEIGHT + keys.height();
            let whole = Rect::from_min_size(pos2(MARGIN, top), vec2(width, height - 12.0));
            head(&painter, p, whole, chart);
            let below = whole.with_min_y(whole.bottom() - keys.height());
            let plot = Rect::from_min_max(pos2(whole.left(), whole.top() + TITLE), below.right_top());
            paint::chart(&painter, p, plot, chart, &looks(&chart.id));
            keys.paint(&painter, p, below, chart, &|_| String::new());
            top += height;
        }
    });
    let egui::FullOutput { shapes, mut textures_delta, .. } = output;
    let result = finish((&ctx, shapes, &textures_delta, size));
    // No graphics card will ever hold them.
    textures_delta.clear();
    result
}

/// The title, and the names in their colours of the curves that have no keys below.
fn head(painter: &Painter, p: &Palette, rect: Rect, chart: &Chart<'_>) {
    let font = FontId::proportional(14.0);
    painter.text(rect.left_top(), Align2::LEFT_TOP, &chart.title, font, p.strong);
    let mut right = rect.right();
    for curve in chart.curves.iter().filter(|curve| !curve.faint).rev() {
        let at = pos2(right, rect.top() + 2.0);
        let drawn = painter.text(at, Align2::RIGHT_TOP, curve.name, FontId::proportional(12.0), curve.color);
        painter.hline(drawn.left() - 18.0..=drawn.left() - 4.0, drawn.center().y, egui::Stroke::new(2.0, curve.color));
        right = drawn.left() - 30.0;
    }
}
