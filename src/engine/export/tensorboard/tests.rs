//! The file read back: records, tags, steps and settings.

use super::message::{Kind, Settings};
use super::*;
use crate::config::Config;
use crate::event::{Scalar, Started};

fn source() -> Source {
    let mut config = Config::default();
    config.train.seed = 7;
    let started = Started {
        schema: 1,
        version: "0.1.0".to_owned(),
        session: "cells".to_owned(),
        step: 0,
        parent: None,
        config,
        classes: vec!["a|b".to_owned(), "c".to_owned()],
        device: "cpu".to_owned(),
        threads: 1,
        generator_parameters: 1,
        discriminator_parameters: 1,
        time: 1_700_000_000,
    };
    let step = |step, seconds| Told::Step(Step::of(step, seconds, [(Scalar::LossD, 0.5), (Scalar::SignReal, 0.25)]));
    let score = |class: Option<&str>, value| {
        let (metric, extractor) = ("frechet-distance".to_owned(), "x".to_owned());
        let class = class.map(str::to_owned);
        Told::Score(Score { step: 2, metric, extractor, class, value, ..Score::default() })
    };
    let grid = Told::Grid(Grid { step: 2, file: "grids/lost.png".to_owned() });
    let history = vec![
        Told::Started(Box::new(started.clone())),
        step(1, 1.5),
        step(2, 3.0),
        score(None, 9.5),
        score(Some("all classes"), f64::NAN),
        grid,
        Told::Finished { step: 2 },
    ];
    Source { folder: "nowhere".into(), name: "cells".to_owned(), history, started, step: 2 }
}

#[test]
fn records_hold_what_the_session_told() {
    let (name, bytes) = file(&source()).unwrap();
    assert_eq!(name, "cells-step0000002/events.out.tfevents.1700000000.gandle");
    let events: Vec<Event> =
        record::read(&bytes).iter().map(|bytes| Event::decode(bytes.as_slice()).unwrap()).collect();
    assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
    let values: Vec<(f64, i64, Value)> = events
        .iter()
        .flat_map(|event| {
            let values = event.summary.clone().map(|summary| summary.value).unwrap_or_default();
            values.into_iter().map(|value| (event.wall_time, event.step, value))
        })
        .collect();
    let scalars = |tag: &str| -> Vec<(f64, i64, f32)> {
        let of = values.iter().filter(|(_, _, value)| value.tag == tag);
        of.filter_map(|(time, step, value)| Some((*time, *step, value.simple_value?))).collect()
    };
    let began = 1_700_000_000.0;
    assert_eq!(scalars("loss/discriminator"), [(began + 1.5, 1, 0.5), (began + 3.0, 2, 0.5)]);
    assert_eq!(scalars("augmentation/sign of real logits").len(), 2);
    assert_eq!(scalars("augmentation/probability"), []);
    assert_eq!(scalars("frechet-distance (x)/all classes"), [(began + 3.0, 2, 9.5)]);
    // A class of that name is another curve, and no number stays none.
    assert!(scalars("frechet-distance (x)/class all classes")[0].2.is_nan());
    let text = |tag: &str| {
        let (_, _, value) = values.iter().find(|(_, _, value)| value.tag == tag).unwrap();
        String::from_utf8(value.tensor.clone().unwrap().strings.remove(0)).unwrap()
    };
    assert!(text("session").contains("| step | 2 |"));
    assert!(text("session").contains("| seed | 7 |") && text("session").contains("a\\|b"));
    assert!(text("remarks").contains("step 2 could not be read"));
    let settings = |tag: &str| {
        let (_, _, value) = values.iter().find(|(_, _, value)| value.tag == tag).unwrap();
        let plugin = value.metadata.clone().unwrap().plugin.unwrap();
        assert_eq!(plugin.name, "hparams");
        Settings::decode(plugin.content.as_slice()).unwrap()
    };
    let start = settings("_hparams_/session_start_info").start.unwrap();
    assert_eq!(start.hparams["train.seed"].kind, Some(Kind::Scalar(7.0)));
    assert_eq!(start.hparams["image_size"].kind, Some(Kind::Scalar(64.0)));
    assert_eq!(start.hparams["loss.kind"].kind, Some(Kind::Text("hinge".to_owned())));
    assert_eq!(settings("_hparams_/session_end_info").end.unwrap().status, 1);
}
