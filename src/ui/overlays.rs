//! What lies over the pages: the dialogs, one of which asks what becomes of a run when the window closes.

use egui::Ui;

use super::action::Action;
use super::close_dialog::AtStake;
use super::run_view::RunView;
use super::workbench::Workbench;

impl Workbench {
    /// Draws the dialogs that are open.
    pub(super) fn dialogs_ui(&mut self, ui: &Ui) -> Vec<Action> {
        let ctx = ui.ctx();
        let mut actions = Vec::new();
        let shown = self.stored.as_ref().or(self.live.as_ref());
        if let Some(view) = shown {
            actions.extend(self.export.ui(ctx, view));
        }
        let busy = self.live.as_ref().is_some_and(RunView::is_active).then_some("A run is going on; stop it first");
        actions.extend(self.branch.ui(ctx, shown, (&self.config, &self.data), busy));
        actions.extend(self.scores.ui(ctx, shown, &self.config, busy));
        self.sheet_ui(ui);
        actions.extend(self.settings_diff.ui(ctx, &mut self.config, &self.sessions));
        actions.extend(self.session_dialog.ui(ctx));
        actions.extend(self.find_data.ui(ctx));
        actions.extend(self.trust.ui(ctx));
        actions.extend(self.leave_ui(ctx));
        actions
    }

    fn leave_ui(&mut self, ctx: &egui::Context) -> Option<Action> {
        let mut leave = std::mem::take(&mut self.leave);
        let action = leave.ui(ctx, self.at_stake());
        self.leave = leave;
        action
    }

    fn at_stake(&self) -> AtStake<'_> {
        AtStake {
            run: self.live.as_ref().filter(|run| run.is_active()),
            waiting: self.queue.waiting(),
            exporting: self.export.is_busy(),
            quiz: self.quiz.is_under_way(),
        }
    }

    /// Whether something would end with the window that whoever closes it might want to keep.
    pub fn would_lose(&self) -> bool {
        let stake = self.at_stake();
        stake.run.is_some() || stake.exporting || stake.quiz
    }
}
