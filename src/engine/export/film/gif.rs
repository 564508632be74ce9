//! Animated GIF with a comment.

use ::gif::{AnyExtension, Encoder, Extension, Frame, Repeat};
use anyhow::Context as _;
use image::RgbImage;

/// How carefully colours are chosen: 1 is best and slowest, 30 fastest.
const SPEED: i32 = 10;

/// A GIF that grows frame by frame.
pub(super) struct Writer {
    comment: String,
    encoder: Option<Encoder<Vec<u8>>>,
}

impl Writer {
    pub fn new(comment: String) -> Self {
        Self { comment, encoder: None }
    }

    pub fn push(&mut self, frame: &RgbImage, seconds: f64) -> anyhow::Result<()> {
        let (width, height) = (u16::try_from(frame.width())?, u16::try_from(frame.height())?);
        if self.encoder.is_none() {
            let mut encoder = Encoder::new(Vec::new(), width, height, &[])?;
            encoder.set_repeat(Repeat::Infinite)?;
            // The format has it in blocks of at most 255 bytes.
            let blocks: Vec<&[u8]> = self.comment.as_bytes().chunks(255).collect();
            encoder.write_raw_extension(AnyExtension(Extension::Comment as u8), &blocks)?;
            self.encoder = Some(encoder);
        }
        let encoder = self.encoder.as_mut().context("no frame was begun")?;
        let mut frame = Frame::from_rgb_speed(width, height, frame, SPEED);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let hundredths = (seconds * 100.0).round().clamp(2.0, 65_535.0) as u16;
        frame.delay = hundredths;
        Ok(encoder.write_frame(&frame)?)
    }

    pub fn finish(self) -> anyhow::Result<Vec<u8>> {
        Ok(self.encoder.context("an animation needs a frame")?.into_inner()?)
    }
}

#[cfg(test)]
mod tests {
    use image::AnimationDecoder as _;
    use image::codecs::gif::GifDecoder;

    use super::*;

    #[test]
    fn frames_delays_and_comment_come_back() {
        let frame = |i: u32| RgbImage::from_fn(6, 4, |x, y| image::Rgb([x as u8 * 40, y as u8 * 60, i as u8 * 100]));
        let comment = "{\"session\":\"x\"}".repeat(40);
        let mut writer = Writer::new(comment.clone());
        for i in 0..3 {
            writer.push(&frame(i), if i == 2 { 1.5 } else { 0.1 }).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let frames = GifDecoder::new(std::io::Cursor::new(&bytes)).unwrap().into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        for (i, got) in frames.iter().enumerate() {
            let want = frame(i as u32);
            assert!(got.buffer().pixels().zip(want.pixels()).all(|(got, want)| got.0[..3] == want.0), "frame {i}");
            assert_eq!(got.delay().numer_denom_ms(), if i == 2 { (1500, 1) } else { (100, 1) });
        }
        // A block begins with its length.
        let text: Vec<u8> = comment.bytes().take(255).collect();
        let at = bytes.windows(258).position(|part| part[..3] == [0x21, 0xfe, 255] && part[3..] == text);
        assert!(at.is_some());
    }
}
