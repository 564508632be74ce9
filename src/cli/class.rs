//! Which class a command works on.

use anyhow::bail;

use super::usage::Usage;
use crate::guard::few;

/// A class by its name; nothing for all of them.
pub(super) fn of(name: &str, classes: &[String]) -> anyhow::Result<Option<usize>> {
    let found = classes.iter().position(|class| class == name);
    if found.is_none() && name != "all" {
        bail!(Usage(format!("there is no class `{name}`; there are {}, or `all`", few(classes))));
    }
    Ok(found)
}
