//! What makes a run so small that many of them, one after another as programs, take seconds.

/// `KEY=VALUE` of settings: four images of 16 px a class, networks of two channels, no attention and no score.
pub const TINY: &[&str] = &[
    "image_size=16",
    "data.demo_images=4",
    "generator.base_channels=2",
    "discriminator.base_channels=2",
    "generator.latent_dim=8",
    "generator.label_embedding=4",
    "discriminator.label_embedding=4",
    "generator.attention=[]",
    "discriminator.attention=[]",
    "train.batch_size=4",
    "score.every=0",
    concat!("data.cache=", env!("CARGO_TARGET_TMPDIR"), "/cache"),
];
