//! The compact protocol of Apache Thrift, as far as the metadata of Parquet files needs it: a reader that asks for fields one by one and
//! passes over those that nobody wants. No length in the bytes is believed before there are bytes for it.

use super::varint::{unfold, varint};

/// The types of the protocol that are looked at.
pub(super) const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
/// Structures within structures at most: those of Parquet go eight deep.
const DEEPEST: u32 = 32;

/// What is wrong with the bytes.
pub(super) type Fault = &'static str;

const SHORT: Fault = "its metadata end early";
const DEEP: Fault = "its metadata are nested too deeply";

/// Bytes that are read from the front.
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.bytes.get(self.at).ok_or(SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let part = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(part)
    }

    fn unsigned(&mut self) -> Result<u64, Fault> {
        varint(|| self.byte(), "a number of its metadata is too long")
    }

    /// A whole number of any size.
    pub fn integer(&mut self) -> Result<i64, Fault> {
        self.unsigned().map(unfold)
    }

    /// A text or bytes.
    pub fn binary(&mut self) -> Result<&'b [u8], Fault> {
        let len = usize::try_from(self.unsigned()?).map_err(|_| SHORT)?;
        self.take(len)
    }

    /// The type and the number of the elements of a list.
    fn list(&mut self) -> Result<(u8, usize), Fault> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.unsigned()?).map_err(|_| SHORT)?,
            count => usize::from(count),
        };
        // An element has a byte at least.
        if count > self.bytes.len() - self.at.min(self.bytes.len()) { Err(SHORT) } else { Ok((head & 0x0f, count)) }
    }

    /// Calls `each` for every element of a list of this type.
    pub fn elements(&mut self, kind: u8, mut each: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        let (found, count) = self.list()?;
        if found != kind && count > 0 {
            return Err("a list of its metadata holds something else than it should");
        }
        (0..count).try_for_each(|_| each(self))
    }

    /// Calls `each` with the number and the type of every field of a structure. It reads the field and gives `true`, or leaves it alone and
    /// gives `false`.
    pub fn fields(&mut self, mut each: impl FnMut(&mut Self, i64, u8) -> Result<bool, Fault>) -> Result<(), Fault> {
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => self.integer()?,
                step => id.saturating_add(i64::from(step)),
            };
            let kind = head & 0x0f;
            if !each(self, id, kind)? {
                self.skip(kind, 0)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(DEEP);
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(|_| ()),
            4..=6 => self.unsigned().map(|_| ()),
            DOUBLE => self.take(8).map(|_| ()),
            BINARY => self.binary().map(|_| ()),
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, depth + 1))
            }
            MAP => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.skip_element(kinds >> 4, depth + 1)?;
                    self.skip_element(kinds & 0x0f, depth + 1)?;
                }
                Ok(())
            }
            STRUCT => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    self.unsigned()?;
                }
                self.skip(head & 0x0f, depth + 1)?;
            },
            _ => Err("its metadata hold a type that does not exist"),
        }
    }

    /// Outside of structures a truth value is a byte of its own.
    fn skip_element(&mut self, kind: u8, depth: u32) -> Result<(), Fault> {
        if matches!(kind, TRUE | FALSE) { self.byte().map(|_| ()) } else { self.skip(kind, depth) }
    }
}
