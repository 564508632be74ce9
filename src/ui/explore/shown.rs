//! A picture that was drawn, on the graphics card.

use egui::{Color32, Context, Rect, TextureFilter, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2};

use super::super::grid_image::whole_where_sensible;
use crate::event::{Exploration, GridPicture};

/// A picture on the graphics card.
pub(super) struct Shown {
    pub of: Exploration,
    pub picture: GridPicture,
    pub texture: TextureHandle,
    filter: TextureFilter,
}

impl Shown {
    pub fn new(ctx: &Context, of: Exploration, picture: GridPicture) -> Self {
        let texture = ctx.load_texture("explore", pixels(&picture), TextureOptions::NEAREST);
        Self { of, picture, texture, filter: TextureFilter::Nearest }
    }

    /// How many times as large it is drawn in a room; from twice on whole times, which keep pixels squares, and below
    /// as large as it fits.
    pub fn scale(&mut self, room: Vec2) -> f32 {
        let scale = (room.x / self.picture.picture.width as f32).min(room.y / self.picture.picture.height as f32);
        let scale = whole_where_sensible(scale.max(0.05));
        let filter = if scale >= 1.0 && scale.fract() == 0.0 { TextureFilter::Nearest } else { TextureFilter::Linear };
        if self.filter != filter {
            self.filter = filter;
            self.texture
                .set(pixels(&self.picture), TextureOptions { magnification: filter, ..TextureOptions::NEAREST });
        }
        scale
    }

    /// Where an image stands in the texture.
    pub fn part(&self, image: usize) -> Rect {
        let (columns, rows) = (self.picture.columns.max(1), self.picture.rows.max(1));
        let (width, height) = (1.0 / columns as f32, 1.0 / rows as f32);
        let (left, top) = ((image % columns) as f32 * width, (image / columns) as f32 * height);
        Rect::from_min_size(pos2(left, top), vec2(width, height))
    }

    /// Draws all images into a rectangle and returns the one that the pointer is on.
    pub fn draw(&self, ui: &Ui, rect: Rect, pointer: Option<egui::Pos2>) -> Option<(usize, Rect)> {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(self.texture.id(), rect, whole, Color32::WHITE);
        let pointer = pointer.filter(|at| rect.contains(*at))?;
        let cell = vec2(rect.width() / self.picture.columns as f32, rect.height() / self.picture.rows as f32);
        let at = (pointer - rect.min) / cell;
        let (column, row) = (at.x as usize, at.y as usize);
        let image = row.min(self.picture.rows - 1) * self.picture.columns + column.min(self.picture.columns - 1);
        let place = Rect::from_min_size(rect.min + vec2(column as f32, row as f32) * cell, cell);
        Some((image, place))
    }
}

fn pixels(picture: &GridPicture) -> egui::ColorImage {
    let picture = &picture.picture;
    egui::ColorImage::from_rgb([picture.width, picture.height], &picture.rgb)
}
