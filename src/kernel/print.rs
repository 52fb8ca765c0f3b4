//! The text form of programs, for people and for snapshots.

use super::{Access, LoopNest, Program, ScalarOp};
use crate::artifact::{BufferPlace, Entry, Operand, Port, Product, Size, Step};
use std::fmt::Write;

/// The program as text, the same for the same program. It is not read back.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    entry(&mut out, program);
    out
}

fn entry(out: &mut String, program: &Program) {
    let entry = &program.entry;
    let _ = writeln!(out, "entry {} {{", entry.name);
    for (i, axis) in entry.axes.iter().enumerate() {
        let size = axis.size.map_or("bound at the call".to_string(), |n| n.to_string());
        let _ = writeln!(out, "  axis s{i} {} = {size}", axis.name);
    }
    for (kind, ports) in [("param", &entry.params), ("result", &entry.results)] {
        for port in ports {
            let _ = writeln!(out, "  {kind} {} b{}", port_type(entry, port), port.buffer);
        }
    }
    for (i, b) in entry.buffers.iter().enumerate() {
        if b.place == BufferPlace::Temporary {
            let _ = writeln!(out, "  temporary b{i}: {} * {}", b.elem, b.size);
        }
    }
    for e in &entry.equations {
        let _ = writeln!(out, "  equal {} = {}", e.left, e.right);
    }
    for p in &entry.in_place {
        let _ = writeln!(out, "  {} may lie over {}", entry.results[p.result].name, entry.params[p.param].name);
    }
    for step in &entry.steps {
        match step {
            Step::Loops(s) => nest(out, &program.nests[s.nest]),
            Step::Product(p) => product(out, p),
            Step::Solve(s) => {
                let name = if s.adjoint.is_some() { "solve_adjoint" } else { "solve" };
                let operands: Vec<String> = s
                    .operands
                    .iter()
                    .map(|(b, batched)| format!("b{b}{}", if *batched { "" } else { " shared" }))
                    .collect();
                let _ = write!(
                    out,
                    "  {name} {} systems, {} steps, {} states, {} orders, {} equations",
                    s.batch, s.time, s.states, s.orders, s.equations
                );
                let _ = write!(
                    out,
                    ", {} starts, {} given, {}",
                    s.start,
                    s.given,
                    if s.central { "central" } else { "no central row" }
                );
                let _ = writeln!(out, ", weights {:?}", s.weights);
                let _ = write!(out, "    ({}; u = b{}", operands.join(", "), s.solution);
                match &s.adjoint {
                    Some((u_adj, adjoints)) => {
                        let _ = writeln!(out, "; u_adj = b{u_adj}) -> {}", buffers(adjoints));
                    }
                    None => out.push_str(")\n"),
                }
            }
            Step::Spd(s) => {
                let shared = |batched: bool| if batched { "" } else { " shared" };
                let name = if s.adjoint.is_some() { "spd_solve_adjoint" } else { "spd_solve" };
                let _ = write!(out, "  {name} {} {} systems of {}", s.elem, s.batch, s.unknowns);
                let _ = write!(
                    out,
                    " (b{}{}, mask b{}{}, rhs b{}, x = b{})",
                    s.matrix.0,
                    shared(s.matrix.1),
                    s.mask.0,
                    shared(s.mask.1),
                    s.rhs,
                    s.solution
                );
                match &s.adjoint {
                    Some(adjoints) => {
                        let _ = writeln!(out, " -> {}", buffers(adjoints));
                    }
                    None => out.push('\n'),
                }
            }
        }
    }
    out.push_str("}\n");
}

fn buffers(list: &[usize]) -> String {
    list.iter().map(|b| format!("b{b}")).collect::<Vec<_>>().join(", ")
}

fn port_type(entry: &Entry, port: &Port) -> String {
    let axes: Vec<&str> = port.axes.iter().map(|&a| entry.axes[a].name.as_str()).collect();
    format!("{}: {}[{}]", port.name, port.elem, axes.join(", "))
}

fn product(out: &mut String, p: &Product) {
    let view = |o: &Operand| {
        let offset: String = o.offset.iter().map(|s| format!("+{s}")).collect();
        format!("b{}{offset}", o.buffer)
    };
    let _ = writeln!(out, "  product {} b{} = {} x {}", p.elem, p.out, view(&p.a), view(&p.b));
    for (name, runs, of) in [("m", &p.m, ["a", "out"]), ("n", &p.n, ["b", "out"]), ("k", &p.k, ["a", "b"])] {
        let [x, y] = &runs.strides;
        let _ = writeln!(out, "    {name} {}: {} {x}, {} {y}", runs.extent, of[0], of[1]);
    }
    for runs in &p.outer_k {
        let _ = writeln!(out, "    outer k {}: a {}, b {}", runs.extent, runs.strides[0], runs.strides[1]);
    }
    for (extent, [a, b, o]) in &p.batch {
        let _ = writeln!(out, "    batch {extent}: a {a}, b {b}, out {o}");
    }
}

fn nest(out: &mut String, nest: &LoopNest) {
    let _ = writeln!(out, "  nest {} {{", nest.name);
    let depth = nest.depth();
    for level in 0..=depth {
        let pad = "  ".repeat(level + 2);
        for (i, inst) in nest.insts.iter().enumerate().filter(|(_, inst)| inst.level == level) {
            let _ = writeln!(out, "{pad}t{i} = {} {}", inst.elem, scalar(nest, &inst.op));
        }
        for s in nest.sums.iter().filter(|s| s.level() == level) {
            let _ = writeln!(out, "{pad}{} = 0", element(nest, &s.access, s.chunked()));
        }
        if let Some(l) = nest.loops.get(level) {
            let _ = writeln!(out, "{pad}for {} < {} ({})", loop_name(level), l.extent, l.name);
        }
    }
    let pad = "  ".repeat(depth + 2);
    for s in &nest.stores {
        let _ = writeln!(out, "{pad}{} = {:?}", element(nest, &s.access, false), s.value);
    }
    for s in &nest.sums {
        let _ = writeln!(out, "{pad}{} += {:?}", element(nest, &s.access, s.chunked()), s.value);
    }
    let _ = writeln!(out, "  }}");
}

fn loop_name(l: usize) -> String {
    format!("i{l}")
}

fn element(nest: &LoopNest, access: &Access, chunked: bool) -> String {
    let mut terms = Vec::new();
    for (l, stride) in access.strides.iter().enumerate().take(nest.depth()) {
        if *stride == Size::ONE {
            terms.push(loop_name(l));
        } else if *stride != Size::ZERO {
            terms.push(format!("{}*{stride}", loop_name(l)));
        }
    }
    terms.extend(access.offsets.iter().map(Size::to_string));
    if access.offset != 0 || terms.is_empty() {
        terms.push(access.offset.to_string());
    }
    format!("{}b{}[{}]", if chunked { "chunk's " } else { "" }, access.buffer, terms.join(" + "))
}

fn scalar(nest: &LoopNest, op: &ScalarOp) -> String {
    match op {
        ScalarOp::Const(c) => format!("{c:?}"),
        ScalarOp::Load(access) => element(nest, access, false),
        ScalarOp::Unary(op, a) => format!("{} {a:?}", op.name()),
        ScalarOp::Binary(op, a, b) => format!("{} {a:?}, {b:?}", op.name()),
        ScalarOp::Powi(n, a) => format!("powi {a:?}, {n}"),
        ScalarOp::Select(cmp, [a, b, x, y]) => format!("select {} {a:?}, {b:?} ? {x:?} : {y:?}", cmp.name()),
        ScalarOp::Convert(a) => format!("convert {a:?}"),
        ScalarOp::Pick { at_loop, at, then, otherwise } => {
            format!("select {} == {at} ? {then:?} : {otherwise:?}", loop_name(*at_loop))
        }
    }
}
