//! Which device a run computes on.

use anyhow::{Context as _, bail};
use candle_core::Device;

use crate::config::devices;

/// The device of this name, with its name in full: `auto` takes a GPU that this build can use, else the CPU.
///
/// # Errors
/// Where the device is not there or this build cannot use it.
pub fn open(name: &str) -> anyhow::Result<(Device, String)> {
    match name {
        "cpu" => Ok((Device::Cpu, "cpu".to_owned())),
        "auto" => Ok(["cuda", "metal"]
            .into_iter()
            .filter(|gpu| devices().contains(gpu))
            .find_map(|gpu| open(gpu).ok())
            .unwrap_or((Device::Cpu, "cpu".to_owned()))),
        "metal" if cfg!(feature = "metal") => {
            Ok((Device::new_metal(0).context("train.device = \"metal\": no Metal device answers")?, name.to_owned()))
        }
        _ => match name.strip_prefix("cuda") {
            Some(rest) if cfg!(feature = "cuda") => {
                let number = if rest.is_empty() { Ok(0) } else { rest.trim_start_matches(':').parse::<usize>() };
                let number = number.with_context(|| format!("train.device = \"{name}\": not a card's number"))?;
                let device = Device::new_cuda(number)
                    .with_context(|| format!("train.device = \"{name}\": CUDA card {number} does not answer"))?;
                Ok((device, format!("cuda:{number}")))
            }
            _ => bail!(
                "train.device = \"{name}\": this build of gandle cannot use it; it has {} (build with `--features cuda` or `--features metal` for more)",
                devices().join(", ")
            ),
        },
    }
}

/// CPU threads that a run with this setting uses.
pub fn threads(setting: usize) -> usize {
    if setting > 0 { setting } else { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) }
}
