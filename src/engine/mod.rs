//! STAND-IN for the engine room, to be dropped on merge: invents events so that the window can be looked at.
#![expect(missing_docs, reason = "a stand-in that is dropped on merge")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::config::Config;
use crate::event::{
    self, Checkpoint, ClassCount, Command, DataSummary, Event, Grid, GridPicture, JobEvent, Picture, Score, SizeCount,
    Skipped, Started, Step,
};

const CLASSES: [&str; 6] = ["basophil", "eosinophil", "erythroblast", "lymphocyte", "monocyte", "neutrophil"];

pub struct RunRequest {
    pub config: Config,
    pub session: PathBuf,
}

pub struct Engine {
    events: Option<Receiver<Event>>,
    commands: Sender<Command>,
    grid: Arc<Mutex<Option<GridPicture>>>,
    worker: Option<JoinHandle<()>>,
}

fn cell(seed: u64, class: usize, column: usize, size: usize, blur: f32, out: &mut [u8], stride: usize) {
    let hue = [
        [120.0, 60.0, 150.0],
        [200.0, 90.0, 120.0],
        [170.0, 60.0, 90.0],
        [90.0, 70.0, 170.0],
        [130.0, 110.0, 190.0],
        [150.0, 80.0, 160.0],
    ];
    let mut state = seed ^ ((class as u64) << 32) ^ ((column as u64) << 40) ^ 0x9e37_79b9;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 1000) as f32 / 1000.0
    };
    for _ in 0..4 {
        noise();
    }
    let (cx, cy) = (0.4 + 0.2 * noise(), 0.4 + 0.2 * noise());
    let radius = 0.22 + 0.08 * noise() + 0.02 * (class % 3) as f32;
    for y in 0..size {
        for x in 0..size {
            let (u, v) = (x as f32 / size as f32 - cx, y as f32 / size as f32 - cy);
            let wave = 1.0 + 0.12 * (v.atan2(u) * (2 + class) as f32).sin();
            let d = (u * u + v * v).sqrt() / (radius * wave);
            let inside = 1.0 / (1.0 + ((d - 1.0) * 18.0).exp());
            for c in 0..3 {
                let clean = 232.0 * (1.0 - inside) + hue[class % 6][c] * inside;
                let value = clean * (1.0 - blur) + blur * 255.0 * noise();
                out[y * stride + x * 3 + c] = value as u8;
            }
        }
    }
}

pub(crate) fn picture(step: usize, rows: usize, columns: usize, size: usize, blur: f32) -> GridPicture {
    let (width, height) = (columns * size, rows * size);
    let mut rgb = vec![0; width * height * 3];
    for row in 0..rows {
        for column in 0..columns {
            let at = (row * size * width + column * size) * 3;
            cell(7, row, column, size, blur, &mut rgb[at..], width * 3);
        }
    }
    GridPicture { step, columns, rows, cell: size, picture: Picture { width, height, rgb: rgb.into() } }
}

fn summary(config: &Config) -> DataSummary {
    DataSummary {
        source: config.data.source.clone(),
        classes: CLASSES
            .iter()
            .enumerate()
            .map(|(i, n)| ClassCount { name: (*n).to_owned(), images: config.data.demo_images * (6 - i) / 6 + 12 })
            .collect(),
        skipped: if config.data.is_demo() {
            Vec::new()
        } else {
            vec![
                Skipped { file: "monocyte/notes.txt".into(), reason: "not an image".into() },
                Skipped { file: "monocyte/broken.png".into(), reason: "unexpected end of file".into() },
            ]
        },
        duplicates: if config.data.is_demo() {
            Vec::new()
        } else {
            vec![vec!["basophil/a.png".into(), "neutrophil/a.png".into()]]
        },
        sizes: vec![SizeCount { width: 64, height: 64, images: config.data.demo_images * 6 }],
        notes: vec!["16-bit files were windowed to 8 bits".into()],
    }
}

impl Engine {
    pub fn spawn(request: RunRequest, waker: event::Waker) -> std::io::Result<Engine> {
        let (sender, events) = bounded(256);
        let (commands, inbox) = bounded(8);
        let grid = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&grid);
        let worker = std::thread::Builder::new()
            .name("training".into())
            .spawn(move || fake(&request, &sender, &inbox, &slot, &waker))?;
        Ok(Engine { events: Some(events), commands, grid, worker: Some(worker) })
    }

    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.iter().flat_map(|events| events.try_iter())
    }

    pub fn latest_grid(&self) -> Option<GridPicture> {
        self.grid.lock().ok()?.take()
    }

    pub fn send(&self, command: Command) {
        self.commands.try_send(command).ok();
    }

    pub fn is_finished(&self) -> bool {
        self.worker.as_ref().is_none_or(|w| w.is_finished()) && self.events.as_ref().is_none_or(|e| e.is_empty())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.events = None;
        self.send(Command::Stop);
        if let Some(worker) = self.worker.take() {
            worker.join().ok();
        }
    }
}

fn fake(
    request: &RunRequest,
    out: &Sender<Event>,
    inbox: &Receiver<Command>,
    slot: &Mutex<Option<GridPicture>>,
    waker: &event::Waker,
) {
    let c = &request.config;
    std::fs::create_dir_all(request.session.join("grids")).ok();
    std::fs::write(request.session.join("run.toml"), c.to_toml()).ok();
    let mut lines = String::new();
    let mut deliver = |event: Event| {
        lines.push_str(&serde_json::to_string(&event).unwrap_or_default());
        lines.push('\n');
        std::fs::write(request.session.join("events.jsonl"), &lines).ok();
        let sent = out.send(event).is_ok();
        waker();
        sent
    };
    let cost = c.cost(6);
    deliver(Event::Started(Box::new(Started {
        schema: event::SCHEMA,
        version: "0.1.0".into(),
        session: request.session.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        step: 0,
        config: c.clone(),
        classes: CLASSES.iter().map(|s| (*s).to_owned()).collect(),
        device: "cpu".into(),
        threads: 2,
        generator_parameters: cost.generator_parameters,
        discriminator_parameters: cost.discriminator_parameters,
        time: 1_790_000_000,
    })));
    deliver(Event::Data(Box::new(summary(c))));
    let start = Instant::now();
    let mut paused = false;
    let mut step = 0;
    while step < c.train.steps {
        for command in inbox.try_iter() {
            match command {
                Command::Pause => {
                    paused = true;
                    deliver(Event::Paused { step });
                }
                Command::Resume => {
                    paused = false;
                    deliver(Event::Resumed { step });
                }
                Command::Checkpoint => {
                    deliver(Event::Checkpoint(Checkpoint {
                        step,
                        folder: format!("checkpoints/{step}"),
                        removed: vec![],
                    }));
                }
                Command::Stop => {
                    deliver(Event::Checkpoint(Checkpoint {
                        step,
                        folder: format!("checkpoints/{step}"),
                        removed: vec![],
                    }));
                    deliver(Event::Stopped { step });
                    return;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(12));
        if paused {
            continue;
        }
        step += 1;
        let t = step as f32 / c.train.steps as f32;
        let wobble = |k: u64| (((step as u64 * 2_654_435_761 + k * 977) % 1000) as f32 / 1000.0 - 0.5) * 0.4;
        let factor = c.optimizer.lr_factor(step, c.train.steps);
        deliver(Event::Step(Step {
            step,
            loss_d: 1.1 + 0.7 * (-8.0 * t).exp() + wobble(1),
            loss_g: 0.9 - 0.8 * (-5.0 * t).exp() + wobble(2) * 2.0,
            logits_real: 0.8 - 0.6 * t + wobble(3),
            logits_fake: -0.9 + 0.6 * t + wobble(4),
            generator_lr: c.optimizer.generator_lr * factor,
            discriminator_lr: c.optimizer.discriminator_lr * factor,
            seconds: start.elapsed().as_secs_f64(),
            images_per_s: 71.3 + f64::from(wobble(5)) * 10.0,
        }));
        if c.train.grid_every > 0 && step % c.train.grid_every == 0 {
            let g = picture(step, 6, c.train.grid_columns, c.image_size, (0.9 * (-6.0 * t).exp() + 0.03).min(1.0));
            let file = format!("grids/{step:06}.png");
            image::save_buffer(
                request.session.join(&file),
                &g.picture.rgb,
                g.picture.width as u32,
                g.picture.height as u32,
                image::ColorType::Rgb8,
            )
            .ok();
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(g);
            }
            deliver(Event::Grid(Grid { step, file }));
        }
        if c.train.checkpoint_every > 0 && step % c.train.checkpoint_every == 0 {
            deliver(Event::Checkpoint(Checkpoint { step, folder: format!("checkpoints/{step}"), removed: vec![] }));
        }
        if c.score.every > 0 && step % c.score.every == 0 {
            let classes = std::iter::once(None).chain(CLASSES.iter().map(|n| Some((*n).to_owned())));
            for (i, class) in classes.enumerate() {
                deliver(Event::Score(Score {
                    step,
                    metric: "frechet-distance".into(),
                    extractor: "efficientnet-lite0".into(),
                    class,
                    samples: 900,
                    value: 20.0 + 4.0 * i as f64 + 180.0 * f64::from((-7.0 * t).exp()),
                    seconds: 2.2,
                }));
            }
        }
        if step == 300 {
            deliver(Event::Warning { step, message: "The discriminator tells nearly every fake from real images (mean logits 2.1 and -2.3): the generator may stop learning. Lower the discriminator's learning rate.".into() });
        }
        if c.train.seed == 13 && step == 150 {
            deliver(Event::Failed {
                step,
                message: "The loss of the generator is not a number. Lower the learning rates and train again.".into(),
            });
            return;
        }
        assert!(!(c.train.seed == 14 && step == 150), "a made-up panic");
    }
    deliver(Event::Finished { step });
}

pub struct ExportRequest {
    pub session: PathBuf,
    pub step: Option<usize>,
    pub class: Option<usize>,
    pub count: usize,
    pub seed: u64,
    pub truncation: f32,
    pub folder: PathBuf,
}

pub struct Job {
    events: Receiver<JobEvent>,
    stop: Arc<AtomicBool>,
}

impl Job {
    fn start(
        waker: event::Waker,
        total: usize,
        end: impl FnOnce() -> JobEvent + Send + 'static,
    ) -> std::io::Result<Job> {
        let (sender, events) = bounded(64);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::Builder::new().name("job".into()).spawn(move || {
            for done in 0..total {
                if stopped.load(Ordering::Relaxed) {
                    sender.send(JobEvent::Cancelled).ok();
                    waker();
                    return;
                }
                std::thread::sleep(Duration::from_millis(8));
                sender.try_send(JobEvent::Progress { done, total }).ok();
                waker();
            }
            sender.send(end()).ok();
            waker();
        })?;
        Ok(Job { events, stop })
    }

    pub fn preview(config: Config, waker: event::Waker) -> std::io::Result<Job> {
        Self::start(waker, 100, move || {
            if !config.data.is_demo() && !std::path::Path::new(&config.data.source).is_dir() {
                return JobEvent::Failed { message: format!("{} is not a folder", config.data.source) };
            }
            JobEvent::Preview { summary: Box::new(summary(&config)), samples: picture(0, 6, 8, config.image_size, 0.0) }
        })
    }

    pub fn export(request: ExportRequest, waker: event::Waker) -> std::io::Result<Job> {
        let count = request.count;
        Self::start(waker, count, move || JobEvent::Exported { images: count, folder: request.folder })
    }

    pub fn events(&self) -> impl Iterator<Item = JobEvent> + '_ {
        self.events.try_iter()
    }

    pub fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
