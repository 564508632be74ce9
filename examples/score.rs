//! Scores a folder of fakes against a folder of real images, as `gandle score` does.
//!
//! ```console
//! $ cargo run --release --example score -- REAL FAKE
//! ```

use std::path::Path;

use anyhow::{Context as _, bail};
use gandle::config::{Choice as _, Shipped};
use gandle::data::Gallery;
use gandle::feature::{Extractor, Picture, Resize};
use gandle::metric::report::{Sets, Settings, Side, scores};
use gandle::metric::{Features, Metric};

fn main() -> anyhow::Result<()> {
    let folders: Vec<_> = std::env::args_os().skip(1).collect();
    let [real, fake] = folders.as_slice() else { bail!("name the folder of real images and that of the fakes") };
    let extractor = Extractor::named(Shipped::DEFAULT.key())?;
    let real = features(Path::new(real), &extractor)?;
    let fake = features(Path::new(fake), &extractor)?;

    // Classes are left out here: every image is of class 0.
    let labels = [vec![0; real.len()], vec![0; fake.len()]];
    let sets = Sets {
        classes: 1,
        real: Side { features: &real, labels: &labels[0], logits: None },
        fake: Side { features: &fake, labels: &labels[1], logits: None },
        held_out: None,
    };
    let metrics = vec![Metric::FrechetDistance, Metric::Precision, Metric::Recall, Metric::VendiScore];
    let report = scores(&sets, &Settings { metrics, ..Settings::default() }, &mut |_, _, _| true)?;
    println!("on features of {} with {}", extractor.name(), Resize::PytorchFid.name());
    for score in &report.scores {
        println!("{:20} {:.4}", score.metric.name(), score.value);
    }
    for warning in &report.warnings {
        println!("warning: {}", warning.text(&[]));
    }
    Ok(())
}

/// What the extractor makes of every image of a folder.
fn features(folder: &Path, extractor: &Extractor) -> anyhow::Result<Features> {
    let gallery = Gallery::open(folder)?;
    let mut numbers = Vec::new();
    for file in 0..gallery.len() {
        let image = match gallery.read(file) {
            Ok(image) => image,
            Err(reason) => {
                println!("{} is left out: {reason}", gallery.name(file));
                continue;
            }
        };
        let picture =
            Picture { pixels: &image.pixels, height: image.height, width: image.width, channels: image.channels };
        numbers.extend(extractor.look(&[picture], Resize::PytorchFid)?.features);
    }
    Features::of(&numbers, extractor.features()).with_context(|| folder.display().to_string())
}
