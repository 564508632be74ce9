//! Changes of settings that bring others along, so that one click never leaves a configuration that cannot run.

use crate::config::{Config, Preset, check::IMAGE_SIZES};

/// The image sizes to choose from.
pub fn image_sizes() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(*IMAGE_SIZES.start()), |size| Some(size * 2))
        .take_while(|size| IMAGE_SIZES.contains(size))
}

/// The most discriminators that an image size has room for: the smallest must see 16 pixels.
pub fn most_scales(image_size: usize) -> usize {
    (image_size.max(16).ilog2() - 3) as usize
}

/// The sizes from which the networks can grow to an image size; 0 for not growing.
pub fn starts(image_size: usize) -> impl Iterator<Item = usize> {
    [0, 8, 16].into_iter().filter(move |start| *start < image_size)
}

/// Moves attention at resolutions that the networks no longer have to their widest map, and drops scales that no longer fit, and a start of growth that is
/// not smaller any more.
pub fn fit_to_image_size(config: &mut Config) {
    config.fit_attention();
    config.discriminator.scales = config.discriminator.scales.clamp(1, most_scales(config.image_size));
    config.growing.start = starts(config.image_size).filter(|start| *start <= config.growing.start).last().unwrap_or(0);
}

/// What depends on the image size: attention of both networks, scales, and the start of growth.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fitted {
    attention: [Vec<usize>; 2],
    scales: usize,
    start: usize,
}

impl Fitted {
    fn of(config: &Config) -> Self {
        let attention = [config.generator.attention.clone(), config.discriminator.attention.clone()];
        Self { attention, scales: config.discriminator.scales, start: config.growing.start }
    }
}

/// What was wanted of the networks before an image size had no room for it.
#[derive(Clone, Debug)]
pub struct Wanted {
    wanted: Fitted,
    fitted: Fitted,
}

impl Wanted {
    /// Sets the image size. What another one took from the networks comes back, unless they were changed since.
    pub fn resize(before: Option<Self>, config: &mut Config, image_size: usize) -> Self {
        let now = Fitted::of(config);
        let wanted = before.filter(|before| before.fitted == now).map_or(now, |before| before.wanted);
        config.image_size = image_size;
        let Fitted { attention: [generator, discriminator], scales, start } = wanted.clone();
        (config.generator.attention, config.discriminator.attention) = (generator, discriminator);
        (config.discriminator.scales, config.growing.start) = (scales, start);
        fit_to_image_size(config);
        Self { wanted, fitted: Fitted::of(config) }
    }

    /// What a size has changed beside itself, where that still holds.
    pub fn told(&self, config: &Config) -> Option<String> {
        let (is, was) = (&self.fitted, &self.wanted);
        if is == was || *is != Fitted::of(config) {
            return None;
        }
        let maps = |maps: &[usize]| match maps {
            [] => "none".to_owned(),
            maps => maps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
        };
        let mut parts = Vec::new();
        for (network, is, was) in
            [("generator", &is.attention[0], &was.attention[0]), ("discriminator", &is.attention[1], &was.attention[1])]
        {
            if is != was {
                parts.push(format!("self-attention of the {network} at {} instead of {}", maps(is), maps(was)));
            }
        }
        if is.scales != was.scales {
            parts.push(format!("{} instead of {} scales", is.scales, was.scales));
        }
        if is.start != was.start {
            parts.push(format!("growing from {} instead of {}", is.start, was.start));
        }
        Some(format!("This size has room for {}; a larger one takes it back.", parts.join(", ")))
    }
}

/// Turns self-attention at a resolution on or off.
pub fn toggle_attention(attention: &mut Vec<usize>, resolution: usize) {
    if attention.contains(&resolution) {
        attention.retain(|other| *other != resolution);
    } else {
        attention.push(resolution);
        attention.sort_unstable();
    }
}

/// Takes over a preset's recipe, as far as the image size has room for it.
pub fn apply_preset(config: &mut Config, preset: Preset) {
    preset.lay_over(config);
    fit_to_image_size(config);
}

/// The preset whose networks, loss and optimizer the configuration has.
pub fn preset_of(config: &Config) -> Option<Preset> {
    let same = |preset: &Preset| {
        let mut other = config.clone();
        apply_preset(&mut other, *preset);
        other == *config
    };
    Preset::ALL.into_iter().find(same)
}

/// The preset from which the configuration differs in the fewest settings.
pub fn nearest_preset(config: &Config) -> Preset {
    let distance = |preset: &Preset| {
        let mut other = config.clone();
        apply_preset(&mut other, *preset);
        config.differences(&other).len()
    };
    Preset::ALL.into_iter().min_by_key(distance).unwrap_or(Preset::DEFAULT)
}

/// A preset as it is beside a configuration: its networks without what images of that size have no room for.
pub fn preset_beside(preset: Preset, config: &Config) -> Config {
    let base = preset.config();
    Config { image_size: base.image_size, ..preset.config_at(config.image_size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_image_drops_what_no_longer_exists() {
        let mut config = Preset::Improved.config();
        config.discriminator.scales = 3;
        config.generator.attention = vec![8, 32];
        config.image_size = 32;
        fit_to_image_size(&mut config);
        assert_eq!(
            (config.generator.attention.as_slice(), config.discriminator.attention.as_slice()),
            (&[8, 16][..], &[16][..])
        );
        assert_eq!(config.discriminator.scales, 2);
        assert!(config.check(None).is_empty());
        (config.growing.start, config.image_size, config.discriminator.scales) = (16, 16, 1);
        config.generator.attention.clear();
        config.generator.attention_form = crate::config::AttentionForm::Plain;
        fit_to_image_size(&mut config);
        assert_eq!(config.growing.start, 8);
        assert!(config.check(None).is_empty());
    }

    #[test]
    fn a_size_that_is_taken_back_leaves_nothing_behind() {
        let mut config = Preset::Improved.config();
        let before = config.clone();
        let small = Wanted::resize(None, &mut config, 32);
        assert!(small.told(&config).is_some_and(|text| text.contains("self-attention")), "{small:?}");
        let smaller = Wanted::resize(Some(small), &mut config, 16);
        let back = Wanted::resize(Some(smaller), &mut config, before.image_size);
        assert_eq!((&config, back.told(&config)), (&before, None));
        // What was changed meanwhile is what is wanted.
        let small = Wanted::resize(Some(back), &mut config, 32);
        config.generator.attention.clear();
        assert_eq!(small.told(&config), None);
        Wanted::resize(Some(small), &mut config, before.image_size);
        assert!(config.generator.attention.is_empty());
    }

    #[test]
    fn every_offered_size_is_valid() {
        assert_eq!(image_sizes().collect::<Vec<_>>(), [16, 32, 64, 128, 256, 512]);
        for image_size in image_sizes() {
            let mut config = Config { image_size, ..Config::default() };
            config.discriminator.scales = most_scales(image_size);
            assert!(config.check(None).is_empty(), "{image_size}");
        }
    }

    #[test]
    fn attention_toggles_and_stays_sorted() {
        let mut attention = vec![32];
        toggle_attention(&mut attention, 8);
        assert_eq!(attention, [8, 32]);
        toggle_attention(&mut attention, 32);
        assert_eq!(attention, [8]);
    }

    #[test]
    fn presets_are_recognised_and_keep_the_data() {
        let mut config = Config { image_size: 32, ..Config::default() };
        config.data.source = "/cells".to_owned();
        config.train.steps = 7;
        for preset in Preset::ALL {
            apply_preset(&mut config, preset);
            assert_eq!(preset_of(&config), Some(preset));
            assert_eq!((config.data.source.as_str(), config.train.steps, config.image_size), ("/cells", 7, 32));
        }
        config.loss.label_smoothing = 0.3;
        assert_eq!(preset_of(&config), None);
        assert_eq!(nearest_preset(&config), *Preset::ALL.last().unwrap());
    }
}
