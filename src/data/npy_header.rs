//! The header of an npy array: a small Python dictionary, read strictly.
//!
//! numpy writes exactly three keys with string, boolean and tuple values. Nothing else is accepted, so that no header,
//! however hostile, can make the reader recurse, allocate or overflow.

use std::io::Read;

use super::error::DataError;
use super::npy::shape_text;

/// A real number type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub item: Item,
    pub big_endian: bool,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

/// numpy's own headers have about a hundred bytes; a thousand axes or fields are no data of ours.
const LONGEST: usize = 16 * 1024;
/// numpy has at most 64 axes.
const MOST_AXES: usize = 64;

impl Header {
    /// Reads and checks a header; also gives the number of bytes it took.
    pub(crate) fn read(file: &str, stream: &mut dyn Read) -> Result<(Self, u64), DataError> {
        let bad = |what: String| DataError::BadHeader { file: file.into(), what };
        let mut take = |n: usize| -> Result<Vec<u8>, DataError> {
            let mut bytes = Vec::with_capacity(n);
            (&mut *stream).take(n as u64).read_to_end(&mut bytes).map_err(|e| bad(e.to_string()))?;
            if bytes.len() == n { Ok(bytes) } else { Err(bad("it ends within the header".into())) }
        };
        let start = take(8)?;
        let (magic, version) = start.split_at(6);
        if magic != b"\x93NUMPY" {
            return Err(bad("it does not start with the npy magic".into()));
        }
        let (length, prefix) = match version {
            [1, 0] => (take(2)?.iter().rev().fold(0usize, |n, &b| (n << 8) | usize::from(b)), 10),
            [2 | 3, 0] => (take(4)?.iter().rev().fold(0usize, |n, &b| (n << 8) | usize::from(b)), 12),
            _ => return Err(bad("its version is unknown".into())),
        };
        if length > LONGEST {
            return Err(bad(format!("a header of {length} bytes")));
        }
        let text = String::from_utf8(take(length)?).map_err(|_| bad("the header is not text".into()))?;
        Ok((Self::parse(file, &text)?, (prefix + length) as u64))
    }

    /// The number of items.
    pub(crate) fn count(&self, file: &str) -> Result<usize, DataError> {
        // An axis of length zero hides an overflow of the others from the product, so multiply as if it were one.
        let overflow = || DataError::ShapeOverflow { file: file.into(), shape: shape_text(&self.shape) };
        let product = self.shape.iter().try_fold(self.item.size(), |n, &axis| n.checked_mul(axis.max(1)));
        product.filter(|&n| isize::try_from(n).is_ok()).ok_or_else(overflow)?;
        Ok(self.shape.iter().product())
    }

    fn parse(file: &str, text: &str) -> Result<Self, DataError> {
        let bad = |what: &str| DataError::BadHeader { file: file.into(), what: what.into() };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut cursor = Cursor { rest: text.trim_end() };
        cursor.expect('{').ok_or_else(|| bad("the header is no dictionary"))?;
        while cursor.expect('}').is_none() {
            let key = cursor.string().ok_or_else(|| bad("the header has a key that is no string"))?;
            cursor.expect(':').ok_or_else(|| bad("the header has a key without a value"))?;
            let twice = match key {
                "descr" if cursor.peek('[') => {
                    return Err(if text.contains("O'") {
                        DataError::ObjectArray { file: file.into() }
                    } else {
                        DataError::BadDtype { file: file.into(), dtype: "structured".into() }
                    });
                }
                "descr" => descr.replace(cursor.string().ok_or_else(|| bad("`descr` is no string"))?).is_some(),
                "fortran_order" => fortran_order
                    .replace(cursor.boolean().ok_or_else(|| bad("`fortran_order` is neither True nor False"))?)
                    .is_some(),
                "shape" => shape.replace(cursor.tuple().ok_or_else(|| bad("`shape` is no tuple of sizes"))?).is_some(),
                _ => return Err(bad("the header has an unknown key")),
            };
            if twice {
                return Err(bad("the header has a key twice"));
            }
            if cursor.expect(',').is_none() && !cursor.peek('}') {
                return Err(bad("the header is no dictionary"));
            }
        }
        if !cursor.rest.trim().is_empty() {
            return Err(bad("something follows the header's dictionary"));
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => {
                let (item, big_endian) = dtype(file, descr)?;
                Ok(Self { item, big_endian, fortran_order, shape })
            }
            _ => Err(bad("the header lacks `descr`, `fortran_order` or `shape`")),
        }
    }
}

impl Item {
    /// Bytes per item.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Signed(n) | Self::Unsigned(n) | Self::Float(n) => n,
        }
    }

    /// The number that `bytes` (exactly [`Item::size`] of them) stand for.
    pub(crate) fn value(self, bytes: &[u8], big_endian: bool) -> f64 {
        let fold = |n: u64, &b: &u8| (n << 8) | u64::from(b);
        let bits = if big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) };
        match self {
            Self::Bool => f64::from(u8::from(bits != 0)),
            Self::Unsigned(_) => bits as f64,
            Self::Signed(n) => {
                let unused = 64 - 8 * n as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            Self::Float(8) => f64::from_bits(bits),
            Self::Float(4) => f64::from(f32::from_bits(bits as u32)),
            Self::Float(_) => half(bits as u16),
        }
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    match exponent {
        0 => sign * fraction * (2.0f64).powi(-14),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction) * (2.0f64).powi(exponent - 15),
    }
}

fn dtype(file: &str, descr: &str) -> Result<(Item, bool), DataError> {
    let (order, kind) = match descr.chars().next() {
        Some(c @ ('<' | '>' | '|' | '=')) => (c, descr.get(1..).unwrap_or_default()),
        _ => ('=', descr),
    };
    let item = match kind {
        "b1" => Item::Bool,
        "i1" => Item::Signed(1),
        "i2" => Item::Signed(2),
        "i4" => Item::Signed(4),
        "i8" => Item::Signed(8),
        "u1" => Item::Unsigned(1),
        "u2" => Item::Unsigned(2),
        "u4" => Item::Unsigned(4),
        "u8" => Item::Unsigned(8),
        "f2" => Item::Float(2),
        "f4" => Item::Float(4),
        "f8" => Item::Float(8),
        _ if kind.starts_with('O') => return Err(DataError::ObjectArray { file: file.into() }),
        _ => return Err(DataError::BadDtype { file: file.into(), dtype: descr.chars().take(40).collect() }),
    };
    Ok((item, order == '>'))
}

/// What is left of a header to read.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn peek(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.starts_with(c)
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.trim_start();
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (text, rest) = self.rest.get(1..)?.split_once(quote)?;
        self.rest = rest;
        (!text.contains('\\')).then_some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(value);
            }
        }
        None
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        self.expect('(')?;
        let mut sizes = Vec::new();
        while self.expect(')').is_none() {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            // A size beyond u64 becomes the largest one: the product is then refused as an overflow.
            let size = if digits.is_empty() { return None } else { digits.parse().unwrap_or(usize::MAX) };
            // Python 2 wrote long integers as `3L`.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            sizes.push(size);
            if sizes.len() > MOST_AXES || (self.expect(',').is_none() && !self.peek(')')) {
                return None;
            }
        }
        Some(sizes)
    }
}
