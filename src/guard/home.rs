//! The short form of the user's folder.

use std::path::MAIN_SEPARATOR;

/// A path whose `~` at the beginning is the user's folder.
pub fn from_home(typed: &str) -> String {
    let rest = typed.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', MAIN_SEPARATOR]));
    let home = rest.and_then(|_| directories::BaseDirs::new());
    match (rest, home) {
        (Some(rest), Some(home)) => format!("{}{rest}", home.home_dir().display()),
        (_, _) => typed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_folder_may_be_typed_in_short() {
        let home = directories::BaseDirs::new().unwrap().home_dir().display().to_string();
        assert_eq!([from_home("~"), from_home("~/cells")], [home.clone(), format!("{home}/cells")]);
        assert_eq!([from_home("~other/x"), from_home("a~"), from_home("")], ["~other/x", "a~", ""]);
    }
}
