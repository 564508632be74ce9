//! The window by meaning: events go in, texts and commands come out. Found by label, without pictures.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;
use std::time::SystemTime;

use common::Window;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{AttentionForm, Change, Config, DiscriminatorNorm, LossKind, Preset, Skip};
use gandle::event::{
    Alarm, AlarmKind, Best, Checkpoint, ClassCount, Command, Content, DataSummary, Edited, Event, Exported, Grid,
    GridPicture, ImageFormat, Images, JobEvent, Pace, Picture, Recovered, Scalar, Score, Skipped, Step,
};
use gandle::ui::setup::Checked;
use gandle::ui::{Action, Brief, DataView, Page, RunView, SessionRow, Settings, Source, Workbench};

impl Window {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(prepare: impl FnOnce(&mut Workbench)) -> Self {
        let mut workbench = Workbench::new(Preset::Improved.config(), Settings::default());
        prepare(&mut workbench);
        Self::open(workbench, [1280.0, 1900.0], None)
    }

    fn enabled(&self, button: &str) -> bool {
        !self.harness.get_by_role_and_label(egui::accesskit::Role::Button, button).accesskit_node().is_disabled()
    }

    fn config(&self) -> &Config {
        &self.harness.state().0.config
    }

    fn apply(&mut self, event: Event) {
        self.bench().live.as_mut().expect("a run").apply(event);
        self.settle();
    }
}

fn started() -> Event {
    Event::Started(Box::new(head::started("night-7", Preset::Improved.config())))
}

fn step(step: usize) -> Event {
    let seconds = step as f64 * 0.25;
    Event::Step(Step::of(step, seconds, [(Scalar::LossD, 1.25), (Scalar::LossG, 0.75), (Scalar::ImagesPerS, 64.0)]))
}

fn score(value: f64, class: Option<&str>) -> Event {
    Event::Score(Score {
        step: 1000,
        metric: "frechet-distance".to_owned(),
        extractor: "efficientnet-lite0".to_owned(),
        class: class.map(str::to_owned),
        samples: 480,
        value,
        seconds: 1.0,
        ..Score::default()
    })
}

fn picture(step: usize) -> GridPicture {
    let picture = Picture { width: 128, height: 32, rgb: vec![90; 128 * 32 * 3].into() };
    GridPicture { step, columns: 8, rows: 2, cell: 16, picture }
}

fn view(events: impl IntoIterator<Item = Event>) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions/night-7"));
    events.into_iter().for_each(|event| view.apply(event));
    view
}

fn running() -> Window {
    Window::with(|bench| bench.live = Some(view([started(), step(1), step(2)])))
}

fn preview() -> JobEvent {
    let class = |name: &str, images| ClassCount { name: name.to_owned(), images, held_out: 0 };
    let summary = DataSummary {
        source: "/cells".to_owned(),
        classes: vec![class("benign", 1200), class("malignant", 34)],
        skipped: vec![Skipped { file: "benign/notes.txt".to_owned(), reason: "not an image".to_owned() }],
        duplicates: vec![vec!["benign/a.png".to_owned(), "malignant/a.png".to_owned()]],
        ..DataSummary::default()
    };
    JobEvent::Preview { summary: Box::new(summary), samples: picture(0) }
}

#[test]
fn the_first_look_says_what_to_do_and_train_starts_a_run() {
    let mut window = Window::new();
    assert!(window.shows("Train a conditional GAN on your images") && window.shows("Settings are fine"));
    assert!(!window.enabled("Pause") && !window.enabled("Stop"));
    window.click("Train");
    assert_eq!(window.asked(), [Action::Train]);
}

#[test]
fn a_running_run_shows_its_numbers() {
    let mut window = running();
    for text in ["Training", "night-7", "2 / 4,000", "64.0 img/s", "16 min 40 s left", "1.250", "0.750"] {
        assert!(window.shows(text), "{text}");
    }
    assert!(!window.enabled("Train"));
    window.apply(score(31.5, None));
    assert!(window.shows("Frechet distance (EfficientNet-Lite0)") && window.shows("31.50") && window.shows("N 480"));
}

#[test]
fn pause_resume_and_stop_return_commands() {
    let mut window = running();
    window.click("Pause");
    assert_eq!(window.asked(), [Action::Command(Command::Pause)]);
    window.bench().live.as_mut().expect("a run").ask(&Command::Pause);
    window.settle();
    assert!(!window.enabled("Pause"));
    window.apply(Event::Paused { step: 2 });
    assert!(window.shows("Paused"));
    window.click("Resume");
    window.click("Stop");
    assert_eq!(window.asked(), [Action::Command(Command::Resume), Action::Command(Command::Stop)]);
}

#[test]
fn changes_that_a_run_can_take_are_offered_and_others_are_told() {
    let mut window = running();
    assert!(window.shows("As in the run that is going on"));
    window.bench().config.optimizer.generator_lr = 2e-4;
    window.bench().config.generator.latent_dim = 64;
    window.settle();
    assert!(window.shows("1 change for the next run"));
    window.click("Apply 1 change to the run");
    let change =
        Change { key: "optimizer.generator_lr".to_owned(), from: "0.0001".to_owned(), to: "0.0002".to_owned() };
    assert_eq!(window.asked(), [Action::Command(Command::Edit(vec![change.clone()]))]);
    window.apply(Event::Edited(Edited { step: 2, changes: vec![change] }));
    assert!(!window.shows("Apply 1 change to the run"), "it has been taken over");
}

#[test]
fn a_failure_is_shown_and_the_next_run_can_start() {
    let mut window = running();
    window.apply(Event::Failed { step: 2, message: "The loss is not a number.".to_owned() });
    assert!(window.shows("Failed at step 2") && window.shows("The loss is not a number."));
    assert!(!window.enabled("Stop"));
    window.click("Train");
    assert_eq!(window.asked(), [Action::Train]);
    window.click("Dismiss");
    assert!(!window.shows("Failed at step 2"));
}

#[test]
fn warnings_stay_until_they_are_dismissed_and_remain_in_the_log() {
    let mut window = running();
    window.apply(Event::Warning { step: 2, message: "D wins by far.".to_owned() });
    window.apply(step(3));
    assert!(window.shows("D wins by far."));
    window.click("Dismiss");
    assert!(!window.shows("D wins by far."));
    window.click("Log");
    assert!(window.shows("D wins by far.") && window.shows("Started on cpu with 2 threads"));
}

#[test]
fn alarms_are_shown_with_advice_until_they_are_over() {
    let alarm = |step, kind, subject: Option<&str>, message: &str| {
        let (message, advice) = (message.to_owned(), "Try less.".to_owned());
        Event::Alarm(Alarm { step, kind, subject: subject.map(str::to_owned), message, advice, seconds: 90.0 })
    };
    let mut window = running();
    window.apply(alarm(2, AlarmKind::SaturatedDiscriminator, None, "D is always right."));
    window.apply(alarm(3, AlarmKind::ClassCollapse, Some("benign"), "All of benign are the same."));
    window.apply(alarm(4, AlarmKind::ClassCollapse, Some("malignant"), "All of malignant are the same."));
    window.apply(step(5));
    for text in ["Discriminator saturated, step 2", "D is always right. Try less.", "Class collapse, step 4"] {
        assert!(window.shows(text), "{text}");
    }
    assert!(window.shows("All of malignant are the same. The same holds for benign. Try less."));
    // Dismissing one kind leaves the other.
    window.harness.get_all_by_label("Dismiss").last().expect("a banner each").click();
    window.settle();
    assert!(window.shows("D is always right.") && !window.shows("Class collapse, step 4"));
    let over = Recovered { step: 6, kind: AlarmKind::SaturatedDiscriminator, subject: None };
    window.apply(Event::Recovered(over));
    assert!(!window.shows("D is always right."));
    window.turn_to("Details");
    assert!(window.shows("Discriminator saturated, steps 2 to 6; Class collapse: benign, from step 3"));
    window.click("Log");
    assert!(window.shows("Over: Discriminator saturated") && window.shows("All of benign are the same. Try less."));
}

#[test]
fn stages_of_a_growing_run_are_noted_and_its_samples_say_their_size() {
    let mut window = running();
    for (step, resolution, fading) in [(0, 8, false), (2, 16, true), (2, 16, true), (3, 16, false)] {
        window.apply(Event::Stage { step, resolution, fading });
    }
    window.turn_to("Details");
    window.click("Log");
    assert!(window.shows("Images of 8 px") && window.shows("Images of 16 px fading in"));
    assert_eq!(window.harness.query_all_by_label_contains("fading in").count(), 1);
}

#[test]
fn a_divergence_is_told_by_the_failure_alone() {
    let mut window = running();
    let text = "Training has diverged at step 3.".to_owned();
    let (kind, advice) = (AlarmKind::Divergence, String::new());
    let alarm = Alarm { step: 3, kind, subject: None, message: text.clone(), advice, seconds: 1.0 };
    window.apply(Event::Alarm(alarm));
    window.apply(Event::Failed { step: 2, message: text.clone() });
    assert_eq!(window.harness.query_all_by_label_contains(&text).count(), 1);
    assert!(window.shows("Failed at step"));
}

#[test]
fn the_set_up_tells_the_time_of_its_steps_as_measured() {
    let mut window = Window::new();
    window.bench().config.train.steps = 37_200;
    window.settle();
    assert!(window.shows("Time: being measured…"));
    let asked = window.bench().asked_pace();
    window.bench().paces.begin(asked);
    let pace = Pace { seconds: 0.1, timed: 5, images: 32 };
    window.bench().paces.apply(JobEvent::Probed(pace));
    window.settle();
    assert!(
        window.shows(
            "Time: about 1 min 40 s for 1,000 steps, 1 h 02 min in all without scores (measured on this machine)"
        )
    );
    // Another batch size is another time, which nobody measures while a run trains.
    window.bench().config.train.batch_size = 8;
    window.bench().live = Some(view([started(), step(1)]));
    window.settle();
    assert!(window.shows("Time: not measured while a run trains"));
    (window.bench().live, window.bench().config.optimizer.beta2) = (None, 7.0);
    window.settle();
    assert!(window.shows("Time: measured once the errors are fixed"));
    (window.bench().config.optimizer.beta2, window.bench().config.train.batch_size) = (0.9, 32);
    window.settle();
    assert!(window.shows("1 h 02 min in all"), "what was measured is remembered");
    window.bench().config.image_size = 128;
    window.settle();
    let asked = window.bench().asked_pace();
    window.bench().paces.begin(asked);
    window.bench().paces.apply(JobEvent::Failed { message: "too large".to_owned() });
    window.settle();
    assert!(window.shows("Time: not measured, too large"));
}

#[test]
fn choosing_a_loss_changes_the_configuration_and_what_is_enabled() {
    use egui::accesskit::Role;
    let mut window = Window::new();
    let smoothing_off = |window: &Window| {
        window.harness.get_by_role_and_label(Role::SpinButton, "Label smoothing").accesskit_node().is_disabled()
    };
    assert!(smoothing_off(&window));
    window.harness.get_by_role_and_label(Role::ComboBox, "Adversarial loss").click();
    window.settle();
    window.click("bce");
    assert_eq!(window.config().loss.kind, LossKind::Bce);
    assert!(!smoothing_off(&window));
}

#[test]
fn changes_of_what_the_discriminator_sees_are_set_and_their_probability_is_drawn() {
    use egui::accesskit::Role;
    let mut window = running();
    window.click("Differentiable augmentation options");
    let off = |window: &Window, name: &str| {
        window.harness.get_by_role_and_label(Role::SpinButton, name).accesskit_node().is_disabled()
    };
    assert!(off(&window, "Probability") && off(&window, "Target sign"));
    window.bench().config.augment.cutout = 0.5;
    window.settle();
    assert!(!off(&window, "Probability") && off(&window, "Target sign"));
    window.bench().config.augment.adaptive = true;
    window.settle();
    assert!(off(&window, "Probability") && !off(&window, "Target sign"));

    assert!(!window.shows("Augmentation of what D sees"));
    let told = Step::of(3, 0.0, [(Scalar::AugmentProbability, 0.375), (Scalar::SignReal, 0.625)]);
    window.apply(Event::Step(told));
    for text in ["Augmentation of what D sees", "0.375", "0.625"] {
        assert!(window.shows(text), "{text}");
    }
}

#[test]
fn attention_toggles_and_falls_away_with_its_map() {
    use egui::accesskit::Role;
    let mut window = Window::new();
    window.click("Generator attention at 16");
    assert_eq!(window.config().generator.attention, [16, 32]);
    window.click("Generator attention at 32");
    window.click("Discriminator attention at 8");
    assert_eq!(
        (&window.config().generator.attention, &window.config().discriminator.attention),
        (&vec![16], &vec![8, 32])
    );
    window.harness.get_by_role_and_label(Role::ComboBox, "Image size").click();
    window.settle();
    window.click("32 px");
    assert_eq!((window.config().image_size, &window.config().discriminator.attention), (32, &vec![8, 16]));
    assert!(window.harness.query_by_label("Generator attention at 32").is_none());
    assert!(window.enabled("Train") && window.shows("then self-attention as in SAGAN"), "the drawing tells the form");
    let config = &mut window.bench().config;
    (config.generator.attention_form, config.discriminator.attention_form) =
        (AttentionForm::Plain, AttentionForm::Plain);
    window.settle();
    assert!(window.enabled("Train") && !window.shows("as in SAGAN"));
}

#[test]
fn a_problem_is_mended_with_one_click_which_can_be_taken_back() {
    let mut window = Window::new();
    window.bench().config.image_size = 48;
    (window.bench().config.discriminator.norm, window.bench().config.train.batch_size) = (DiscriminatorNorm::Batch, 1);
    window.settle();
    assert!(!window.enabled("Train"));
    // Errors are mended beside their setting, warnings in the list of problems.
    window.click("Set \u{201c}Image size\u{201d} to 64");
    assert_eq!(window.config().image_size, 64);
    assert!(window.enabled("Train"));
    window.click("2 warnings");
    window.click("Set \u{201c}Normalisation (discriminator)\u{201d} to none");
    assert_eq!((window.config().discriminator.norm, window.config().train.batch_size), (DiscriminatorNorm::None, 1));
    window.click("Set \u{201c}Batch size\u{201d} to 8");
    assert!(window.shows("Settings are fine"));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.settle();
    assert_eq!((window.config().discriminator.norm, window.config().train.batch_size), (DiscriminatorNorm::None, 1));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.settle();
    assert_eq!(window.config().discriminator.norm, DiscriminatorNorm::Batch);
}

#[test]
fn a_setting_that_nothing_reads_is_in_the_list_of_problems() {
    let mut window = Window::new();
    window.bench().config.loss.lecam_decay = 0.5;
    window.settle();
    assert!(window.enabled("Train"));
    window.click("1 warning");
    assert!(window.shows("since \u{201c}LeCam\u{201d} is 0: it is read only with a LeCam weight above 0"));
    window.click("Set \u{201c}LeCam decay\u{201d} to 0.99");
    assert!(window.shows("Settings are fine") && window.config().loss.lecam_decay == 0.99);
    (window.bench().config.loss.lecam, window.bench().config.loss.lecam_decay) = (0.1, 0.5);
    window.settle();
    assert!(window.shows("Settings are fine"));
}

#[test]
fn settings_of_a_session_and_of_a_preset_are_taken_one_by_one_or_all() {
    let mut theirs = Preset::Improved.config();
    (theirs.train.steps, theirs.loss.kind) = (77, LossKind::Bce);
    theirs.data.class_factors.insert("red cell".to_owned(), 2.0);
    let folder = PathBuf::from("sessions/before");
    let mut row = SessionRow::new(folder.clone(), 10, SystemTime::now());
    row.tell(Brief::new(theirs.clone(), []));
    let mut window = Window::with(|bench| bench.sessions = vec![row]);
    window.click("Compare with…");
    assert_eq!(window.asked(), [Action::ListSessions]);
    assert!(window.shows("No setting differs"), "the set-up is the preset");
    let choose = |window: &mut Window, other: &str| {
        window.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "Compare with").click();
        window.settle();
        // The start page may name the session too.
        window.harness.query_all_by_label(other).last().unwrap().click();
        window.settle();
        // The dialog stands in the middle by the height that it had in the frame before.
        window.harness.run_steps(3);
    };
    choose(&mut window, "before");
    assert!(window.shows("3 settings differ"));
    window.click("Take loss.kind of the other");
    assert_eq!((window.config().loss.kind, window.config().train.steps), (LossKind::Bce, 4000));
    window.click("Take all");
    assert_eq!(*window.config(), theirs);
    assert!(window.shows("No setting differs"));
    choose(&mut window, "Preset original");
    assert!(window.shows("settings differ"), "{:?}", window.config());
    window.click("Take all");
    assert!(window.shows("No setting differs"), "{:?}", window.config());
    assert_eq!(window.config().generator, Preset::Original.config().generator);
    assert_eq!(window.config().train.steps, 77, "a preset says nothing of it");
    window.click("Close");
    for _ in 0..2 {
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
        window.settle();
    }
    assert_eq!((window.config().loss.kind, window.config().train.steps), (LossKind::Bce, 4000));
}

#[test]
fn the_set_up_and_the_data_page_say_that_they_are_not_of_the_stored_session() {
    let mut window = Window::with(|bench| bench.data.apply(preview()));
    window.turn_to("Data");
    assert!(!window.shows("stored session"));
    window.bench().stored = Some(view([started(), step(1)]));
    window.settle();
    assert!(window.shows("For the next run, not the stored session"));
    assert!(
        window.shows(
            "Below is the data of the set-up, for the next run. The stored session night-7 was trained on demo."
        )
    );
}

#[test]
fn changes_are_told_against_the_nearest_preset() {
    let mut checked = Checked::new(&Preset::Original.config(), &DataView::default());
    assert_eq!((checked.preset, checked.changed.as_slice()), (Preset::Original, &[][..]));
    let mut config = Preset::Improved.config();
    (config.image_size, config.loss.r1) = (32, 0.5);
    config.generator.attention = vec![16];
    config.discriminator.attention = vec![16];
    checked.refresh(&config, &DataView::default());
    assert_eq!(checked.preset, Preset::Improved);
    assert_eq!(checked.changed, ["image_size", "loss.r1"], "attention at 32 px has no room there, but at 16 px");
}

#[test]
fn the_drawings_of_the_networks_name_what_passes_over_their_blocks() {
    let mut window = Window::new();
    assert!(!window.shows("skip-layer excitation") && !window.shows("U-Net decoder"));
    (window.bench().config.generator.skip, window.bench().config.discriminator.unet) = (Skip::Excitation, true);
    for size in [16, 64, 512] {
        window.bench().config.image_size = size;
        window.settle();
        assert!(window.shows("skip-layer excitation") && window.shows("U-Net decoder"), "{size}");
    }
}

#[test]
fn errors_keep_a_run_from_starting_and_say_why() {
    let mut window = Window::with(|bench| bench.config.train.steps = 0);
    assert!(!window.enabled("Train"));
    assert!(window.shows("1 error") && window.shows("a run of 0 steps trains nothing"));
    window.bench().config.train.steps = 10;
    window.settle();
    assert!(window.enabled("Train") && window.shows("Settings are fine"));
}

#[test]
fn data_that_cannot_be_read_keeps_a_run_from_starting() {
    let mut window = Window::new();
    window.bench().data.apply(JobEvent::Failed { message: "/cells is not a folder".to_owned() });
    window.settle();
    assert!(!window.enabled("Train") && window.shows("/cells is not a folder"));
}

#[test]
fn a_typed_path_is_asked_for_when_it_is_done() {
    let mut window = Window::new();
    window.harness.get_by_label("Data folder").click();
    window.settle();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.get_by_label("Data folder").type_text("/cells");
    window.settle();
    assert_eq!(window.asked(), [Action::LookInto("/".to_owned())], "to offer what is there");
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    assert_eq!(window.asked(), [Action::UseData("/cells".to_owned())]);
}

#[test]
fn the_data_page_names_classes_and_every_skipped_file() {
    let mut window = Window::with(|bench| {
        bench.data.ask(Source::of(&bench.config));
        bench.data.apply(JobEvent::Progress { done: 3, total: 9 });
    });
    assert!(window.shows("Reading 3 of 9"));
    window.bench().data.apply(preview());
    window.turn_to("Data");
    for text in ["malignant", "1,200", "1,234", "benign/notes.txt", "not an image", "benign/a.png, malignant/a.png"] {
        assert!(window.shows(text), "{text}");
    }
    window.click("Read again");
    assert_eq!(window.asked(), [Action::ReadData]);
}

#[test]
fn the_data_page_tells_how_often_each_class_will_be_shown() {
    let mut window = Window::with(|bench| {
        bench.data.ask(Source::of(&bench.config));
        bench.data.apply(preview());
    });
    window.turn_to("Data");
    assert!(window.shows(" 50.0 %"));
    window.bench().config.data.balance = false;
    window.settle();
    assert!(window.shows("  2.8 %") && window.shows(" 97.2 %"), "34 and 1200 images");
    window.bench().config.data.balance = true;
    window.bench().config.data.class_factors.insert("gone".to_owned(), 2.0);
    window.settle();
    window.harness.get_by_role_and_label(egui::accesskit::Role::Button, "Class factors").click();
    window.settle();
    assert!(window.shows("malignant"));
    window.bench().config.data.class_factors.insert("benign".to_owned(), 3.0);
    window.settle();
    assert!(window.shows(" 75.0 %"));
    window.click("Remove");
    assert_eq!(window.config().data.class_factors.keys().collect::<Vec<_>>(), ["benign"]);
}

#[test]
fn mirroring_says_beside_its_switches_what_it_breaks() {
    let mut window = Window::new();
    window.click("Augmentation options");
    assert!(window.shows("Mirroring breaks left-right anatomy"));
}

#[test]
fn the_newest_grid_is_followed_and_older_ones_are_read() {
    let grid = |step| Grid { step, file: format!("grids/{step}.png") };
    let mut window = running();
    window.apply(Event::Grid(grid(100)));
    let asked = window.asked();
    let [Action::ReadGrid(ask)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((ask.grid.step, ask.rows, ask.columns), (100, 2, 8));
    let ctx = window.harness.ctx.clone();
    window.bench().take_grid(&ctx, ask, Ok(picture(100)));
    window.bench().live.as_mut().expect("a run").show_grid(picture(200));
    window.apply(Event::Grid(grid(200)));
    assert_eq!(window.asked(), []);
    assert!(window.shows("step 200") && window.shows("2 of 2"));
    window.click("Save grid…");
    assert_eq!(window.asked(), [Action::SaveGrid(picture(200))]);
}

#[test]
fn a_grid_that_cannot_be_read_says_so() {
    let mut window = running();
    window.apply(Event::Grid(Grid { step: 100, file: "grids/100.png".to_owned() }));
    let asked = window.asked();
    let [Action::ReadGrid(ask)] = asked.as_slice() else { panic!("{asked:?}") };
    let ctx = window.harness.ctx.clone();
    window.bench().take_grid(&ctx, ask, Err("the file is gone".to_owned()));
    window.settle();
    assert!(window.shows("the file is gone") && window.asked().is_empty());
}

#[test]
fn images_are_exported_from_the_newest_checkpoint() {
    let mut window = running();
    window.click("Export…");
    assert!(!window.enabled("Export"));
    for step in [500, 1000] {
        window.apply(Event::Checkpoint(Checkpoint {
            step,
            folder: format!("checkpoints/{step}"),
            removed: Vec::new(),
        }));
    }
    assert!(window.enabled("Export") && window.shows("Images per class"));
    window.click("Write one now");
    window.click("Export");
    let asked = window.asked();
    let [Action::Command(Command::Checkpoint), Action::Export(ask)] = asked.as_slice() else { panic!("{asked:?}") };
    let images = Images { step: Some(1000), class: None, count: 100, seed: 1, ..Images::default() };
    assert_eq!(ask.content, Content::Images(images));
    assert_eq!(ask.folder, Some(PathBuf::from("sessions/night-7/exports")));
    window.bench().export.apply(JobEvent::Progress { done: 40, total: 100 });
    window.harness.run_steps(2);
    window.click("Cancel export");
    assert_eq!(window.asked(), [Action::CancelExport]);
    window.bench().export.apply(JobEvent::Exported(Exported::Images {
        count: 200,
        folder: PathBuf::from("/out"),
        renamed: vec![("../..".to_owned(), "_._".to_owned())],
        table: Some(PathBuf::from("/out/synthetic.csv")),
    }));
    window.settle();
    assert!(window.shows("200 images written to /out"));
    assert!(window.shows("The class \"../..\" is in the folder _._") && window.shows("listed in synthetic.csv"));
    window.click("Close");
    assert!(!window.shows("Images per class"));
}

#[test]
fn the_best_checkpoint_is_marked_and_chosen_for_an_export() {
    let mut window = running();
    for step in [500, 1000] {
        let folder = format!("checkpoints/{step}");
        window.apply(Event::Checkpoint(Checkpoint { step, folder, removed: Vec::new() }));
    }
    window.click("Export…");
    assert!(window.harness.query_by_label("Best").is_none(), "nothing was scored");
    window.apply(Event::Best(Best { step: 500, metric: "frechet-distance".to_owned(), value: 31.5 }));
    window.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "Checkpoint").click();
    window.settle();
    assert!(window.shows("step 500, the best by Frechet distance") && window.shows("step 1,000"));
    window.click("step 1,000");
    let exported = |window: &mut Window| {
        window.click("Export");
        window.bench().export.apply(JobEvent::Cancelled);
        window.settle();
        let asked = window.asked();
        let [Action::Export(ask)] = asked.as_slice() else { panic!("{asked:?}") };
        let Content::Images(images) = ask.content else { panic!("{ask:?}") };
        images.step
    };
    assert_eq!(exported(&mut window), Some(1000));
    window.click("Best");
    assert_eq!(exported(&mut window), Some(500));
    window.click("Best");
    assert_eq!(exported(&mut window), Some(1000), "pressed again, it is the newest one");
}

#[test]
fn images_are_exported_in_every_format_that_takes_them() {
    let mut window = running();
    let folder = "checkpoints/500".to_owned();
    window.apply(Event::Checkpoint(Checkpoint { step: 500, folder, removed: Vec::new() }));
    window.click("Export…");
    let list = |window: &mut Window| {
        window.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "Stored as").click();
        window.settle();
    };
    list(&mut window);
    assert!(window.shows("parquet") && window.shows("dicom") && !window.shows("tiff16"), "the run is in colour");
    window.click("dicom");
    window.click("Fill up: count the real images too");
    assert!(window.shows("they are counted, not touched") && window.shows("Per class in all"));
    assert!(window.shows("stands in their files' metadata"));
    window.click("Write SYNTHETIC into the pixels");
    assert!(window.shows("in the lower left corner") && !window.shows("files' metadata"));
    let exported = |window: &mut Window| {
        window.click("Export");
        window.bench().export.apply(JobEvent::Cancelled);
        window.settle();
        let asked = window.asked();
        let [Action::Export(ask)] = asked.as_slice() else { panic!("{asked:?}") };
        let Content::Images(images) = ask.content else { panic!("{ask:?}") };
        images
    };
    let images = exported(&mut window);
    assert_eq!((images.format, images.fill_up, images.mark), (ImageFormat::Dicom, true, true));
    list(&mut window);
    window.click("npz");
    let images = exported(&mut window);
    assert_eq!((images.format, images.fill_up), (ImageFormat::Npz, false), "one file stands beside no real ones");
}

#[test]
fn other_results_are_exported_too() {
    use gandle::event::Moving;
    let mut window = running();
    window.click("Export…");
    let choose = |window: &mut Window, name: &str| {
        window.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "What").click();
        window.settle();
        window.click(name);
    };
    // What needs no checkpoint can be had before there is one.
    choose(&mut window, "report (HTML)");
    assert!(window.enabled("Export") && !window.shows("Write one now") && !window.shows("Truncation"));
    choose(&mut window, "generator as a model (ONNX)");
    assert!(!window.enabled("Export") && window.shows("Checkpoint"));
    window.apply(Event::Checkpoint(Checkpoint {
        step: 500,
        folder: "checkpoints/500".to_owned(),
        removed: Vec::new(),
    }));
    window.click("Export");
    window.bench().export.apply(JobEvent::Exported(Exported::Files(vec![PathBuf::from("/out/generator.onnx")])));
    window.settle();
    assert!(window.shows("Saved as /out/generator.onnx"));
    choose(&mut window, "animation of a walk through latent space");
    window.click("WebP");
    assert!(window.shows("Stops") && window.shows("Truncation") && window.shows("Frames per second"));
    window.click("Export");
    let asked = window.asked();
    let [Action::Export(model), Action::Export(walked)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(model.folder, Some(PathBuf::from("sessions/night-7/exports")));
    assert_eq!(model.content, Content::Onnx { step: Some(500) });
    let Content::Walk(film, walk) = &walked.content else { panic!("{walked:?}") };
    assert_eq!((film.moving, film.frames, walk.step, walk.class, walk.stops), (Moving::Webp, 60, Some(500), None, 5));
}

#[test]
fn a_stored_session_is_replayed_and_its_settings_can_be_taken_over() {
    let folder = PathBuf::from("sessions/night-7");
    let row = SessionRow {
        bytes: Some(12_000_000),
        checkpoint_bytes: 9_000_000,
        ..SessionRow::new(folder.clone(), 2, SystemTime::now())
    };
    let mut window = Window::with(|bench| {
        bench.sessions = vec![row];
        bench.config.generator.attention.clear();
    });
    window.turn_to("Sessions");
    assert!(window.shows("1 session, 12 MB on disk"));
    window.click("Open night-7");
    assert_eq!(window.asked(), [Action::ListSessions, Action::OpenSession(folder)]);
    let events =
        [started(), step(1), step(2), score(12.25, None), score(14.5, Some("benign")), Event::Finished { step: 2 }];
    window.bench().stored = Some(view(events));
    window.bench().settings.page = Page::Details;
    window.settle();
    for text in [
        "Stored session",
        "night-7, finished at step 2",
        "12.25",
        "14.50",
        "generator.attention",
        "1,000,000 parameters",
        "12 MB, 9 MB of it checkpoints",
    ] {
        assert!(window.shows(text), "{text}");
    }
    window.harness.get_all_by_label("Use these settings").next().expect("a button").click();
    window.settle();
    assert_eq!(window.config().generator.attention, [32]);
    window.click("Dismiss");
    assert!(!window.shows("Stored session"));
}

fn checkpoint(step: usize) -> Event {
    Event::Checkpoint(Checkpoint { step, folder: format!("checkpoints/{step}"), removed: Vec::new() })
}

#[test]
fn a_stored_session_goes_on_where_it_has_a_checkpoint_and_steps_are_left() {
    use egui::accesskit::Role;
    let resume = |steps| Action::Resume { folder: PathBuf::from("sessions/night-7"), steps };
    let mut window = Window::with(|bench| bench.stored = Some(view([started(), step(1), Event::Stopped { step: 1 }])));
    let hint = |window: &mut Window| {
        window.harness.get_by_role_and_label(Role::Button, "Resume").hover();
        window.harness.run_steps(40);
    };
    assert!(!window.enabled("Resume"));
    hint(&mut window);
    assert!(window.shows("no checkpoint to go on from"));
    let stored = |bench: &mut Workbench, event| bench.stored.as_mut().expect("a session").apply(event);
    stored(window.bench(), checkpoint(1));
    window.settle();
    window.click("Resume");
    assert_eq!(window.asked(), [resume(None)]);
    // Finished: only with more steps, and as many again are offered.
    for event in [checkpoint(4000), Event::Finished { step: 4000 }] {
        stored(window.bench(), event);
    }
    window.settle();
    window.click("Train longer");
    assert_eq!(window.asked(), [resume(Some(8000))]);
    window.harness.get_by_role_and_label(Role::SpinButton, "Steps to reach").click();
    window.settle();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.get_by_role_and_label(Role::SpinButton, "Steps to reach").type_text("4000");
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    assert!(!window.enabled("Train longer"));
    window.harness.get_by_role_and_label(Role::Button, "Train longer").hover();
    window.harness.run_steps(40);
    assert!(window.shows("All 4,000 steps are taken; ask for more"));
    window.harness.get_by_role_and_label(Role::SpinButton, "Steps to reach").click();
    window.settle();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.get_by_role_and_label(Role::SpinButton, "Steps to reach").type_text("9000");
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    window.click("Train longer");
    assert_eq!(window.asked(), [resume(Some(9000))]);
    // Not beside a run that goes on, and not while another process trains it.
    window.bench().elsewhere = Some("Another process is training this session".to_owned());
    window.settle();
    assert!(!window.enabled("Train longer"));
    window.bench().elsewhere = None;
    window.bench().live = Some(view([started(), step(1)]));
    window.settle();
    assert!(window.harness.query_by_label("Train longer").is_none() && window.shows("Back to the run"));
}

#[test]
fn a_run_that_was_stopped_here_goes_on_from_the_top_bar() {
    let mut window = running();
    window.apply(checkpoint(2));
    window.apply(Event::Stopped { step: 2 });
    window.click("Resume");
    assert_eq!(window.asked(), [Action::Resume { folder: PathBuf::from("sessions/night-7"), steps: None }]);
    window.bench().live.as_mut().expect("a run").restart();
    window.settle();
    assert!(window.shows("Starting") && window.enabled("Pause") && !window.enabled("Train"));
    let Event::Started(mut again) = started() else { panic!() };
    again.step = 2;
    window.apply(Event::Started(again));
    assert!(window.shows("2 / 4,000") && window.shows("Training"));
    window.click("Log");
    assert!(window.shows("Went on from step 2 on cpu"));
}

#[test]
fn a_stored_session_leaves_the_live_run_in_reach() {
    let mut window = running();
    window.bench().stored = Some(view([started(), step(1), Event::Stopped { step: 1 }]));
    window.settle();
    window.click("Pause");
    assert_eq!(window.asked(), [Action::Command(Command::Pause)]);
    assert!(window.shows("2 / 4,000"));
}

#[test]
fn presets_change_the_networks_and_keep_the_data() {
    let mut window = Window::with(|bench| bench.config.train.steps = 77);
    window.harness.get_by_label_contains("Preset: improved").click();
    window.settle();
    window.click("Original");
    assert_eq!((window.config().loss.kind, window.config().train.steps), (LossKind::Bce, 77));
    assert!(window.shows("Preset: original") && window.shows("2 warnings"));
}

#[test]
fn the_theme_switches() {
    let mut window = Window::new();
    let label = if window.harness.ctx.theme() == egui::Theme::Dark { "Light theme" } else { "Dark theme" };
    let before = window.harness.ctx.theme();
    window.click(label);
    assert_ne!(window.harness.ctx.theme(), before);
}

#[test]
fn every_page_draws_at_the_smallest_size_and_in_both_themes() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let mut window = running();
        window.harness.ctx.set_theme(theme);
        window.harness.set_size(egui::vec2(960.0, 600.0));
        window.bench().data.apply(preview());
        window.apply(score(20.0, None));
        for page in ["Data", "Details", "Sessions", "Compare", "Queue", "Run"] {
            window.turn_to(page);
        }
    }
}

#[test]
fn playing_shows_every_grid_in_turn_and_ends_at_the_newest() {
    let mut window = running();
    let mut seen = Vec::new();
    for step in [100, 200, 300] {
        window.bench().live.as_mut().expect("a run").apply(Event::Grid(Grid { step, file: format!("{step}.png") }));
    }
    window.settle();
    window.harness.get_by_label("Play the grids").click();
    for _ in 0..60 {
        window.harness.step();
        for action in window.asked() {
            let Action::ReadGrid(ask) = action else { panic!("{action:?}") };
            let ctx = window.harness.ctx.clone();
            window.bench().take_grid(&ctx, &ask, Ok(picture(ask.grid.step)));
            seen.push(ask.grid.step);
        }
    }
    assert!(seen.ends_with(&[100, 200]) && seen.contains(&300), "{seen:?}");
    assert!(window.shows("step 300") && window.harness.query_by_label("Play the grids").is_some());
}
