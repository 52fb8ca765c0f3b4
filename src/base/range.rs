/// The least and the largest of some numbers, those that are none aside; infinity and minus infinity where there are no others.
pub fn least_and_most(numbers: impl IntoIterator<Item = f64>) -> [f64; 2] {
    numbers.into_iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(v), b.max(v)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_has_no_place_among_numbers() {
        assert_eq!(least_and_most([2.0, f64::NAN, -1.0]), [-1.0, 2.0]);
        assert_eq!(least_and_most([f64::NAN]), [f64::INFINITY, f64::NEG_INFINITY]);
    }
}
