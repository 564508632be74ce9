//! The only room that knows both engine and ui: drains, routes, saves.
/// Opens the window.
pub fn run(_open: Option<std::path::PathBuf>) -> anyhow::Result<()> {
    Ok(())
}
