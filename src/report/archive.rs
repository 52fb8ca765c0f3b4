//! Named arrays behind a description: what a checkpoint holds.
//!
//! Layout: the length of the description (u64), the description as JSON, then the numbers of every array, one after the
//! other in the order of `arrays` in the description; all little-endian. Numbers keep every bit.

use serde_json::{Map, Value, json};

use crate::base::{Elem, IndexMap, Tensor, TensorData};

/// Where the description lists the arrays.
const ARRAYS: &str = "arrays";
const LENGTH: usize = 8;

/// Named arrays and a description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Archive {
    /// What the arrays belong to. The key `arrays` is the archive's own.
    pub description: Map<String, Value>,
    /// The arrays.
    pub arrays: IndexMap<String, Tensor>,
}

impl Archive {
    /// The bytes of the archive.
    pub fn encode(&self) -> Vec<u8> {
        let mut description = self.description.clone();
        let list = self.arrays.iter();
        let list = list.map(|(name, t)| json!({ "name": name, "shape": t.shape(), "type": t.elem().to_string() }));
        description.insert(ARRAYS.into(), list.collect());
        let text = Value::Object(description).to_string();
        let numbers: usize = self.arrays.values().map(|t| t.len() * t.elem().bytes()).sum();
        let mut bytes = Vec::with_capacity(LENGTH + text.len() + numbers);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        for tensor in self.arrays.values() {
            match tensor.data() {
                TensorData::F32(v) => v.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes())),
                TensorData::F64(v) => v.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes())),
            }
        }
        bytes
    }

    /// Opens an archive.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        const CUT: &str = "its contents are cut off";
        const BAD: &str = "its description is not one of a checkpoint";
        let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or(CUT)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| CUT)?;
        let (text, mut rest) = rest.split_at_checked(length).ok_or(CUT)?;
        let mut description: Map<String, Value> = serde_json::from_slice(text).map_err(|_| BAD)?;
        let list = description.remove(ARRAYS).ok_or(BAD)?;
        let mut arrays = IndexMap::new();
        for entry in list.as_array().ok_or(BAD)? {
            let name = entry["name"].as_str().ok_or(BAD)?;
            let shape = entry["shape"].as_array().ok_or(BAD)?.iter();
            let shape = shape.map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or(BAD));
            let shape: Vec<usize> = shape.collect::<Result<_, _>>()?;
            let elem = [Elem::F32, Elem::F64].into_iter().find(|e| entry["type"] == e.to_string()).ok_or(BAD)?;
            let count = shape.iter().try_fold(elem.bytes(), |n, &extent| n.checked_mul(extent)).ok_or(CUT)?;
            let (here, after) = rest.split_at_checked(count).ok_or(CUT)?;
            rest = after;
            let tensor = match elem {
                Elem::F32 => Tensor::from_f32(shape, words(here).map(f32::from_le_bytes).collect()),
                Elem::F64 => Tensor::from_f64(shape, words(here).map(f64::from_le_bytes).collect()),
            };
            arrays.insert(name.to_string(), tensor.map_err(|_| BAD)?);
        }
        if rest.is_empty() { Ok(Self { description, arrays }) } else { Err("it is longer than its contents") }
    }
}

/// The bytes in words of `N`.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).filter_map(|word| word.try_into().ok())
}
