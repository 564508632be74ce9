//! The whole window without a screen, and what it asked for.

use egui_kittest::Harness;
use gandle::ui::{Action, Workbench, theme};

/// A workbench, and every action that it returned and nobody took yet.
pub type Opened = Harness<'static, (Workbench, Vec<Action>)>;

/// A window of this size, not drawn yet.
pub fn open(bench: Workbench, size: [f32; 2]) -> Opened {
    let draw = |ui: &mut egui::Ui, state: &mut (Workbench, Vec<Action>)| {
        let asked = state.0.ui(ui);
        state.1.extend(asked);
    };
    let builder = Harness::builder().with_size(size).with_max_steps(40);
    builder.with_context_setup(theme::apply).build_ui_state(draw, (bench, Vec::new()))
}
