//! Real images as a growing discriminator sees them (Karras et al. 2018).

use candle_core::{Result, Tensor, bail};

use crate::config::Stage;
use crate::ops::{Value, Window};

/// `(B, size, size, channels)` averaged down to the stage's size. While layers fade in, as much detail of that size is left
/// out as their share lacks: `(1 - fade) * x averaged to half its size and enlarged again + fade * x`.
pub(super) fn real_images(images: &Tensor, stage: Stage) -> Result<Value> {
    let images = Value::constant(images.clone());
    let Some(resolution) = stage.resolution else { return Ok(images) };
    let size = images.dims()[1];
    if resolution == 0 || !size.is_multiple_of(resolution) {
        bail!("images of {size} px cannot be averaged to {resolution} px");
    }
    let halve = |images: &Value, times| images.average_pool(Window::square(times, times, 0));
    let images = if size > resolution { halve(&images, size / resolution)? } else { images };
    if !stage.fading() {
        return Ok(images);
    }
    let coarse = halve(&images, 2)?.upsample(2)?;
    coarse.scale(1.0 - stage.fade)?.add(&images.scale(stage.fade)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn shown(stage: Stage) -> Vec<f32> {
        let numbers: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let images = Tensor::from_vec(numbers, (1, 4, 4, 1), &Device::Cpu).unwrap();
        real_images(&images, stage).unwrap().tensor().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn images_are_averaged_and_detail_fades_in() {
        let at = |resolution, fade| Stage { resolution, fade, condition: 1.0 };
        let whole: Vec<f32> = (0..16).map(|i| i as f32).collect();
        assert_eq!(shown(at(None, 1.0)), whole);
        assert_eq!(shown(at(Some(4), 1.0)), whole);
        assert_eq!(shown(at(Some(2), 1.0)), [2.5, 4.5, 10.5, 12.5]);
        // The mean of all is 7.5; a quarter of the way from it to each.
        assert_eq!(shown(at(Some(2), 0.25)), [6.25, 6.75, 8.25, 8.75]);
    }
}
