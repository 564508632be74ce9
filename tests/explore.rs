//! What is drawn of a checkpoint for the window: walks, morphs, maps and blind tests, on a run that takes a second.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::path::Path;
use std::sync::Arc;

use gandle::config::Preset;
use gandle::engine::explore::explorer;
use gandle::engine::sample::Sampler;
use gandle::engine::{Engine, Job, RunRequest};
use gandle::event::{Exploration, GridPicture, JobEvent, QuizRequest, QuizSet, View};

fn train(folder: &Path, more: &[&str]) {
    let base = ["train.steps=4", "train.grid_every=0", "train.checkpoint_every=0", "score.every=0"];
    let config = small::config(Preset::Improved, &[&base, more].concat());
    let engine = Engine::spawn(RunRequest::new(config, folder.to_owned()), Arc::new(|| {})).unwrap();
    let ended = engine.wait_events().last();
    assert_eq!(ended, Some(gandle::event::Event::Finished { step: 4 }));
}

fn cell(grid: &GridPicture, image: usize) -> Vec<u8> {
    let (top, left) = (image / grid.columns * grid.cell, image % grid.columns * grid.cell);
    let line = |y: usize| &grid.picture.rgb[((top + y) * grid.picture.width + left) * 3..][..grid.cell * 3];
    (0..grid.cell).flat_map(line).copied().collect()
}

#[test]
fn walks_morphs_and_maps_begin_and_end_where_they_say() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    train(&session, &["generator.norm=conditional-batch"]);
    let mut explorer = explorer(Arc::new(|| {}));
    let mut answer = |ask: Exploration| {
        explorer.ask(ask.clone());
        let (of, drawn) = explorer.wait().unwrap();
        assert_eq!(of, ask);
        drawn.unwrap()
    };
    let view = View::Seeds { class: 2, first: 7, count: 4 };
    let fourth = answer(Exploration { session: session.clone(), step: 4, truncation: 0.5, number: 3, view });
    let mut draw =
        |view: View| answer(Exploration { session: session.clone(), step: 4, truncation: 0.0, number: 0, view });
    let mut sampler = Sampler::open(&session, Some(4)).unwrap();
    assert_eq!(cell(&fourth, 1), sampler.images(2, 3, 1, 8, 0.5).unwrap(), "the fourth image of a seed");
    let mut image = |class, seed| sampler.images(class, 0, 1, seed, 0.0).unwrap();

    let seeds = draw(View::Seeds { class: 2, first: 7, count: 9 });
    assert_eq!((seeds.rows, seeds.columns), (3, 3));
    assert_eq!(cell(&seeds, 0), image(2, 7), "as gandle sample draws it");
    assert_eq!(cell(&seeds, 8), image(2, 15));

    let walk = draw(View::Walk { class: 1, from: 3, to: 9, count: 6 });
    assert_eq!((cell(&walk, 0), cell(&walk, 5)), (image(1, 3), image(1, 9)));
    assert!(cell(&walk, 2) != cell(&walk, 0) && cell(&walk, 2) != cell(&walk, 5));

    let morph = draw(View::Morph { from: 0, to: 4, first: 5, rows: 2, count: 3 });
    assert_eq!((cell(&morph, 0), cell(&morph, 3)), (image(0, 5), image(0, 6)));
    assert!(cell(&morph, 1) != cell(&morph, 0) && cell(&morph, 2) != cell(&morph, 1));

    let map = |centre| View::Map { class: 0, seed: 3, directions: [8, 9], centre, step: 30.0, side: 3 };
    let middle = draw(map([0.0, 0.0]));
    assert_eq!(cell(&middle, 4), image(0, 3));
    // A step to the right brings what was on the right into the middle.
    assert_eq!(cell(&draw(map([30.0, 0.0])), 4), cell(&middle, 5));
    assert_eq!(cell(&draw(map([0.0, 30.0])), 4), cell(&middle, 1), "up is up");
}

#[test]
fn what_cannot_be_drawn_is_told_and_the_next_question_is_answered() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    train(&session, &[]);
    let mut explorer = explorer(Arc::new(|| {}));
    let mut told = |step, view| {
        explorer.ask(Exploration { session: session.clone(), step, truncation: 0.0, number: 0, view });
        explorer.wait().unwrap().1
    };
    let seeds = |count| View::Seeds { class: 0, first: 0, count };
    assert!(told(3, seeds(4)).unwrap_err().contains("no checkpoint of step 3"));
    assert!(told(4, seeds(0)).unwrap_err().contains("cannot be drawn"));
    assert!(told(4, seeds(1 << 40)).unwrap_err().contains("cannot be drawn"));
    assert!(told(4, View::Seeds { class: 6, first: 0, count: 4 }).unwrap_err().contains("6 classes"));
    let morph = View::Morph { from: 0, to: 6, first: 0, rows: 1, count: 3 };
    assert!(told(4, morph).unwrap_err().contains("6 classes"));
    assert!(told(4, seeds(4)).is_ok());
}

fn quiz(session: &Path, class: Option<usize>, count: usize) -> Result<QuizSet, String> {
    let ask = QuizRequest { session: session.to_owned(), step: 4, class, count, seed: 3 };
    let job = Job::quiz(ask, |_| Vec::new(), Arc::new(|| {}));
    match job.wait_events().find(|event| !matches!(event, JobEvent::Progress { .. })) {
        Some(JobEvent::Quiz(set)) => Ok(*set),
        Some(JobEvent::Failed { message }) => Err(message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_blind_test_has_as_many_fakes_as_real_images_of_each_class() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    train(&session, &["data.held_out=0.5"]);
    let set = quiz(&session, None, 12).unwrap();
    assert!(set.held_out && set.items.len() == 12);
    for class in 0..6 {
        let count = |fake| set.items.iter().filter(|item| item.class == class && item.fake == fake).count();
        assert_eq!(count(true), count(false), "{class}");
    }
    assert!(set.items.iter().any(|item| item.fake) && set.items.windows(2).any(|two| two[0].fake == two[1].fake));
    assert_eq!(quiz(&session, None, 12).unwrap(), set, "one seed, one test");
    let one = quiz(&session, Some(2), 4).unwrap();
    assert!(one.items.len() == 4 && one.items.iter().all(|item| item.class == 2));
    assert!(quiz(&session, None, 1).unwrap_err().contains("impossible"));
}
