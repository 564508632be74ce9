//! Files that somebody has damaged or made to do harm end in a message, never in a panic or a hang.
//!
//! Every reader gets each of its seeds (`fuzz/seeds/TARGET/`), every file that once broke one (`tests/data/crashes/TARGET/`), and
//! seeded mutations of both. `GANDLE_MUTATIONS=N` makes N of them for each reader; `fuzz/` does the same with coverage.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use rand::Rng as _;

use super::{TARGETS, Target};
use crate::config::rng::{ChaCha8Rng, Purpose, stream};

/// Mutations of each reader's seeds in the suite.
const MUTATIONS: usize = 100;

fn files(folder: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// Numbers on which lengths and counts break.
const EDGES: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, i64::MAX as u64, u64::MAX];

/// Words on which texts break.
const WORDS: [&[u8]; 10] =
    [b"-1", b"1e999", b"nan", b"null", b"[]", b"{}", b"\"\"", b"18446744073709551615", b"../../x", b"\0"];

fn mutated(rng: &mut ChaCha8Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let pick = |rng: &mut ChaCha8Rng| seeds[rng.random_range(0..seeds.len())].clone();
    let mut bytes = pick(rng);
    for _ in 0..rng.random_range(1..6) {
        let end = bytes.len();
        let at = rng.random_range(0..=end);
        let to = rng.random_range(at..=end.min(at + 40));
        match rng.random_range(0..7) {
            0 => bytes.truncate(at),
            1 if at < end => bytes[at] ^= 1 << rng.random_range(0..8u32),
            2 if at < end => bytes[at] = rng.random(),
            3 => {
                let part = bytes[at..to].to_vec();
                bytes.splice(at..at, part);
            }
            4 => {
                let width = [1, 2, 4, 8][rng.random_range(0..4)];
                let edge = EDGES[rng.random_range(0..EDGES.len())].to_le_bytes();
                bytes.splice(at..end.min(at + width), edge[..width].to_vec());
            }
            5 => {
                let word = WORDS[rng.random_range(0..WORDS.len())];
                bytes.splice(at..to, word.to_vec());
            }
            _ => {
                let other = pick(rng);
                let from = rng.random_range(0..=other.len());
                let until = rng.random_range(from..=other.len());
                bytes.splice(at..to, other[from..until].to_vec());
            }
        }
    }
    bytes
}

fn hold((name, read): Target, count: usize) {
    let all = [files("fuzz/seeds", name), files("tests/data/crashes", name)].concat();
    assert!(!all.is_empty(), "fuzz/seeds/{name} is empty");
    for (file, bytes) in &all {
        assert!(catch_unwind(|| read(bytes)).is_ok(), "{name}: {file}");
    }
    let seeds: Vec<Vec<u8>> = all.into_iter().map(|(_, bytes)| bytes).collect();
    let from = std::env::var("GANDLE_MUTATIONS_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for i in from..from + count as u64 {
        let bytes = mutated(&mut stream(1, Purpose::Demo, i), &seeds);
        if catch_unwind(|| read(&bytes)).is_err() {
            let kept = std::env::temp_dir().join(format!("gandle-{name}-{i}"));
            fs::write(&kept, bytes).unwrap();
            panic!("{name}: {} breaks it; keep it in tests/data/crashes/{name}", kept.display());
        }
    }
}

#[test]
fn no_reader_breaks_on_what_it_reads() {
    let count = std::env::var("GANDLE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTATIONS);
    let only = std::env::var("GANDLE_MUTATIONS_OF").unwrap_or_default();
    for target in TARGETS.into_iter().filter(|(name, _)| only.is_empty() || *name == only) {
        hold(target, count);
    }
}
