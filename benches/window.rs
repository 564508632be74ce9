//! What the window costs with a long session open: the time to open it, the time of a frame without the graphics card, and
//! memory. `cargo bench --bench window`; `-- STEPS GRIDS` for other sizes than 100,000 steps and 2,000 grids, such as
//! `-- 1000000 200` for curves of a million points each.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use egui::{Event as Input, Key, Modifiers, Pos2, RawInput, Rect};
use gandle::config::{Config, Preset};
use gandle::event::{Event, Grid, Scalar, Score, Started, Step};
use gandle::session::{Stored, read_grid};
use gandle::ui::{Action, RunView, Settings, Workbench, theme};

/// The program's own.
#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

const FRAMES: usize = 1200;
const CLASSES: usize = 6;

fn main() {
    // `cargo bench` passes flags of its own.
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let (steps, grids) = match numbers.as_slice() {
        [steps, grids, ..] => (*steps, *grids),
        _ => (100_000, 2000),
    };
    let root = tempfile::tempdir().unwrap();
    let config = Config { image_size: 64, ..Preset::Improved.config() };
    write_session(root.path(), &config, steps, grids);
    let start = Instant::now();
    let stored = Stored::open(root.path()).unwrap();
    let read = start.elapsed();
    let mut view = RunView::new(root.path().to_owned());
    stored.events.into_iter().for_each(|event| view.apply(event));
    println!("{steps} steps, {grids} grids: opened in {:.0} ms, {:.0} ms of it reading", ms(start.elapsed()), ms(read));
    let mut bench = Workbench::new(config, Settings::default());
    bench.stored = Some(view);
    measure(bench, (steps, grids));
    println!("memory {:.0} MB", held_mb().unwrap_or(f64::NAN));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What the user does, frame by frame.
#[derive(Clone, Copy)]
enum Doing {
    /// Walks through the grids with the arrow keys while the pointer wanders over the charts and now and then drags.
    Grids,
    /// Points at the charts with every step in sight.
    Pointing,
    /// Zooms in and out with Ctrl and the wheel.
    Zooming,
    /// Drags over a part to zoom into it, and shows everything again with a double click.
    Dragging,
    /// Looks while the run goes on at a hundred steps a frame.
    Growing,
}

impl Doing {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Grids, "grids"),
        (Self::Pointing, "pointing"),
        (Self::Zooming, "zooming"),
        (Self::Dragging, "dragging"),
        (Self::Growing, "growing"),
    ];

    /// The size of the window.
    fn size(self) -> egui::Vec2 {
        match self {
            Self::Grids => egui::vec2(1280.0, 800.0),
            Self::Pointing | Self::Zooming | Self::Dragging | Self::Growing => egui::vec2(2560.0, 1440.0),
        }
    }
}

/// Frame times of one thing after the other.
fn measure(mut bench: Workbench, (steps, grids): (usize, usize)) {
    let ctx = egui::Context::default();
    theme::apply(&ctx);
    ctx.set_theme(egui::Theme::Dark);
    let mut at = (0, steps);
    for (doing, name) in Doing::ALL {
        if grids > 0 || !matches!(doing, Doing::Grids) {
            phase(&ctx, &mut bench, (doing, name), &mut at);
        }
    }
}

/// `at` counts frames and steps.
fn phase(ctx: &egui::Context, bench: &mut Workbench, (doing, name): (Doing, &str), at: &mut (usize, usize)) {
    let (mut times, mut drawn, mut disturbed) = (Vec::new(), Duration::ZERO, 0);
    for frame in 0..FRAMES {
        if let (Doing::Growing, Some(view)) = (doing, &mut bench.stored) {
            (1..=100).for_each(|more| view.apply(Event::Step(step(at.1 + more))));
            at.1 += 100;
        }
        at.0 += 1;
        let (start, before) = (Instant::now(), taken_away());
        let output = ctx.run_ui(input(doing, frame, at.0), |ui| {
            for action in bench.ui(ui) {
                let Action::ReadGrid(ask) = action else { continue };
                // Another thread reads in the program: it counts as no time of the frame.
                let reading = Instant::now();
                let picture = read_grid(&ask.folder, &ask.grid, ask.rows, ask.columns);
                drawn += reading.elapsed();
                bench.take_grid(ui.ctx(), &ask, picture.map_err(|err| err.to_string()));
            }
        });
        let egui::FullOutput { shapes, mut textures_delta, pixels_per_point, .. } = output;
        let parts = ctx.tessellate(shapes, pixels_per_point);
        let spent = start.elapsed().saturating_sub(std::mem::take(&mut drawn));
        assert!(!parts.is_empty());
        textures_delta.clear();
        // The first frames draw every letter for the first time. A frame in which the system gave the processor to somebody
        // else says nothing about the window.
        if taken_away() != before {
            disturbed += 1;
        } else if frame >= 20 {
            times.push(spent);
        }
    }
    times.sort();
    let at = |share: f64| ms(times[(share * (times.len() - 1) as f64) as usize]);
    println!(
        "{name:>9}: {} frames ({disturbed} disturbed by other work left out): p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn input(doing: Doing, frame: usize, all: usize) -> RawInput {
    let size = doing.size();
    let wander = frame as f32 / 40.0;
    let middle = egui::vec2(0.81 * size.x, 0.56 * size.y);
    let at = Pos2::ZERO + middle + egui::vec2(0.14 * size.x * wander.sin(), 0.35 * size.y * (wander * 0.7).cos());
    let mut events = vec![Input::PointerMoved(at)];
    let mut button = |pressed| {
        let button = egui::PointerButton::Primary;
        events.push(Input::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE });
    };
    match doing {
        Doing::Grids => {
            // Every hundredth frame begins a drag that zooms, ten frames long.
            match frame % 100 {
                50 => button(true),
                60 => button(false),
                _ => {}
            }
            if frame.is_multiple_of(3) {
                let key = if frame % 200 < 100 { Key::ArrowLeft } else { Key::ArrowRight };
                let modifiers = Modifiers::NONE;
                events.push(Input::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
            }
        }
        Doing::Pointing | Doing::Growing => {}
        Doing::Zooming => events.push(Input::Zoom(if frame % 120 < 60 { 1.12 } else { 1.0 / 1.12 })),
        Doing::Dragging => match frame % 100 {
            20 | 70 | 74 => button(true),
            50 | 72 | 76 => button(false),
            _ => {}
        },
    }
    let time = Some(all as f64 / 60.0);
    RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)), time, events, ..RawInput::default() }
}

fn write_session(folder: &Path, config: &Config, steps: usize, grids: usize) {
    let classes: Vec<String> = (0..CLASSES).map(|class| format!("class {class}")).collect();
    let every = (steps / grids.max(1)).max(1);
    let mut lines = String::new();
    let mut tell = |event: &Event| writeln!(lines, "{}", serde_json::to_string(event).unwrap()).unwrap();
    tell(&started(config, &classes));
    std::fs::create_dir_all(folder.join("grids")).unwrap();
    for at in 1..=steps {
        tell(&Event::Step(step(at)));
        if at % every == 0 {
            tell(&Event::Grid(Grid { step: at, file: format!("grids/{at:07}.png") }));
            write_grid(&folder.join(format!("grids/{at:07}.png")), config, at);
        }
        if at % (10 * every) == 0 {
            for class in std::iter::once(None).chain(classes.iter().map(Some)) {
                tell(&score(at, class));
            }
        }
    }
    tell(&Event::Finished { step: steps });
    std::fs::write(folder.join("events.jsonl"), lines).unwrap();
    std::fs::write(folder.join("run.toml"), config.to_toml()).unwrap();
}

fn write_grid(path: &Path, config: &Config, at: usize) {
    let (width, height) = (config.train.grid_columns * config.image_size, CLASSES * config.image_size);
    let pixels: Vec<u8> = (0..width * height * 3).map(|i| ((i / 7 + at) % 251) as u8).collect();
    image::save_buffer(path, &pixels, width as u32, height as u32, image::ColorType::Rgb8).unwrap();
}

fn started(config: &Config, classes: &[String]) -> Event {
    Event::Started(Box::new(Started {
        schema: 1,
        version: "0".to_owned(),
        session: "long".to_owned(),
        step: 0,
        parent: None,
        config: config.clone(),
        classes: classes.to_vec(),
        device: "cpu".to_owned(),
        threads: 1,
        generator_parameters: 1,
        discriminator_parameters: 1,
        time: 0,
    }))
}

/// Noisy curves with single spikes.
fn step(at: usize) -> Step {
    let noise = ((at * 7919) % 1009) as f32 / 1009.0;
    let spike = if at.is_multiple_of(9973) { 50.0 } else { 0.0 };
    let looked = at % 10 == 1;
    let always = [
        (Scalar::LossD, 1.5 + noise + spike),
        (Scalar::LossG, 0.5 - noise),
        (Scalar::LogitsReal, noise),
        (Scalar::LogitsFake, -noise),
        (Scalar::AccuracyReal, 0.5 + noise / 2.0),
        (Scalar::AccuracyFake, 0.9 - noise / 3.0),
        (Scalar::GeneratorLr, 1e-4),
        (Scalar::DiscriminatorLr, 4e-4),
        (Scalar::ImagesPerS, 600.0 + noise),
    ];
    let seldom = [(Scalar::GradientD, noise * 10.0), (Scalar::GradientG, noise * 5.0), (Scalar::MemoryMb, 400.0)];
    Step::of(at, at as f64 * 0.05, always.into_iter().chain(seldom.into_iter().filter(|_| looked)))
}

fn score(at: usize, class: Option<&String>) -> Event {
    let value = 20.0 + 1e5 / (at as f64 + 1000.0) + class.map_or(0, String::len) as f64;
    let (metric, extractor) = ("frechet-distance".to_owned(), "efficientnet-lite0".to_owned());
    Event::Score(Score {
        step: at,
        metric,
        extractor,
        class: class.cloned(),
        samples: 1000,
        value,
        seconds: 1.0,
        ..Score::default()
    })
}

/// How often the system has taken the processor away from this thread, where it tells (Linux).
fn taken_away() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("nonvoluntary_ctxt_switches:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

/// The memory of this process, where the system tells it (Linux).
fn held_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
