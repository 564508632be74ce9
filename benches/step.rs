//! What a training step takes: `cargo bench --bench step`. The throughput column counts images.

use candle_core::Device;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gandle::config::Preset;
use gandle::train::{SyntheticFeed, Trainer};

/// The program's own.
#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

fn main() {
    divan::main();
}

const NO_ATTENTION: [&str; 2] = ["generator.attention=[]", "discriminator.attention=[]"];
const CLASSES: u32 = 6;

/// The improved preset with these settings.
fn step(bencher: Bencher<'_, '_>, settings: &[&str]) {
    let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
    let config = Preset::Improved.config().with(&settings).expect("known settings");
    let mut trainer = Trainer::new(&config, CLASSES as usize, &Device::Cpu).expect("a network");
    let mut feed = SyntheticFeed::new(&config, CLASSES, &Device::Cpu).expect("batches");
    bencher.counter(ItemsCount::new(config.images_per_step())).bench_local(|| {
        feed.rewind();
        black_box(trainer.step(&mut feed, 1.0)).expect("a step")
    });
}

/// `[pixels, channels at the largest resolution, batch]`
#[divan::bench(args = [[16, 32, 32], [32, 32, 32], [64, 32, 32], [64, 64, 32], [128, 32, 16]], sample_count = 10)]
fn plain(bencher: Bencher<'_, '_>, [size, channels, batch]: [usize; 3]) {
    let sizes = [
        format!("image_size={size}"),
        format!("train.batch_size={batch}"),
        format!("generator.base_channels={channels}"),
        format!("discriminator.base_channels={channels}"),
    ];
    let settings: Vec<&str> = NO_ATTENTION.into_iter().chain(sizes.iter().map(String::as_str)).collect();
    step(bencher, &settings);
}

#[divan::bench(sample_count = 10)]
fn attention(bencher: Bencher<'_, '_>) {
    step(bencher, &["generator.attention=[32]", "discriminator.attention=[16]"]);
}

#[divan::bench(sample_count = 10)]
fn gradient_penalty(bencher: Bencher<'_, '_>) {
    let penalty = ["loss.kind=wasserstein-gp", "discriminator.norm=layer", "discriminator.spectral_norm=false"];
    step(bencher, &[&NO_ATTENTION[..], &penalty].concat());
}
