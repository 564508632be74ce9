//! Reads weights that others have trained out of files: `.safetensors`, and `.pth` or `.pt` as `torch.save` writes them,
//! today and before PyTorch 1.6.
//!
//! A file is looked at before it is believed: nothing in it is run, no size is trusted before it is compared with the
//! file's length, and what does not fit is an error in words.

mod pickle;
mod safe;
mod sum;
mod tensor;
mod torch;
mod zip;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::FeatureError;
use crate::guard;
pub use sum::sha256;
use tensor::{Kind, Tensor, row_by_row};

/// How much further apart a tensor's numbers may lie than they would side by side: what lies between is read with them.
const MOST_SPREAD: usize = 16;

/// A file of named tensors.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: File,
    tensors: BTreeMap<String, Tensor>,
}

impl TensorFile {
    /// Reads which tensors a file has; what kind of file it is is told by its bytes, not by its name.
    ///
    /// # Errors
    /// Where it cannot be read, or is neither kind of file.
    pub fn open(path: &Path) -> Result<Self, FeatureError> {
        let failed = |reason: String| FeatureError::File { path: path.display().to_string(), reason };
        let parsed = || {
            let mut file = guard::open_regular(path).map_err(|err| err.to_string())?;
            let length = file.metadata().map_err(|err| err.to_string())?.len();
            let longest = torch::OLD_BEGINNING.len();
            let beginning = zip::bytes_at(&mut file, 0, length.min(longest as u64) as usize);
            let beginning = beginning.map_err(|err| err.to_string())?;
            let tensors = if beginning.starts_with(b"PK\x03\x04") {
                torch::from_zip(&mut file, length)?
            } else if beginning == torch::OLD_BEGINNING {
                torch::from_old(&mut file, length)?
            } else if beginning.get(8) == Some(&b'{') {
                safe::tensors(&mut file, length)?
            } else {
                return Err("it is neither a .safetensors file nor one that torch.save wrote".to_owned());
            };
            Ok((file, tensors))
        };
        let (file, tensors) = guard::catch_to_text(parsed).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, tensors })
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor; nothing where the file has none of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// The error that something in the file is not as it should be.
    pub fn unfit(&self, reason: String) -> FeatureError {
        FeatureError::File { path: self.path.display().to_string(), reason }
    }

    /// The numbers of a tensor, row by row as its shape says.
    ///
    /// # Errors
    /// Where the file has none of this name and shape, has whole numbers for it, or cannot be read.
    pub fn numbers(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, FeatureError> {
        let numbers = match self.tensors.get(name) {
            None => Err(format!("it has no tensor {name}, which should have the shape {shape:?}")),
            Some(tensor) if tensor.shape != shape => {
                Err(format!("{name} has the shape {:?} and should have {shape:?}", tensor.shape))
            }
            Some(tensor) => {
                guard::catch_to_text(|| read(&mut self.file, tensor)).map_err(|reason| format!("{name}: {reason}"))
            }
        };
        numbers.map_err(|reason| self.unfit(reason))
    }
}

/// A tensor's numbers in the order of its shape.
fn read(file: &mut File, tensor: &Tensor) -> Result<Vec<f32>, String> {
    let (count, extent) = tensor.extent().ok_or("its shape says more numbers than the file has for it")?;
    if count == 0 {
        return Ok(Vec::new()); // Where it begins was not looked at.
    }
    if extent / MOST_SPREAD > count {
        return Err(
            "its numbers lie too far apart: they are part of something larger; save `tensor.clone()` of it".to_owned()
        );
    }
    let width = tensor.kind.bytes();
    let start = tensor.start + tensor.offset as u64 * width;
    let bytes = zip::bytes_at(file, start, extent * width as usize).map_err(|err| err.to_string())?;
    let stored: Vec<f32> = match tensor.kind {
        Kind::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "weights are used as f32")]
        Kind::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Kind::F16 => bytes.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        Kind::BF16 => bytes.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        Kind::Whole(_) => return Err("it holds whole numbers, and weights are fractions".to_owned()),
    };
    if row_by_row(&tensor.shape) == tensor.strides {
        return Ok(stored);
    }
    let mut at = vec![0; tensor.shape.len()];
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        numbers.push(stored[at.iter().zip(&tensor.strides).map(|(at, stride)| at * stride).sum::<usize>()]);
        for (at, size) in at.iter_mut().zip(&tensor.shape).rev() {
            *at += 1;
            if *at < *size {
                break;
            }
            *at = 0;
        }
    }
    Ok(numbers)
}

/// Reads bytes as a pickle, for tests with hostile ones.
#[cfg(all(feature = "gui", any(fuzzing, test)))]
pub(crate) fn try_pickle(bytes: &[u8]) -> bool {
    pickle::Pickle::read(bytes).is_ok_and(|pickle| pickle.length <= bytes.len())
}

#[cfg(test)]
mod tests;
