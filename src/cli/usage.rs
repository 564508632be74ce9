//! What was asked and cannot be done.

/// What was asked cannot be done as it was asked: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);
