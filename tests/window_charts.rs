//! The charts of the Run page and of the Compare page are the same: what a gesture does in one, it does in the other, and what is
//! saved of them has the same numbers along its axes as the report.
#![cfg(feature = "gui")]

#[path = "common/charts.rs"]
mod charts;
#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use common::Window;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::Preset;
use gandle::engine::export::export;
use gandle::event::{Content, Event, Export, Exported, Scalar, Score, Step};
use gandle::ui::{
    Action, Brief, CompareRequest, ComparedRun, FigureContent, Page, RunView, SessionRow, Settings, Workbench, pixels,
    theme,
};

const STEPS: usize = 1000;

fn events(name: &str) -> Vec<Event> {
    let mut events = vec![Event::Started(Box::new(head::started(name, Preset::Improved.config())))];
    for step in 1..=STEPS {
        let value = 10_f32.powf(step as f32 / 250.0 - 2.0);
        let told = [(Scalar::LossD, value), (Scalar::LossG, 0.5), (Scalar::AccuracyReal, 0.75)];
        events.push(Event::Step(Step::of(step, step as f64 * 2.0, told)));
    }
    let score = |step: usize, value| Score {
        step,
        metric: "frechet-distance".to_owned(),
        extractor: "efficientnet-lite0".to_owned(),
        samples: 480,
        value,
        ..Score::default()
    };
    events.extend([score(500, 60.0), score(1000, 40.0)].map(Event::Score));
    events
}

/// The Run page, with a run that goes on.
fn run() -> (Window, &'static str) {
    let mut bench = Workbench::new(Preset::Improved.config(), Settings::default());
    let mut view = RunView::new(PathBuf::from("sessions/night-1"));
    events("night-1").into_iter().for_each(|event| view.apply(event));
    bench.live = Some(view);
    (Window::open(bench, [1280.0, 1800.0], None), "Losses")
}

fn row(folder: &Path) -> SessionRow {
    let mut row = SessionRow::new(folder.to_owned(), STEPS, SystemTime::now());
    row.tell(Brief::new(Preset::Improved.config(), events("night")));
    row
}

/// The Compare page, with two runs.
fn compare() -> (Window, &'static str) {
    let settings = Settings { page: Page::Compare, ..Settings::default() };
    let mut bench = Workbench::new(Preset::Improved.config(), settings);
    let folders = ["night-1", "night-2"].map(|name| Path::new("sessions").join(name));
    bench.sessions = folders.each_ref().map(|folder| row(folder)).into();
    let mut window = Window::open(bench, [1280.0, 1800.0], None);
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        window.click(&format!("Compare {name}"));
        assert_eq!(window.asked(), [Action::Compare(CompareRequest::Run(folder.clone()))]);
        let run = ComparedRun::fold(&folder, Preset::Improved.config(), events(&name));
        window.bench().compare.take(&folder, Ok(run));
        window.harness.run();
    }
    (window, "Loss of D")
}

/// What is saved where this is pressed.
fn saved(window: &mut Window, menu: &str, item: &str) -> (String, FigureContent) {
    window.click(menu);
    window.click(item);
    let asked = window.asked();
    let [Action::SaveFigure(figure)] = asked.as_slice() else { panic!("{asked:?}") };
    (figure.name.clone(), figure.content.clone())
}

fn text(content: FigureContent) -> String {
    match content {
        FigureContent::Text(text) | FigureContent::Pixels(text) => text,
        FigureContent::Picture(_) => panic!("a picture"),
    }
}

/// The numbers along the axes of the first chart in a drawing, those of the values first.
fn ticks(svg: &str) -> Vec<&str> {
    let first = svg.split("</g>").next().expect("a first part");
    first.split("monospace").skip(1).filter_map(|rest| rest.split('>').nth(1)?.split('<').next()).collect()
}

#[test]
fn the_same_gesture_gives_the_same_on_both_pages() {
    for (mut window, title) in [run(), compare()] {
        let chart = window.chart(title);
        let at = |share: f32| egui::pos2(chart.left() + chart.width() * share, chart.center().y);
        assert!(!window.shows("Whole run") && !window.shows("Pinned steps"), "{title}");
        window.press_at(at(0.5), at(0.75));
        assert!(window.shows("Whole run"), "{title}");
        window.press_at(at(0.5), at(0.5));
        assert!(window.shows("Remove the pin at 625"), "{title}: half-way between 500 and 750");
        // Long enough that two clicks are no double click.
        window.harness.run_steps(60);
        // The row of pins stands above the charts now.
        let pin = window.chart(title).center();
        window.press_at(pin, pin);
        assert!(!window.shows("Remove the pin at 625"), "{title}: a click on a pin takes it out");
        window.harness.key_press(egui::Key::W);
        window.settle();
        assert!(!window.shows("Whole run"), "{title}");
        // A box, and a double click.
        let chart = window.chart(title);
        window.press_at(chart.lerp_inside(egui::vec2(0.2, 0.2)), chart.lerp_inside(egui::vec2(0.4, 0.9)));
        assert!(window.shows("Whole run"), "{title}");
        window.harness.run_steps(60);
        // With a pin elsewhere, so that the row of pins is there already.
        let chart = window.chart(title);
        let aside = chart.lerp_inside(egui::vec2(0.8, 0.5));
        window.press_at(aside, aside);
        window.harness.run_steps(60);
        let chart = window.chart(title);
        window.harness.hover_at(chart.center());
        window.harness.step();
        // Frames are a quarter of a second apart here.
        window.harness.ctx.options_mut(|options| options.input_options.max_double_click_delay = 5.0);
        for _ in 0..2 {
            window.harness.drag_at(chart.center());
            window.harness.drop_at(chart.center());
        }
        window.settle();
        assert!(!window.shows("Whole run"), "{title}");
    }
}

#[test]
fn a_name_hides_its_curve_and_shows_it_again_on_both_pages() {
    for (mut window, key) in [(run().0, "G in Losses"), (compare().0, "night-2 in Loss of D")] {
        let shown = |window: &Window| {
            let key = window.harness.get_by_label(key);
            key.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
        };
        let menu = if key.starts_with('G') { "Options of Losses" } else { "Options of Loss of D" };
        let lines = |window: &mut Window| text(saved(window, menu, "Save as SVG…").1).matches("<polyline").count();
        let all = lines(&mut window);
        assert!(shown(&window), "{key}");
        window.click(key);
        assert!(!shown(&window) && lines(&mut window) < all, "{key}");
        window.click(key);
        assert!(shown(&window) && lines(&mut window) == all, "{key}");
    }
}

#[test]
fn values_stand_on_a_logarithmic_axis_with_powers_of_ten_on_both_pages() {
    for (mut window, title) in [run(), compare()] {
        let menu = format!("Options of {title}");
        window.click(&menu);
        window.click("Logarithmic values");
        let svg = text(saved(&mut window, &menu, "Save as SVG…").1);
        for power in ["0.01", "0.1", "1", "10", "100"] {
            assert!(ticks(&svg).contains(&power), "{title}: {power} of {:?}", ticks(&svg));
        }
        window.click("Charts     ");
        window.click("Logarithmic steps");
        window.harness.key_press(egui::Key::Escape);
        window.settle();
        let svg = text(saved(&mut window, &menu, "Save as SVG…").1);
        assert!(["1", "10", "100", "1,000"].iter().all(|step| ticks(&svg).contains(step)), "{:?}", ticks(&svg));
    }
}

#[test]
fn charts_of_both_pages_are_saved_in_every_format() {
    for (mut window, title, name, column) in [
        (run().0, "Losses", "losses-step0001000", "step,Losses: D,Losses: G"),
        (compare().0, "Loss of D", "compared-loss-of-d", "step,Loss of D: night-1,Loss of D: night-2"),
    ] {
        let menu = format!("Options of {title}");
        let mut save = |format: &str| {
            let (file, content) = saved(&mut window, &menu, &format!("Save as {format}…"));
            assert_eq!(file, format!("{name}.{}", format.to_lowercase()));
            text(content)
        };
        let table = save("CSV");
        let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!((lines.len(), lines[0]), (STEPS + 1, column));
        let last = lines[STEPS].split(',').collect::<Vec<_>>();
        assert_eq!((last[0], last[1]), ("1000", "100"));
        let svg = save("SVG");
        assert!(svg.contains(&format!(">{title}<")) && svg.contains("<polyline"), "{svg}");
        let picture = pixels(&save("PNG")).unwrap();
        assert_eq!((picture.width, picture.rgb.len()), (1520, 1520 * picture.height * 3));
        let color = if title == "Losses" {
            theme::palette(&egui::Visuals::light()).discriminator
        } else {
            theme::class_color(1)
        };
        let drawn = picture.rgb.chunks_exact(3).filter(|pixel| **pixel == color.to_array()[..3]).count();
        assert!(drawn > 100, "{title}: {drawn} pixels of a curve");
    }
    let (mut window, _) = compare();
    let (name, table) = saved(&mut window, "Charts     ", "Save all as CSV…");
    assert!(name == "compared-curves.csv" && text(table).contains("Accuracy of D on real images: night-2"));
    window.turn_to("Scores");
    let menu = "Options of Frechet distance (EfficientNet-Lite0)";
    let table = text(saved(&mut window, menu, "Save as CSV…").1);
    assert!(table.contains("\n500,60,60\n1000,40,40\n"), "{table}");
}

#[test]
fn the_curves_of_a_run_stand_over_time_as_those_of_compared_ones_do() {
    let (mut window, title) = run();
    let chart = window.chart(title);
    window.press_at(chart.center(), chart.center());
    assert!(window.shows("Remove the pin at 500"));
    window.bench().settings.charts.by_time = true;
    window.settle();
    assert!(window.shows("Remove the pin at 16 min 40 s"), "1000 s after the start");
    let mine = text(saved(&mut window, "Options of Losses", "Save as SVG…").1);
    let (mut window, _) = compare();
    window.click("time");
    let others = text(saved(&mut window, "Options of Loss of D", "Save as SVG…").1);
    for svg in [mine, others] {
        assert!(
            ["0 s", "10 min", "20 min", "30 min"].iter().all(|time| ticks(&svg).contains(time)),
            "{:?}",
            ticks(&svg)
        );
    }
}

#[test]
fn the_report_and_the_window_draw_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let lines = events("night-1").iter().fold(String::new(), |mut lines, event| {
        writeln!(lines, "{}", serde_json::to_string(event).unwrap()).unwrap();
        lines
    });
    std::fs::write(folder.path().join("events.jsonl"), lines).unwrap();
    std::fs::write(folder.path().join("run.toml"), Preset::Improved.config().to_toml()).unwrap();
    let out = folder.path().join("out");
    let ask = Export { session: folder.path().to_owned(), content: Content::Html, folder: Some(out) };
    let Some(Exported::Files(files)) = export(&ask, |_, _| true).unwrap() else { panic!("no files") };
    let page = std::fs::read_to_string(&files[0]).unwrap();
    let report = page.split("aria-label=\"Losses\"").nth(1).unwrap();
    let (mut window, _) = run();
    window.bench().settings.charts.ignore_outliers = false;
    window.settle();
    let svg = text(saved(&mut window, "Options of Losses", "Save as SVG…").1);
    assert_eq!(ticks(report), ticks(&svg));
    assert!(ticks(&svg).contains(&"1,000") && ticks(&svg).contains(&"100"), "{:?}", ticks(&svg));
}
