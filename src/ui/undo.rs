//! Taking back changes of the set-up, and making them again.

use crate::config::Config;

/// Changes that can be taken back.
const MOST: usize = 200;

/// The configurations before and after the present one.
#[derive(Debug, Default)]
pub(super) struct Undo {
    past: Vec<Config>,
    future: Vec<Config>,
    settled: Option<Config>,
}

impl Undo {
    /// Notices a change. While somebody drags or types, it is not whole yet: one drag is one change.
    pub fn notice(&mut self, config: &Config, busy: bool) {
        let Some(settled) = &self.settled else {
            self.settled = Some(config.clone());
            return;
        };
        if busy || settled == config {
            return;
        }
        self.past.extend(self.settled.replace(config.clone()));
        self.future.clear();
        if self.past.len() > MOST {
            self.past.remove(0);
        }
    }

    /// Takes the newest change back; false where there is none.
    pub fn undo(&mut self, config: &mut Config) -> bool {
        self.notice(config, false);
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(config, before));
        self.settled = Some(config.clone());
        true
    }

    /// Makes the change again that was taken back last; false where there is none.
    pub fn redo(&mut self, config: &mut Config) -> bool {
        self.notice(config, false);
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(config, after));
        self.settled = Some(config.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_is_one_change_and_a_new_change_forgets_what_was_taken_back() {
        let mut undo = Undo::default();
        let mut config = Config::default();
        let first = config.train.steps;
        undo.notice(&config, false);
        for steps in [10, 20, 30] {
            config.train.steps = steps;
            undo.notice(&config, true);
        }
        undo.notice(&config, false);
        config.train.steps = 40;
        assert!(undo.undo(&mut config) && config.train.steps == 30);
        assert!(undo.undo(&mut config) && config.train.steps == first);
        assert!(!undo.undo(&mut config));
        assert!(undo.redo(&mut config) && config.train.steps == 30);
        config.train.seed = 9;
        undo.notice(&config, false);
        assert!(!undo.redo(&mut config));
        assert!(undo.undo(&mut config) && config.train.seed != 9 && config.train.steps == 30);
    }
}
