//! Where things go in one piece of memory, so that things of different times may share a place.

/// Something that needs room from its first step to its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenant {
    /// Bytes, a multiple of the alignment wanted.
    pub bytes: usize,
    /// The first step that uses it.
    pub first: usize,
    /// The last.
    pub last: usize,
}

/// The offset of each tenant and the bytes of all: each gets the first gap that is free all its time. `None` beyond the address
/// space.
pub(super) fn place(tenants: &[Tenant]) -> Option<(Vec<usize>, usize)> {
    let mut offsets = vec![0; tenants.len()];
    let mut total = 0;
    let mut order: Vec<usize> = (0..tenants.len()).collect();
    order.sort_by_key(|&t| (tenants[t].first, t));
    let mut placed: Vec<usize> = Vec::new();
    for t in order {
        let own = tenants[t];
        let mut busy: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&o| tenants[o].first <= own.last && own.first <= tenants[o].last)
            .map(|&o| (offsets[o], offsets[o] + tenants[o].bytes))
            .collect();
        busy.sort_unstable();
        let mut offset = 0usize;
        for (from, to) in busy {
            if offset.checked_add(own.bytes)? <= from {
                break;
            }
            offset = offset.max(to);
        }
        offsets[t] = offset;
        total = total.max(offset.checked_add(own.bytes)?);
        placed.push(t);
    }
    Some((offsets, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_of_different_times_share_a_place() {
        let tenant = |bytes, first, last| Tenant { bytes, first, last };
        let tenants = [tenant(64, 0, 1), tenant(128, 1, 2), tenant(64, 2, 3), tenant(64, 2, 2)];
        assert_eq!(place(&tenants), Some((vec![0, 64, 0, 192], 256)));
        assert_eq!(place(&[tenant(usize::MAX, 0, 1), tenant(64, 0, 1)]), None);
    }
}
