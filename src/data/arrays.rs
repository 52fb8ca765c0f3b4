//! Arrays by name: npz archives that hold no trajectories.

use std::collections::HashMap;
use std::path::Path;

use super::error::DataError;
use super::files::load;
use super::nearest::nearest;
use super::npy::{Array, shape_text};
use super::npz::Archive;
use super::spec::ReadSpec;

/// Arrays read from an npz archive.
#[derive(Debug, Clone)]
pub struct Arrays {
    /// How messages name the file.
    pub file: String,
    /// The arrays that were asked for and are there.
    found: HashMap<String, Array>,
    /// Every array of the archive, in its order.
    pub names: Vec<String>,
}

/// Reads those arrays of an npz file that `wanted` names; all others stay packed. Bounds on memory are those of data sets
/// ([`ReadSpec::max_bytes`]).
///
/// # Errors
/// As [`super::read_files`] for what is wrong with the file, the archive or one of the arrays.
pub fn read_arrays(path: &Path, wanted: &[&str]) -> Result<Arrays, DataError> {
    let bytes = load(path, ReadSpec::default().max_bytes)?;
    unpacked(path.display().to_string(), &bytes, Some(wanted))
}

/// All arrays of an npz archive that is in memory; messages name it `file`.
///
/// # Errors
/// As [`read_arrays`].
pub fn arrays_of(file: &str, bytes: &[u8]) -> Result<Arrays, DataError> {
    unpacked(file.to_owned(), bytes, None)
}

fn unpacked(file: String, bytes: &[u8], wanted: Option<&[&str]>) -> Result<Arrays, DataError> {
    let mut archive = Archive::open(&file, bytes, ReadSpec::default().max_bytes)?;
    let mut found = HashMap::new();
    let all = archive.order.clone();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for name in wanted.unwrap_or(&all) {
        if archive.has(name) {
            found.insert((*name).to_owned(), archive.array(name)?);
        }
    }
    let names = std::mem::take(&mut archive.order);
    drop(archive);
    Ok(Arrays { file, found, names })
}

impl Arrays {
    /// Takes an array that may be missing out of the set. All its numbers are finite.
    ///
    /// # Errors
    /// [`DataError::NotFiniteItem`] for the first number that is not.
    pub fn take(&mut self, name: &str) -> Result<Option<Array>, DataError> {
        let Some(array) = self.found.remove(name) else { return Ok(None) };
        match array.data.iter().position(|x| !x.is_finite()) {
            None => Ok(Some(array)),
            Some(at) => Err(DataError::NotFiniteItem {
                file: self.file.clone(),
                array: name.into(),
                index: (!array.shape.is_empty()).then(|| index_text(at, &array.shape)),
                value: array.data.get(at).map(f64::to_string).unwrap_or_default(),
            }),
        }
    }

    /// The shape of an array that has not been taken.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.found.get(name).map(|array| array.shape.as_slice())
    }

    /// Takes an array that has to be there out of the set.
    ///
    /// # Errors
    /// [`DataError::MissingArray`], and those of [`Arrays::take`].
    pub fn require(&mut self, name: &str) -> Result<Array, DataError> {
        self.take(name)?.ok_or_else(|| DataError::MissingArray {
            file: self.file.clone(),
            wanted: name.into(),
            existing: self.names.clone(),
            nearest: nearest(name, self.names.iter().map(String::as_str)),
        })
    }

    /// The error of an array whose shape is not the expected one.
    pub fn wrong_shape(&self, name: &str, shape: &[usize], expected: impl Into<String>) -> DataError {
        let (file, shape) = (self.file.clone(), shape_text(shape));
        DataError::ArrayShape { file, array: name.into(), shape, expected: expected.into() }
    }
}

/// Row-major position `at` as indices: `[0, 2, 1]`.
fn index_text(at: usize, shape: &[usize]) -> String {
    let mut rest = at;
    let mut indices: Vec<String> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let index = rest % extent.max(1);
            rest /= extent.max(1);
            index.to_string()
        })
        .collect();
    indices.reverse();
    format!("[{}]", indices.join(", "))
}
