//! One image of a grid at its true pixels.

use egui::{ColorImage, Image, ScrollArea, TextureHandle, TextureOptions, Ui, Vec2, Window};

use super::super::grid_image::{GridImage, Pick};
use super::super::widgets;

/// Pixels of the screen for a pixel of the image.
const ZOOMS: [usize; 4] = [1, 2, 4, LARGEST];
const LARGEST: usize = 8;
/// Pixels of the screen that an image has at first, where that can be.
const COMFORTABLE: usize = 256;

/// The image that is looked at, and how large.
pub(super) struct Zoom {
    pub pick: Pick,
    /// Nothing while nobody has chosen.
    times: Option<usize>,
    texture: Option<(Shown, TextureHandle)>,
}

/// What kind of picture an image is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// A sample grid of the average, or real images.
    Grid,
    /// The difference of two grids.
    Difference,
    /// A grid of the live generator.
    Live,
}

/// What the texture holds: the step, the kind of picture, and the image.
type Shown = (usize, Shows, Pick);

impl Zoom {
    /// Looks at an image.
    pub fn of(pick: Pick) -> Self {
        Self { pick, times: None, texture: None }
    }

    /// Draws the window; false where it was closed. `image` is the grid, or the real images, that the image is in.
    pub fn ui(&mut self, ui: &Ui, image: &GridImage, names: &[String], shows: Shows, filled: &[usize]) -> bool {
        let grid = &image.picture;
        self.pick.row = self.pick.row.min(grid.rows.saturating_sub(1));
        let there = filled.get(self.pick.row).map_or(grid.columns, |filled| grid.columns.min(*filled)).max(1);
        self.pick.column = self.pick.column.min(there - 1);
        let shown = (grid.step, shows, self.pick);
        if self.texture.as_ref().is_none_or(|(known, _)| *known != shown) {
            let pixels: ColorImage = image.cell(self.pick.row, self.pick.column);
            self.texture = Some((shown, ui.ctx().load_texture("zoomed", pixels, TextureOptions::NEAREST)));
        }
        let mut open = true;
        let window = Window::new("Image").open(&mut open).collapsible(false).resizable([true, true]);
        let window = window.default_pos(ui.max_rect().left_top() + egui::vec2(24.0, 48.0));
        window.show(ui.ctx(), |ui| {
            // As large as the head is wide, so that small images are no stamps beside much of nothing.
            let fitting = ZOOMS.into_iter().find(|times| grid.cell * times >= COMFORTABLE).unwrap_or(LARGEST);
            let times = self.times.unwrap_or(fitting);
            self.head_ui(ui, times, names, (grid.rows, there));
            let side = (grid.cell * times) as f32 / ui.pixels_per_point();
            if let Some((_, texture)) = &self.texture {
                ScrollArea::both().max_height(560.0).max_width(640.0).show(ui, |ui| {
                    ui.add(Image::from_texture((texture.id(), Vec2::splat(side))).alt_text("One image of the grid"));
                });
            }
            let what = if self.pick.real { "real image" } else { "image" };
            let name = names.get(self.pick.row).map_or("", String::as_str);
            widgets::small(ui, format!("{name}, {what} {} of {there}, {} px", self.pick.column + 1, grid.cell));
        });
        open && !ui.input(|input| input.key_pressed(egui::Key::Escape))
    }

    fn head_ui(&mut self, ui: &mut Ui, shown: usize, names: &[String], (rows, columns): (usize, usize)) {
        ui.horizontal(|ui| {
            for times in ZOOMS {
                let label = ui.selectable_label(shown == times, format!("x{times}"));
                if label.on_hover_text(format!("{times} pixels of the screen for one of the image")).clicked() {
                    self.times = Some(times);
                }
            }
            ui.separator();
            if ui.add_enabled(self.pick.column > 0, egui::Button::new("Previous image")).clicked() {
                self.pick.column -= 1;
            }
            if ui.add_enabled(self.pick.column + 1 < columns, egui::Button::new("Next image")).clicked() {
                self.pick.column += 1;
            }
            let next = names.get((self.pick.row + 1) % rows.max(1)).map_or("", String::as_str);
            if ui.button("Next class").on_hover_text(next).clicked() {
                self.pick.row = (self.pick.row + 1) % rows.max(1);
            }
        });
    }
}
