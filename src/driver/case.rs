//! A relaxed solve whose numbers come from arrays: an npz file, or whoever fills a [`Case`].

use std::path::Path;

use super::case_failure::{Batch, Origin, failure, less_memory};
use super::failure::{Failure, Problem as Fault};
use crate::data::{Array, Arrays, DataError, nearest, read_arrays, shape_text};
use crate::solve::relaxed::{Border, Coefficients, DataRows, Footprint, Problem, RowWeights, Scheme, Shape, Steps};

/// The arrays that a case may hold.
const INPUTS: [&str; 9] =
    ["c", "rhs", "iv", "h", "upstream", "upstream_eps", "weight_equation", "weight_initial", "weight_smooth"];

/// A batch of systems that owns its arrays, and what gradients are wanted of.
#[derive(Debug, Clone)]
pub struct Case {
    /// Sizes.
    pub shape: Shape,
    /// Rows and arithmetic.
    pub scheme: Scheme,
    /// `(B, E, T, D, K)`, or `(E, T, D, K)` where the samples share them.
    pub c: Vec<f64>,
    /// Whether the samples share the coefficients.
    pub shared_c: bool,
    /// `(B, E, T)`
    pub rhs: Vec<f64>,
    /// `(B, Ti, D, Ki)`
    pub iv: Vec<f64>,
    /// `(B or 1, T-1, D or 1)`
    pub h: Vec<f64>,
    /// Whether the first axis of `h` is the batch.
    pub h_per_sample: bool,
    /// Whether the last axis of `h` is the states.
    pub h_per_state: bool,
    /// Factors on single equation rows `(E, T)`, initial rows `(Ti, D)` and smooth rows `(T-1, D)`; empty for ones.
    pub row_weights: [Vec<f64>; 3],
    /// `(B, T, D, K)`: gradient of a scalar with respect to the solution, where gradients are wanted.
    pub upstream: Option<Vec<f64>>,
    /// `(B)`: gradient of that scalar with respect to the slack.
    pub upstream_eps: Option<Vec<f64>>,
}

impl Case {
    /// The problem on the arrays of the case.
    pub fn problem(&self) -> Problem<'_> {
        Problem {
            shape: self.shape,
            scheme: self.scheme,
            c: if self.shared_c { Coefficients::Shared(&self.c) } else { Coefficients::PerSample(&self.c) },
            rhs: &self.rhs,
            iv: &self.iv,
            h: Steps { values: &self.h, per_sample: self.h_per_sample, per_state: self.h_per_state },
            row_weights: RowWeights {
                equation: &self.row_weights[0],
                initial: &self.row_weights[1],
                smooth: &self.row_weights[2],
            },
            data: DataRows::default(),
            border: Border::default(),
        }
    }
}

/// A case read from a file.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// The case.
    pub case: Case,
    /// The shape that the gradient of `h` has: that of the file's `h`, without its states where they share the steps.
    pub h_shape: Vec<usize>,
    /// What looks like a mistake and is none for certain.
    pub warnings: Vec<String>,
}

/// Reads a case from an npz file. With `shared_steps` all states have the same steps, which `h` may repeat for each state.
///
/// # Errors
/// [`Failure::Data`]: what is wrong with the file, an array that is missing, has the wrong shape or a number that is not finite.
/// [`Failure::Usage`]: options that do not fit to the arrays, such as `shared_steps` and steps that differ by state.
pub fn read_case(path: &Path, scheme: Scheme, shared_steps: bool) -> Result<CaseFile, Failure> {
    let mut arrays = read_arrays(path, &INPUTS).map_err(|error| DataError::OfCase(Box::new(error)))?;
    let (rhs, c) = (arrays.require("rhs")?, arrays.require("c")?);
    let [batch, equations, steps] = *rhs.shape.as_slice() else {
        return Err(arrays.wrong_shape("rhs", &rhs.shape, "(B, E, T)").into());
    };
    let [samples, e, t, states, orders] = *c.shape.as_slice() else {
        return Err(arrays.wrong_shape("c", &c.shape, "(B, E, T, D, K)").into());
    };
    if t != steps && e == equations && others_have(&arrays, t) {
        let expected = format!("(B, {e}, {t}), since `c` is {}", shape_text(&c.shape));
        return Err(arrays.wrong_shape("rhs", &rhs.shape, expected).into());
    }
    if samples != batch && samples != 1 && (e, t) == (equations, steps) && others_are(&arrays, samples) {
        let expected = format!("({samples}, {e}, {t}), since `c` is {}", shape_text(&c.shape));
        return Err(arrays.wrong_shape("rhs", &rhs.shape, expected).into());
    }
    if (samples != batch && samples != 1) || (e, t) != (equations, steps) {
        let batches = if batch == 1 { "1".to_string() } else { format!("{batch} or 1") };
        let expected = format!("({batches}, {equations}, {steps}, D, K), since `rhs` is {}", shape_text(&rhs.shape));
        return Err(arrays.wrong_shape("c", &c.shape, expected).into());
    }
    let mut shape = Shape { batch, equations, steps, states, orders, initial_steps: 0, initial_orders: 0 };
    // Axes of no equations hold no numbers, whatever the others say. Without coupled states this is the least that a solve needs.
    shape.check(&scheme).map_err(|error| failure(error, Origin::Of(&arrays.file), &shape, &scheme))?;
    let iv = initial_values(&mut arrays, &mut shape)?;
    let least = Footprint::new(&shape, &scheme, &[]);
    let systems = Batch { one: &least, of_gradients: None, systems: batch, own: samples == batch };
    systems.ensure_memory(0, less_memory(batch, &scheme))?;
    let h = step_sizes(&mut arrays, &shape, shared_steps)?;
    let row_weights = [
        of_shape(&mut arrays, "weight_equation", &[equations, steps])?.unwrap_or_default(),
        initial_weights(&mut arrays, &shape)?,
        of_shape(&mut arrays, "weight_smooth", &[shape.intervals(), states])?.unwrap_or_default(),
    ];
    let upstream = of_shape(&mut arrays, "upstream", &[batch, steps, states, orders])?;
    let upstream_eps = of_shape(&mut arrays, "upstream_eps", &[batch])?;
    if upstream_eps.is_some() && scheme.slack.is_none() {
        let message = format!("{}: array `upstream_eps` needs a slack, and there is none", arrays.file);
        return Err(Failure::Usage(Fault::new("N008", message, "add `--slack`, or leave the array out")));
    }
    let case = Case {
        shape,
        scheme,
        c: c.data,
        shared_c: samples == 1 && batch > 1,
        rhs: rhs.data,
        iv,
        h: h.values,
        h_per_sample: h.per_sample,
        h_per_state: h.per_state,
        row_weights,
        upstream,
        upstream_eps,
    };
    Ok(CaseFile { case, h_shape: h.shape, warnings: warnings(&arrays) })
}

/// Whether the other arrays that have an axis of time are as long as `c`, so that it is the right-hand sides that are not.
fn others_have(arrays: &Arrays, steps: usize) -> bool {
    let of_h = match arrays.shape("h") {
        Some([intervals] | [_, intervals] | [_, intervals, _]) => Some(intervals + 1),
        _ => None,
    };
    let of_upstream = match arrays.shape("upstream") {
        Some([_, steps, _, _]) => Some(*steps),
        _ => None,
    };
    let mut all = [of_h, of_upstream].into_iter().flatten().peekable();
    all.peek().is_some() && all.all(|other| other == steps)
}

/// Whether the other arrays that have an axis of the batch are of so many systems, so that it is the right-hand sides that are not.
fn others_are(arrays: &Arrays, samples: usize) -> bool {
    let first = |name, axes: &[usize]| {
        let shape = arrays.shape(name).filter(|shape| axes.contains(&shape.len()));
        shape.and_then(|shape| shape.first().copied())
    };
    // Steps of one system are those of all.
    let of_h = first("h", &[2, 3]).filter(|n| *n != 1);
    let all = [of_h, first("iv", &[4]), first("upstream", &[4]), first("upstream_eps", &[1])];
    let mut all = all.into_iter().flatten().peekable();
    all.peek().is_some() && all.all(|other| other == samples)
}

/// Reads `weight_initial`, which takes initial values to weigh.
fn initial_weights(arrays: &mut Arrays, shape: &Shape) -> Result<Vec<f64>, DataError> {
    let (file, states) = (arrays.file.clone(), shape.states);
    let given = arrays.shape("weight_initial").filter(|given| **given != [0, states]).map(shape_text);
    match given {
        Some(shape) if arrays.names.iter().all(|name| name != "iv") => {
            Err(DataError::WeightWithoutInitial { file, shape, states })
        }
        _ => Ok(of_shape(arrays, "weight_initial", &[shape.initial_steps, states])?.unwrap_or_default()),
    }
}

/// Reads `iv` and completes the sizes with its own.
fn initial_values(arrays: &mut Arrays, shape: &mut Shape) -> Result<Vec<f64>, DataError> {
    let Some(iv) = arrays.take("iv")? else { return Ok(Vec::new()) };
    match *iv.shape.as_slice() {
        [batch, initial_steps, states, initial_orders]
            if (batch, states) == (shape.batch, shape.states)
                && initial_steps <= shape.steps
                && initial_orders <= shape.orders =>
        {
            (shape.initial_steps, shape.initial_orders) = (initial_steps, initial_orders);
            Ok(iv.data)
        }
        _ => {
            let Shape { batch, states, steps, orders, .. } = shape;
            let expected = format!("({batch}, Ti, {states}, Ki) with Ti at most {steps} and Ki at most {orders}");
            Err(arrays.wrong_shape("iv", &iv.shape, expected))
        }
    }
}

/// Steps as a [`Problem`] takes them.
struct StepSizes {
    values: Vec<f64>,
    per_sample: bool,
    per_state: bool,
    /// The shape of their gradient.
    shape: Vec<usize>,
}

fn step_sizes(arrays: &mut Arrays, shape: &Shape, shared: bool) -> Result<StepSizes, Failure> {
    let Array { shape: given, data } = arrays.require("h")?;
    let (batch, intervals, states) = (shape.batch, shape.intervals(), shape.states);
    if let Some(at) = data.iter().position(|h| *h <= 0.0) {
        return Err(DataError::StepNotPositive {
            file: arrays.file.clone(),
            index: step_name(&given, at),
            value: data.get(at).copied().unwrap_or_default(),
        }
        .into());
    }
    let of_samples = |n: usize| n == batch || n == 1;
    let steps = |values, samples: usize, per_state, shape: &[usize]| StepSizes {
        values,
        per_sample: samples == batch && batch > 1,
        per_state,
        shape: shape.to_vec(),
    };
    match (given.as_slice(), data.as_slice()) {
        ([], &[h]) => Ok(steps(vec![h; intervals], 1, false, &[])),
        ([n], _) if *n == intervals => Ok(steps(data, 1, false, &given)),
        ([b, n], _) if of_samples(*b) && *n == intervals => Ok(steps(data, *b, false, &given)),
        ([b, n, 1], _) if of_samples(*b) && *n == intervals => {
            Ok(steps(data, *b, false, if shared { &given[..2] } else { &given }))
        }
        ([b, n, d], _) if of_samples(*b) && *n == intervals && *d == states => {
            if !shared {
                return Ok(steps(data, *b, true, &given));
            }
            let first = first_of_each(arrays, &data, states, intervals)?;
            Ok(steps(first, *b, false, &given[..2]))
        }
        _ => {
            let expected = format!(
                "({batch}, {intervals}, {states}), ({batch}, {intervals}), ({intervals},) or a single number, since \
                 there are {} steps",
                shape.steps
            );
            Err(arrays.wrong_shape("h", &given, expected).into())
        }
    }
}

/// Sample, interval and state of a step, as far as an array of this shape tells them apart.
fn step_name(shape: &[usize], at: usize) -> String {
    let [samples, intervals, states] = match *shape {
        [] => return "all intervals".into(),
        [intervals] => [1, intervals, 1],
        [samples, intervals] => [samples, intervals, 1],
        [samples, intervals, states, ..] => [samples, intervals, states],
    };
    let (place, state) = (at / states.max(1), at % states.max(1));
    let mut name = format!("interval {}", place % intervals.max(1));
    if samples > 1 {
        name = format!("sample {}, {name}", place / intervals.max(1));
    }
    if states > 1 {
        name += &format!(", state {state}");
    }
    name
}

/// The steps of state 0, those of all others being the same.
fn first_of_each(arrays: &Arrays, data: &[f64], states: usize, intervals: usize) -> Result<Vec<f64>, Failure> {
    let mut out = Vec::with_capacity(data.len() / states.max(1));
    for (i, of_states) in data.chunks_exact(states.max(1)).enumerate() {
        let Some(&first) = of_states.first() else { continue };
        if let Some((state, &other)) = of_states.iter().enumerate().find(|(_, h)| h.to_bits() != first.to_bits()) {
            let index = format!("sample {}, interval {}", i / intervals.max(1), i % intervals.max(1));
            let message = format!(
                "{}: `--shared-steps` takes the same step for all states, and array `h` has the steps {first} and {other} for states 0 and \
                 {state} in {index}",
                arrays.file
            );
            let help = "leave out `--shared-steps`, or give one step for all states";
            return Err(Failure::Usage(Fault::new("N008", message, help)));
        }
        out.push(first);
    }
    Ok(out)
}

fn of_shape(arrays: &mut Arrays, name: &str, shape: &[usize]) -> Result<Option<Vec<f64>>, DataError> {
    match arrays.take(name)? {
        Some(array) if array.shape != shape => {
            let expected = shape_text(shape);
            Err(arrays.wrong_shape(name, &array.shape, expected))
        }
        array => Ok(array.map(|a| a.data)),
    }
}

/// Arrays that nobody reads and whose names are nearly those of arrays that are missing.
fn warnings(arrays: &Arrays) -> Vec<String> {
    let missing = || INPUTS.iter().copied().filter(|input| arrays.names.iter().all(|name| name != input));
    let others = arrays.names.iter().filter(|name| !INPUTS.contains(&name.as_str()));
    others
        .filter_map(|name| {
            let meant = nearest(name, missing())?;
            Some(format!("{}: array `{name}` is not used; did you mean `{meant}`?", arrays.file))
        })
        .collect()
}
