//! The Data page: classes with their counts, real images of each, and every file that could not be used.

use egui::{Frame, Grid, ProgressBar, RichText, ScrollArea, Ui};

use super::action::Action;
use super::browse::Browse;
use super::data_view::{DataView, Reading};
use super::grid_image::GridImage;
use super::run_view::RunView;
use super::{format, theme, widgets};
use crate::config::Config;
use crate::event::DataSummary;

/// Files of a list that are shown; the rest is counted.
const LISTED: usize = 500;
/// Characters of a class's name that are shown.
const NAMED: usize = 18;
/// Width of a digit.
const DIGIT: f32 = 7.6;
/// The height from which on the start page has room for the sizes of the classes.
const TALL: f32 = 480.0;

/// The real images on the graphics card.
#[derive(Default)]
pub struct DataPage {
    image: Option<GridImage>,
    /// Where somebody is among the images of a class.
    pub(super) browse: Browse,
}

impl DataPage {
    /// Draws the page.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, data: &DataView, config: &Config, stored: Option<&RunView>) -> Vec<Action> {
        stored_ui(ui, stored);
        let mut actions = self.head_ui(ui, data, &config.data.source);
        let Some(summary) = data.summary() else {
            nothing_ui(ui, data.reading());
            return actions;
        };
        ui.add_space(theme::GAP);
        let gap = theme::GAP;
        let left = (ui.available_width() * 0.42).clamp(300.0, 720.0);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            widgets::column(ui, "data-left", left, |ui| {
                classes_ui(ui, summary, config);
                remarks_ui(ui, summary, &mut self.browse);
            });
            ui.vertical(|ui| actions.extend(self.browse_ui(ui, data, summary, config)));
        });
        actions
    }

    /// The real images and the sizes of the classes, for the start page.
    pub fn summary_ui(&mut self, ui: &mut Ui, data: &DataView, config: &Config) {
        if let Some(summary) = data.summary().filter(|_| ui.available_height() > TALL) {
            let height = (summary.classes.len() as f32 * 23.0 + 90.0).min(TALL / 2.0);
            let below = egui::Panel::bottom("start-classes")
                .exact_size(height)
                .frame(Frame::new().inner_margin(egui::Margin { top: theme::GAP as i8, ..egui::Margin::ZERO }));
            below.show_separator_line(false).show(ui, |ui| {
                ScrollArea::vertical().show(ui, |ui| classes_ui(ui, summary, config));
            });
        }
        self.images_ui(ui, data);
    }

    /// Real images of each class, or all of one.
    fn browse_ui(&mut self, ui: &mut Ui, data: &DataView, summary: &DataSummary, config: &Config) -> Option<Action> {
        ui.horizontal_wrapped(|ui| self.browse.head_ui(ui, summary));
        if !self.browse.is_open() {
            self.images_ui(ui, data);
            return None;
        }
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            self.browse.images_ui(ui, summary, config)
        })
    }

    /// The real images.
    pub fn images_ui(&mut self, ui: &mut Ui, data: &DataView) {
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            widgets::title(ui, "Real images").on_hover_text("As the networks will see them, one row per class");
            ui.add_space(4.0);
            let (Some(samples), Some(summary)) = (data.samples(), data.summary()) else {
                return nothing_ui(ui, data.reading());
            };
            if self.image.as_ref().is_none_or(|image| image.picture != *samples) {
                self.image = Some(GridImage::new(ui.ctx(), samples.clone()).cropping());
            }
            let names: Vec<String> = summary.classes.iter().map(|class| class.name.clone()).collect();
            if let Some(image) = &mut self.image {
                let filled: Vec<usize> = summary.classes.iter().map(|class| class.images).collect();
                image.ui(ui, &names, &filled);
            }
        });
    }

    fn head_ui(&self, ui: &mut Ui, data: &DataView, source: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        widgets::card(ui, |ui| {
            ui.horizontal(|ui| {
                let name = if source == crate::config::DEMO { "Drawn demo set" } else { source };
                widgets::title(ui, name);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    match data.reading() {
                        Reading::Busy { done, total } => {
                            if ui.button("Cancel").clicked() {
                                actions.push(Action::CancelReading);
                            }
                            let share = *done as f32 / (*total).max(1) as f32;
                            let bar = ProgressBar::new(share).desired_width(160.0).fill(widgets::palette(ui).accent);
                            ui.add(bar);
                        }
                        Reading::Nothing | Reading::Done | Reading::Failed(_) => {
                            if ui.button("Read again").clicked() {
                                actions.push(Action::ReadData);
                            }
                        }
                    }
                    if ui
                        .button("File…")
                        .on_hover_text("A table (.csv) or an archive (.zip, .tar, .npz, .parquet)")
                        .clicked()
                    {
                        actions.push(Action::ChooseDataFile);
                    }
                    if ui.button("Choose folder…").clicked() {
                        actions.push(Action::ChooseData);
                    }
                });
            });
            let Some(summary) = data.summary() else { return };
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 28.0;
                widgets::stat(ui, "Images", &format::count(summary.images()));
                if summary.held_out() > 0 {
                    widgets::stat(ui, "Held out", &format::count(summary.held_out()));
                }
                widgets::stat(ui, "Classes", &format::count(summary.classes.len()));
                widgets::stat(ui, "Skipped files", &format::count(summary.skipped.len()));
                let copies = format!("{} in {}", format::count(summary.copies()), format::plural(summary.duplicates.len(), "group"));
                let about = "Files with the pixels of another file, beyond the first of each group. What is held out keeps groups together";
                widgets::stat(ui, "Copies", &copies).on_hover_text(about);
                if let Some(size) = summary.sizes.first() {
                    let more = if summary.sizes.len() > 1 { " and others" } else { "" };
                    widgets::stat(ui, "Size of files", &format!("{} × {}{more}", size.width, size.height));
                }
            });
        });
        actions
    }
}

/// Says whose data the page shows while a stored session is looked at.
fn stored_ui(ui: &mut Ui, stored: Option<&RunView>) {
    let Some(stored) = stored else { return };
    let source = stored.started().map_or("", |started| started.config.data.source.as_str());
    let text = format!(
        "Below is the data of the set-up, for the next run. The stored session {} was trained on {source}.",
        stored.name()
    );
    widgets::muted(ui, text);
    ui.add_space(theme::GAP - 4.0);
}

/// Why there is nothing to see of the data.
fn nothing_ui(ui: &mut Ui, reading: &Reading) {
    match reading {
        Reading::Failed(message) => widgets::empty(ui, "The data could not be read", &format::name(message)),
        Reading::Nothing => {
            let text = "Choose a folder with one sub-folder per class, a table or an archive, or take the demo set";
            widgets::empty(ui, "No data", text);
        }
        Reading::Busy { .. } | Reading::Done => widgets::empty(ui, "Reading the data…", ""),
    }
}

fn classes_ui(ui: &mut Ui, summary: &DataSummary, config: &Config) {
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widgets::title(ui, "Images per class");
        ui.add_space(4.0);
        let most = summary.classes.iter().map(|class| class.images).max().unwrap_or(1).max(1);
        let divided = summary.held_out() > 0;
        let font = egui::TextStyle::Body.resolve(ui.style());
        let wide = |text: String| ui.painter().layout_no_wrap(text, font.clone(), egui::Color32::WHITE).size().x;
        let names = summary.classes.iter().map(|class| wide(format::path_end(&class.name, NAMED))).fold(0.0, f32::max);
        // Two numbers of seven digits and the room between the columns.
        let beside = names + 2.0 * 7.0 * DIGIT + 40.0 + if divided { 17.0 * DIGIT } else { 0.0 };
        let width = (ui.available_width() - beside).max(24.0);
        let shown = Shown::of(summary, config);
        Grid::new("classes").num_columns(if divided { 5 } else { 4 }).min_row_height(18.0).spacing([10.0, 5.0]).show(
            ui,
            |ui| {
                for (at, class) in summary.classes.iter().enumerate() {
                    let name = RichText::new(format::path_end(&class.name, NAMED));
                    ui.label(name).on_hover_text(format::name(&class.name));
                    widgets::share_bar(ui, width, class.images as f32 / most as f32, theme::class_color(at));
                    let p = widgets::palette(ui);
                    widgets::number(ui, format!("{:>7}", format::count(class.images)), p.text);
                    let share = format!("{:>5.1} %", shown.shares[at] * 100.0);
                    widgets::number(ui, share, p.muted).on_hover_text(shown.about(at, class.images));
                    if divided {
                        let held = format!("+ {} held out", format::count(class.held_out));
                        widgets::number(ui, held, p.muted).on_hover_text("Images that training never sees");
                    }
                    ui.end_row();
                }
            },
        );
        let unknown = summary.classes.iter().any(|class| {
            let font = egui::TextStyle::Body.resolve(ui.style());
            !ui.ctx().fonts_mut(|fonts| fonts.has_glyphs(&font, &class.name))
        });
        if unknown {
            let text = "Boxes stand for letters that no font of this system has; a font of their script shows them (such as Noto Sans)";
            ui.label(RichText::new(text).small().color(widgets::palette(ui).warning));
        }
        widgets::small(ui, "Right: the share of the images that training shows, by the set-up's balance and factors");
    });
}

/// How often training will show each class.
struct Shown {
    /// Share of all images that are shown, in label order.
    shares: Vec<f64>,
    /// Images an epoch, in label order.
    quotas: Vec<usize>,
}

impl Shown {
    fn of(summary: &DataSummary, config: &Config) -> Self {
        let names: Vec<String> = summary.classes.iter().map(|class| class.name.clone()).collect();
        let images: Vec<usize> = summary.classes.iter().map(|class| class.images).collect();
        let quotas = config.data.class_quotas(&names, &images);
        let total = quotas.iter().sum::<usize>().max(1) as f64;
        Self { shares: quotas.iter().map(|quota| *quota as f64 / total).collect(), quotas }
    }

    /// What happens to a class of so many images in an epoch.
    fn about(&self, class: usize, images: usize) -> String {
        let total = format::count(self.quotas.iter().sum());
        let times = self.quotas[class] as f64 / images.max(1) as f64;
        format!("{} of {total} images per epoch: each image about {times:.1} times", format::count(self.quotas[class]))
    }
}

fn remarks_ui(ui: &mut Ui, summary: &DataSummary, browse: &mut Browse) {
    if !summary.notes.is_empty() {
        list(ui, "Notes", summary.notes.iter().map(|note| (note.clone(), String::new())), summary.notes.len());
    }
    if !summary.skipped.is_empty() {
        let lines = summary.skipped.iter().map(|skipped| (skipped.file.clone(), skipped.reason.clone()));
        list(ui, "Skipped files", lines, summary.skipped.len());
    }
    if !summary.file_notes.is_empty() {
        let lines = summary.file_notes.iter().map(|noted| (noted.file.clone(), noted.note.clone()));
        list(ui, "How files were read", lines, summary.file_notes.len());
    }
    if !summary.duplicates.is_empty() {
        let all = summary.images() + summary.held_out();
        let title = format!("{} of {} files are copies of others", format::count(summary.copies()), format::count(all));
        copies_ui(ui, &title, &summary.duplicates, browse);
    }
    if !summary.sizes.is_empty() {
        let line = |size: &crate::event::SizeCount| {
            (format!("{} × {} px", size.width, size.height), format::plural(size.images, "file"))
        };
        list(ui, "Sizes of files", summary.sizes.iter().map(line), summary.sizes.len());
    }
}

/// Groups of files with the same pixels, each to be looked at side by side.
fn copies_ui(ui: &mut Ui, title: &str, groups: &[Vec<String>], browse: &mut Browse) {
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            widgets::title(ui, title);
            widgets::small(ui, format::plural(groups.len(), "group"));
        });
        ui.add_space(2.0);
        for (at, group) in groups.iter().enumerate().take(LISTED) {
            ui.horizontal(|ui| {
                let show = ui.button(RichText::new("Compare").small());
                let name = format!("Compare group {} of copies", at + 1);
                show.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                if show.on_hover_text("Shows these files side by side").clicked() {
                    browse.open_group(at);
                }
                let named: Vec<_> = group.iter().map(|file| format::name(file)).collect();
                ui.add(egui::Label::new(named.join(", ")).truncate()).on_hover_text(named.join("\n"));
            });
        }
        if groups.len() > LISTED {
            widgets::small(ui, format!("and {} more", format::count(groups.len() - LISTED)));
        }
    });
}

fn list(ui: &mut Ui, title: &str, lines: impl Iterator<Item = (String, String)>, count: usize) {
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            widgets::title(ui, title);
            widgets::small(ui, format::count(count));
        });
        ui.add_space(2.0);
        Frame::new().show(ui, |ui| {
            for (what, why) in lines.take(LISTED) {
                ui.horizontal_wrapped(|ui| {
                    ui.label(format::name(&what));
                    widgets::small(ui, format::name(&why));
                });
            }
            if count > LISTED {
                widgets::small(ui, format!("and {} more", format::count(count - LISTED)));
            }
        });
    });
}
