//! A run of the demo set that is small enough to take a second or two.

use gandle::config::{Config, Preset};

/// Six images of 16 px a class, tiny networks, attention at 8 px; `more` is laid over that.
pub fn config(preset: Preset, more: &[&str]) -> Config {
    let set = [
        "image_size=16",
        "data.demo_images=6",
        "generator.base_channels=4",
        "discriminator.base_channels=4",
        "generator.latent_dim=8",
        "generator.label_embedding=4",
        "discriminator.label_embedding=4",
        "generator.attention=[8]",
        "discriminator.attention=[8]",
        "train.batch_size=6",
        concat!("data.cache=", env!("CARGO_TARGET_TMPDIR"), "/cache"),
    ];
    let set: Vec<String> = set.iter().chain(more).map(|entry| (*entry).to_owned()).collect();
    preset.config().with(&set).unwrap()
}
