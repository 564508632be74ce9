//! Follows the terms of both networks' losses over a few steps, without a session and without data.
//!
//! ```console
//! $ cargo run --release --example terms [KEY=VALUE]...
//! ```
//!
//! A term is told under its name where it is added (`train::Trainer`, with the number declared in `event::Scalar`), so one that you
//! add, as ARCHITECTURE.md shows, appears here without a change.

use candle_core::Device;
use gandle::config::Preset;
use gandle::event::Chart;
use gandle::train::{SyntheticFeed, Trainer};

#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

const CLASSES: u32 = 3;

fn main() -> anyhow::Result<()> {
    let settings = ["loss.r1=1", "loss.r1_every=4", "loss.lecam=0.3"].map(str::to_owned);
    let settings: Vec<String> = settings.into_iter().chain(std::env::args().skip(1)).collect();
    let config = Preset::Improved.config_at(32).with(&settings)?;
    let mut trainer = Trainer::new(&config, CLASSES as usize, &Device::Cpu)?;
    // Batches of made-up numbers; `engine::RunFeed` hands out those of a data set.
    let mut feed = SyntheticFeed::new(&config, CLASSES, &Device::Cpu)?;
    for step in 1..=8 {
        feed.rewind();
        let told = trainer.step(&mut feed, 1.0)?;
        for chart in [Chart::TermsOfD, Chart::TermsOfG] {
            for (number, value) in told.iter().filter(|(number, _)| number.info().chart == chart) {
                println!("step {step}  {:28} {value:.4}", number.info().title);
            }
        }
    }
    Ok(())
}
