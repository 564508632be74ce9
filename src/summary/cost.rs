//! What the time of a step depends on.

/// Settings that do not change how long a step takes.
const FREE: [&str; 15] = [
    "train.seed",
    "train.steps",
    "train.checkpoint_every",
    "train.checkpoint_seconds",
    "train.keep_checkpoints",
    "train.keep_every",
    "train.grid_every",
    "train.grid_columns",
    "score.every",
    "score.images",
    "optimizer.generator_lr",
    "optimizer.discriminator_lr",
    "optimizer.beta1",
    "optimizer.beta2",
    "optimizer.ema_decay",
];

/// What the time of a step depends on.
pub fn cost(settings: &[(String, String)]) -> String {
    let counts = |key: &str| !FREE.contains(&key);
    settings.iter().filter(|(key, _)| counts(key)).map(|(key, value)| format!("{key}={value}\n")).collect()
}
