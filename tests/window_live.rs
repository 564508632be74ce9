//! The Run page while a run goes on: curves, samples, keys and the log, by label. Without pictures and without time.
#![cfg(feature = "gui")]

#[path = "common/charts.rs"]
mod charts;
#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;

use common::Window;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Change, Config, Preset};
use gandle::event::{Command, Edited, Event, Grid, GridPicture, JobEvent, Picture, REAL_IMAGES, Scalar, Score, Step};
use gandle::ui::{
    Action, FigureContent, GridRequest, OnClose, Page, RunView, Settings, ThemeChoice, Workbench, pixels, theme,
};

impl Window {
    /// A window on a run of so many steps, with a score and a grid at every hundredth.
    fn running(steps: usize) -> Self {
        Self::with(steps, |_| {})
    }

    fn with(steps: usize, prepare: impl FnOnce(&mut Workbench)) -> Self {
        let mut workbench = Workbench::new(Preset::Improved.config(), Settings::default());
        workbench.live = Some(run(steps));
        prepare(&mut workbench);
        Self::open(workbench, [1280.0, 1800.0], Some(stored))
    }

    fn key(&mut self, key: Key) {
        self.harness.key_press(key);
        self.settle();
    }

    fn command(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::COMMAND, key);
        self.settle();
    }

    fn config(&self) -> &Config {
        &self.harness.state().0.config
    }
}

fn picture(step: usize, shade: u8) -> GridPicture {
    let picture = Picture { width: 128, height: 32, rgb: vec![shade; 128 * 32 * 3].into() };
    GridPicture { step, columns: 8, rows: 2, cell: 16, picture }
}

/// What is stored of a step: real images are brighter than any grid.
fn stored(ask: &GridRequest) -> GridPicture {
    let shade = if ask.grid.file == REAL_IMAGES { 200 } else { (ask.grid.step / 100) as u8 };
    picture(ask.grid.step, shade)
}

fn step(step: usize) -> Event {
    let seconds = step as f64 * 0.25;
    let looked = step % 10 == 1;
    let always = [
        (Scalar::LossD, 1.0 + step as f32 / 1000.0),
        (Scalar::LossG, 0.5),
        (Scalar::LogitsReal, 0.0),
        (Scalar::LogitsFake, 0.0),
        (Scalar::ImagesPerS, 64.0),
        (Scalar::AccuracyReal, 0.75),
        (Scalar::AccuracyFake, 0.5),
        (Scalar::GeneratorLr, 1e-4),
        (Scalar::DiscriminatorLr, 4e-4),
    ];
    let seldom = [(Scalar::GradientD, 3.0), (Scalar::GradientG, 2.5), (Scalar::MemoryMb, 512.0)];
    Event::Step(Step::of(step, seconds, always.into_iter().chain(seldom.into_iter().filter(|_| looked))))
}

fn score(step: usize, class: Option<&str>, value: f64) -> Event {
    Event::Score(Score {
        step,
        metric: "frechet-distance".to_owned(),
        extractor: "efficientnet-lite0".to_owned(),
        class: class.map(str::to_owned),
        samples: 480,
        value,
        seconds: 1.0,
        ..Score::default()
    })
}

fn run(steps: usize) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions/night-7"));
    view.apply(Event::Started(Box::new(head::started("night-7", Preset::Improved.config()))));
    for at in 1..=steps {
        view.apply(step(at));
        if at % 100 == 0 {
            view.apply(Event::Grid(Grid { step: at, file: format!("grids/{at}.png") }));
            view.apply(score(at, None, 40.0 - at as f64 / 100.0));
            view.apply(score(at, Some("malignant"), 60.0));
        }
    }
    view
}

#[test]
fn every_number_of_a_run_has_its_chart_and_charts_can_be_hidden() {
    let mut window = Window::running(300);
    for title in [
        "Losses",
        "Logits of D",
        "Frechet distance (EfficientNet-Lite0)",
        "Accuracy of D",
        "Gradient norms",
        "Learning rates",
        "Images per second",
        "Memory",
    ] {
        window.chart(title);
    }
    assert!(window.shows(" 75.0 %") && window.shows(" 50.0 %") && window.shows("1.300"));
    assert!(!window.shows("Chart of Time left"), "hidden at first");
    window.click("Charts     ");
    window.harness.get_by_role_and_label(Role::CheckBox, "Memory").click();
    window.settle();
    window.harness.get_by_role_and_label(Role::CheckBox, "Time left").click();
    window.settle();
    assert!(!window.shows("Chart of Memory") && window.shows("Chart of Time left"));
    assert_eq!(window.bench().settings.charts.hidden, ["memory"]);
}

#[test]
fn pointing_at_a_chart_reads_all_curves_at_that_step() {
    let mut window = Window::running(1000);
    let reads = |window: &Window, value: &str| window.harness.query_by_label(value).is_some();
    assert!(reads(&window, "   2.000"));
    let chart = window.chart("Logits of D");
    window.harness.hover_at(chart.center());
    window.harness.run_steps(3);
    assert!(reads(&window, "   1.500"), "the loss at step 500, under the pointer of another chart");
    window.harness.remove_cursor();
    window.harness.run_steps(3);
    assert!(reads(&window, "   2.000"));
}

#[test]
fn a_click_pins_a_step_with_the_values_of_every_curve() {
    let mut window = Window::running(1000);
    let chart = window.chart("Losses");
    window.press_at(chart.center(), chart.center());
    window.harness.remove_cursor();
    window.settle();
    assert!(window.shows("Pinned steps") && window.shows("Losses D") && window.shows("Accuracy of D fake"));
    assert!(window.shows("1.500") && window.shows("Remove the pin at 500"));
    // The pin leads to the samples of its step.
    window.harness.get_by_role_and_label(Role::Button, "500").click();
    window.settle();
    assert!(window.shows("step 500") && window.shows("5 of 10"));
    window.key(Key::P);
    assert!(!window.shows("Pinned steps"), "the same step again takes the pin out");
    window.key(Key::P);
    window.click("Remove all pins");
    assert!(!window.shows("Pinned steps"));
}

#[test]
fn dragging_zooms_into_steps_for_all_charts_and_a_double_click_shows_everything() {
    let mut window = Window::running(1000);
    let chart = window.chart("Losses");
    let at = |share: f32| egui::pos2(chart.left() + chart.width() * share, chart.center().y);
    window.press_at(at(0.5), at(0.75));
    assert!(window.shows("Whole run"));
    // The middle of another chart is the middle of what is shown.
    let other = window.chart("Accuracy of D");
    window.press_at(other.center(), other.center());
    assert!(window.shows("Remove the pin at 625"), "half-way between 500 and 750");
    window.key(Key::W);
    assert!(!window.shows("Whole run"));
}

#[test]
fn charts_are_saved_as_pixels_lines_and_numbers() {
    let mut window = Window::running(250);
    let mut save = |format: &str| {
        window.click("Options of Losses");
        window.click(&format!("Save as {format}…"));
        let asked = window.asked();
        let [Action::SaveFigure(figure)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(figure.name, format!("losses-step0000250.{}", format.to_lowercase()));
        figure.content.clone()
    };
    let FigureContent::Text(table) = save("CSV") else { panic!("a text") };
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines.len(), lines[3], lines[4]), (254, "step,Losses: D,Losses: G", "1,1.001,0.5"));
    let FigureContent::Text(svg) = save("SVG") else { panic!("a text") };
    assert!(
        svg.starts_with("<svg xmlns")
            && svg.contains(">Losses<")
            && svg.contains("<polyline")
            && svg.ends_with("</svg>\n")
    );
    let FigureContent::Pixels(drawing) = save("PNG") else { panic!("pixels") };
    assert_eq!(drawing, svg, "the same drawing");
    let picture = pixels(&drawing).unwrap();
    assert_eq!((picture.width, picture.height, picture.rgb.len()), (1520, 600, 1520 * 600 * 3));
    let p = theme::palette(&egui::Visuals::light());
    for color in [p.discriminator, p.generator] {
        let drawn = picture.rgb.chunks_exact(3).filter(|pixel| **pixel == color.to_array()[..3]).count();
        assert!(drawn > 500, "{drawn} pixels of a curve");
    }
    assert!(picture.rgb[..3] == [255; 3], "on white");
}

#[test]
fn the_classes_of_a_saved_score_have_keys_below_it() {
    let mut window = Window::running(250);
    window.click("Options of Frechet distance (EfficientNet-Lite0)");
    window.click("Save as SVG…");
    let asked = window.asked();
    let [Action::SaveFigure(figure)] = asked.as_slice() else { panic!("{asked:?}") };
    let FigureContent::Text(svg) = &figure.content else { panic!("a text") };
    assert!(svg.contains(">malignant<") && svg.contains(">all classes<"), "{svg}");
    let height = svg.split("height=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(height.parse::<f32>().unwrap() > 300.0, "{height}: more than without keys");
}

#[test]
fn saving_all_charts_makes_one_figure() {
    let mut window = Window::running(250);
    window.click("Charts     ");
    window.click("Save all as CSV…");
    let asked = window.asked();
    let [Action::SaveFigure(figure)] = asked.as_slice() else { panic!("{asked:?}") };
    let FigureContent::Text(table) = &figure.content else { panic!("a text") };
    let head = table.lines().nth(3).unwrap();
    for column in ["Losses: D", "Gradient norms: G", "Frechet distance (EfficientNet-Lite0): malignant", "Memory: MB"] {
        assert!(head.contains(column), "{head}");
    }
    let line = table.lines().find(|line| line.starts_with("200,")).unwrap();
    assert!(line.contains(",60,38,"), "the scores of a class and of all: {line}");
}

#[test]
fn arrows_and_space_walk_through_the_grids_and_the_curves_follow() {
    let mut window = Window::running(500);
    assert!(window.shows("5 of 5"));
    window.key(Key::ArrowLeft);
    window.key(Key::ArrowLeft);
    assert!(window.shows("3 of 5") && window.shows("1.300"), "the losses of step 300");
    window.key(Key::Home);
    assert!(window.shows("1 of 5") && window.shows("step 100"));
    window.key(Key::ArrowRight);
    assert!(window.shows("2 of 5"));
    window.key(Key::End);
    assert!(window.shows("5 of 5"));
    // Where no run goes on, space plays.
    window.bench().live.as_mut().unwrap().apply(Event::Stopped { step: 500 });
    window.settle();
    window.harness.key_press(Key::Space);
    window.harness.run_steps(2);
    assert!(window.harness.query_by_label("Stop playing").is_some());
    window.harness.key_press(Key::Space);
    window.harness.run_steps(2);
    assert!(window.harness.query_by_label("Play the grids").is_some());
}

#[test]
fn space_pauses_a_run_unless_somebody_types() {
    let mut window = Window::running(20);
    window.key(Key::Space);
    assert_eq!(window.asked(), [Action::Command(Command::Pause)]);
    window.bench().live.as_mut().unwrap().apply(Event::Paused { step: 20 });
    window.key(Key::Space);
    assert_eq!(window.asked(), [Action::Command(Command::Resume)]);
    window.harness.get_by_label("Data folder").click();
    window.settle();
    window.key(Key::Space);
    assert_eq!(window.asked(), []);
    window.command(Key::P);
    assert_eq!(window.asked(), [Action::Command(Command::Resume)], "with the command key also while typing");
}

#[test]
fn differences_real_images_and_single_images_are_shown() {
    let mut window = Window::running(300);
    window.click("Real images");
    assert!(window.bench().settings.samples.real);
    window.click("Difference");
    assert!(window.bench().settings.samples.difference);
    window.key(Key::Z);
    assert!(window.shows("benign, image 1 of 8, 16 px"));
    window.click("Next image");
    window.click("Next class");
    assert!(window.shows("malignant, image 2 of 8, 16 px"));
    window.click("x8");
    window.key(Key::Escape);
    assert!(!window.shows("malignant, image 2 of 8"));
}

#[test]
fn real_images_that_are_not_there_are_told() {
    let mut window = Window::running(300);
    window.bench().settings.samples.real = true;
    window.harness.run_steps(2);
    let real = |action| if let Action::ReadGrid(ask) = action { Some(ask) } else { None };
    let ask = window.asked().into_iter().filter_map(real).find(|ask| ask.grid.file == REAL_IMAGES);
    let ask = ask.unwrap();
    assert_eq!((ask.rows, ask.columns), (2, 8));
    let ctx = window.harness.ctx.clone();
    window.bench().take_grid(&ctx, &ask, Err("no such file".to_owned()));
    window.settle();
    window.harness.get_by_label("Real images").hover();
    window.harness.run_steps(40);
    assert!(window.shows("no such file. Sessions of earlier versions keep no real images"));
}

#[test]
fn the_meaning_of_the_losses_is_told_for_the_step_that_is_looked_at() {
    let mut window = Window::running(600);
    window.click("Meaning");
    assert!(window.shows("What these losses mean") && window.shows("steps 401 to 600") && window.shows("Hinge loss"));
    assert!(window.shows("75 % of the real and 50 % of the generated"));
    window.key(Key::Home);
    assert!(window.shows("steps 1 to 100"));
    window.key(Key::M);
    assert!(!window.shows("What these losses mean"));
}

#[test]
fn changes_of_the_set_up_are_taken_back_and_made_again() {
    let mut window = Window::running(20);
    let before = window.config().clone();
    window.bench().config.image_size = 32;
    window.settle();
    window.bench().config.train.seed = 77;
    window.settle();
    window.command(Key::Z);
    assert_eq!((window.config().train.seed, window.config().image_size), (before.train.seed, 32));
    window.command(Key::Z);
    assert_eq!(*window.config(), before);
    window.command(Key::Y);
    window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.settle();
    assert_eq!((window.config().train.seed, window.config().image_size), (77, 32));
}

#[test]
fn keys_turn_pages_and_the_sheet_lists_them() {
    let mut window = Window::running(20);
    for (key, page) in [(Key::Num2, Page::Data), (Key::Num4, Page::Log), (Key::Num1, Page::Run)] {
        window.command(key);
        assert_eq!(window.bench().settings.page, page);
    }
    window.key(Key::F1);
    assert!(window.shows("Undo a change to the set-up"));
    window.key(Key::Escape);
    assert!(!window.shows("Undo a change to the set-up"));
    window.command(Key::T);
    assert_eq!(window.asked(), [], "a run goes on");
    window.bench().live = None;
    window.settle();
    window.command(Key::T);
    assert_eq!(window.asked(), [Action::Train]);
}

#[test]
fn a_paused_run_takes_single_steps_and_slow_motion_waits_for_each() {
    let mut window = Window::running(20);
    assert!(!window.shows("Step by step"));
    window.bench().live.as_mut().unwrap().apply(Event::Paused { step: 20 });
    window.settle();
    window.click("One step");
    assert_eq!(window.asked(), [Action::Command(Command::Step)]);
    window.key(Key::N);
    assert_eq!(window.asked(), [], "the first has not been taken yet");
    window.bench().live.as_mut().unwrap().apply(step(21));
    window.key(Key::N);
    assert_eq!(window.asked(), [Action::Command(Command::Step)]);
    window.bench().live.as_mut().unwrap().apply(step(22));
    window.harness.get_by_label("Slow motion").click();
    window.harness.run_steps(3);
    assert_eq!(window.asked(), [Action::Command(Command::Step)]);
    window.harness.run_steps(30);
    assert_eq!(window.asked(), [], "it waits for the step");
    window.bench().live.as_mut().unwrap().apply(step(23));
    window.harness.run_steps(60);
    assert_eq!(window.asked(), [Action::Command(Command::Step)]);
    window.bench().live.as_mut().unwrap().apply(Event::Resumed { step: 23 });
    window.settle();
    assert!(!window.shows("Step by step") && window.asked().is_empty());
}

#[test]
fn one_network_alone_is_trained_until_the_run_goes_on() {
    let mut window = Window::running(20);
    window.bench().live.as_mut().unwrap().apply(Event::Paused { step: 20 });
    window.settle();
    let edit = |from: &str, to: &str| {
        Command::Edit(vec![Change { key: "optimizer.updates".to_owned(), from: from.to_owned(), to: to.to_owned() }])
    };
    for (label, from, to) in [("D only", "both", "discriminator"), ("G only", "discriminator", "generator")] {
        window.click(label);
        let wanted = edit(from, to);
        assert_eq!(window.asked(), [Action::Command(wanted.clone())]);
        let Command::Edit(changes) = wanted else { panic!() };
        window.bench().live.as_mut().unwrap().apply(Event::Edited(Edited { step: 20, changes }));
        window.settle();
    }
    window.click("One step");
    assert_eq!(window.asked(), [Action::Command(Command::Step)]);
    window.click("Resume");
    assert_eq!(window.asked(), [Action::Command(edit("generator", "both")), Action::Command(Command::Resume)]);
}

#[test]
fn a_window_that_is_closed_while_it_trains_asks_what_becomes_of_the_run() {
    let mut window = Window::running(20);
    assert!(window.bench().would_lose());
    window.bench().leave.ask();
    window.settle();
    window.click("Stay");
    assert!(!window.shows("Close gandle?") && window.asked().is_empty());
    for (label, leaving) in
        [("Save the run and close", OnClose::Stop), ("Close, and let it train on", OnClose::Background)]
    {
        window.bench().leave.ask();
        window.settle();
        assert!(window.shows("Close gandle?"));
        assert_eq!(window.bench().leave.chosen(), None);
        window.harness.get_by_label(label).click();
        window.harness.run_steps(3);
        assert_eq!(window.asked(), [Action::Leave(leaving)]);
        assert_eq!(window.bench().leave.chosen(), Some(leaving));
        assert!(window.shows("Saving the run"));
        window.bench().leave.stay();
        window.settle();
    }
    window.bench().leave.ask();
    window.settle();
    window.key(Key::Escape);
    assert!(!window.shows("Close gandle?"));
    window.bench().live.as_mut().unwrap().apply(Event::Finished { step: 20 });
    assert!(!window.bench().would_lose(), "nothing ends with the window");
}

#[test]
fn the_theme_follows_the_choice_that_is_kept() {
    let mut window = Window::with(20, |bench| bench.settings.theme = ThemeChoice::Light);
    assert_eq!(window.harness.ctx.theme(), egui::Theme::Light);
    // What the system has not comes first; nothing is known of this one, so it counts as dark.
    window.click("Dark theme");
    assert_eq!((window.harness.ctx.theme(), window.bench().settings.theme), (egui::Theme::Dark, ThemeChoice::Dark));
    window.click("Theme of the system");
    assert_eq!(window.bench().settings.theme, ThemeChoice::System);
}

#[test]
fn the_log_is_filtered_by_level_and_words_and_copied() {
    let mut window = Window::running(20);
    for (step, message) in [(5, "D wins by far."), (9, "The disk is nearly full.")] {
        window.bench().live.as_mut().unwrap().apply(Event::Warning { step, message: message.to_owned() });
    }
    window.turn_to("Log");
    assert!(window.shows("D wins by far.") && window.shows("Started on cpu") && window.shows("Warnings (2)"));
    window.click("Messages (1)");
    assert!(!window.shows("Started on cpu"));
    window.harness.get_by_label("Filter the log").click();
    window.settle();
    window.harness.get_by_label("Filter the log").type_text("DISK");
    window.settle();
    assert!(!window.shows("D wins by far.") && window.shows("1 line"));
    window.click("Copy");
    assert_eq!(window.asked(), [Action::Copy("20\twarning\tThe disk is nearly full.\n".to_owned())]);
}

/// Roles that somebody acts on, who may not see them.
fn needs_a_name(role: Role) -> bool {
    [
        Role::Button,
        Role::CheckBox,
        Role::ComboBox,
        Role::Slider,
        Role::SpinButton,
        Role::TextInput,
        Role::MultilineTextInput,
        Role::RadioButton,
        Role::Switch,
        Role::Tab,
        Role::Link,
        Role::ColorWell,
        Role::Image,
    ]
    .contains(&role)
}

#[test]
fn every_control_of_every_page_has_a_name() {
    let mut window = Window::running(300);
    window.bench().settings.charts.meaning = true;
    window.key(Key::P);
    window.key(Key::Z);
    window.bench().data.apply(JobEvent::Failed { message: "no such folder".to_owned() });
    let mut controls = 0;
    for page in [Page::Run, Page::Data, Page::Details, Page::Log, Page::Sessions] {
        window.bench().settings.page = page;
        window.settle();
        let nodes =
            window.harness.query_all(egui_kittest::kittest::By::new().predicate(|node| needs_a_name(node.role())));
        for node in nodes {
            let node = node.accesskit_node();
            let name = node.label().unwrap_or_default();
            assert!(!name.trim().is_empty(), "{page:?}: a {:?} at {:?} has no name", node.role(), node.bounding_box());
            controls += 1;
        }
    }
    assert!(controls > 200, "{controls}");
}
