//! Animated WebP: a container of frames around lossless pictures (RFC 9649), which the `image` crate reads but does not write.

use anyhow::{Context as _, bail};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, RgbImage};

use crate::engine::export::provenance::Provenance;

/// Flags of the head: there are frames, and what the file tells of itself.
const ANIMATION: u8 = 1 << 1;
const XMP: u8 = 1 << 2;
/// A frame that replaces what was there before.
const REPLACES: u8 = 1 << 1;
/// Bytes of `RIFF`, a length and `WEBP`.
const HEAD: usize = 12;

/// A WebP that grows frame by frame.
pub(super) struct Writer {
    about: String,
    size: Option<(u32, u32)>,
    frames: Vec<u8>,
}

impl Writer {
    pub fn new(marks: &Provenance) -> Self {
        Self { about: xmp(marks), size: None, frames: Vec::new() }
    }

    pub fn push(&mut self, frame: &RgbImage, seconds: f64) -> anyhow::Result<()> {
        let (width, height) = *self.size.get_or_insert(frame.dimensions());
        if (width, height) != frame.dimensions() || width == 0 || height == 0 || width > 16_384 || height > 16_384 {
            bail!("a frame of {} x {} pixels does not fit into the animation", frame.width(), frame.height());
        }
        let mut picture = Vec::new();
        WebPEncoder::new_lossless(&mut picture).encode(frame, width, height, ExtendedColorType::Rgb8)?;
        // The picture's own chunk, without the container around it.
        let picture = picture.get(HEAD..).context("the picture is empty")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let milliseconds = (seconds * 1000.0).round().clamp(20.0, 16_777_215.0) as u32;
        let mut content = vec![0; 6]; // At the upper left corner.
        for number in [width - 1, height - 1, milliseconds] {
            content.extend(&number.to_le_bytes()[..3]);
        }
        content.push(REPLACES);
        content.extend(picture);
        chunk(&mut self.frames, b"ANMF", &content)
    }

    pub fn finish(self) -> anyhow::Result<Vec<u8>> {
        let (width, height) = self.size.context("an animation needs a frame")?;
        let mut head = vec![ANIMATION | XMP, 0, 0, 0];
        for number in [width - 1, height - 1] {
            head.extend(&number.to_le_bytes()[..3]);
        }
        let mut body = b"WEBP".to_vec();
        chunk(&mut body, b"VP8X", &head)?;
        // A background that is never seen, and repeated for ever.
        chunk(&mut body, b"ANIM", &[0; 6])?;
        body.extend(self.frames);
        chunk(&mut body, b"XMP ", self.about.as_bytes())?;
        let mut out = Vec::with_capacity(body.len() + 8);
        chunk(&mut out, b"RIFF", &body)?;
        Ok(out)
    }
}

/// A name, a length, the content, and a byte that makes it even.
fn chunk(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) -> anyhow::Result<()> {
    let length = u32::try_from(content.len()).ok().filter(|length| *length < u32::MAX - 16);
    let length = length.context("the animation is larger than a WebP file can be (4 GiB): ask for fewer frames")?;
    out.extend(name);
    out.extend(length.to_le_bytes());
    out.extend(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
    Ok(())
}

/// The marks as XMP (ISO 16684-1) has properties.
fn xmp(marks: &Provenance) -> String {
    let escaped = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        text.replace(|c: char| c.is_control(), " ")
    };
    let properties: String =
        marks.iter().map(|(name, value)| format!(" gandle:{name}=\"{}\"", escaped(value))).collect();
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:gandle=\"urn:gandle:\"{properties}/></rdf:RDF></x:xmpmeta>"
    )
}

#[cfg(test)]
mod tests {
    use image::codecs::webp::WebPDecoder;
    use image::{AnimationDecoder as _, ImageDecoder as _};

    use super::*;
    use crate::session::CheckpointState;

    fn marks() -> Provenance {
        let state = r#"{"schema":1,"step":9,"config":{},"classes":["a & \"b\"","c"],"loader_position":0,"discriminator_draws":0,"generator_draws":0,"seconds":0,"files":[]}"#;
        let state: CheckpointState = serde_json::from_str(state).unwrap();
        Provenance::of_checkpoint(std::path::Path::new("cells"), &state).unwrap()
    }

    #[test]
    fn frames_delays_and_marks_come_back() {
        // Odd sizes and odd lengths.
        let frame = |i: u32| RgbImage::from_fn(7, 5, |x, y| image::Rgb([x as u8 * 36, y as u8 * 51, (i * 90) as u8]));
        let mut writer = Writer::new(&marks());
        for i in 0..3 {
            writer.push(&frame(i), if i == 2 { 1.5 } else { 0.125 }).unwrap();
        }
        assert!(writer.push(&RgbImage::new(7, 6), 0.1).is_err());
        let bytes = writer.finish().unwrap();
        let mut decoder = WebPDecoder::new(std::io::Cursor::new(&bytes)).unwrap();
        assert!(decoder.has_animation());
        let told = String::from_utf8(decoder.xmp_metadata().unwrap().unwrap()).unwrap();
        for part in ["gandle:step=\"9\"", "gandle:session=\"cells\"", "a &amp; \\&quot;b\\&quot;"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let frames = decoder.into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        for (i, got) in frames.iter().enumerate() {
            let want = frame(i as u32);
            assert!(got.buffer().pixels().zip(want.pixels()).all(|(got, want)| got.0[..3] == want.0), "frame {i}");
            assert_eq!(got.delay().numer_denom_ms().0, if i == 2 { 1500 } else { 125 });
        }
    }

    #[test]
    fn a_film_without_a_frame_is_none() {
        assert!(Writer::new(&marks()).finish().is_err());
    }
}
