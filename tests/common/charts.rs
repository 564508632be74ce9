//! What a pointer does in the charts of a window.

use egui_kittest::kittest::Queryable as _;

use super::common::Window;

impl Window {
    /// Where a chart is drawn.
    pub fn chart(&self, title: &str) -> egui::Rect {
        self.harness.get_by_label_contains(&format!("Chart of {title}")).rect()
    }

    /// Presses the button at one point and lets it go at another.
    pub fn press_at(&mut self, from: egui::Pos2, to: egui::Pos2) {
        self.harness.hover_at(from);
        self.harness.step();
        self.harness.drag_at(from);
        self.harness.step();
        if from != to {
            self.harness.hover_at(to);
            self.harness.step();
        }
        self.harness.drop_at(to);
        self.settle();
    }
}
