//! Measures how long a training step takes here, by training on made-up batches for about half a second.
//!
//! It has networks, batches and threads of its own and writes nothing, so no run notices it. Networks that would not fit
//! into the free memory are refused before anything is built, and a first look at a batch of two images tells how many can
//! be measured in good time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use candle_core::Device;

use super::{device, memory};
use crate::config::{Config, has_errors};
use crate::event::Pace;
use crate::train::{DiscriminatorBatch, Feed, GeneratorBatch, SyntheticFeed, Trainer};

/// How long is measured.
const MEASURED: Duration = Duration::from_millis(500);
/// What one update of both networks may take; larger batches are reckoned up from smaller ones.
const LONGEST: Duration = Duration::from_secs(3);
/// Images of the first look: batch normalisation needs two.
const FIRST_IMAGES: usize = 2;
/// Memory that a measurement may take, however much is free: nobody has asked for it.
const MOST_BYTES: usize = 2 << 30;
/// Memory that is taken for free where the system does not tell.
const FREE_UNTOLD: usize = 4 << 30;

/// Says whether to go on.
type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Measures a step of this configuration; nothing where it was cancelled.
///
/// # Errors
/// Where the configuration cannot be trained, needs more memory than there is to try it with, or names a device or a file
/// that cannot be used.
pub fn probe(config: &Config, classes: usize, go_on: GoOn<'_>) -> anyhow::Result<Option<Pace>> {
    if has_errors(&config.check(Some(classes))) {
        bail!("the configuration cannot run as it is");
    }
    let (device, _) = device::open(&config.train.device)?;
    let most = match device.is_cpu() {
        true => room(config, classes, memory::free_bytes().unwrap_or(FREE_UNTOLD))?,
        false => config.train.batch_size,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(device::threads(config.train.threads))
        .thread_name(|i| format!("gandle-probe-{i}"))
        .build()
        .context("the threads of train.threads could not be started")?;
    pool.install(|| {
        let mut whole: Option<Pace> = None;
        for (config, share) in cycle(config) {
            let Some(part) = measure(&config, (classes, most), &device, go_on)? else { return Ok(None) };
            let so_far = whole.unwrap_or(Pace { seconds: 0.0, timed: 0, images: part.images });
            whole = Some(Pace {
                seconds: so_far.seconds + share * part.seconds,
                timed: so_far.timed + part.timed,
                images: so_far.images.min(part.images),
            });
        }
        Ok(whole)
    })
}

/// How many images of a batch can be tried in the memory that a measurement may take.
///
/// # Errors
/// Where not even the first look fits: the estimate is right within a factor of two, so that half of what is free is the bound.
fn room(config: &Config, classes: usize, free: usize) -> anyhow::Result<usize> {
    let bound = (free / 2).min(MOST_BYTES);
    let needs = |images: usize| {
        let mut fewer = config.clone();
        fewer.train.batch_size = images;
        fewer.cost(classes).training_bytes
    };
    let whole = config.train.batch_size;
    let mut halves =
        std::iter::successors(Some(whole), |images| (*images > FIRST_IMAGES).then(|| (images / 2).max(FIRST_IMAGES)));
    if let Some(images) = halves.find(|images| needs(*images) <= bound) {
        return Ok(images);
    }
    let gigabytes = |bytes: usize| bytes as f64 / 1e9;
    bail!(
        "training needs about {:.1} GB of memory, and {:.1} GB are free; it is tried with up to {:.1} GB, and no more than half of what is free",
        gigabytes(needs(whole)),
        gigabytes(free),
        gigabytes(MOST_BYTES)
    )
}

/// What is measured for a step, each with its share of the steps: R1 comes every so many updates alone.
fn cycle(config: &Config) -> Vec<(Config, f64)> {
    let every = config.loss.r1_every;
    if config.loss.r1 == 0.0 || every <= 1 {
        return vec![(config.clone(), 1.0)];
    }
    let (mut without, mut with) = (config.clone(), config.clone());
    (without.loss.r1, with.loss.r1_every) = (0.0, 1);
    let share = 1.0 / every as f64;
    vec![(without, 1.0 - share), (with, share)]
}

/// Times one update of each network with one batch, and reckons the step from them.
fn measure(
    config: &Config,
    (classes, most): (usize, usize),
    device: &Device,
    go_on: GoOn<'_>,
) -> anyhow::Result<Option<Pace>> {
    let mut one = config.clone();
    one.optimizer.accumulation = 1;
    // Where both networks share their fakes, the generator's update does not begin with a batch of its own: a whole step is timed.
    let shared = one.optimizer.reuse_fakes;
    if !shared {
        one.optimizer.discriminator_steps = 1;
    }
    one.growing.start = 0;
    let mut trainer = Trainer::new(&one, classes, device)?;
    trainer.weigh_classes(&vec![1; classes])?;
    let mut update = |images: usize, batches: &mut Option<(usize, SyntheticFeed)>| -> anyhow::Result<Option<Update>> {
        if !go_on() {
            return Ok(None);
        }
        if batches.as_ref().is_none_or(|(of, _)| *of != images) {
            one.train.batch_size = images;
            *batches = Some((images, SyntheticFeed::new(&one, u32::try_from(classes)?, device)?));
        }
        let (_, made) = batches.as_mut().context("no batch was made")?;
        made.rewind();
        let mut feed = Timed { made, device, go_on, began: Vec::new() };
        let end = trainer.step(&mut feed, 1.0);
        if !go_on() {
            return Ok(None);
        }
        end?;
        device.synchronize()?;
        Update::of(&feed.began, Instant::now(), shared).context("the step asked for other batches").map(Some)
    };
    let mut batches = None;
    let whole = config.train.batch_size;
    let few = FIRST_IMAGES.min(whole);
    let affordable = |first: f64| affordable(first, whole).min(most).max(few);
    let Some(mut first) = update(few, &mut batches)? else { return Ok(None) };
    if affordable(first.whole()) < whole && first.whole() < MEASURED.as_secs_f64() {
        // The very first one makes room in memory, which says little of the next ones.
        let Some(second) = update(few, &mut batches)? else { return Ok(None) };
        first = second;
    }
    let images = affordable(first.whole());
    let mut times = Vec::new();
    let (start, mut warm) = (Instant::now(), false);
    let first_says_it = images <= FIRST_IMAGES && first.whole() > MEASURED.as_secs_f64();
    times.extend(first_says_it.then_some(first));
    while !first_says_it && (times.is_empty() || start.elapsed() < MEASURED) {
        let Some(taken) = update(images, &mut batches)? else { return Ok(None) };
        // The first one makes room in memory that the next ones use again; a long one counts all the same.
        if warm || taken.whole() > MEASURED.as_secs_f64() {
            times.push(taken);
        }
        warm = true;
    }
    let o = &config.optimizer;
    let mut seconds: Vec<f64> = times.iter().map(|update| update.step(o.discriminator_steps, o.accumulation)).collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds[seconds.len() / 2] * whole as f64 / images as f64;
    Ok(Some(Pace { seconds: middle, timed: times.len(), images }))
}

/// How many images of a batch can be measured in good time, after an update with the first ones took so long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is not negative, and too many is clamped"
)]
fn affordable(first: f64, whole: usize) -> usize {
    let images = FIRST_IMAGES as f64 * LONGEST.as_secs_f64() / first.max(1e-9);
    (images as usize).clamp(FIRST_IMAGES.min(whole), whole)
}

/// What an update of each network took, in seconds.
struct Update {
    discriminator: f64,
    generator: f64,
}

impl Update {
    /// From when each batch was asked for. Where the updates cannot be told apart, `shared`, all of it counts as the generator's.
    fn of(began: &[Instant], end: Instant, shared: bool) -> Option<Self> {
        let since = |begin: Instant| (end - begin).as_secs_f64();
        match *began {
            [first, ..] if shared => Some(Self { discriminator: 0.0, generator: since(first) }),
            [discriminator, generator] => {
                let apart = (generator - discriminator).as_secs_f64();
                Some(Self { discriminator: apart, generator: since(generator) })
            }
            _ => None,
        }
    }

    fn whole(&self) -> f64 {
        self.discriminator + self.generator
    }

    fn step(&self, discriminator_steps: usize, accumulation: usize) -> f64 {
        (self.discriminator * discriminator_steps as f64 + self.generator) * accumulation as f64
    }
}

/// Hands out made-up batches and notes when; a cancelled one hands out none, which ends the step.
struct Timed<'a> {
    made: &'a mut SyntheticFeed,
    device: &'a Device,
    go_on: GoOn<'a>,
    began: Vec<Instant>,
}

impl Timed<'_> {
    fn note(&mut self) -> anyhow::Result<()> {
        if !(self.go_on)() {
            bail!("cancelled");
        }
        self.device.synchronize()?;
        self.began.push(Instant::now());
        Ok(())
    }
}

impl Feed for Timed<'_> {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        self.note()?;
        self.made.discriminator()
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        self.note()?;
        self.made.generator()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_reckoned_from_its_parts() {
        let update = Update { discriminator: 2.0, generator: 3.0 };
        assert_eq!((update.whole(), update.step(1, 1), update.step(5, 2)), (5.0, 5.0, 26.0));
        let mut config = Config::default();
        assert_eq!(cycle(&config).len(), 1);
        (config.loss.r1, config.loss.r1_every) = (0.5, 4);
        let parts = cycle(&config);
        assert_eq!(parts.iter().map(|(_, share)| *share).collect::<Vec<_>>(), [0.75, 0.25]);
        assert_eq!((parts[0].0.loss.r1, parts[1].0.loss.r1_every), (0.0, 1));
    }

    #[test]
    fn long_updates_are_measured_with_fewer_images() {
        // Two images in 0.1 s: 60 in 3 s.
        assert_eq!([affordable(0.1, 32), affordable(0.1, 512), affordable(9.0, 512)], [32, 60, 2]);
        assert_eq!([affordable(0.0, 64), affordable(9.0, 1)], [64, 1]);
    }

    #[test]
    fn what_does_not_fit_is_tried_with_fewer_images_or_refused_with_both_numbers() {
        let mut config = Config::default();
        (config.train.batch_size, config.image_size, config.generator.base_channels) = (8, 32, 8);
        config.discriminator.base_channels = 8;
        assert_eq!(room(&config, 4, 64 << 30).unwrap(), 8);
        (config.train.batch_size, config.image_size) = (4096, 128);
        let fewer = room(&config, 4, 64 << 30).unwrap();
        assert!((FIRST_IMAGES..4096).contains(&fewer), "{fewer}");
        let told = room(&config, 4, 1 << 20).unwrap_err().to_string();
        assert!(told.contains("training needs about") && told.contains("0.0 GB are free"), "{told}");
    }
}
