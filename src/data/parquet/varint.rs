//! Whole numbers in as many bytes as they need, as metadata, pages and packed bytes have them.

use super::thrift::Fault;

/// A number without sign: seven bits in every byte, the lowest first; all bytes but the last have the eighth. `next` gives the bytes, and
/// `long` is what is said where 64 bits are not enough.
pub(super) fn varint(mut next: impl FnMut() -> Result<u8, Fault>, long: Fault) -> Result<u64, Fault> {
    let mut out = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = next()?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(long);
        }
        out |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(out);
        }
    }
    Err(long)
}

/// Zero, -1, 1, -2 and so on from 0, 1, 2, 3.
pub(super) fn unfold(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::{unfold, varint};

    #[test]
    fn numbers_of_every_length() {
        let read = |bytes: &[u8]| {
            let mut bytes = bytes.iter().copied();
            varint(|| bytes.next().ok_or("short"), "long")
        };
        assert_eq!(read(&[0x7f]), Ok(127));
        assert_eq!(read(&[0xac, 0x02, 0xff]), Ok(300));
        let nine = [0xff; 9];
        assert_eq!(read(&[&nine[..], &[0x01]].concat()), Ok(u64::MAX));
        assert_eq!(read(&[&nine[..], &[0x02]].concat()), Err("long"));
        assert_eq!(read(&[0x80; 11]), Err("long"));
        assert_eq!(read(&[0x80, 0x80]), Err("short"));
        assert_eq!(read(&[]), Err("short"));
        assert_eq!([0, 1, 2, 3, u64::MAX - 1, u64::MAX].map(unfold), [0, -1, 1, -2, i64::MAX, i64::MIN]);
    }
}
