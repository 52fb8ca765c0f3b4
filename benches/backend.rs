//! The host back end: text to callable code, loop throughput, the optimiser update, a training step of a network.

use divan::Bencher;
use divan::counter::ItemsCount;
use mechc::base::Tensor;
use mechc::ir::{self, Module};
use mechc::runtime::{Arg, Executable, TensorView, TensorViewMut, Threads};
use mechc::{autodiff, codegen, kernel};

fn main() {
    divan::main();
}

/// The function of a 30-term library in three states and its gradient, as the joint engine and the trainer have it.
fn library() -> Module {
    let mut text = String::from("module Library\naxis sample\naxis time\naxis state = 3\naxis term = 30\n");
    text.push_str("func f(%u: f64[sample, time, state], %xi: f64[state, term]) {\n");
    let ty = "f64[sample, time]";
    let mut names = Vec::new();
    for (i, s) in ["x", "y", "z"].iter().enumerate() {
        text.push_str(&format!("  %{s} = index %u, state = {i} : {ty}\n"));
        names.push((*s).to_string());
    }
    let mut from = 0;
    while names.len() < 30 {
        let n = names.len();
        for i in from..n {
            for s in ["x", "y", "z"] {
                if names.len() < 30 {
                    let name = format!("t{}", names.len());
                    let op = if names.len() % 7 == 0 {
                        format!("sin %{}", names[i])
                    } else {
                        format!("mul %{}, %{s}", names[i])
                    };
                    text.push_str(&format!("  %{name} = {op} : {ty}\n"));
                    names.push(name);
                }
            }
        }
        from = n;
    }
    let terms: Vec<String> = names.iter().map(|n| format!("%{n}")).collect();
    text.push_str(&format!("  %phi = stack {}, axis = term : f64[sample, time, term]\n", terms.join(", ")));
    text.push_str("  %f = contract %phi, %xi, over = [term] : f64[sample, time, state]\n");
    text.push_str("  %ff = mul %f, %f : f64[sample, time, state]\n");
    text.push_str("  %loss = sum %ff, over = [sample, time, state] : f64[]\n  return loss = %loss, f = %f\n}\n");
    let mut module = ir::parse(&text).expect("the text is well-formed");
    let gradient = autodiff::gradient(&mut module, "f", "loss", &["u", "xi"]).expect("it is differentiable");
    module.functions.push(gradient);
    module
}

fn compiled(module: &Module, threads: usize) -> Executable {
    let function = module.functions.last().expect("there is a function");
    let program = kernel::lower(module, function).expect("it can be lowered");
    let artifact = codegen::host::compile("bench", vec![program]).expect("code can be generated");
    Executable::new(&artifact, &function.name, Threads::new(threads).expect("threads start")).expect("the entry exists")
}

#[divan::bench]
fn lower_library_and_gradient(bencher: Bencher<'_, '_>) {
    let module = library();
    bencher.bench(|| module.functions.iter().map(|f| kernel::lower(&module, f)).collect::<Vec<_>>());
}

#[divan::bench]
fn code_for_library_and_gradient(bencher: Bencher<'_, '_>) {
    let module = library();
    bencher.bench(|| {
        let programs = module.functions.iter().map(|f| kernel::lower(&module, f).expect("it can be lowered")).collect();
        codegen::host::compile("bench", programs)
    });
}

#[divan::bench(args = [1, 2])]
fn library_gradient_call(bencher: Bencher<'_, '_>, threads: usize) {
    let module = library();
    let mut exe = compiled(&module, threads);
    let u = numbers(512 * 50 * 3);
    let xi = numbers(90);
    let (us, xis) = ([512, 50, 3], [3, 30]);
    let mut outs = [vec![0.0], vec![0.0; u.len()], vec![0.0; u.len()], vec![0.0; 90]];
    bencher.bench_local(|| {
        let [loss, f, u_adj, xi_adj] = &mut outs;
        exe.call(
            &[TensorView::f64(&us, &u), TensorView::f64(&xis, &xi)],
            &mut [
                TensorViewMut::f64(&[], loss),
                TensorViewMut::f64(&us, f),
                TensorViewMut::f64(&us, u_adj),
                TensorViewMut::f64(&xis, xi_adj),
            ],
        )
    });
}

const CHAIN: &str = "module Chain
axis i
func chain(%a: f64[i], %b: f64[i]) {
  %c = mul %a, %b : f64[i]
  %d = add %c, %a : f64[i]
  %e = mul %d, %d : f64[i]
  %f = sub %e, %b : f64[i]
  %g = max %f, %a : f64[i]
  return g = %g
}
";

#[divan::bench(args = [1, 2])]
fn elementwise_chain(bencher: Bencher<'_, '_>, threads: usize) {
    let module = ir::parse(CHAIN).expect("the text is well-formed");
    let mut exe = compiled(&module, threads);
    let (a, b) = (numbers(100_000), numbers(100_000));
    let mut out = vec![0.0; a.len()];
    let shape = [a.len()];
    bencher.counter(ItemsCount::new(a.len())).bench_local(|| {
        exe.call(
            &[TensorView::f64(&shape, &a), TensorView::f64(&shape, &b)],
            &mut [TensorViewMut::f64(&shape, &mut out)],
        )
    });
}

const ADAM: &str = "module Adam
axis i
func adam(%p: f32[i], %g: f32[i], %m: f32[i], %v: f32[i], %lr: f32[]) {
  %b1 = const 0.9 : f32[]
  %c1 = const 0.1 : f32[]
  %b2 = const 0.999 : f32[]
  %c2 = const 0.001 : f32[]
  %eps = const 1e-8 : f32[]
  %b1i = broadcast %b1 : f32[i]
  %c1i = broadcast %c1 : f32[i]
  %b2i = broadcast %b2 : f32[i]
  %c2i = broadcast %c2 : f32[i]
  %lri = broadcast %lr : f32[i]
  %epsi = broadcast %eps : f32[i]
  %m1 = mul %b1i, %m : f32[i]
  %m2 = mul %c1i, %g : f32[i]
  %m_new = add %m1, %m2 : f32[i]
  %gg = mul %g, %g : f32[i]
  %v1 = mul %b2i, %v : f32[i]
  %v2 = mul %c2i, %gg : f32[i]
  %v_new = add %v1, %v2 : f32[i]
  %root = sqrt %v_new : f32[i]
  %den = add %root, %epsi : f32[i]
  %step = div %m_new, %den : f32[i]
  %move = mul %lri, %step : f32[i]
  %p_new = sub %p, %move : f32[i]
  return p = %p_new, m = %m_new, v = %v_new
}
";

#[divan::bench(args = [1, 2])]
fn adam_a_million(bencher: Bencher<'_, '_>, threads: usize) {
    let module = ir::parse(ADAM).expect("the text is well-formed");
    let mut exe = compiled(&module, threads);
    let n = 1 << 20;
    let single = |n| -> Vec<f32> { numbers(n).into_iter().map(|x| x.abs() as f32).collect() };
    let (mut p, g, mut m, mut v) = (single(n), single(n), single(n), single(n));
    let shape = [n];
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        exe.update(
            &mut [
                Arg::Update(TensorViewMut::f32(&shape, &mut p), 0),
                Arg::Read(TensorView::f32(&shape, &g)),
                Arg::Update(TensorViewMut::f32(&shape, &mut m), 1),
                Arg::Update(TensorViewMut::f32(&shape, &mut v), 2),
                Arg::Read(TensorView::f32(&[], &[1e-3])),
            ],
            &mut [],
        )
    });
}

/// A network 150-1024-1024-150 in single precision with a squared loss: forward and backward.
fn network(activation: &str) -> Module {
    let mut text =
        String::from("module Net\naxis sample\naxis in = 150\naxis h1 = 1024\naxis h2 = 1024\naxis out = 150\n");
    text.push_str("func loss(%x: f32[sample, in], %w1: f32[in, h1], %b1: f32[h1], %w2: f32[h1, h2], %b2: f32[h2], ");
    text.push_str("%w3: f32[h2, out], %b3: f32[out]) {\n");
    let layers = [("in", "h1", "x"), ("h1", "h2", "a1"), ("h2", "out", "a2")];
    text.push_str("  %zero = const 0.0 : f32[]\n");
    for (i, (from, to, input)) in layers.into_iter().enumerate() {
        let l = i + 1;
        let ty = format!("f32[sample, {to}]");
        text.push_str(&format!("  %s{l} = contract %{input}, %w{l}, over = [{from}] : {ty}\n"));
        text.push_str(&format!("  %c{l} = broadcast %b{l} : {ty}\n  %z{l} = add %s{l}, %c{l} : {ty}\n"));
        match activation {
            "relu" => {
                text.push_str(&format!("  %o{l} = broadcast %zero : {ty}\n  %a{l} = max %z{l}, %o{l} : {ty}\n"));
            }
            f => text.push_str(&format!("  %a{l} = {f} %z{l} : {ty}\n")),
        }
    }
    text.push_str("  %r = mul %z3, %z3 : f32[sample, out]\n  %loss = sum %r, over = [sample, out] : f32[]\n");
    text.push_str("  return loss = %loss\n}\n");
    let mut module = ir::parse(&text).expect("the text is well-formed");
    let wrt = ["w1", "b1", "w2", "b2", "w3", "b3"];
    let gradient = autodiff::gradient(&mut module, "loss", "loss", &wrt).expect("it is differentiable");
    module.functions.push(gradient);
    module
}

#[divan::bench(args = [("relu", 1), ("relu", 2), ("tanh", 1), ("tanh", 2)], sample_count = 20)]
fn network_step(bencher: Bencher<'_, '_>, (activation, threads): (&str, usize)) {
    let module = network(activation);
    let mut exe = compiled(&module, threads);
    let shapes: [&[usize]; 7] = [&[512, 150], &[150, 1024], &[1024], &[1024, 1024], &[1024], &[1024, 150], &[150]];
    let single = |shape: &[usize]| -> Vec<f32> {
        numbers(shape.iter().product()).into_iter().map(|x| 0.03 * x as f32).collect()
    };
    let args: Vec<Vec<f32>> = shapes.iter().map(|s| single(s)).collect();
    let views: Vec<TensorView<'_>> = shapes.iter().zip(&args).map(|(s, a)| TensorView::f32(s, a)).collect();
    let mut loss = [0.0_f32];
    let mut grads: Vec<Vec<f32>> = shapes[1..].iter().map(|s| single(s)).collect();
    bencher.bench_local(|| {
        let mut outs = vec![TensorViewMut::f32(&[], &mut loss)];
        outs.extend(shapes[1..].iter().zip(&mut grads).map(|(s, g)| TensorViewMut::f32(s, g)));
        exe.call(&views, &mut outs)
    });
}

fn numbers(n: usize) -> Vec<f64> {
    let tensor = Tensor::zeros(mechc::base::Elem::F64, vec![n]);
    (0..tensor.len()).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect()
}
