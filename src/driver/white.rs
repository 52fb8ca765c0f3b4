//! White noise for the tests of what residuals tell.

use crate::data::{Purpose, normals, stream};

/// Normal numbers of deviation one.
pub fn white(seed: u64, len: usize) -> Vec<f64> {
    let mut noise = vec![0.0; len];
    normals(&mut stream(seed, Purpose::Noise, 0), &mut noise);
    noise
}
