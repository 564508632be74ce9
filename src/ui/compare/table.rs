//! The table of runs: chosen, sorted by any setting or score, filtered.

use std::cmp::Ordering;

use egui::{Align, Button, Checkbox, Label, Layout, RichText, TextEdit, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::super::action::Action;
use super::super::sessions::{SessionDialog, SessionRow, menu_ui, star_ui};
use super::super::{format, glyph, theme, widgets};
use super::{Compare, CompareSettings};
use crate::config::options;
use crate::summary::{Brief, plain};

/// Columns that are no settings: the key that is kept, and the title.
const FACTS: [(&str, &str); 6] = [
    ("#score", "Best score"),
    ("#steps", "Steps"),
    ("#time", "Training time"),
    ("#date", "Last written"),
    ("#size", "On disk"),
    ("#note", "Note"),
];
/// The key of the name's column, which is always there.
pub const NAME: &str = "#name";
/// Height of a row.
const ROW: f32 = 26.0;

/// What a cell holds: what is read, and what it is sorted by.
struct Cell {
    text: String,
    order: Order,
}

/// What rows are sorted by; cells that hold nothing come last either way.
#[derive(PartialEq)]
enum Order {
    Number(f64),
    Text(String),
    Nothing,
}

fn cell(row: &SessionRow, column: &str) -> Cell {
    let nothing = || Cell { text: String::new(), order: Order::Nothing };
    let number = |value: f64, text: String| Cell { text, order: Order::Number(value) };
    let brief = row.brief.as_deref();
    let found = match column {
        NAME => Some(Cell { text: row.name.clone(), order: Order::Text(row.name.to_lowercase()) }),
        "#note" => (!row.note.is_empty()).then(|| {
            let text = row.note.lines().next().unwrap_or_default().to_owned();
            Cell { text, order: Order::Text(row.note.to_lowercase()) }
        }),
        "#score" => brief.and_then(Brief::best).map(|best| {
            let text = format!("{} at {}", format::score(best.value), format::count(best.step));
            number(best.value, text)
        }),
        "#steps" => {
            let steps = brief.map_or(row.steps, |brief| brief.step);
            Some(number(steps as f64, format::count(steps)))
        }
        "#time" => brief.and_then(|brief| brief.seconds).map(|seconds| number(seconds, format::duration(seconds))),
        "#date" => {
            let since = row.modified.duration_since(std::time::SystemTime::UNIX_EPOCH);
            Some(number(since.map_or(0.0, |since| since.as_secs_f64()), format::ago(row.modified)))
        }
        "#size" => {
            row.bytes.map(|bytes| number(bytes as f64, format::bytes(usize::try_from(bytes).unwrap_or(usize::MAX))))
        }
        key => brief.and_then(|brief| brief.value(key)).map(|value| {
            let order = value.parse().map_or_else(|_| Order::Text(value.to_owned()), Order::Number);
            Cell { text: value.to_owned(), order }
        }),
    };
    found.unwrap_or_else(nothing)
}

/// Whether a row has every word of a filter: in its name or note, or, with `=`, in a setting.
fn passes(row: &SessionRow, filter: &str) -> bool {
    let (name, note) = (row.name.to_lowercase(), row.note.to_lowercase());
    filter.to_lowercase().split_whitespace().all(|word| match word.split_once('=') {
        Some((key, value)) => row.brief.as_ref().is_some_and(|brief| {
            let fits =
                |(known, is): &(String, String)| known.ends_with(key) && plain(is).to_lowercase().contains(value);
            brief.settings.iter().any(fits)
        }),
        None => name.contains(word) || note.contains(word),
    })
}

/// The rows that a filter lets through, in their order.
pub fn shown<'a>(rows: &'a [SessionRow], settings: &CompareSettings, filter: &str) -> Vec<&'a SessionRow> {
    let through = |row: &&SessionRow| (!settings.starred || row.star) && passes(row, filter);
    let keyed = rows.iter().filter(through).map(|row| (cell(row, &settings.sort).order, row));
    let mut keyed: Vec<(Order, &SessionRow)> = keyed.collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let order = match (a, b) {
            (Order::Nothing, Order::Nothing) => Ordering::Equal,
            (Order::Nothing, _) => return Ordering::Greater,
            (_, Order::Nothing) => return Ordering::Less,
            (Order::Number(a), Order::Number(b)) => a.total_cmp(b),
            (Order::Text(a), Order::Text(b)) => a.cmp(b),
            (Order::Number(_), Order::Text(_)) => Ordering::Less,
            (Order::Text(_), Order::Number(_)) => Ordering::Greater,
        };
        if settings.descending { order.reverse() } else { order }
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// Whose best value stands in the column of scores.
fn measured(row: &SessionRow) -> Option<String> {
    let best = row.brief.as_ref()?.best()?;
    Some(format!("{} ({})", format::metric(&best.metric), format::extractor(&best.extractor)))
}

/// The title of a column.
fn title(column: &str) -> &str {
    match FACTS.iter().find(|(key, _)| *key == column) {
        Some((_, title)) => title,
        None if column == NAME => "Run",
        None => column,
    }
}

impl Compare {
    /// Draws what stands above the table.
    pub(super) fn head_ui(
        &mut self,
        ui: &mut Ui,
        settings: &mut CompareSettings,
        rows: &[SessionRow],
    ) -> Option<Action> {
        let mut action = None;
        ui.horizontal(|ui| {
            widgets::title(ui, "Runs");
            let filter = TextEdit::singleline(&mut self.filter)
                .desired_width((ui.available_width() - 420.0).clamp(80.0, 190.0))
                .hint_text("Filter: word or key=value");
            let filter = ui.add(filter);
            filter.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Filter runs"));
            filter.on_hover_text("Words of the name or the note, and settings such as loss.kind=bce; all must fit");
            ui.add(Checkbox::new(&mut settings.starred, "Starred"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Refresh").clicked() {
                    action = Some(Action::ListSessions);
                }
                glyph::menu(ui, "Columns", |ui| self.columns_ui(ui, settings));
                let any = !self.chosen.is_empty();
                if ui.add_enabled(any, Button::new("Choose none")).clicked() {
                    self.choose_none();
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = format!("{} of {} chosen", self.chosen.len(), rows.len());
                    ui.add(Label::new(RichText::new(text).small().color(widgets::palette(ui).muted)).truncate());
                });
            });
        });
        action
    }

    fn columns_ui(&mut self, ui: &mut Ui, settings: &mut CompareSettings) {
        ui.set_min_width(230.0);
        let toggle = |ui: &mut Ui, columns: &mut Vec<String>, key: &str, name: &str, about: &str| {
            let mut on = columns.iter().any(|column| column == key);
            let check = ui.checkbox(&mut on, name);
            let check = if about.is_empty() { check } else { check.on_hover_text(about) };
            if check.changed() {
                columns.retain(|column| column != key);
                if on {
                    columns.push(key.to_owned());
                }
            }
        };
        for (key, name) in FACTS {
            toggle(ui, &mut settings.columns, key, name, "");
        }
        ui.separator();
        let find = TextEdit::singleline(&mut self.column_filter).hint_text("Find a setting").desired_width(210.0);
        ui.add(find).widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Find a setting"));
        egui::ScrollArea::vertical().max_height(260.0).auto_shrink([false, true]).show(ui, |ui| {
            for known in options::ALL.iter().filter(|known| known.key.contains(self.column_filter.trim())) {
                toggle(ui, &mut settings.columns, known.key, known.key, known.text);
            }
        });
    }

    /// Draws the table.
    pub(super) fn table_ui(
        &mut self,
        ui: &mut Ui,
        settings: &mut CompareSettings,
        rows: &[SessionRow],
        dialog: &mut SessionDialog,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        let rows = shown(rows, settings, &self.filter);
        let columns = settings.columns.clone();
        let measured: Vec<Option<String>> = rows.iter().map(|row| measured(row)).collect();
        let mixed = measured.iter().flatten().any(|one| Some(one) != measured.iter().flatten().next());
        egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            let height = ui.available_height() - ROW - 12.0;
            let wide = |column: &String| if column == "#score" || column == "#note" { 142.0 } else { 84.0 };
            // Names take what the other columns leave.
            let others: f32 = columns.iter().map(|column| wide(column) + ui.spacing().item_spacing.x).sum();
            let room = ui.available_width();
            let names = (room - others - 46.0 - 74.0 - 4.0 * ui.spacing().item_spacing.x).max(186.0);
            let mut table = TableBuilder::new(ui)
                .id_salt(("runs", columns.len(), room as u32))
                .striped(true)
                // Its lines between columns end with the last row.
                .auto_shrink([false, true])
                .max_scroll_height(height.max(40.0))
                .min_scrolled_height(40.0)
                .cell_layout(Layout::left_to_right(Align::Center))
                .column(Column::exact(46.0))
                .column(Column::initial(names).at_least(90.0).clip(true).resizable(true));
            for column in &columns {
                table = table.column(Column::initial(wide(column)).at_least(44.0).clip(true).resizable(true));
            }
            let table = table.column(Column::exact(74.0));
            let table = table.header(ROW, |mut header| {
                header.col(|_| ());
                for column in std::iter::once(NAME).chain(columns.iter().map(String::as_str)) {
                    header.col(|ui| sort_ui(ui, settings, column));
                }
                header.col(|_| ());
            });
            table.body(|body| {
                body.rows(ROW, rows.len(), |mut line| {
                    let row = rows[line.index()];
                    line.set_selected(false);
                    let measured = measured[line.index()].as_deref().map(|text| (text, mixed));
                    actions.extend(self.line_ui(&mut line, (row, measured), &columns, dialog));
                });
            });
        });
        actions
    }

    fn line_ui(
        &mut self,
        line: &mut TableRow<'_, '_>,
        (row, measured): (&SessionRow, Option<(&str, bool)>),
        columns: &[String],
        dialog: &mut SessionDialog,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        line.col(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            self.choose_ui(ui, row);
            actions.extend(star_ui(ui, row));
        });
        line.col(|ui| {
            let p = widgets::palette(ui);
            let slot = self.color_of(&row.folder);
            if let Some(slot) = slot {
                widgets::dot(ui, theme::class_color(slot));
            }
            let color = if slot.is_some() { p.strong } else { p.text };
            let name = ui.add(Label::new(RichText::new(&row.name).color(color)).truncate());
            let differs = row.differs.join("\n");
            let about = [row.name.as_str(), &row.note, &differs].into_iter().filter(|part| !part.is_empty());
            name.on_hover_text(about.collect::<Vec<_>>().join("\n"));
        });
        for column in columns {
            line.col(|ui| {
                let Cell { text, order } = cell(row, column);
                let color = widgets::palette(ui).text;
                // Which score it is, is said in every row where it is not the same one in all.
                let score = measured.filter(|_| column == "#score");
                let more = score.filter(|(_, mixed)| *mixed).map_or(String::new(), |(name, _)| format!(", {name}"));
                let text = RichText::new(text + &more).color(color);
                let text = if matches!(order, Order::Number(_)) { text.monospace() } else { text };
                let shown = ui.add(Label::new(text).truncate());
                if let Some((name, _)) = score {
                    shown.on_hover_text(format!("The best {name} and its step"));
                }
            });
        }
        line.col(|ui| actions.extend(menu_ui(ui, row, dialog)));
        actions
    }

    fn choose_ui(&mut self, ui: &mut Ui, row: &SessionRow) {
        let mut on = self.chosen.iter().any(|chosen| chosen.folder == row.folder);
        let check = ui.add(Checkbox::without_text(&mut on));
        check.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, true, on, format!("Compare {}", row.name)));
        if check.changed() {
            self.choose(&row.folder, on);
        }
    }
}

/// The head of a column: a click sorts by it, another the other way round.
fn sort_ui(ui: &mut Ui, settings: &mut CompareSettings, column: &str) {
    let p = widgets::palette(ui);
    let sorted = settings.sort == column;
    let text = RichText::new(title(column)).small().color(if sorted { p.strong } else { p.muted });
    let head = ui.add(Button::new(text).frame(false).truncate());
    if sorted {
        glyph::arrow(ui, settings.descending);
    }
    let name = format!("Sort by {}", title(column));
    head.widget_info(|| WidgetInfo::labeled(egui::Role::ColumnHeader, true, &name));
    let about = match (options::find(column), column) {
        (Some(known), _) => format!("{column}\n{}", known.text),
        (None, "#score") => format!(
            "{name}: the best value of the score that each run goes by (score.best), or of its first score where it has none of these"
        ),
        (None, _) => name.clone(),
    };
    if head.on_hover_text(about).clicked() {
        settings.descending = sorted && !settings.descending;
        settings.sort = column.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use super::super::super::run_view::RunView;
    use super::super::run::newest;
    use super::*;
    use crate::config::Config;
    use crate::event::{Event, Score};

    fn row(name: &str, seed: u64, score: Option<f64>) -> SessionRow {
        let mut row = SessionRow::new(PathBuf::from(name), 0, SystemTime::UNIX_EPOCH + Duration::from_secs(seed));
        let mut config = Config::default();
        config.train.seed = seed;
        let scores =
            score.map(|value| Event::Score(Score { metric: "frechet-distance".into(), value, ..Score::default() }));
        row.tell(Brief::new(config, scores));
        row
    }

    fn names(rows: &[SessionRow], sort: &str, descending: bool, filter: &str) -> Vec<String> {
        let settings = CompareSettings { sort: sort.to_owned(), descending, ..CompareSettings::default() };
        shown(rows, &settings, filter).iter().map(|row| row.name.clone()).collect()
    }

    #[test]
    fn rows_are_sorted_by_any_column_and_what_has_no_value_comes_last() {
        let rows = [row("b", 10, Some(2.0)), row("a", 9, None), row("C", 100, Some(1.0))];
        assert_eq!(names(&rows, NAME, false, ""), ["a", "b", "C"]);
        assert_eq!(names(&rows, "train.seed", false, ""), ["a", "b", "C"]);
        assert_eq!(names(&rows, "#score", false, ""), ["C", "b", "a"]);
        assert_eq!(names(&rows, "#score", true, ""), ["b", "C", "a"]);
        assert_eq!(names(&rows, "#date", true, ""), ["C", "b", "a"]);
    }

    #[test]
    fn the_run_that_goes_on_has_its_newest_scores() {
        let rows = [row("a", 1, None), row("b", 2, Some(4.0))];
        let mut live = RunView::new(PathBuf::from("a"));
        live.apply(Event::Score(Score { step: 7, metric: "recall".into(), value: 0.5, ..Score::default() }));
        let texts = |rows: &[SessionRow]| rows.iter().map(|row| cell(row, "#score").text).collect::<Vec<_>>();
        assert_eq!(texts(&newest(&rows, None)), ["", "4.0000 at 0"]);
        assert_eq!(texts(&newest(&rows, Some(&live))), ["0.5000 at 7", "4.0000 at 0"]);
        assert!(measured(&newest(&rows, Some(&live))[0]).is_some_and(|name| name.starts_with("Recall")));
    }

    #[test]
    fn a_filter_looks_at_names_notes_and_settings() {
        let mut rows = [row("night-1", 1, None), row("day-2", 2, None)];
        rows[1].note = "Sharp edges".to_owned();
        assert_eq!(names(&rows, NAME, false, "NIGHT"), ["night-1"]);
        assert_eq!(names(&rows, NAME, false, "sharp day"), ["day-2"]);
        assert_eq!(names(&rows, NAME, false, "train.seed=1"), ["night-1"]);
        assert_eq!(names(&rows, NAME, false, "kind=hinge -2"), ["day-2"]);
        assert!(names(&rows, NAME, false, "kind=bce").is_empty());
    }
}
