//! Each kind of alarm: raised once, over, and as if the run had never ended.

use super::*;

fn at(step: usize) -> At {
    At { step, seconds: step as f64 }
}

fn watch(config: &Config) -> Watch {
    Watch::new(config, &["round".to_owned(), "oval".to_owned()])
}

/// `(step, whether it is an alarm, what about)`
fn told(events: impl IntoIterator<Item = Event>) -> Vec<(usize, bool, Option<String>)> {
    let tell = |event| {
        if let Event::Alarm(alarm) = event {
            Some((alarm.step, true, alarm.subject))
        } else if let Event::Recovered(over) = event {
            Some((over.step, false, over.subject))
        } else {
            panic!("{event:?}")
        }
    };
    events.into_iter().filter_map(tell).collect()
}

fn right(accuracy: f32) -> Scalars {
    Scalars::of([(Scalar::AccuracyReal, accuracy), (Scalar::AccuracyFake, accuracy)])
}

fn over_steps(config: &Config, accuracy: impl Fn(usize) -> f32, steps: usize) -> Vec<(usize, bool, Option<String>)> {
    let mut watch = watch(config);
    told((1..=steps).filter_map(|step| watch.step(at(step), &right(accuracy(step)))))
}

#[test]
fn a_discriminator_that_is_always_right_is_told_once_a_stretch() {
    let config = Config::default();
    let always = over_steps(&config, |_| 1.0, 1000);
    assert_eq!(always, [(ACCURACY_STEPS, true, None)]);
    // Right, then contested for 100 steps, then right again.
    let twice = over_steps(&config, |step| if (400..500).contains(&step) { 0.7 } else { 1.0 }, 1000);
    assert_eq!(twice.iter().map(|(_, raised, _)| *raised).collect::<Vec<_>>(), [true, false, true]);
    // The last wrong steps may still be in the window: their mean is high enough.
    assert!((400..500).contains(&twice[1].0) && (690..700).contains(&twice[2].0), "{twice:?}");
    // Between the two thresholds nothing changes.
    let wavering = over_steps(&config, |step| if step % 400 < 200 { 1.0 } else { 0.985 }, 2000);
    assert_eq!(wavering.len(), 1, "{wavering:?}");
}

#[test]
fn copies_are_told_once_until_they_are_over() {
    let mut watch = watch(&Config::default());
    let shares = [1.4, 0.85, 0.79, 0.5, 0.85, 0.91, 0.6];
    let events: Vec<Event> =
        (1..).zip(shares).filter_map(|(step, share)| watch.nearness(at(step), share, Some("nearest/x.png"))).collect();
    let Event::Alarm(first) = &events[0] else { panic!("{events:?}") };
    assert!(first.message.contains("79 %") && first.advice.contains("nearest/x.png"), "{first:?}");
    let mut again = self::watch(&Config::default());
    again.restore_scores(std::slice::from_ref(first));
    assert_eq!(again.nearness(at(4), 0.5, None), None);
    assert_eq!(told(events), [(3, true, None), (6, false, None), (7, true, None)]);
}

#[test]
fn images_that_turn_blank_are_told_at_once_with_the_change_before() {
    let grid = |image: &dyn Fn(usize) -> [u8; 3]| {
        let rgb: Vec<u8> = (0..8).flat_map(image).collect();
        let picture = crate::event::Picture { width: 4, height: 2, rgb: rgb.into() };
        GridPicture { step: 0, columns: 2, rows: 1, cell: 2, picture }
    };
    let grey = grid(&|at| [126 + (at % 3) as u8, 127, 128]);
    let drawn = grid(&|at| [30 * at as u8, 200, 10]);
    let black = grid(&|_| [0, 1, 2]);
    let mut watch = watch(&Config::default());
    assert_eq!(watch.picture(at(0), &grey), None, "it has learnt nothing yet");
    assert_eq!(watch.picture(at(100), &drawn), None);
    let changes = vec![crate::config::Change {
        key: "optimizer.generator_lr".to_owned(),
        from: "0.0001".to_owned(),
        to: "1".to_owned(),
    }];
    watch.edited(&Edited { step: 140, changes });
    let Some(Event::Alarm(alarm)) = watch.picture(at(200), &black) else { panic!() };
    assert!(alarm.message.contains("All images of the grid are black"), "{alarm:?}");
    assert!(alarm.advice.contains("optimizer.generator_lr") && alarm.advice.contains("step 140"), "{alarm:?}");
    assert_eq!(watch.picture(at(300), &black), None, "it is told once");
    let mut again = self::watch(&Config::default());
    again.restore(&watch.remember());
    assert_eq!(again.picture(at(300), &black), None);
    assert!(matches!(again.picture(at(400), &drawn), Some(Event::Recovered(_))));
    let mut fresh = self::watch(&Config::default());
    assert!(fresh.picture(at(100), &black).is_some(), "no start is black");
}

#[test]
fn a_contested_discriminator_and_a_critic_raise_nothing() {
    let config = Config::default();
    assert_eq!(over_steps(&config, |step| if step % 10 == 0 { 0.9 } else { 1.0 }, 1000), []);
    let mut watch = watch(&config);
    assert!((1..=1000).all(|step| watch.step(at(step), &Scalars::default()).is_none()));
}

#[test]
fn a_class_that_collapses_is_named_once_until_it_recovers() {
    let mut watch = watch(&Config::default());
    let shares = [0.01, 0.7, 0.1, 0.8, 0.1, 0.05, 0.05, 0.3, 0.1, 0.6, 0.1, 0.1];
    let events = shares.into_iter().enumerate().flat_map(|(i, share)| {
        let spreads = [Some(0.8), Some(share)];
        watch.grid(at(i), &spreads)
    });
    let oval = || Some("oval".to_owned());
    assert_eq!(told(events), [(5, true, oval()), (9, false, oval()), (11, true, oval())]);
}

#[test]
fn a_class_that_never_was_diverse_counts_after_the_average_has_caught_up() {
    let config = Config::default();
    let mut watch = watch(&config);
    let steps = (0..).map(|i| i * 250);
    let mut told_of = told(steps.take(20).flat_map(|step| watch.grid(at(step), &[Some(0.02), None])));
    let (step, raised, subject) = told_of.remove(0);
    assert!(raised && subject.as_deref() == Some("round") && (3000..=3500).contains(&step), "{step}");
    assert!(told_of.is_empty());
}

#[test]
fn the_first_term_that_breaks_is_named_and_advice_leaves_out_what_is_on() {
    let mut config = Config::default();
    let fine = [Scalar::LogitsReal, Scalar::LogitsFake, Scalar::LossD, Scalar::LossG];
    let fine = Scalars::of(fine.into_iter().zip([0.5, -0.5, 1e7, -3.0]));
    assert_eq!(divergence(at(7), &fine, &config), None);
    let nan = f32::NAN;
    let (g, d, fake, real) = (Scalar::LossG, Scalar::LossD, Scalar::LogitsFake, Scalar::LogitsReal);
    let cases: [(&[_], _, _); 5] = [
        (&[(g, f32::INFINITY)], "loss_g", "generator's loss became infinite"),
        (&[(d, -2e21)], "loss_d", "became -2.0e21, far beyond any healthy run"),
        (&[(g, nan), (d, nan)], "loss_d", "discriminator's loss became not a number"),
        (&[(d, nan), (fake, nan)], "logits_fake", "logits on generated images"),
        (&[(fake, nan), (real, nan)], "logits_real", "logits on real images"),
    ];
    config.discriminator.spectral_norm = true;
    for (losses, term, words) in cases {
        let mut numbers = fine;
        losses.iter().for_each(|(number, value)| numbers.set(*number, *value));
        let alarm = divergence(at(7), &numbers, &config).expect(term);
        assert_eq!((alarm.step, alarm.subject.as_deref()), (7, Some(term)));
        assert!(alarm.message.contains(words) && alarm.message.contains("step 7"), "{}", alarm.message);
        assert!(alarm.advice.contains("learning rates") && !alarm.advice.contains("spectral"), "{}", alarm.advice);
    }
    config.discriminator.spectral_norm = false;
    let alarm = broken_weights(at(7), &config);
    assert!(alarm.advice.contains("spectral normalisation"), "{}", alarm.advice);
}

#[test]
fn alarms_go_on_as_if_the_run_had_never_ended() {
    let names = ["a", "b"].map(str::to_owned);
    let accuracy = |step: usize| if (300..340).contains(&step) { 0.6 } else { 1.0 };
    let see = |watch: &mut Watch, step: usize| {
        let at = At { step, seconds: 0.0 };
        let right = [Scalar::AccuracyReal, Scalar::AccuracyFake].map(|number| (number, accuracy(step)));
        let mut told: Vec<Event> = watch.step(at, &Scalars::of(right)).into_iter().collect();
        if step.is_multiple_of(10) {
            let share = if step % 200 < 100 { 0.8 } else { 0.05 };
            told.extend(watch.grid(at, &[Some(0.6), Some(share)]));
        }
        told
    };
    let config = Config::default();
    let mut whole = Watch::new(&config, &names);
    let want: Vec<Event> = (1..=700).flat_map(|step| see(&mut whole, step)).collect();
    assert!(want.len() > 6, "{want:?}");
    for stop in [50, 110, 199, 250, 305, 330, 530] {
        let mut first = Watch::new(&config, &names);
        let mut told: Vec<Event> = (1..=stop).flat_map(|step| see(&mut first, step)).collect();
        let kept = serde_json::to_vec(&first.remember()).unwrap();
        let mut second = Watch::new(&config, &names);
        second.restore(&serde_json::from_slice::<Watched>(&kept).unwrap());
        told.extend((stop + 1..=700).flat_map(|step| see(&mut second, step)));
        assert_eq!(told, want, "stopped after {stop}");
    }
}
