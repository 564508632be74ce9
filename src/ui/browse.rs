//! Pages of real images with the names of their files: a class after the other, or files that are the same picture.

use egui::{
    ComboBox, Image, Label, RichText, ScrollArea, Sense, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, vec2,
};

use super::action::Action;
use super::{format, theme, widgets};
use crate::config::Config;
use crate::event::{BrowsePage, BrowseRequest, DataSummary};

use super::data_view::Source;

/// Images of a page.
const PAGE: usize = 48;
/// The side of an image, and the room beside it.
const SIDE: f32 = 96.0;
/// Side of an image under the pointer.
const LARGE: f32 = 320.0;
const GAP: f32 = 8.0;
/// Files of a group that are shown beside each other.
const MOST_OF_GROUP: usize = 48;

/// What is being browsed; nothing shows some images of each class instead.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// A page of a class.
    Class { class: usize, page: usize },
    /// A group of files with the same pixels.
    Group(usize),
}

/// Where somebody is among the real images.
#[derive(Default)]
pub(super) struct Browse {
    subject: Option<Subject>,
    /// The data that was browsed.
    source: Option<Source>,
    asked: Option<BrowseRequest>,
    read: Option<Result<(BrowsePage, TextureHandle), (BrowseRequest, String)>>,
}

impl Browse {
    /// Whether images of one class, or of one group, are looked at.
    pub fn is_open(&self) -> bool {
        self.subject.is_some()
    }

    /// Shows the files of a group beside each other.
    pub fn open_group(&mut self, group: usize) {
        self.subject = Some(Subject::Group(group));
    }

    /// Takes in what was read, or why it could not be.
    pub fn take(&mut self, ctx: &egui::Context, look: &BrowseRequest, result: Result<BrowsePage, String>) {
        if self.asked.as_ref() != Some(look) {
            return;
        }
        self.asked = None;
        self.read = Some(result.map_err(|reason| (look.clone(), reason)).map(|looked| {
            let picture = &looked.picture.picture;
            let pixels = egui::ColorImage::from_rgb([picture.width, picture.height], &picture.rgb);
            let texture = ctx.load_texture("browsed", pixels, TextureOptions::LINEAR);
            (looked, texture)
        }));
    }

    /// The choice of a class, and the way from page to page.
    pub fn head_ui(&mut self, ui: &mut Ui, summary: &DataSummary) {
        let name = |class: usize| summary.classes.get(class).map_or("", |class| class.name.as_str());
        let selected = match &self.subject {
            None => "Some of each class".to_owned(),
            Some(Subject::Class { class, .. }) => format::path_end(name(*class), 24),
            Some(Subject::Group(group)) => format!("Copies, group {} of {}", group + 1, summary.duplicates.len()),
        };
        let combo = ComboBox::from_id_salt("browse-class").width(170.0).selected_text(selected).truncate();
        let combo = combo.show_ui(ui, |ui| {
            ui.selectable_value(&mut self.subject, None, "Some of each class");
            for (class, count) in summary.classes.iter().enumerate() {
                let all = count.images + count.held_out;
                let label = format!("{} ({})", format::name(&count.name), format::count(all));
                let chosen = matches!(self.subject, Some(Subject::Class { class: other, .. }) if other == class);
                if ui.selectable_label(chosen, label).clicked() {
                    self.subject = Some(Subject::Class { class, page: 0 });
                }
            }
        });
        combo.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Real images of"));
        combo.response.on_hover_text("All images of a class, page by page, with the names of their files");
        let total = self.total();
        let (at, last) = match &self.subject {
            None => return,
            Some(Subject::Class { page, .. }) => (*page, total.div_ceil(PAGE).saturating_sub(1)),
            Some(Subject::Group(group)) => (*group, summary.duplicates.len().saturating_sub(1)),
        };
        let mut to = at;
        if ui.add_enabled(at > 0, egui::Button::new("Previous")).clicked() {
            to -= 1;
        }
        if ui.add_enabled(at < last, egui::Button::new("Next")).clicked() {
            to += 1;
        }
        match &mut self.subject {
            Some(Subject::Class { page, .. }) => {
                *page = to;
                let (first, end) = (to * PAGE + 1, ((to + 1) * PAGE).min(total));
                if total > 0 {
                    widgets::small(ui, format!("{first} to {end} of {}", format::count(total)));
                }
            }
            Some(Subject::Group(group)) => *group = to,
            None => {}
        }
    }

    /// How many there are of what was read last, where that is what is looked at.
    fn total(&self) -> usize {
        let same = |looked: &BrowsePage| match (&looked.look, &self.subject) {
            (BrowseRequest::Class { class, .. }, Some(Subject::Class { class: other, .. })) => class == other,
            (BrowseRequest::Files(_), Some(Subject::Group(_))) => true,
            _ => false,
        };
        let read = self.read.as_ref().and_then(|read| read.as_ref().ok());
        read.filter(|(looked, _)| same(looked)).map_or(0, |(looked, _)| looked.total)
    }

    /// The images. Asks for those that are not there yet.
    pub fn images_ui(&mut self, ui: &mut Ui, summary: &DataSummary, config: &Config) -> Option<Action> {
        let source = Source::of(config);
        if self.source.as_ref() != Some(&source) {
            (self.source, self.read, self.asked) = (Some(source), None, None);
        }
        let look = match self.subject.as_ref()? {
            Subject::Class { class, page } if *class < summary.classes.len() => {
                BrowseRequest::Class { class: *class, first: page * PAGE, count: PAGE }
            }
            Subject::Group(group) if *group < summary.duplicates.len() => {
                BrowseRequest::Files(summary.duplicates[*group].iter().take(MOST_OF_GROUP).cloned().collect())
            }
            // Of data that is gone.
            Subject::Class { .. } | Subject::Group(_) => {
                self.subject = None;
                return None;
            }
        };
        let there = match &self.read {
            Some(Ok((looked, _))) => looked.look == look,
            Some(Err((of, _))) => *of == look,
            None => false,
        };
        if let Some(Subject::Group(group)) = self.subject {
            let all = summary.duplicates[group].len();
            let more =
                if all > MOST_OF_GROUP { format!("; the first {MOST_OF_GROUP} are shown") } else { String::new() };
            widgets::small(ui, format!("{} with the same pixels{more}", format::plural(all, "file")));
        }
        match &self.read {
            Some(Ok((looked, texture))) => page_ui(ui, looked, texture),
            Some(Err((_, reason))) => widgets::empty(ui, "The images cannot be shown", reason),
            None => widgets::empty(ui, "Reading the images\u{2026}", ""),
        }
        (!there && self.asked.as_ref() != Some(&look)).then(|| {
            self.asked = Some(look.clone());
            Action::Browse(look)
        })
    }
}

fn page_ui(ui: &mut Ui, looked: &BrowsePage, texture: &TextureHandle) {
    let (rows, columns) = (looked.picture.rows.max(1), looked.picture.columns.max(1));
    let part = vec2(1.0 / columns as f32, 1.0 / rows as f32);
    ScrollArea::vertical().id_salt("browsed").auto_shrink(false).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(GAP);
            for (at, (file, reason)) in looked.files.iter().enumerate() {
                let corner = egui::pos2((at % columns) as f32 * part.x, (at / columns) as f32 * part.y);
                let image = Image::from_texture((texture.id(), Vec2::splat(SIDE)));
                let image = image.uv(egui::Rect::from_min_size(corner, part)).alt_text(file).sense(Sense::hover());
                ui.allocate_ui(vec2(SIDE, SIDE + theme::ROW_HEIGHT), |ui| {
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 2.0;
                        ui.set_width(SIDE);
                        let name = file.rsplit('/').next().unwrap_or(file);
                        let (text, about) = match reason {
                            None => {
                                ui.add(image).on_hover_ui_at_pointer(|ui| {
                                    let large = Image::from_texture((texture.id(), Vec2::splat(LARGE)));
                                    ui.add(large.uv(egui::Rect::from_min_size(corner, part)));
                                    ui.label(name);
                                });
                                (RichText::new(name).small(), file.clone())
                            }
                            Some(reason) => {
                                let color = widgets::palette(ui).warning;
                                ui.allocate_ui(Vec2::splat(SIDE), |ui| {
                                    ui.set_min_size(Vec2::splat(SIDE));
                                    ui.add(Label::new(RichText::new(reason).small().color(color)).wrap());
                                });
                                (RichText::new(name).small().color(color), format!("{file}: {reason}"))
                            }
                        };
                        ui.add(Label::new(text).truncate()).on_hover_text(about);
                    });
                });
            }
        });
    });
}
