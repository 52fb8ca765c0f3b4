//! The encodings of values and of levels.

use super::footer::{Leaf, Physical};
use super::thrift::Fault;
use super::varint::{unfold, varint};

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text(String),
    Null,
}

const SHORT: Fault = "a page ends early";

/// Values one after the other, each with its bytes; `count` of them.
pub(super) fn plain(bytes: &[u8], leaf: &Leaf, count: usize) -> Result<Vec<Cell>, Fault> {
    let mut out = Vec::new();
    match leaf.physical {
        Physical::Boolean => {
            for i in 0..count {
                let byte = *bytes.get(i / 8).ok_or(SHORT)?;
                out.push(Cell::Number(f64::from(byte >> (i % 8) & 1)));
            }
        }
        Physical::Bytes => {
            let mut rest = bytes;
            for _ in 0..count {
                let (len, behind) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
                let len = u32::from_le_bytes(*len) as usize;
                let text = behind.get(..len).ok_or(SHORT)?;
                out.push(Cell::Text(String::from_utf8_lossy(text).into_owned()));
                rest = behind.get(len..).ok_or(SHORT)?;
            }
        }
        _ => {
            let width = width(leaf.physical);
            let mut parts = bytes.chunks_exact(width.max(1));
            for _ in 0..count {
                out.push(number(parts.next().ok_or(SHORT)?, leaf));
            }
        }
    }
    Ok(out)
}

/// Floating-point numbers whose first bytes stand together, then the second ones and so on.
pub(super) fn split(bytes: &[u8], leaf: &Leaf, count: usize) -> Result<Vec<Cell>, Fault> {
    let width = width(leaf.physical);
    if width == 0 || bytes.len() != count.checked_mul(width).ok_or(SHORT)? {
        return Err(SHORT);
    }
    let one = |i: usize| bytes.iter().skip(i).step_by(count.max(1)).copied().collect::<Vec<u8>>();
    Ok((0..count).map(|i| number(&one(i), leaf)).collect())
}

/// Whole numbers as blocks of differences, each with its least one and packed to the bits that are needed.
pub(super) fn deltas(bytes: &[u8], leaf: &Leaf, count: usize) -> Result<Vec<Cell>, Fault> {
    let mut rest = bytes;
    let [block, parts, total] = [number_of_page(&mut rest)?, number_of_page(&mut rest)?, number_of_page(&mut rest)?];
    let mut value = unfold(number_of_page(&mut rest)?);
    let per =
        block.checked_div(parts).filter(|n| *n > 0 && n.is_multiple_of(8)).ok_or("blocks of differences are odd")?;
    if total < count as u64 {
        return Err(SHORT);
    }
    let mut out = Vec::new();
    if count > 0 {
        out.push(Cell::Number(whole(value, leaf)));
    }
    while out.len() < count {
        let least = unfold(number_of_page(&mut rest)?);
        let parts = usize::try_from(parts).map_err(|_| SHORT)?;
        let widths = rest.get(..parts).ok_or(SHORT)?;
        rest = rest.get(parts..).unwrap_or_default();
        for &width in widths {
            if out.len() == count {
                break;
            }
            let len = (per / 8).checked_mul(width.into()).filter(|_| width <= 64);
            let len = len.and_then(|len| usize::try_from(len).ok()).ok_or(SHORT)?;
            let packed = rest.get(..len).ok_or(SHORT)?;
            rest = rest.get(len..).unwrap_or_default();
            for i in 0..usize::try_from(per).map_err(|_| SHORT)?.min(count - out.len()) {
                value = value.wrapping_add(least).wrapping_add(bits(packed, i, width.into())? as i64);
                if leaf.physical == Physical::Int32 {
                    value = i64::from(value as i32);
                }
                out.push(Cell::Number(whole(value, leaf)));
            }
        }
    }
    Ok(out)
}

/// Small whole numbers, as runs of equal ones or packed into `width` bits each; `count` of them.
pub(super) fn runs(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u64>, Fault> {
    if width > 32 {
        return Err("numbers of levels have too many bits");
    }
    let mut rest = bytes;
    let mut out = Vec::new();
    while out.len() < count {
        let head = number_of_page(&mut rest)?;
        let many = usize::try_from(head >> 1).map_err(|_| SHORT)?;
        if many == 0 {
            return Err("a run has no values");
        }
        if head & 1 == 1 {
            let len = many.checked_mul(width as usize).ok_or(SHORT)?;
            // The last pack may be cut off where its values end.
            let packed = rest.get(..len.min(rest.len())).unwrap_or_default();
            for i in 0..many.saturating_mul(8).min(count - out.len()) {
                out.push(bits(packed, i, width)?);
            }
            rest = rest.get(packed.len()..).unwrap_or_default();
        } else {
            let len = width.div_ceil(8) as usize;
            let value = rest.get(..len).ok_or(SHORT)?.iter().rev().fold(0u64, |v, &b| v << 8 | u64::from(b));
            rest = rest.get(len..).unwrap_or_default();
            out.extend(std::iter::repeat_n(value, many.min(count - out.len())));
        }
    }
    Ok(out)
}

/// Number `i` of those packed into `width` bits each, the lowest bits first.
fn bits(packed: &[u8], i: usize, width: u32) -> Result<u64, Fault> {
    let first = i.checked_mul(width as usize).ok_or(SHORT)?;
    let mut out = 0u64;
    let mut done = 0u32;
    while done < width.min(64) {
        let at = first + done as usize;
        let byte = u64::from(*packed.get(at / 8).ok_or(SHORT)?);
        let offset = (at % 8) as u32;
        let taken = (8 - offset).min(width - done);
        out |= (byte >> offset & ((1 << taken) - 1)) << done;
        done += taken;
    }
    Ok(out)
}

fn number_of_page(rest: &mut &[u8]) -> Result<u64, Fault> {
    let next = || {
        let (&byte, behind) = rest.split_first().ok_or(SHORT)?;
        *rest = behind;
        Ok(byte)
    };
    varint(next, "a number of a page is too long")
}

/// Bytes of a value.
fn width(physical: Physical) -> usize {
    match physical {
        Physical::Int32 | Physical::Float => 4,
        Physical::Int64 | Physical::Double => 8,
        _ => 0,
    }
}

fn number(bytes: &[u8], leaf: &Leaf) -> Cell {
    let four = || bytes.first_chunk::<4>().copied().unwrap_or_default();
    let eight = || bytes.first_chunk::<8>().copied().unwrap_or_default();
    Cell::Number(match leaf.physical {
        Physical::Float => f64::from(f32::from_le_bytes(four())),
        Physical::Double => f64::from_le_bytes(eight()),
        Physical::Int32 => whole(i64::from(i32::from_le_bytes(four())), leaf),
        _ => whole(i64::from_le_bytes(eight()), leaf),
    })
}

/// A whole number as the column means it.
fn whole(value: i64, leaf: &Leaf) -> f64 {
    let plain = match (leaf.unsigned, leaf.physical) {
        (true, Physical::Int32) => f64::from(value as u32),
        (true, _) => value as u64 as f64,
        (false, _) => value as f64,
    };
    match leaf.scale {
        0 => plain,
        // Dividing by a power of ten that is exact rounds once.
        digits => plain / 10f64.powi(i32::try_from(digits).unwrap_or(i32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Leaf, Physical, deltas, runs, split};

    fn leaf(physical: Physical) -> Leaf {
        Leaf { name: "x".into(), physical, optional: false, refused: None, unsigned: false, scale: 0 }
    }

    #[test]
    fn runs_and_packs() {
        // Five times 3, then 0 to 7 in three bits each: the example of the format's description.
        let bytes = [5 << 1, 3, 1 << 1 | 1, 0x88, 0xc6, 0xfa];
        assert_eq!(runs(&bytes, 3, 13).unwrap(), [3, 3, 3, 3, 3, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(runs(&bytes, 3, 7).unwrap(), [3, 3, 3, 3, 3, 0, 1]);
        assert!(runs(&bytes, 3, 14).is_err());
        // A run says that it has more than all memory holds, and gives what is asked for.
        assert_eq!(runs(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 1, 4).unwrap(), [1; 4]);
    }

    #[test]
    fn differences_and_split_bytes() {
        // 7, 5, 3, 1, 2, 3, 4, 5: the example of the format's description, with 32 differences in each of four packs.
        let mut bytes = vec![128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f];
        bytes.resize(bytes.len() + 6, 0);
        let numbers: Vec<Cell> = [7.0, 5.0, 3.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(Cell::Number).to_vec();
        assert_eq!(deltas(&bytes, &leaf(Physical::Int64), 8).unwrap(), numbers);
        assert!(deltas(&bytes[..11], &leaf(Physical::Int64), 8).is_err());
        // Differences of more bits than there are, though all of their bytes are there.
        let mut wide = vec![8, 1, 9, 0, 0, 65];
        wide.resize(6 + 65, 0);
        assert!(deltas(&wide, &leaf(Physical::Int64), 9).is_err());
        wide[5] = 64;
        assert_eq!(deltas(&wide, &leaf(Physical::Int64), 9).unwrap().len(), 9);
        // A pack of 2^63 differences of 16 bits.
        let mut huge = vec![0x80; 9];
        huge.extend([1, 1, 9, 0, 0, 16]);
        assert!(deltas(&huge, &leaf(Physical::Int64), 9).is_err());
        let halves = [0.5f32, -2.0];
        let [a, b] = halves.map(f32::to_le_bytes);
        let mixed: Vec<u8> = a.iter().zip(b).flat_map(|(a, b)| [*a, b]).collect();
        let found = split(&mixed, &leaf(Physical::Float), 2).unwrap();
        assert_eq!(found, [Cell::Number(0.5), Cell::Number(-2.0)]);
    }
}
