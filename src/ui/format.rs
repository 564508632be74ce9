//! Numbers, times and names as people read them.

use std::time::{Duration, SystemTime};

pub use crate::chart::{count, duration, score};
use crate::event::{ALSO_IN_THE_LOSS, ScoreProgress};
use crate::guard::Digits;
/// A name of others, in which what would not be seen, or would turn the order of letters, is written as Rust escapes it.
pub use crate::guard::line as name;

/// A count and its noun: `1 image`, `12 images`.
pub fn plural(number: usize, noun: &str) -> String {
    Digits::Grouped.count(number, noun)
}

/// A large number in short: `3.2 M`.
pub fn short(number: usize) -> String {
    let value = number as f64;
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1} k", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M", value / 1e6),
        _ => format!("{:.2} G", value / 1e9),
    }
}

/// Bytes in short: `1.4 GB`.
pub fn bytes(bytes: usize) -> String {
    let value = bytes as f64;
    if value < 1e9 { format!("{:.0} MB", value / 1e6) } else { format!("{:.1} GB", value / 1e9) }
}

/// How long ago: `5 min ago`.
pub fn ago(time: SystemTime) -> String {
    let seconds = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A date and time of day (UTC): `2026-11-23 14:05`.
pub fn date(seconds_since_1970: u64) -> String {
    let time = i64::try_from(seconds_since_1970).ok().and_then(|time| chrono::DateTime::from_timestamp(time, 0));
    time.unwrap_or_default().format("%Y-%m-%d %H:%M").to_string()
}

/// A metric's name as papers write it.
pub fn metric(name: &str) -> String {
    match name {
        "frechet-distance" => "Frechet distance".to_owned(),
        "intra-class-frechet-distance" => "Intra-class Frechet distance".to_owned(),
        "kernel-distance-subsets" => "Kernel distance, subsets".to_owned(),
        "authentic-percent" => "Authentic percent (AuthPct)".to_owned(),
        "copying" => "Copying (C_T)".to_owned(),
        "ms-ssim" => "MS-SSIM".to_owned(),
        "classifier-auc" => "Classifier AUC".to_owned(),
        "worth-real" => "Worth: real images alone".to_owned(),
        "worth-altered" => "Worth: with altered copies".to_owned(),
        "worth-half" => "Worth: with 1 fake for 2 real".to_owned(),
        "worth-equal" => "Worth: with 1 fake for 1 real".to_owned(),
        "worth-double" => "Worth: with 2 fakes for 1 real".to_owned(),
        other => sentence(other),
    }
}

/// What an interval of a score counts, where it is not images.
pub fn of_patients(patients: usize) -> String {
    format!("The interval draws {} (or files) whole, not single images", plural(patients, "patient"))
}

/// How far scores are: what is looked at or computed, and how much of it.
pub fn scoring(progress: ScoreProgress) -> String {
    let ScoreProgress { doing, done, total } = progress;
    let (done, total) = (count(done), count(total));
    if doing.ends_with("images") {
        format!("{doing} {done} of {total}")
    } else {
        format!("{}, {done} of {total}", metric(doing))
    }
}

/// A feature extractor's name as papers write it; what [`crate::event::Score::judge`] says beside it stays.
pub fn extractor(name: &str) -> String {
    if let Some(network) = name.strip_suffix(ALSO_IN_THE_LOSS) {
        return extractor(network) + ALSO_IN_THE_LOSS;
    }
    match name {
        "efficientnet-lite2" => "EfficientNet-Lite2".to_owned(),
        "efficientnet-lite0" => "EfficientNet-Lite0".to_owned(),
        "inception" => "Inception".to_owned(),
        "pixels" => "Pixels".to_owned(),
        other => match other.strip_prefix("inception-2015") {
            Some("") => "Inception (2015)".to_owned(),
            Some(rest) => format!("Inception of other weights ({})", rest.trim_start_matches(':')),
            None => other.to_owned(),
        },
    }
}

/// A key as a name: `kernel-distance` gives `Kernel distance`.
pub fn sentence(key: &str) -> String {
    let words = key.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The end of a path, cut to about `most` characters, which tells folders apart better than the start.
pub fn path_end(path: &str, most: usize) -> String {
    let path = name(path);
    let length = path.chars().count();
    if length <= most {
        path.into_owned()
    } else {
        format!("…{}", path.chars().skip(length - most).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([short(512), short(65_300), short(3_210_000)], ["512", "65.3 k", "3.21 M"]);
        assert_eq!([bytes(512_000_000), bytes(2_400_000_000)], ["512 MB", "2.4 GB"]);
    }

    #[test]
    fn times_read_well() {
        let read = [9.4, 65.0, 7500.0, 90_000.0].map(duration);
        assert_eq!(read, ["9 s", "1 min 05 s", "2 h 05 min", "1 d 01 h"]);
        assert_eq!(duration(f64::INFINITY), "–");
        assert_eq!(date(0), "1970-01-01 00:00");
        // date -u -d @1709210096: the leap day of 2024
        assert_eq!(date(1_709_210_096), "2024-02-29 12:34");
        assert_eq!(date(1_798_761_599), "2026-12-31 23:59");
    }

    #[test]
    fn names_read_well() {
        assert_eq!(sentence("kernel-distance"), "Kernel distance");
        assert_eq!(path_end("/data/cells/blood", 5), "…blood");
        assert_eq!(path_end("/a\u{202e}b", 99), "/a\\u{202e}b");
    }

    #[test]
    fn every_extractor_has_a_name_and_a_teacher_is_told() {
        use crate::config::{Choice as _, Shipped};
        for network in Shipped::ALL {
            assert_ne!(extractor(network.key()), network.key());
        }
        let score = crate::event::Score {
            extractor: "efficientnet-lite0".to_owned(),
            trained_on: true,
            ..crate::event::Score::default()
        };
        assert_eq!(extractor(&score.judge()), "EfficientNet-Lite0, also in the loss");
    }
}
