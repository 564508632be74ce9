//! Draws grids of images: one row a class, crisp at whole zooms, each image enlarged on hover.

use egui::{
    Align2, Color32, ColorImage, Context, CornerRadius, Pos2, Rect, Role, Sense, TextureFilter, TextureHandle,
    TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::theme;
use super::widgets::{elided, palette, small_font};
use crate::event::GridPicture;

/// The widest that names of classes may be.
const NAMES: f32 = 108.0;
/// The size of images below which columns are left out, where they may be.
const COMFORTABLE: f32 = 52.0;
/// Height of a name above its row.
const ABOVE: f32 = 18.0;
/// How many times as large images must become for names to leave the left side.
const WORTH: f32 = 1.1;
/// Room between a grid and the real images beside it.
const APART: f32 = 14.0;
/// The smallest that images may become before the grid scrolls instead.
const SMALLEST: f32 = 26.0;

/// A grid on the graphics card.
pub struct GridImage {
    /// The grid.
    pub picture: GridPicture,
    texture: TextureHandle,
    filter: TextureFilter,
    /// Whether columns may be left out to keep images large: one real image is as good as another.
    crops: bool,
}

impl GridImage {
    /// Uploads a grid.
    pub fn new(ctx: &Context, picture: GridPicture) -> Self {
        let filter = TextureFilter::Linear;
        let name = format!("grid-{}", picture.step);
        let texture = ctx.load_texture(name, pixels(ctx, &picture), options(filter));
        Self { picture, texture, filter, crops: false }
    }

    /// Leaves out columns where they would make the images small.
    pub fn cropping(self) -> Self {
        Self { crops: true, ..self }
    }

    /// Bytes on the graphics card, and of the picture itself.
    pub fn bytes(&self) -> usize {
        self.picture.picture.width * self.picture.picture.height * (4 + 3)
    }

    /// Magnified pixels stay squares at whole zooms, and are blended at others.
    fn set_filter(&mut self, ctx: &Context, filter: TextureFilter) {
        if self.filter != filter {
            self.filter = filter;
            self.texture.set(pixels(ctx, &self.picture), options(filter));
        }
    }

    /// The part of the texture that holds an image.
    fn part(&self, row: usize, column: usize) -> Rect {
        let (width, height) = (1.0 / self.picture.columns.max(1) as f32, 1.0 / self.picture.rows.max(1) as f32);
        Rect::from_min_size(pos2(column as f32 * width, row as f32 * height), vec2(width, height))
    }

    /// Draws the grid into the room that is left, with the names of its rows. `filled` holds how many images of each row
    /// there are, where they are not all there.
    pub fn ui(&mut self, ui: &mut Ui, names: &[String], filled: &[usize]) {
        self.beside_ui(ui, names, filled, None);
    }

    /// The same, with real images of the same rows on the right. Returns the image that was clicked.
    pub fn beside_ui(
        &mut self,
        ui: &mut Ui,
        names: &[String],
        filled: &[usize],
        mut beside: Option<Beside<'_>>,
    ) -> Option<Pick> {
        let extra = beside.as_ref().map_or(0, |beside| beside.columns.min(beside.image.picture.columns));
        let layout = Layout::new(ui, self, names, ui.available_size(), extra);
        let filter = layout.filter();
        self.set_filter(ui.ctx(), filter);
        if let Some(beside) = &mut beside {
            beside.image.set_filter(ui.ctx(), filter);
        }
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]).show(ui, |ui| {
            let left = ((ui.available_width() - layout.size.x) / 2.0).max(0.0);
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), layout.size.y), Sense::click());
            let about = format!("Grid of images, {} rows of {}", self.picture.rows, layout.columns);
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &about));
            let origin = snap(ui, rect.min + vec2(left, layout.captions));
            self.paint(ui, (names, filled), &layout, origin);
            let at = response.interact_pointer_pos().or(response.hover_pos()).map(|pos| pos - origin);
            let there =
                |row: usize, column: usize, filled: &[usize]| filled.get(row).is_none_or(|there| column < *there);
            let mut pick = at.and_then(|at| layout.cell_at(at, self.picture.rows, layout.columns));
            pick = pick.filter(|(row, column)| there(*row, *column, filled));
            let mut picked = pick.map(|(row, column)| (&*self, Pick { row, column, real: false }));
            if let Some(Beside { image, filled, .. }) = &beside {
                let shift = vec2(layout.columns as f32 * layout.pitch + APART, 0.0);
                let own = Layout { columns: extra, ..layout };
                image.paint(ui, (&[], filled), &own, snap(ui, origin + shift));
                captions(ui, &layout, origin, shift);
                let pick = at.and_then(|at| own.cell_at(at - shift, image.picture.rows, extra));
                let pick = pick.filter(|(row, column)| there(*row, *column, filled));
                picked = picked.or(pick.map(|(row, column)| (&**image, Pick { row, column, real: true })));
            }
            let clicked = response.clicked();
            if let Some((image, pick)) = &picked {
                let name = names.get(pick.row).map_or("", String::as_str);
                let what = if pick.real { "real image" } else { "image" };
                response.on_hover_ui_at_pointer(|ui| image.enlarged(ui, pick, &format!("{name}, {what}")));
            }
            picked.map(|(_, pick)| pick).filter(|_| clicked)
        });
        area.inner
    }

    /// The pixels of one image.
    pub fn cell(&self, row: usize, column: usize) -> ColorImage {
        let GridPicture { cell, picture, .. } = &self.picture;
        let line = |y: usize| &picture.rgb[((row * cell + y) * picture.width + column * cell) * 3..][..cell * 3];
        let rgb: Vec<u8> = (0..*cell).flat_map(line).copied().collect();
        ColorImage::from_rgb([*cell, *cell], &rgb)
    }

    fn paint(&self, ui: &Ui, (names, filled): (&[String], &[usize]), layout: &Layout, origin: Pos2) {
        let painter = ui.painter();
        let color = palette(ui).muted;
        for row in 0..self.picture.rows {
            let top = origin.y + layout.top(row);
            if let Some(name) = names.get(row) {
                let place = if layout.above > 0.0 {
                    let width = layout.columns as f32 * layout.pitch;
                    Rect::from_min_size(pos2(origin.x, top - layout.above), vec2(width, layout.above))
                } else {
                    Rect::from_min_size(pos2(origin.x, top), vec2(layout.names - 8.0, layout.cell))
                };
                let name = elided(painter, name, small_font(), color, place.width());
                painter.galley(place.left_center() - vec2(0.0, name.size().y / 2.0), name, color);
            }
            for column in 0..filled.get(row).map_or(layout.columns, |filled| layout.columns.min(*filled)) {
                let min = pos2(origin.x + layout.names + column as f32 * layout.pitch, top);
                let at = Rect::from_min_size(min, Vec2::splat(layout.cell));
                painter.image(self.texture.id(), at, self.part(row, column), Color32::WHITE);
            }
        }
    }

    fn enlarged(&self, ui: &mut Ui, pick: &Pick, name: &str) {
        let image = egui::Image::from_texture((self.texture.id(), Vec2::splat(theme::ENLARGED)));
        ui.add(image.uv(self.part(pick.row, pick.column)).corner_radius(CornerRadius::same(4)).alt_text(name));
        super::widgets::small(ui, format!("{name} {}", pick.column + 1));
    }
}

/// Real images beside a grid.
pub struct Beside<'a> {
    /// One row a class, like the grid.
    pub image: &'a mut GridImage,
    /// How many images of each row there are.
    pub filled: &'a [usize],
    /// How many of a row are shown.
    pub columns: usize,
}

/// An image of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its class.
    pub row: usize,
    /// Its place in the row.
    pub column: usize,
    /// Whether it is a real one beside the grid.
    pub real: bool,
}

/// What stands in which part, above both, and a line between them.
fn captions(ui: &Ui, layout: &Layout, origin: Pos2, shift: Vec2) {
    let p = palette(ui);
    for (text, left) in [("generated", 0.0), ("real", shift.x)] {
        let at = origin + vec2(layout.names + left, -4.0);
        ui.painter().text(at, Align2::LEFT_BOTTOM, text, small_font(), p.muted);
    }
    let x = origin.x + layout.names + shift.x - APART / 2.0 - layout.pitch * 0.01;
    let lines = origin.y - layout.captions..=origin.y + layout.size.y - layout.captions;
    ui.painter().vline(x, lines, egui::Stroke::new(1.0, p.border));
}

/// Where the parts of a grid go, in points.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Width of the names left of the images; 0 where they stand above their rows.
    names: f32,
    /// Height of the name above each row; 0 where they stand on the left.
    above: f32,
    /// Height of what is written above the images.
    captions: f32,
    columns: usize,
    cell: f32,
    pitch: f32,
    /// Pixels of the screen for a pixel of an image.
    zoom: f32,
    size: Vec2,
}

impl Layout {
    /// Names stand on the left, or above their rows where that makes the images larger: in a room that is higher than wide.
    fn new(ui: &Ui, image: &GridImage, names: &[String], room: Vec2, extra: usize) -> Self {
        let (width, scale) = (names_width(ui, names), ui.pixels_per_point());
        let left = Self::fitting(image, scale, (width, 0.0), room, extra);
        if names.is_empty() {
            return left;
        }
        let above = Self::fitting(image, scale, (0.0, ABOVE), room, extra);
        let better = above.cell > left.cell * WORTH && above.size.y <= room.y && above.columns >= left.columns;
        if better { above } else { left }
    }

    fn fitting(image: &GridImage, scale: f32, (names, above): (f32, f32), room: Vec2, extra: usize) -> Self {
        let grid = &image.picture;
        let gap = theme::GRID_GAP / scale;
        let shown = if image.crops { ((room.x - names) / COMFORTABLE).max(1.0) as usize } else { usize::MAX };
        let shown = shown.min(grid.columns).max(1);
        let (apart, captions) = if extra > 0 { (APART, 18.0) } else { (0.0, 0.0) };
        let (columns, rows) = ((shown + extra) as f32, grid.rows.max(1) as f32);
        let wide = (room.x - names - apart) / columns - gap;
        let room = room - vec2(0.0, captions);
        let fits = wide.min(room.y / rows - gap - above);
        let cell = fits.max(SMALLEST.min(wide)).max(4.0) * scale;
        let zoom = whole_where_sensible(cell / grid.cell.max(1) as f32);
        let cell = (grid.cell as f32 * zoom).floor().max(1.0) / scale;
        let pitch = cell + gap;
        let size = vec2(names + columns * pitch + apart, rows * (pitch + above) + captions);
        Self { names, above, captions, columns: shown, cell, pitch, zoom, size }
    }

    /// The top of a row's images, from the top of the grid.
    fn top(&self, row: usize) -> f32 {
        row as f32 * (self.pitch + self.above) + self.above
    }

    fn cell_at(&self, offset: Vec2, rows: usize, columns: usize) -> Option<(usize, usize)> {
        let (x, y) = ((offset.x - self.names) / self.pitch, offset.y / (self.pitch + self.above));
        let inside = x >= 0.0 && y >= 0.0 && (x as usize) < columns && (y as usize) < rows;
        let on_image = inside && offset.y >= self.top(y as usize);
        on_image.then_some((y as usize, x as usize))
    }

    fn filter(&self) -> TextureFilter {
        let crisp = self.zoom >= 1.0 && self.zoom.fract() == 0.0;
        if crisp { TextureFilter::Nearest } else { TextureFilter::Linear }
    }
}

/// From twice on, whole zooms alone keep pixels square; below, they would waste up to half of the room.
pub fn whole_where_sensible(zoom: f32) -> f32 {
    if zoom >= 2.0 { zoom.floor() } else { zoom }
}

fn names_width(ui: &Ui, names: &[String]) -> f32 {
    let width = |name: &String| ui.painter().layout_no_wrap(name.clone(), small_font(), Color32::WHITE).size().x;
    names.iter().map(width).fold(0.0, f32::max).min(NAMES) + 10.0
}

fn snap(ui: &Ui, pos: Pos2) -> Pos2 {
    let scale = ui.pixels_per_point();
    pos2((pos.x * scale).round() / scale, (pos.y * scale).round() / scale)
}

fn options(magnification: TextureFilter) -> TextureOptions {
    TextureOptions { magnification, ..TextureOptions::LINEAR }
}

/// The grid's pixels, averaged down where they exceed what the graphics card can hold.
fn pixels(ctx: &Context, grid: &GridPicture) -> ColorImage {
    let picture = &grid.picture;
    let most = ctx.input(|input| input.max_texture_side).max(1);
    let factor = picture.width.max(picture.height).div_ceil(most).max(1);
    if factor == 1 {
        return ColorImage::from_rgb([picture.width, picture.height], &picture.rgb);
    }
    let (width, height) = (picture.width / factor, picture.height / factor);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for (y, x, channel) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (y, x, c)))) {
        let at = |i: usize, j: usize| picture.rgb[((y * factor + i) * picture.width + x * factor + j) * 3 + channel];
        let sum: usize =
            (0..factor).flat_map(|i| (0..factor).map(move |j| (i, j))).map(|(i, j)| usize::from(at(i, j))).sum();
        rgb.push((sum / (factor * factor)) as u8);
    }
    ColorImage::from_rgb([width, height], &rgb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Picture;

    #[test]
    fn large_grids_are_averaged_to_what_fits() {
        let ctx = Context::default();
        let side = 2 * ctx.input(|input| input.max_texture_side);
        let rgb: Vec<u8> = (0..side * 2 * 3).map(|at| if (at / 3) % 2 == 0 { 10 } else { 30 }).collect();
        let picture = Picture { width: side, height: 2, rgb: rgb.into() };
        let image = pixels(&ctx, &GridPicture { step: 0, columns: 1, rows: 1, cell: 2, picture });
        assert_eq!(image.size, [side / 2, 1]);
        assert!(image.pixels.iter().all(|pixel| *pixel == Color32::from_gray(20)));
    }

    #[test]
    fn names_stand_above_their_rows_where_images_become_larger() {
        let layout = |room: Vec2| {
            let ctx = Context::default();
            let mut found = None;
            let picture = Picture { width: 256, height: 192, rgb: vec![0; 256 * 192 * 3].into() };
            let image = GridImage::new(&ctx, GridPicture { step: 0, columns: 8, rows: 6, cell: 32, picture });
            let names = ["lymphocyte"; 6].map(str::to_owned);
            ctx.run_ui(egui::RawInput::default(), |ui| found = Some(Layout::new(ui, &image, &names, room, 0)))
                .textures_delta
                .clear();
            found.unwrap()
        };
        let (high, wide) = (layout(vec2(430.0, 490.0)), layout(vec2(900.0, 300.0)));
        assert!(high.above > 0.0 && high.names == 0.0 && high.cell > 50.0, "{high:?}");
        assert!(wide.above == 0.0 && wide.names > 0.0, "{wide:?}");
        assert_eq!(high.cell_at(vec2(2.0, high.top(1) - 3.0), 6, 8), None, "a name is no image");
        assert_eq!(high.cell_at(vec2(2.0, high.top(1) + 3.0), 6, 8), Some((1, 0)));
        assert_eq!(wide.cell_at(vec2(wide.names + wide.pitch * 7.5, wide.top(5) + 3.0), 6, 8), Some((5, 7)));
    }

    #[test]
    fn zooms_are_whole_from_twice_on() {
        assert_eq!([0.7, 1.5, 2.0, 3.9].map(whole_where_sensible), [0.7, 1.5, 2.0, 3.0]);
    }
}
