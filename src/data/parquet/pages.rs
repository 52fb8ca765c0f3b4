//! The pages of a part of a column.

use super::codec::unpack;
use super::footer::{Chunk, Leaf, Physical};
use super::thrift::{Fault, Reader, STRUCT, TRUE};
use super::values::{Cell, deltas, plain, runs, split};

/// What stands before a page.
#[derive(Default)]
struct Header {
    kind: i64,
    unpacked: usize,
    packed: usize,
    values: usize,
    encoding: i64,
    /// How the levels of a page of the first kind are encoded.
    level_encoding: i64,
    /// Bytes of the levels before the values, where they are not packed.
    levels: [usize; 2],
    is_packed: bool,
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;
const CUT: Fault = "a page is cut off";

/// The values of a chunk; `left` are the bytes that may still be unpacked.
pub(super) fn read(file: &[u8], chunk: &Chunk, leaf: &Leaf, left: &mut u64) -> Result<Vec<Cell>, Fault> {
    if chunk.elsewhere {
        return Err("a column lies in another file or is encrypted");
    }
    let range = usize::try_from(chunk.first_page).ok().zip(usize::try_from(chunk.bytes).ok());
    let range = range.and_then(|(first, bytes)| Some(first..first.checked_add(bytes)?));
    let mut rest = range.and_then(|range| file.get(range)).ok_or("a column lies outside of the file")?;
    let wanted = usize::try_from(chunk.values).map_err(|_| "a column has fewer than no values")?;
    let mut dictionary: Option<Vec<Cell>> = None;
    let mut out = Vec::new();
    while out.len() < wanted {
        let (header, behind) = header(rest)?;
        let packed = behind.get(..header.packed).ok_or(CUT)?;
        rest = behind.get(header.packed..).unwrap_or_default();
        *left = left.checked_sub(header.unpacked as u64).ok_or(TOO_LARGE)?;
        match header.kind {
            DICTIONARY => {
                if dictionary.is_some() {
                    return Err("a column has two dictionaries");
                }
                charge(left, header.values)?;
                let bytes = unpack(chunk.codec, packed, header.unpacked)?;
                dictionary = Some(plain(&bytes, leaf, header.values)?);
            }
            DATA | DATA_2 => {
                if header.values == 0 || header.values > wanted - out.len() {
                    return Err("a page has another number of values than its column");
                }
                charge(left, header.values)?;
                let page = page(&header, packed, chunk.codec, leaf)?;
                values(&header, page, leaf, (dictionary.as_deref(), &mut *left), &mut out)?;
            }
            _ => {}
        }
    }
    Ok(out)
}

/// Takes the memory of so many cells from what is left.
fn charge(left: &mut u64, cells: usize) -> Result<(), Fault> {
    let size = (cells as u64).saturating_mul(std::mem::size_of::<Cell>() as u64);
    *left = left.checked_sub(size).ok_or(TOO_LARGE)?;
    Ok(())
}

/// What is said where more is to be unpacked than is allowed.
pub(super) const TOO_LARGE: Fault = "too large";

fn header(bytes: &[u8]) -> Result<(Header, &[u8]), Fault> {
    let mut out = Header { is_packed: true, ..Header::default() };
    let mut r = Reader::new(bytes);
    let size = |n: i64| usize::try_from(n).ok().filter(|n| *n <= i32::MAX as usize).ok_or("a page has an odd size");
    r.fields(|r, id, kind| {
        match (id, kind) {
            (1, 5) => out.kind = r.integer()?,
            (2, 5) => out.unpacked = size(r.integer()?)?,
            (3, 5) => out.packed = size(r.integer()?)?,
            (5 | 7, STRUCT) => r.fields(|r, id, kind| {
                match (id, kind) {
                    (1, 5) => out.values = size(r.integer()?)?,
                    (2, 5) => out.encoding = r.integer()?,
                    (3, 5) => out.level_encoding = r.integer()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?,
            (8, STRUCT) => r.fields(|r, id, kind| {
                match (id, kind) {
                    (1, 5) => out.values = size(r.integer()?)?,
                    (4, 5) => out.encoding = r.integer()?,
                    (5, 5) => out.levels[1] = size(r.integer()?)?,
                    (6, 5) => out.levels[0] = size(r.integer()?)?,
                    (7, 1 | 2) => {
                        out.is_packed = kind == TRUE;
                        return Ok(true);
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((out, bytes.get(r.position()..).unwrap_or_default()))
}

/// Which values of a page are there, and the bytes of those.
struct Page {
    /// None where all are.
    there: Option<Vec<u64>>,
    bytes: Vec<u8>,
}

fn page(header: &Header, packed: &[u8], codec: i64, leaf: &Leaf) -> Result<Page, Fault> {
    let (levels, bytes) = if header.kind == DATA_2 {
        // Levels stand before what is packed.
        let [repeated, defined] = header.levels;
        let values = repeated.checked_add(defined).ok_or(CUT)?;
        let levels = packed.get(repeated..values).ok_or(CUT)?.to_vec();
        let packed = packed.get(values..).ok_or(CUT)?;
        let size = header.unpacked.checked_sub(values).ok_or("a page has another size than it says")?;
        let bytes = unpack(if header.is_packed { codec } else { 0 }, packed, size)?;
        (leaf.optional.then_some(levels), bytes)
    } else {
        let mut bytes = unpack(codec, packed, header.unpacked)?;
        let levels = match leaf.optional {
            // Runs; what older writers packed has no length before it.
            true if header.level_encoding == 3 => Some(prefixed(&mut bytes)?),
            true => return Err("its nulls are marked in an old way that is not read: write the file anew"),
            false => None,
        };
        (levels, bytes)
    };
    let there = levels.map(|levels| runs(&levels, 1, header.values)).transpose()?;
    Ok(Page { there, bytes })
}

/// Takes out what stands at the beginning behind its length.
fn prefixed(bytes: &mut Vec<u8>) -> Result<Vec<u8>, Fault> {
    let len = bytes.first_chunk::<4>().map(|n| u32::from_le_bytes(*n) as usize).ok_or(CUT)?;
    let end = len.checked_add(4).filter(|end| *end <= bytes.len()).ok_or(CUT)?;
    let part = bytes.get(4..end).unwrap_or_default().to_vec();
    bytes.drain(..end);
    Ok(part)
}

/// Appends the values of a page, nulls among them.
fn values(
    header: &Header,
    page: Page,
    leaf: &Leaf,
    (dictionary, left): (Option<&[Cell]>, &mut u64),
    out: &mut Vec<Cell>,
) -> Result<(), Fault> {
    let count = page.there.as_ref().map_or(header.values, |there| there.iter().filter(|d| **d == 1).count());
    let mut bytes = page.bytes;
    let whole = matches!(leaf.physical, Physical::Int32 | Physical::Int64);
    let found = match header.encoding {
        0 => plain(&bytes, leaf, count)?,
        // The older and the newer number of the same thing.
        2 | 8 => {
            let known = dictionary.ok_or("a page uses a dictionary that is not there")?;
            if count == 0 {
                return nulls(page.there, header.values, Vec::new(), out);
            }
            let (&width, packed) = bytes.split_first().ok_or(CUT)?;
            let places = runs(packed, width.into(), count)?;
            let mut found = Vec::with_capacity(places.len());
            for at in places {
                let cell = usize::try_from(at).ok().and_then(|at| known.get(at));
                let cell = cell.ok_or("a page uses what its dictionary does not have")?;
                if let Cell::Text(text) = cell {
                    // A text of the dictionary may stand in every row.
                    *left = left.checked_sub(text.len() as u64).ok_or(TOO_LARGE)?;
                }
                found.push(cell.clone());
            }
            found
        }
        3 if leaf.physical == Physical::Boolean => {
            let packed = prefixed(&mut bytes)?;
            runs(&packed, 1, count)?.into_iter().map(|b| Cell::Number(b as f64)).collect()
        }
        5 if whole => deltas(&bytes, leaf, count)?,
        9 => split(&bytes, leaf, count)?,
        _ => return Err("a column is encoded in a way that is not read: write it plain or with a dictionary"),
    };
    nulls(page.there, header.values, found, out)
}

/// Appends values with nulls where there are none.
fn nulls(there: Option<Vec<u64>>, all: usize, found: Vec<Cell>, out: &mut Vec<Cell>) -> Result<(), Fault> {
    let mut found = found.into_iter();
    match there {
        None => out.extend(found),
        Some(there) => {
            for level in there.into_iter().take(all) {
                out.push(if level == 1 { found.next().ok_or(CUT)? } else { Cell::Null });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(physical: Physical) -> Leaf {
        Leaf { name: "x".into(), physical, optional: true, refused: None, unsigned: false, scale: 0 }
    }

    #[test]
    fn values_that_are_cut_off_are_not_nulls() {
        let known = [Cell::Number(3.0)];
        let header = Header { values: 2, encoding: 8, ..Header::default() };
        let read = |levels: Vec<u64>, bytes: Vec<u8>| {
            let (mut out, mut left) = (Vec::new(), 1000);
            let page = Page { there: Some(levels), bytes };
            values(&header, page, &leaf(Physical::Double), (Some(&known), &mut left), &mut out).map(|()| out)
        };
        assert_eq!(read(vec![0, 0], Vec::new()), Ok(vec![Cell::Null, Cell::Null]));
        assert_eq!(read(vec![0, 1], Vec::new()), Err(CUT));
        assert_eq!(read(vec![0, 1], vec![1, 2, 0]), Ok(vec![Cell::Null, Cell::Number(3.0)]));
        assert_eq!(nulls(Some(vec![1]), 1, Vec::new(), &mut Vec::new()), Err(CUT));
    }

    /// Levels of pages of the first kind are runs behind their length; what older writers packed is refused, and not taken for those.
    #[test]
    fn only_runs_of_levels_are_read() {
        let read = |level_encoding: i64, leaf: &Leaf, bytes: &[u8]| {
            let header = Header {
                kind: DATA,
                unpacked: bytes.len(),
                values: 2,
                level_encoding,
                is_packed: true,
                ..Header::default()
            };
            page(&header, bytes, 0, leaf).map(|page| (page.there, page.bytes))
        };
        let optional = leaf(Physical::Double);
        // Two bytes of levels, a run of two ones, and one byte of values.
        let runs = [2, 0, 0, 0, 2 << 1, 1, 9];
        assert_eq!(read(3, &optional, &runs), Ok((Some(vec![1, 1]), vec![9])));
        for old in [0, 4] {
            let said = read(old, &optional, &[0b1100_0000, 9]).expect_err("an old encoding");
            assert!(said.contains("old way"), "{said}");
        }
        // Without nulls there are no levels, whatever their encoding would be.
        assert_eq!(read(4, &Leaf { optional: false, ..optional }, &[9]), Ok((None, vec![9])));
    }

    /// The header of a page that is not packed: its kind, bytes, and values, which are plain.
    fn page_header(kind: u8, bytes: u8, values: u8) -> Vec<u8> {
        // Fields of the protocol: the step from the last number and the type, 5 for whole numbers, which are folded; 0 ends.
        let of_values = [0x15, values << 1, 0x15, 0, 0x15, 3 << 1, 0];
        let place = if kind == DICTIONARY as u8 { 0x4c } else { 0x2c };
        [&[0x15, kind << 1, 0x15, bytes << 1, 0x15, bytes << 1, place][..], &of_values, &[0]].concat()
    }

    #[test]
    fn a_column_has_one_dictionary() {
        let leaf = Leaf { optional: false, ..leaf(Physical::Double) };
        let number = |x: f64| x.to_le_bytes().to_vec();
        let dictionary = [page_header(DICTIONARY as u8, 8, 1), number(3.0)].concat();
        let data = [page_header(DATA as u8, 8, 1), number(5.0)].concat();
        let read = |pages: &[&[u8]]| {
            let bytes = pages.concat();
            let chunk = Chunk { values: 2, bytes: bytes.len() as i64, ..Chunk::default() };
            read(&bytes, &chunk, &leaf, &mut 1000)
        };
        assert_eq!(read(&[&dictionary, &data, &data]), Ok(vec![Cell::Number(5.0), Cell::Number(5.0)]));
        assert_eq!(read(&[&dictionary, &dictionary, &data, &data]), Err("a column has two dictionaries"));
        assert_eq!(read(&[&dictionary, &data, &dictionary, &data]), Err("a column has two dictionaries"));
    }

    #[test]
    fn texts_of_a_dictionary_count_as_often_as_they_are_used() {
        let known = [Cell::Text("a".repeat(100))];
        let header = Header { values: 11, encoding: 8, ..Header::default() };
        // One run of eleven times the first text.
        let page = || Page { there: None, bytes: vec![1, 11 << 1, 0] };
        let read =
            |mut left: u64| values(&header, page(), &leaf(Physical::Bytes), (Some(&known), &mut left), &mut Vec::new());
        assert_eq!(read(1100), Ok(()));
        assert_eq!(read(1099), Err(TOO_LARGE));
    }
}
