//! A whole run of a growing network: what it tells, and what its grids and checkpoints show.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::path::Path;
use std::sync::Arc;

use gandle::config::{Config, Growing, Preset, Transition};
use gandle::engine::sample::Sampler;
use gandle::engine::{Engine, RunRequest};
use gandle::event::Event;
use gandle::session::read_grid;

fn config() -> Config {
    small::config(Preset::Improved, &["image_size=32", "train.grid_columns=3"])
}

fn run(config: &Config, folder: &Path) -> Vec<Event> {
    let request = RunRequest::new(config.clone(), folder.to_owned());
    Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().collect()
}

#[test]
fn a_growing_run_tells_its_stages_and_its_checkpoints_draw_what_its_grids_show() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = config();
    // A step shows 6 images: 16 px fade in from step 4 on and are there at step 5, 32 px from 9 on and at 10.
    config.growing = Growing { start: 8, fade_images: 12, stable_images: 18 };
    config.transition = Transition { from: 12, to: 60 };
    (config.train.grid_every, config.train.checkpoint_every, config.train.keep_checkpoints) = (1, 1, 0);
    (config.train.steps, config.score.every) = (12, 12);
    let events = run(&config, &folder);
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }));
    let stages: Vec<_> = events
        .iter()
        .filter_map(|e| {
            if let Event::Stage { step, resolution, fading } = e { Some((*step, *resolution, *fading)) } else { None }
        })
        .collect();
    assert_eq!(stages, [(0, 8, false), (4, 16, true), (5, 16, false), (9, 32, true), (10, 32, false)]);
    let grids: Vec<_> =
        events.iter().filter_map(|e| if let Event::Grid(g) = e { Some(g.clone()) } else { None }).collect();
    let mut coarse = 0;
    for step in [1, 4, 5, 7, 9, 12] {
        let grid = read_grid(&folder, grids.iter().find(|grid| grid.step == step).unwrap(), 6, 3).unwrap();
        assert_eq!((grid.cell, grid.picture.width), (32, 96));
        let mut sampler = Sampler::open(&folder, Some(step)).unwrap();
        let image = sampler.images(0, 0, 1, 1, 0.0).unwrap();
        assert_eq!(image.len(), 32 * 32 * 3);
        // Side of the squares of one colour in both.
        let side = |pixels: &[u8], width: usize| {
            let alike = |n: usize| {
                (0..32 * n).all(|i| {
                    let (row, column) = (i / 32, i % 32);
                    let at = |row: usize, column: usize| &pixels[(row * width + column) * 3..][..3];
                    at(row, column) == at(row / n * n, column / n * n)
                })
            };
            [4, 2].into_iter().find(|n| alike(*n)).unwrap_or(1)
        };
        let want = match config.stage(step as u64).resolution {
            Some(size) => 32 / size,
            None => 1,
        };
        assert!(side(&grid.picture.rgb, 96) >= want && side(&image, 32) >= want, "step {step}");
        coarse += usize::from(want > 1);
    }
    assert_eq!(coarse, 4);
}
