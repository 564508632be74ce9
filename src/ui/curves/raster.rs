//! What egui has drawn, as pixels: triangles with a texture, painted in their order.

use egui::epaint::{ClippedPrimitive, Primitive, Vertex};
use egui::{Color32, ColorImage, ImageData, Pos2, Rect, TextureId, TexturesDelta, Vec2};

use crate::event::Picture;

/// Paints triangles on white. Texts take their letters from the texture with the id of the fonts, the only one that is read.
pub(super) fn picture(parts: Vec<ClippedPrimitive>, textures: &TexturesDelta, size: Vec2, scale: f32) -> Picture {
    let (width, height) = ((size.x * scale).ceil() as usize, (size.y * scale).ceil() as usize);
    let mut canvas = Canvas { width, height, pixels: vec![Color32::WHITE; width * height] };
    let fonts = textures.set.get(&TextureId::default()).and_then(|deltas| deltas.last());
    let fonts = fonts.map(|delta| {
        let ImageData::Color(image) = &delta.image;
        image.clone()
    });
    for part in parts {
        let Primitive::Mesh(mesh) = part.primitive else { continue };
        let clip = part.clip_rect * scale;
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |at: usize| mesh.vertices.get(corners[at] as usize).copied();
            if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2)) {
                canvas.triangle([a, b, c], clip, scale, fonts.as_deref());
            }
        }
    }
    let rgb: Vec<u8> = canvas.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    Picture { width, height, rgb: rgb.into() }
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
}

impl Canvas {
    /// Every pixel whose middle lies in the triangle; an edge that two triangles share belongs to one of them.
    fn triangle(&mut self, corners: [Vertex; 3], clip: Rect, scale: f32, fonts: Option<&ColorImage>) {
        let [a, mut b, mut c] = corners;
        let at = |vertex: &Vertex| Pos2::new(vertex.pos.x * scale, vertex.pos.y * scale);
        let area = cross(at(&a), at(&b), at(&c));
        if area == 0.0 || !area.is_finite() {
            return;
        }
        if area < 0.0 {
            std::mem::swap(&mut b, &mut c);
        }
        let (pa, pb, pc, area) = (at(&a), at(&b), at(&c), area.abs());
        let bounds = Rect::from_points(&[pa, pb, pc]).intersect(clip);
        let (left, top) = (bounds.left().max(0.0) as usize, bounds.top().max(0.0) as usize);
        let (right, bottom) = (bounds.right().ceil().max(0.0) as usize, bounds.bottom().ceil().max(0.0) as usize);
        for y in top..bottom.min(self.height) {
            for x in left..right.min(self.width) {
                let p = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                let weights = [(pb, pc), (pc, pa), (pa, pb)].map(|(from, to)| inside(from, to, p));
                let [Some(u), Some(v), Some(w)] = weights else { continue };
                if !clip.contains(p) {
                    continue;
                }
                let mix = |value: fn(&Vertex) -> f32| (u * value(&a) + v * value(&b) + w * value(&c)) / area;
                let color = [
                    mix(|v| f32::from(v.color.r())),
                    mix(|v| f32::from(v.color.g())),
                    mix(|v| f32::from(v.color.b())),
                    mix(|v| f32::from(v.color.a())),
                ];
                let texel = texel(fonts, mix(|v| v.uv.x), mix(|v| v.uv.y));
                self.blend(y * self.width + x, color, texel);
            }
        }
    }

    /// Premultiplied alpha, as egui's own painters do.
    fn blend(&mut self, at: usize, color: [f32; 4], texel: [f32; 4]) {
        let source: Vec<f32> = color.iter().zip(texel).map(|(color, texel)| color * texel / 255.0).collect();
        let below = self.pixels[at].to_array();
        let mut out = [255; 4];
        for (channel, out) in out.iter_mut().enumerate().take(3) {
            let value = source[channel] + f32::from(below[channel]) * (1.0 - source[3] / 255.0);
            *out = value.round().clamp(0.0, 255.0) as u8;
        }
        self.pixels[at] = Color32::from_rgb(out[0], out[1], out[2]);
    }
}

/// Twice the area of a triangle, above 0 where its corners go round clockwise on the screen.
fn cross(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// How far a point is on the inner side of an edge; nothing on the other side. Points on the edge are inside of one of its
/// two directions alone.
fn inside(from: Pos2, to: Pos2, p: Pos2) -> Option<f32> {
    let side = cross(from, to, p);
    let first = to.y < from.y || (to.y == from.y && to.x > from.x);
    (side > 0.0 || (side == 0.0 && first)).then_some(side)
}

/// The texture's colour between its four nearest pixels.
fn texel(image: Option<&ColorImage>, u: f32, v: f32) -> [f32; 4] {
    let Some(image) = image.filter(|image| image.size[0] > 0 && image.size[1] > 0) else { return [255.0; 4] };
    let [width, height] = image.size;
    let (x, y) = ((u * width as f32 - 0.5).max(0.0), (v * height as f32 - 0.5).max(0.0));
    let (left, top) = ((x as usize).min(width - 1), (y as usize).min(height - 1));
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (fx, fy) = ((x - left as f32).clamp(0.0, 1.0), (y - top as f32).clamp(0.0, 1.0));
    let at = |x: usize, y: usize| image.pixels[y * width + x].to_array().map(f32::from);
    let (a, b, c, d) = (at(left, top), at(right, top), at(left, bottom), at(right, bottom));
    let mix = |channel: usize| {
        let (upper, lower) = (a[channel] * (1.0 - fx) + b[channel] * fx, c[channel] * (1.0 - fx) + d[channel] * fx);
        upper * (1.0 - fy) + lower * fy
    };
    [mix(0), mix(1), mix(2), mix(3)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::epaint::Mesh;

    fn square(clip: Rect) -> Picture {
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(
            Rect::from_min_max(Pos2::new(1.0, 1.0), Pos2::new(3.0, 3.0)),
            Color32::from_black_alpha(128),
        );
        let part = ClippedPrimitive { clip_rect: clip, primitive: Primitive::Mesh(mesh) };
        picture(vec![part], &TexturesDelta::default(), Vec2::splat(4.0), 1.0)
    }

    #[test]
    fn a_square_of_two_triangles_covers_each_pixel_once_and_is_clipped() {
        let grey = |picture: &Picture| picture.rgb.iter().step_by(3).map(|byte| *byte != 255).collect::<Vec<_>>();
        let whole = square(Rect::EVERYTHING);
        let want: Vec<bool> = (0..16).map(|at| (1..3).contains(&(at / 4)) && (1..3).contains(&(at % 4))).collect();
        assert_eq!(grey(&whole), want);
        assert!(whole.rgb.iter().all(|byte| [255, 127].contains(byte)), "{:?}", whole.rgb);
        let half = square(Rect::from_min_max(Pos2::ZERO, Pos2::new(2.0, 4.0)));
        assert_eq!(grey(&half).iter().filter(|covered| **covered).count(), 2);
    }
}
