//! The head of a run that was never trained.

use gandle::config::Config;
use gandle::event::Started;

/// A run of two classes on a CPU with these settings.
pub fn started(session: &str, config: Config) -> Started {
    Started {
        schema: 1,
        version: "0.1.0".to_owned(),
        session: session.to_owned(),
        step: 0,
        parent: None,
        config,
        classes: vec!["benign".to_owned(), "malignant".to_owned()],
        device: "cpu".to_owned(),
        threads: 2,
        generator_parameters: 1_000_000,
        discriminator_parameters: 2_000_000,
        time: 0,
    }
}
