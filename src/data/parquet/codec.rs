//! Pages unpacked. Room is made as bytes come, never by what a page says of itself.

use std::io::Read;

use super::thrift::Fault;
use super::varint::varint;

/// Unpacks a page that says it has so many bytes.
pub(super) fn unpack(codec: i64, packed: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
    let out = match codec {
        0 => packed.to_vec(),
        1 => snappy(packed, size)?,
        2 => all(flate2::read::MultiGzDecoder::new(packed), size)?,
        6 => all(zstd::stream::read::Decoder::new(packed).map_err(|_| DAMAGED)?, size)?,
        _ => return Err("it is compressed by something else than snappy, gzip or zstd"),
    };
    if out.len() == size { Ok(out) } else { Err("a page has another size than it says") }
}

const DAMAGED: Fault = "a page cannot be unpacked: it is damaged";

fn all(packed: impl Read, size: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    packed.take(size as u64 + 1).read_to_end(&mut out).map_err(|_| DAMAGED)?;
    Ok(out)
}

/// The raw format of Snappy ("Snappy compressed format description", version of 2011-10-05): the length, then literal bytes and copies
/// of what came before.
fn snappy(packed: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
    let mut rest = packed.iter().copied();
    let length = varint(|| rest.next().ok_or(DAMAGED), DAMAGED)?;
    if length != size as u64 {
        return Err("a page has another size than it says");
    }
    let mut out: Vec<u8> = Vec::new();
    let number = |rest: &mut dyn Iterator<Item = u8>, bytes: u32| -> Result<usize, Fault> {
        (0..bytes).try_fold(0usize, |n, i| Ok(n | usize::from(rest.next().ok_or(DAMAGED)?) << (8 * i)))
    };
    while out.len() < size {
        let tag = rest.next().ok_or(DAMAGED)?;
        let upper = usize::from(tag >> 2);
        let (length, back) = match tag & 3 {
            0 => {
                let length = match upper {
                    60..=63 => number(&mut rest, upper as u32 - 59)?,
                    short => short,
                };
                let length = length.checked_add(1).filter(|n| *n <= size - out.len()).ok_or(DAMAGED)?;
                let before = out.len();
                out.extend(rest.by_ref().take(length));
                if out.len() - before < length {
                    return Err(DAMAGED);
                }
                continue;
            }
            1 => (4 + (upper & 7), (upper >> 3) << 8 | number(&mut rest, 1)?),
            2 => (upper + 1, number(&mut rest, 2)?),
            _ => (upper + 1, number(&mut rest, 4)?),
        };
        let from = out.len().checked_sub(back).filter(|_| back > 0).ok_or(DAMAGED)?;
        if length > size - out.len() {
            return Err(DAMAGED);
        }
        // What is copied may be what the copy itself writes.
        for i in from..from + length {
            let byte = *out.get(i).ok_or(DAMAGED)?;
            out.push(byte);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::snappy;

    #[test]
    fn literals_and_copies() {
        // Eleven bytes: "abc", then eight from three back, which are the copy's own.
        let packed = [11, 2 << 2, b'a', b'b', b'c', (8 - 4) << 2 | 1, 3];
        assert_eq!(snappy(&packed, 11).unwrap(), b"abcabcabcab");
        assert!(snappy(&packed, 12).is_err(), "another length");
        assert!(snappy(&packed[..6], 11).is_err(), "cut off");
        let before = [11, 2 << 2, b'a', b'b', b'c', (8 - 4) << 2 | 1, 4];
        assert!(snappy(&before, 11).is_err(), "a copy from before the beginning");
    }
}
