//! What is kept between starts. A state of an older form gives what can still be read, and the defaults for the rest.

use crate::config::{Config, Preset};
use crate::ui::{Queue, Settings, Workbench};

/// The stored form of the window's state.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Saved {
    /// The set-up as `run.toml`: a text, so that a key of another version cannot make the rest unreadable.
    config: String,
    settings: Settings,
    /// The queue, a text as well.
    queue: String,
}

impl Default for Saved {
    fn default() -> Self {
        Self { config: Preset::DEFAULT.config().to_toml(), settings: Settings::default(), queue: String::new() }
    }
}

impl Saved {
    /// What is kept of a window.
    pub fn of(workbench: &Workbench) -> Self {
        Self {
            config: workbench.config.to_toml(),
            settings: workbench.settings.clone(),
            queue: workbench.queue.to_text(),
        }
    }

    /// The window as it was left.
    pub fn restore(self) -> Workbench {
        let config = Config::from_toml(&self.config).unwrap_or_else(|err| {
            tracing::warn!("the stored set-up is not readable any more and starts afresh: {err}");
            Preset::DEFAULT.config()
        });
        let mut workbench = Workbench::new(config, self.settings);
        workbench.queue = Queue::from_text(&self.queue);
        workbench
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_comes_back_as_it_was_left() {
        let mut workbench = Workbench::new(Config::default(), Settings::default());
        workbench.config.image_size = 32;
        workbench.settings.remember("/cells");
        workbench.queue.add("a".to_owned(), workbench.config.clone());
        let back = Saved::of(&workbench).restore();
        assert_eq!((back.config.image_size, back.settings), (32, workbench.settings));
        assert_eq!(back.queue.entries(), workbench.queue.entries());
    }

    #[test]
    fn a_set_up_of_another_version_starts_afresh_and_keeps_the_rest() {
        let mut saved = Saved { config: "image_size = 32\nno_such_key = 1".to_owned(), ..Saved::default() };
        saved.settings.remember("/cells");
        let back = saved.restore();
        assert_eq!((back.config, back.settings.recent), (Preset::DEFAULT.config(), vec!["/cells".to_owned()]));
    }
}
