//! The whole window without a screen: found by label, and what it asked for.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use gandle::event::GridPicture;
use gandle::ui::{Action, GridRequest, Workbench, theme};

/// What answers a window that asks for a stored grid.
pub type Answer = fn(&GridRequest) -> GridPicture;

/// A workbench, and every action that it returned and nobody took yet.
pub struct Window {
    pub harness: Harness<'static, (Workbench, Vec<Action>)>,
    /// Answers every grid that is asked for; without it, they are kept with the other actions.
    answer: Option<Answer>,
}

impl Window {
    /// A window of this size, drawn until nothing changes.
    pub fn open(bench: Workbench, size: [f32; 2], answer: Option<Answer>) -> Self {
        let draw = |ui: &mut egui::Ui, state: &mut (Workbench, Vec<Action>)| {
            let asked = state.0.ui(ui);
            state.1.extend(asked);
        };
        let builder = Harness::builder().with_size(size).with_max_steps(40);
        let harness = builder.with_context_setup(theme::apply).build_ui_state(draw, (bench, Vec::new()));
        let mut window = Self { harness, answer };
        window.settle();
        window
    }

    /// Draws until nothing changes, and with an answer until no grid is asked for any more: while they are played, it never
    /// rests by itself.
    pub fn settle(&mut self) {
        let Some(answer) = self.answer else {
            self.harness.run();
            return;
        };
        for _ in 0..20 {
            self.harness.run_ok();
            let asks = |action: &Action| matches!(action, Action::ReadGrid(_));
            let (reads, others) = self.asked().into_iter().partition::<Vec<_>, _>(asks);
            self.harness.state_mut().1 = others;
            if reads.is_empty() {
                return;
            }
            for action in reads {
                let Action::ReadGrid(ask) = action else { continue };
                let ctx = self.harness.ctx.clone();
                self.bench().take_grid(&ctx, &ask, Ok(answer(&ask)));
            }
        }
    }

    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    pub fn turn_to(&mut self, tab: &str) {
        self.harness.get_by_role_and_label(Role::Tab, tab).click();
        self.settle();
    }

    pub fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// What was asked for since this was called last.
    pub fn asked(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.harness.state_mut().1)
    }

    pub fn bench(&mut self) -> &mut Workbench {
        &mut self.harness.state_mut().0
    }
}
