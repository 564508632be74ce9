//! What a session tells, handed on in several sittings.

use std::fs::{self, File};
use std::io::Write as _;
use std::sync::Arc;

use super::*;
use crate::config::Config;
use crate::engine::export::read_board;
use crate::event::{Event, Scalar, Score, Started, Step};

fn session(folder: &Path, events: &[Event]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("run.toml"), Config::default().to_toml()).unwrap();
    let mut file = File::options().create(true).append(true).open(folder.join("events.jsonl")).unwrap();
    for event in events {
        writeln!(file, "{}", serde_json::to_string(event).unwrap()).unwrap();
    }
}

fn started(step: usize) -> Event {
    let classes = vec!["a".to_owned()];
    Event::Started(Box::new(Started { step, classes, time: 1_700_000_000, ..Started::default() }))
}

fn step(step: usize, loss: f32) -> Event {
    Event::Step(Step::of(step, step as f64, [(Scalar::LossD, loss)]))
}

fn track(session: &Path, board: &Path) -> Vec<String> {
    let trackers = Trackers { tensorboard: Some(board.to_owned()), mlflow: None };
    let mut said = Vec::new();
    let waker: Waker = Arc::new(|| {});
    Tracking::start(session, &trackers, &waker).finish(|line| said.push(line.to_owned()));
    said
}

/// Every loss with its step, and marks of a start as 0.
fn losses(board: &Path) -> Vec<(i64, f32)> {
    let file = fs::read_dir(board).unwrap().flatten().find(|entry| entry.file_name() != "gandle.json").unwrap();
    read_board(&fs::read(file.path()).unwrap(), "loss/discriminator")
}

#[test]
fn a_board_grows_with_its_session_and_says_what_is_void() {
    let root = tempfile::tempdir().unwrap();
    let (folder, board) = (root.path().join("cells"), root.path().join("board"));
    session(&folder, &[started(0), step(1, 0.5), step(2, 0.25)]);
    assert_eq!(track(&folder, &board), [""; 0]);
    let first = [(1, 0.5), (2, 0.25)];
    assert_eq!(losses(&board.join("cells")), first);
    // Nothing new: nothing is written twice.
    track(&folder, &board);
    assert_eq!(losses(&board.join("cells")), first);

    // The run broke off, and goes on from step 1; what a crash of the tracker left behind is no part of the file.
    let file = fs::read_dir(board.join("cells")).unwrap().flatten().find(|entry| entry.file_name() != "gandle.json");
    File::options().append(true).open(file.unwrap().path()).unwrap().write_all(b"half a rec").unwrap();
    let score = Event::Score(Score { step: 2, metric: "recall".to_owned(), value: 0.5, ..Score::default() });
    session(&folder, &[started(1), step(2, 0.25), score, Event::Finished { step: 2 }]);
    track(&folder, &board);
    assert_eq!(losses(&board.join("cells")), [(1, 0.5), (2, 0.25), (2, 0.0), (2, 0.25)]);

    // Another session of the same name has a folder of its own, and a renamed one keeps to its own under the new name.
    let other = root.path().join("other/cells");
    session(&other, &[Event::Warning { step: 0, message: "another".to_owned() }, started(0), step(1, 0.75)]);
    track(&other, &board);
    assert_eq!(losses(&board.join("cells-2")), [(1, 0.75)]);
    assert_eq!(losses(&board.join("cells")).len(), 4);
}

#[test]
fn what_cannot_be_written_is_told_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let (folder, board) = (root.path().join("cells"), root.path().join("board"));
    session(&folder, &[started(0), step(1, 0.5)]);
    fs::write(&board, "a file").unwrap();
    let trackers = Trackers { tensorboard: Some(board), mlflow: None };
    let (waker, mut said): (Waker, _) = (Arc::new(|| {}), Vec::new());
    assert!(!Tracking::start(&folder, &trackers, &waker).finish(|line| said.push(line.to_owned())));
    assert!(said.last().unwrap().contains("gandle track"), "{said:?}");
}
