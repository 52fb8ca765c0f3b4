//! Several data sets as one: all their trajectories, with columns in one order.

use super::dataset::{Dataset, Trajectory};

impl Dataset {
    /// The trajectories of all `parts`, each called after its data set, with these columns and inputs. What a part does not
    /// observe is missing in its trajectories; inputs must be there.
    pub fn pool(parts: &[(String, Dataset)], columns: &[String], inputs: &[String]) -> Dataset {
        let mut trajectories = Vec::new();
        for (name, part) in parts {
            let places: Vec<Option<usize>> = columns.iter().map(|c| part.column(c)).collect();
            let given: Vec<usize> = inputs.iter().filter_map(|i| part.inputs.iter().position(|own| own == i)).collect();
            trajectories.extend(part.trajectories.iter().map(|t| reordered(t, name, &places, &given)));
        }
        let sources: Vec<String> = parts.iter().map(|(name, part)| format!("{name}: {}", part.source)).collect();
        Dataset { source: sources.join(", "), columns: columns.to_vec(), inputs: inputs.to_vec(), trajectories }
    }
}

fn reordered(t: &Trajectory, set: &str, places: &[Option<usize>], inputs: &[usize]) -> Trajectory {
    let (width, input_width) = (t.width(), t.input_width());
    let cells = |from: &[f64]| -> Vec<f64> {
        let cell =
            |i: usize, place: &Option<usize>| place.and_then(|c| from.get(i * width + c)).copied().unwrap_or(0.0);
        (0..t.len).flat_map(|i| places.iter().map(move |place| cell(i, place))).collect()
    };
    let valid =
        |i: usize, place: &Option<usize>| place.and_then(|c| t.valid.get(i * width + c)).copied().unwrap_or(false);
    Trajectory {
        set: set.to_string(),
        values: cells(&t.values),
        valid: (0..t.len).flat_map(|i| places.iter().map(move |place| valid(i, place))).collect(),
        inputs: (0..t.len)
            .flat_map(|i| inputs.iter().map(move |c| i * input_width + c))
            .filter_map(|at| t.inputs.get(at).copied())
            .collect(),
        truth: t.truth.as_ref().map(|truth| cells(truth)),
        ..t.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dataset, Trajectory};

    #[test]
    fn columns_are_matched_by_name_and_what_is_not_observed_is_missing() {
        let one = |columns: &[&str], values: Vec<f64>| Dataset {
            columns: columns.iter().map(|c| c.to_string()).collect(),
            inputs: vec!["w".into()],
            trajectories: vec![Trajectory {
                dt: 0.1,
                len: 2,
                valid: vec![true; values.len()],
                values,
                inputs: vec![7.0, 8.0],
                ..Trajectory::default()
            }],
            source: "a file".into(),
        };
        let parts = [
            ("slow".to_string(), one(&["y", "x"], vec![1.0, 2.0, 3.0, 4.0])),
            ("fast".to_string(), one(&["x"], vec![5.0, 6.0])),
        ];
        let pooled = Dataset::pool(&parts, &["x".into(), "y".into()], &["w".into()]);
        assert_eq!(pooled.source, "slow: a file, fast: a file");
        let [slow, fast] = pooled.trajectories.as_slice() else { panic!("two trajectories") };
        assert_eq!((slow.name(), slow.values.clone()), ("slow".to_string(), vec![2.0, 1.0, 4.0, 3.0]));
        assert_eq!((fast.value(1, 0), fast.value(1, 1)), (Some(6.0), None));
        assert_eq!(fast.inputs, [7.0, 8.0]);
    }
}
