//! Where files are kept that can be made again at any time.

use std::path::PathBuf;

use super::Data;

impl Data {
    /// `data.cache`, or the user's cache folder where that is empty; nothing where the system names none. It need not
    /// exist yet.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.cache.trim();
        if named.is_empty() {
            directories::ProjectDirs::from("", "", "gandle").map(|dirs| dirs.cache_dir().to_owned())
        } else {
            Some(named.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_goes_before_the_users_own() {
        let named = Data { cache: " /scratch/gandle ".to_owned(), ..Data::default() };
        assert_eq!(named.cache_folder(), Some("/scratch/gandle".into()));
        // A build machine may have no home.
        let own = Data::default().cache_folder();
        assert!(own.is_none_or(|folder| folder.is_absolute() && folder.display().to_string().contains("gandle")));
    }
}
