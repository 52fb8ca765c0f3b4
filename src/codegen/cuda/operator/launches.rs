//! The launches that make explicit solution matrices, and the products that use them.

use super::super::generate::{Draft, Generator, count};
use super::super::prelude::BLOCK;
use super::super::{product, relaxed, text};
use super::{Made, inputs};
use crate::artifact::device::{Count, Memory};
use crate::artifact::{BufferIndex, Operand, Product, Runs, Size, SolveStep};
use crate::base::{Elem, SolvePrecision};

/// Solves for every unit of right-hand sides, then of initial values.
pub(super) fn make(generator: &mut Generator<'_>, at: usize, s: &SolveStep) {
    let inputs = inputs(s);
    for which in 0..2 {
        if text::known(generator.entry, &inputs[which]) == Some(0) {
            continue;
        }
        let units = [0, 1].map(|part| units(generator, [&inputs[which], &inputs[part]], which == part));
        let numbers = inputs[which].times(&s.time).times(&Size::constant((s.states * s.orders) as u64));
        let kept = generator.kept(elem(s), Count::of(numbers.clone()));
        let note = if which == 0 { "solutions for units of rhs" } else { "solutions for units of iv" };
        let matrix = generator.stand_in(kept, note);
        let double = match elem(s) {
            Elem::F64 => matrix,
            Elem::F32 => {
                let memory = generator.scratch(Elem::F64, Count::of(numbers.clone()));
                generator.stand_in(memory, note)
            }
        };
        let [c, _, _, h] = s.operands;
        relaxed::step(
            generator,
            &SolveStep {
                batch: inputs[which].clone(),
                precision: SolvePrecision::F64,
                operands: [c, (units[0], true), (units[1], true), h],
                solution: double,
                adjoint: None,
                ..s.clone()
            },
        );
        convert(generator, double, matrix, (elem(s), &numbers));
        if let Some(made) = generator.operators.all.get_mut(at) {
            made.matrices[which] = Some(matrix);
        }
    }
}

/// A matrix of zeros, or with ones on its diagonal.
fn units(generator: &mut Generator<'_>, [rows, columns]: [&Size; 2], diagonal: bool) -> BufferIndex {
    let numbers = rows.times(columns);
    let memory = generator.scratch(Elem::F64, Count::of(numbers.clone()));
    let one = if diagonal { Size::ONE } else { Size::ZERO };
    let parameters = vec![
        generator.memory(memory, "out", true),
        count("numbers", Count::of(numbers.clone()), "numbers of the matrix"),
        count("columns", Count::of(columns.clone()), "its columns"),
        count("one", Count::of(one), "what is on the diagonal"),
    ];
    let body = format!(
        r"  const word i = (word)blockIdx.x * {BLOCK} + threadIdx.x;
  if (i >= numbers) return;
  out[i] = i / columns == i % columns ? (double)one : 0;
"
    );
    generator.launch(Draft {
        suffix: format!("units{}", generator.origin),
        note: "right-hand sides and initial values for an explicit solution matrix".to_string(),
        block: BLOCK,
        resident: None,
        barriers: false,
        unrolled: false,
        parameters,
        threads: Count::of(numbers),
        body,
    });
    generator.stand_in(memory, "units")
}

/// The products of a solve, or of its adjoint, with the matrices. In single precision what is multiplied is rounded before and the result
/// widened, since operands and results have double precision in any case.
pub(super) fn apply(generator: &mut Generator<'_>, at: usize, s: &SolveStep) {
    let Some(Made { operator, matrices, .. }) = generator.operators.all.get(at) else { return };
    let (inputs, outputs, matrices) = (operator.inputs.clone(), operator.outputs.clone(), *matrices);
    let elem = elem(s);
    let (solutions, parts) = (s.batch.times(&outputs), inputs.each_ref().map(|size| s.batch.times(size)));
    let one = &Size::ONE;
    let runs = |extent: &Size, strides: [&Size; 2]| Runs { extent: extent.clone(), strides: strides.map(Size::clone) };
    let view = |buffer| Operand { buffer, offset: Vec::new() };
    let product = |[m, n, k]: [Runs; 3], [a, b, out]: [BufferIndex; 3]| Product {
        elem,
        batch: Vec::new(),
        m,
        n,
        k,
        outer_k: Vec::new(),
        a: view(a),
        b: view(b),
        out,
    };
    let there = |(which, matrix): (usize, Option<BufferIndex>)| matrix.map(|matrix| (which, matrix));
    match s.adjoint {
        None => {
            let out = room(generator, s.solution, (elem, &solutions));
            let mut add = false;
            for (which, matrix) in matrices.into_iter().enumerate().filter_map(there) {
                let own = &inputs[which];
                let a = rounded(generator, s.operands[1 + which].0, (elem, &parts[which]));
                let (m, n) = (runs(&s.batch, [own, &outputs]), runs(&outputs, [one, one]));
                product::step(generator, &product([m, n, runs(own, [one, &outputs])], [a, matrix, out]), add);
                add = true;
            }
            convert(generator, out, s.solution, (Elem::F64, &solutions));
        }
        Some((u_adj, adjoints)) => {
            let a = rounded(generator, u_adj, (elem, &solutions));
            for (which, matrix) in matrices.into_iter().enumerate().filter_map(there) {
                let (own, adjoint) = (&inputs[which], adjoints[1 + which]);
                if !generator.is_read(adjoint) {
                    continue;
                }
                let out = room(generator, adjoint, (elem, &parts[which]));
                let (m, n) = (runs(&s.batch, [&outputs, own]), runs(own, [&outputs, one]));
                product::step(generator, &product([m, n, runs(&outputs, [one, one])], [a, matrix, out]), false);
                convert(generator, out, adjoint, (Elem::F64, &parts[which]));
            }
        }
    }
}

/// The type of the matrices and of what they are multiplied with.
fn elem(s: &SolveStep) -> Elem {
    if s.precision == SolvePrecision::F32 { Elem::F32 } else { Elem::F64 }
}

/// Where numbers of this type go that end up in a buffer of double precision: that itself, or room of their own.
fn room(generator: &mut Generator<'_>, buffer: BufferIndex, (elem, numbers): (Elem, &Size)) -> BufferIndex {
    if elem == Elem::F64 {
        return buffer;
    }
    let memory = generator.scratch(elem, Count::of(numbers.clone()));
    generator.stand_in(memory, "rounded")
}

/// A buffer of double precision in this type.
fn rounded(generator: &mut Generator<'_>, buffer: BufferIndex, wanted: (Elem, &Size)) -> BufferIndex {
    let to = room(generator, buffer, wanted);
    convert(generator, buffer, to, wanted);
    to
}

/// Copies numbers to a buffer of this type; nothing where it is the same buffer.
fn convert(generator: &mut Generator<'_>, from: BufferIndex, to: BufferIndex, (elem, numbers): (Elem, &Size)) {
    if from == to {
        return;
    }
    let (x, out) =
        (generator.memory(Memory::Buffer(from), "x", false), generator.memory(Memory::Buffer(to), "out", true));
    let narrow = elem == Elem::F32;
    let body = format!(
        "  const word i = (word)blockIdx.x * {BLOCK} + threadIdx.x;\n  if (i < numbers) out[i] = {}x[i];\n",
        if narrow { "(float)" } else { "" }
    );
    let parameters = vec![x, out, count("numbers", Count::of(numbers.clone()), "numbers")];
    generator.launch(Draft {
        suffix: format!("{}{}", if narrow { "narrow" } else { "widen" }, generator.origin),
        note: format!("numbers in {} precision", if narrow { "single" } else { "double" }),
        block: BLOCK,
        resident: None,
        barriers: false,
        unrolled: false,
        parameters,
        threads: Count::of(numbers.clone()),
        body,
    });
}
