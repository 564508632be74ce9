//! Files that somebody names: what is no regular file is refused before it is opened, as opening a pipe waits for ever.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Opens a regular file, or what a link to one leads to.
///
/// # Errors
/// Where it is something else, or cannot be opened.
pub fn open_regular(path: &Path) -> Result<File> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "it is a folder, and a file is wanted"));
    }
    if !about.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file (a pipe or a device)"));
    }
    File::open(path)
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// As [`open_regular`], and where it is longer.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_and_not_too_much_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_regular(&path, 10).unwrap(), [7; 10]);
        assert_eq!(read_regular(&path, 9).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(open_regular(folder.path()).unwrap_err().to_string().contains("folder"));
        assert_eq!(open_regular(&folder.path().join("b")).unwrap_err().kind(), ErrorKind::NotFound);
        #[cfg(unix)]
        for device in ["/dev/zero", "/dev/null"] {
            assert!(open_regular(Path::new(device)).unwrap_err().to_string().contains("no regular file"));
        }
    }
}
