//! Scores of a run while it trains: what is told, what is kept, and that nothing else of the run changes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::path::Path;

use gandle::config::{Choice as _, Config, Metric, Preset};
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Event, Score};
use gandle::session::{Stored, checkpoint_folder, checkpoints, read_grid};

fn run(config: &Config, folder: &Path) -> Vec<Event> {
    let waker = std::sync::Arc::new(|| {});
    let engine = Engine::spawn(RunRequest::new(config.clone(), folder.to_owned()), waker).unwrap();
    engine.wait_events().collect()
}

fn scores(events: &[Event]) -> Vec<&Score> {
    events.iter().filter_map(|event| if let Event::Score(score) = event { Some(score) } else { None }).collect()
}

fn with(set: &[&str]) -> Config {
    let entries: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
    let base = ["train.steps=12", "train.grid_every=5", "train.checkpoint_every=4", "score.every=0"];
    small::config(Preset::Improved, &base).with(&entries).unwrap()
}

#[test]
fn every_score_can_be_taken_while_a_run_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let names: Vec<String> = Metric::ALL.iter().map(|metric| format!("\"{metric}\"")).collect();
    let metrics = format!("score.metrics=[{}]", names.join(","));
    let config = with(&[
        &metrics,
        "score.every=12",
        "score.k=3",
        "data.demo_images=12",
        "train.grid_columns=2",
        "data.held_out=0.25",
    ]);
    let folder = root.path().join("run");
    let events = run(&config, &folder);
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }), "{:?}", events.last());
    let told = scores(&events);
    for metric in Metric::ALL {
        let mine: Vec<&&Score> = told.iter().filter(|score| score.metric == metric.name()).collect();
        // Only the Inception has logits.
        assert_eq!(mine.is_empty(), *metric == Metric::InceptionScore, "{metric}");
        for score in mine {
            assert!(score.value.is_finite() && score.step == 12 && score.labels == "of-reals", "{score:?}");
            let radius = matches!(metric, Metric::Precision | Metric::Recall | Metric::Density | Metric::Coverage);
            assert_eq!(score.k, radius.then_some(3), "{metric}");
            assert_eq!(score.extractor == "pixels", *metric == Metric::MsSsim);
        }
    }
    let one = |metric: Metric, class: Option<&str>| {
        let found = told.iter().find(|score| score.metric == metric.name() && score.class.as_deref() == class);
        (*found.unwrap()).clone()
    };
    assert!(one(Metric::KernelDistanceSubsets, None).spread.is_some());
    assert!(one(Metric::Precision, Some("monocyte")).interval.is_some());
    assert!(one(Metric::VendiScore, Some("platelet")).baseline.unwrap() > 1.0);
    // Three of the twelve images of each class are held out of training.
    assert_eq!(one(Metric::Copying, None).caution, None);
    assert_eq!(
        (one(Metric::ClassifierAccuracy, None).reals, one(Metric::ClassifierAccuracy, None).caution),
        (Some(18), None)
    );
    assert_eq!(one(Metric::FrechetDistance, None).reals, Some(54));

    // The nearest real images stand in a picture like the grid.
    let nearest =
        events.iter().find_map(|event| if let Event::Nearest(nearest) = event { Some(nearest) } else { None });
    let nearest = nearest.unwrap();
    assert_eq!((nearest.distances.len(), nearest.authentic.len()), (12, 12));
    assert!(nearest.distances.iter().all(|distance| *distance > 0.0));
    let as_grid = gandle::event::Grid { step: 12, file: nearest.file.clone() };
    let picture = read_grid(&folder, &as_grid, 6, 2).unwrap();
    assert_eq!((picture.cell, picture.rows), (16, 6));
}

#[test]
fn scores_change_nothing_of_what_is_trained() {
    let root = tempfile::tempdir().unwrap();
    let metrics = "score.metrics=[\"kernel-distance\",\"nearest-real\"]";
    let files = |name: &str, set: &[&str]| {
        let folder = root.path().join(name);
        run(&with(set), &folder);
        ["generator", "ema", "discriminator_optimizer"]
            .map(|file| std::fs::read(checkpoint_folder(&folder, 12).join(format!("{file}.safetensors"))).unwrap())
    };
    let without = files("without", &[]);
    assert!(files("with", &[metrics, "score.every=3"]) == without);
}

#[test]
fn the_best_checkpoint_stays_and_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    // Checkpoints come at other steps than scores, and only the newest stays.
    let config = with(&[
        "train.steps=16",
        "train.checkpoint_every=5",
        "train.keep_checkpoints=1",
        "score.every=2",
        "score.best=precision",
        "score.metrics=[\"recall\"]",
        "score.k=2",
    ]);
    let events = run(&config, &folder);
    let taken: Vec<(usize, f64)> = scores(&events)
        .iter()
        .filter(|score| score.metric == "precision" && score.class.is_none())
        .map(|score| (score.step, score.value))
        .collect();
    assert_eq!(taken.len(), 8, "measured though metrics lacks it");
    // The first of the highest.
    let (best, _) = taken.iter().fold((0, -1.0), |best, now| if now.1 > best.1 { *now } else { best });
    let told: Vec<usize> =
        events.iter().filter_map(|e| if let Event::Best(best) = e { Some(best.step) } else { None }).collect();
    assert_eq!(told.last(), Some(&best), "{taken:?}");
    let mut kept = vec![best, 16];
    kept.dedup();
    assert_eq!(checkpoints(&folder), kept);
    assert_eq!(told.first(), Some(&2), "the first score is the best so far");
    // Whatever was removed was told.
    let stored = Stored::open(&folder).unwrap();
    assert_eq!(stored.events, events);
}

#[test]
fn another_extractor_must_be_a_file_of_the_right_weights() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("weights.pth");
    std::fs::write(&file, "no weights").unwrap();
    let extractor = format!("score.extractor=inception:{}", file.display());
    let events = run(&with(&[&extractor, "score.every=4"]), &root.path().join("run"));
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }), "training goes on");
    let warned: Vec<&str> = events
        .iter()
        .filter_map(|e| if let Event::Warning { message, .. } = e { Some(message.as_str()) } else { None })
        .filter(|message| message.contains("no score could be taken"))
        .collect();
    assert_eq!(warned.len(), 1);
    assert!(warned[0].contains("weights.pth"), "{}", warned[0]);
}
