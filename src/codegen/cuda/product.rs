//! Products of matrices: in the terms of BLAS where their strides allow, and always as a kernel too.

use super::generate::{Draft, Generator};
use super::prelude::BLOCK;
use super::text;
use crate::artifact::device::{Count, DeviceStep, Gemm, Launch, Matrix, Memory};
use crate::artifact::{Operand, Product, Runs, Size};
use crate::base::Elem;
use std::fmt::Write;

/// Terms that are added up in single precision.
const RUN: u32 = 32;

/// The step of a product, which is added to what is there where `add` says so.
pub(super) fn step(generator: &mut Generator<'_>, p: &Product, add: bool) {
    let launch = kernel(generator, p, add);
    let step = match gemm(generator, p, (add, &launch)) {
        Some(gemm) => DeviceStep::Gemm(Box::new(gemm)),
        None => DeviceStep::Launch(launch),
    };
    generator.push(step);
}

/// One thread for each number of the result.
fn kernel(generator: &mut Generator<'_>, p: &Product, add: bool) -> Launch {
    let entry = generator.entry;
    let size = |s: &Size| text::size(entry, s);
    let mut body = String::new();
    let mut extents: Vec<(String, &Size)> = vec![("n".to_string(), &p.n.extent), ("m".to_string(), &p.m.extent)];
    extents.extend(p.batch.iter().enumerate().rev().map(|(i, (extent, _))| (format!("q{i}"), extent)));
    let total: Vec<String> = extents.iter().map(|(_, e)| size(e)).collect();
    let _ = writeln!(body, "  word rest = (word)blockIdx.x * {BLOCK} + threadIdx.x;");
    let _ = writeln!(body, "  if (rest >= {}) return;", total.join(" * "));
    for (name, extent) in &extents {
        let _ = writeln!(body, "  const word {name} = rest % ({0});\n  rest /= {0};", size(extent));
    }
    let place = |offsets: &[Size], terms: Vec<(String, &Size)>| {
        let mut all: Vec<String> = offsets.iter().map(size).collect();
        all.extend(terms.into_iter().filter(|(_, s)| **s != Size::ZERO).map(|(n, s)| format!("{n} * {}", size(s))));
        if all.is_empty() { "0".to_string() } else { all.join(" + ") }
    };
    let batch = |which: usize| p.batch.iter().enumerate().map(move |(i, (_, s))| (format!("q{i}"), &s[which]));
    let outer = |which: usize| p.outer_k.iter().enumerate().map(move |(i, r)| (format!("o{i}"), &r.strides[which]));
    let one = |name: &str, runs: &'_ Runs, which: usize| (name.to_string(), runs.strides[which].clone());
    let (am, ak) = (one("m", &p.m, 0), one("k", &p.k, 0));
    let (bn, bk) = (one("n", &p.n, 0), one("k", &p.k, 1));
    let (om, on) = (one("m", &p.m, 1), one("n", &p.n, 1));
    let pair = |x: &(String, Size)| x.0.clone();
    let a = place(&p.a.offset, batch(0).chain([(pair(&am), &am.1), (pair(&ak), &ak.1)]).chain(outer(0)).collect());
    let b = place(&p.b.offset, batch(1).chain([(pair(&bn), &bn.1), (pair(&bk), &bk.1)]).chain(outer(1)).collect());
    let out = place(&[], batch(2).chain([(pair(&om), &om.1), (pair(&on), &on.1)]).collect());
    let _ = writeln!(body, "  double sum = 0;");
    let mut pad = "  ".to_string();
    for (i, runs) in p.outer_k.iter().enumerate() {
        let _ = writeln!(body, "{pad}for (word o{i} = 0; o{i} < {}; ++o{i})", size(&runs.extent));
        pad.push_str("  ");
    }
    let term = format!("a[{a}] * b[{b}]");
    let inner = size(&p.k.extent);
    match p.elem {
        Elem::F64 => {
            let _ = writeln!(body, "{pad}for (word k = 0; k < {inner}; ++k)\n{pad}  sum += {term};");
        }
        // Short runs in single precision, their sums in double precision: the error does not grow with the number of terms.
        Elem::F32 => {
            let _ = writeln!(body, "{pad}for (word k = 0; k < {inner};) {{");
            let _ = writeln!(body, "{pad}  const word end = k + {RUN} < {inner} ? k + {RUN} : {inner};");
            let _ = writeln!(body, "{pad}  float run = 0;");
            let _ = writeln!(body, "{pad}  for (; k < end; ++k) run += {term};");
            let _ = writeln!(body, "{pad}  sum += run;\n{pad}}}");
        }
    }
    let assign = if add { "+=" } else { "=" };
    let _ = writeln!(body, "  out[{out}] {assign} ({})sum;", text::elem(p.elem));
    let memory = |buffer: usize, name: &str, written: bool| {
        let mut p = generator.memory(Memory::Buffer(buffer), name, written);
        // The kernel's text names none of them.
        p.note = self::name(generator, buffer);
        p
    };
    let mut parameters =
        vec![memory(p.a.buffer, "a", false), memory(p.b.buffer, "b", false), memory(p.out, "out", true)];
    parameters.extend(generator.sizes(&body));
    let threads = extents.iter().fold(Count::default(), |c, (_, e)| c.times((*e).clone(), u64::MAX));
    let note = format!(
        "product {} {assign} {} x {}",
        name(generator, p.out),
        name(generator, p.a.buffer),
        name(generator, p.b.buffer)
    );
    generator.kernel(Draft {
        suffix: format!("product{}", generator.origin),
        note,
        block: BLOCK,
        resident: None,
        barriers: false,
        unrolled: false,
        parameters,
        threads,
        body,
    })
}

fn name(generator: &Generator<'_>, buffer: usize) -> String {
    let note = generator.note(buffer);
    if note.is_empty() { format!("b{buffer}") } else { note }
}

/// A factor as stored, column-major: `rows` is the stride of the index that becomes the row of `op(factor)`.
fn factor(generator: &Generator<'_>, operand: &Operand, rows: &Size, columns: &Size) -> Option<Matrix> {
    let (leading, transposed) = match (*rows == Size::ONE, *columns == Size::ONE) {
        (true, _) if *columns != Size::ZERO => (columns.clone(), false),
        (_, true) if *rows != Size::ZERO => (rows.clone(), true),
        _ => return None,
    };
    let memory = generator.named(operand.buffer);
    Some(Matrix { memory, offset: operand.offset.clone(), leading, transposed })
}

fn gemm(generator: &Generator<'_>, p: &Product, (add, launch): (bool, &Launch)) -> Option<Gemm> {
    let factor = |operand, rows, columns| factor(generator, operand, rows, columns);
    let [am, om] = &p.m.strides;
    let [bn, on] = &p.n.strides;
    let [ak, bk] = &p.k.strides;
    // Row-major results are the transposes of column-major ones: out' = b' a'.
    let swapped = *on == Size::ONE && *om != Size::ZERO;
    if !swapped && (*om != Size::ONE || *on == Size::ZERO) {
        return None;
    }
    let (left, right) = if swapped {
        (factor(&p.b, bn, bk)?, factor(&p.a, ak, am)?)
    } else {
        (factor(&p.a, am, ak)?, factor(&p.b, bk, bn)?)
    };
    let swap = |[a, b]: [Size; 2]| if swapped { [b, a] } else { [a, b] };
    let (rows, columns) = if swapped { (&p.n.extent, &p.m.extent) } else { (&p.m.extent, &p.n.extent) };
    let leading = if swapped { om.clone() } else { on.clone() };
    let batch = p.batch.iter().map(|(extent, [a, b, o])| {
        let [left, right] = swap([a.clone(), b.clone()]);
        (extent.clone(), [left, right, o.clone()])
    });
    Some(Gemm {
        elem: p.elem,
        rows: rows.clone(),
        columns: columns.clone(),
        inner: p.k.extent.clone(),
        left,
        right,
        out: Matrix { memory: generator.named(p.out), offset: Vec::new(), leading, transposed: false },
        batch: batch.collect(),
        sums: p.outer_k.iter().map(|r| (r.extent.clone(), swap(r.strides.clone()))).collect(),
        add,
        generated: launch.clone(),
    })
}
