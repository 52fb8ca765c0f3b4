//! The standard library: every system checks, simulates, and does what is known of it: a closed solution, a conserved
//! quantity, a published period, or a fixed point computed here. Simulations are exact to about 1e-10 per step.

use std::f64::consts::PI;

use mechc::diagnostics::Format;
use mechc::driver::Session;
use mechc::source::MemoryWorld;

/// Rows of the states of `simulate NAME { settings }`; `name` may have arguments.
fn simulate(name: &str, settings: &str) -> Vec<Vec<f64>> {
    let model = name.split('(').next().unwrap_or(name);
    let text = format!("use std.systems.{model}\ndata run = simulate {name} {{ {settings} }}\n");
    let mut session = Session::new(MemoryWorld::new().with("main.mech", text.as_str()));
    let data = match session.simulate("main.mech", &[], None) {
        Ok(data) => data,
        Err(failure) => panic!("{name}: {}", failure.render(session.sources(), Format::Short)),
    };
    let run = &data.trajectories[0];
    let row = |i| (0..run.width()).map(|c| run.value(i, c).expect("every sample is known")).collect();
    (0..run.len).map(row).collect()
}

/// The state at time `end`, after `from` where that is given.
fn at(name: &str, end: f64, from: &str) -> Vec<f64> {
    let from = if from.is_empty() { String::new() } else { format!("; from {from}") };
    simulate(name, &format!("steps 2; dt {end:e}{from}")).pop().expect("two samples")
}

fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * e.abs().max(1.0), "{what}: {found:?}, expected {expected:?}");
    }
}

/// A quantity that must stay what it is at the start.
fn conserved(name: &str, settings: &str, tolerance: f64, quantity: impl Fn(&[f64]) -> f64) {
    let rows = simulate(name, settings);
    let start = quantity(&rows[0]);
    for row in &rows {
        close(name, &[quantity(row)], &[start], tolerance);
    }
    assert!(rows.iter().any(|row| (row[0] - rows[0][0]).abs() > 0.01), "{name} does not move");
}

/// The zero of `f` between `low` and `high`, where it changes its sign.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    assert!(f(low) * f(high) < 0.0, "no change of sign");
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f(middle) * f(low) > 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// A fixed point, `time` being short for errors to grow: 1e-9 beside it the state must hardly move, 0.01 beside it, it must.
/// The point itself is not simulated, since a simulation in which nothing changes at all is refused.
fn rests(name: &str, point: &[f64], time: f64) {
    let text = |p: &[f64]| format!("({})", p.iter().map(|v| format!("{v:e}")).collect::<Vec<_>>().join(", "));
    let near: Vec<f64> = point.iter().map(|v| v + 1e-9).collect();
    close(name, &at(name, time, &text(&near)), point, 1e-7);
    let beside: Vec<f64> = point.iter().map(|v| v + 0.01).collect();
    let moved = at(name, time, &text(&beside));
    assert!(moved.iter().zip(&beside).any(|(a, b)| (a - b).abs() > 1e-5), "{name} does not move");
}

#[test]
fn fixed_points_of_chaotic_systems() {
    let q = 72_f64.sqrt();
    rests("Lorenz63", &[q, q, 27.0], 1.0);
    let x = (5.7 - (5.7_f64 * 5.7 - 0.16).sqrt()) / 2.0;
    rests("Rossler", &[x, -x / 0.2, x / 0.2], 1.0);
    rests("Chua", &[1.5, 0.0, -1.5], 1.0);
    let s = root(1.0, 3.0, |s| s.sin() - 0.208186 * s);
    rests("Thomas", &[s, s, s], 1.0);
    rests("Lorenz96", &[8.0; 8], 1.0);
}

#[test]
fn fixed_points_of_populations_reactions_and_cells() {
    rests("RosenzweigMacArthur", &[2.0 / 3.0, 35.0 / 27.0], 1.0);
    rests("Chemostat", &[2.7, 0.5], 1.0);
    rests("Brusselator", &[1.0, 3.0], 1.0);
    rests("Selkov", &[0.6, 0.6 / 0.44], 1.0);
    let (q, x) = (8e-4_f64, (-8e-4 + (6.4e-7_f64 + 6.4e-3).sqrt()) / 2.0);
    rests("Oregonator", &[x, x / (q + x), x], 0.1);
    let v = root(-2.0, 2.0, |v| v - v * v * v / 3.0 - (v + 0.7) / 0.8 + 0.5);
    rests("FitzHughNagumo", &[v, (v + 0.7) / 0.8], 1.0);
    let x = root(-3.0, 3.0, |x| 3.0 - 2.0 * x * x - x * x * x - 4.0 * (x + 1.6));
    rests("HindmarshRose", &[x, 1.0 - 5.0 * x * x, 4.0 * (x + 1.6)], 1.0);
    let z = root(0.1, 10.0, |z| 1.0 / (1.0 + z.powi(10)) - 1e-3 * z);
    rests("Goodwin", &[0.01 * z, 0.1 * z, z], 1.0);
    let p = root(0.1, 20.0, |p| 216.0 / (1.0 + p * p) + 0.216 - p);
    rests("Repressilator", &[p; 6], 1.0);
    let high = root(5.0, 10.5, |u| 10.0 / (1.0 + (10.0 / (1.0 + u * u)).powi(2)) - u);
    rests("ToggleSwitch", &[high, 10.0 / (1.0 + high * high)], 1.0);
}

#[test]
fn conserved_quantities() {
    conserved("DoublePendulum", "steps 200; dt 0.05", 1e-7, |u| {
        let c = (u[0] - u[1]).cos();
        let kinetic = (u[2] * u[2] + 2.0 * u[3] * u[3] - 2.0 * u[2] * u[3] * c) / (2.0 * (2.0 - c * c));
        kinetic - 9.80665 * (2.0 * u[0].cos() + u[1].cos())
    });
    conserved("Kepler", "steps 100; dt 0.1", 1e-7, |u| (u[0] + 0.5).powi(2) + u[1] * u[1] / 0.75);
    conserved("TwoBody", "steps 100; dt 0.1", 1e-7, |u| (u[2] - u[0]).hypot(u[3] - u[1]));
    conserved("LotkaVolterra", "steps 200; dt 0.1", 1e-7, |u| {
        0.1 * u[0] - 0.4 * u[0].ln() + 0.4 * u[1] - 1.1 * u[1].ln()
    });
    conserved("SIR", "steps 200; dt 0.5", 1e-7, |u| u[0] + u[1] - 0.2 * u[0].ln());
    conserved("SIR", "steps 200; dt 0.5", 1e-9, |u| u[0] + u[1] + u[2]);
    conserved("SEIR", "steps 200; dt 0.5", 1e-7, |u| u[0] + u[1] + u[2] - 0.2 * u[0].ln());
    conserved("SEIR", "steps 200; dt 0.5", 1e-9, |u| u.iter().sum());
    conserved("EnzymeKinetics", "steps 100; dt 0.1", 1e-9, |u| u[0] + u[2]);
    conserved("EnzymeKinetics", "steps 100; dt 0.1", 1e-9, |u| u[1] + u[2] + u[3]);
    conserved("KortewegDeVries", "steps 100; dt 0.1", 1e-7, |u| u.iter().sum());
    conserved("KortewegDeVries", "steps 100; dt 0.1", 1e-7, |u| u.iter().map(|v| v * v).sum());
}

#[test]
fn closed_solutions() {
    let t = 3.0_f64;
    close("HarmonicOscillator", &at("HarmonicOscillator", t, ""), &[t.cos()], 1e-8);
    close("DampedOscillator", &at("DampedOscillator", t, ""), &[(-0.1 * t).exp() * t.sin()], 1e-8);
    // A particle at rest in one of the two wells, and a pendulum upside down, once nothing drives them.
    close("Duffing", &at("Duffing(gamma = 0)", t, "(-1, 0)"), &[-1.0], 1e-8);
    close("DrivenPendulum", &at("DrivenPendulum(g = 0)", 1.0, &format!("({PI}, 0)")), &[PI], 1e-8);
    close("HenonHeiles", &at("HenonHeiles", 1.0, "(0, 0, 1, 0)"), &[0.0, 1.0], 1e-8);
    let hopf = at("Hopf", t, "");
    close("Hopf", &[hopf[0].hypot(hopf[1])], &[(1.0 + 99.0 * (-2.0 * t).exp()).powf(-0.5)], 1e-8);
    close("Hopf", &[hopf[1].atan2(hopf[0])], &[t], 1e-8);
    close("Logistic", &at("Logistic", t, ""), &[10.0 / (1.0 + 19.0 * (-t).exp())], 1e-8);
    close("Gompertz", &at("Gompertz", t, ""), &[10.0 * (0.05_f64.ln() * (-0.5 * t).exp()).exp()], 1e-8);
    let s = root(1e-6, 2.0, |s| 0.5 * s.ln() + s - 0.5 * 2_f64.ln() - 2.0 + t);
    close("MichaelisMenten", &at("MichaelisMenten", t, ""), &[s, 2.0 - s], 1e-8);
    let decay = (-49.0 * (2.0 - 2.0 * (PI / 7.0).cos()) * 0.1).exp();
    let rod: Vec<f64> = (1..7).map(|j| decay * (PI * f64::from(j) / 7.0).sin()).collect();
    close("HeatRod", &at("HeatRod", 0.1, ""), &rod, 1e-8);
}

#[test]
fn published_periods_and_values() {
    // Period and amplitude of the limit cycle for mu = 1 to the digits printed here.
    close("VanDerPol", &at("VanDerPol", 6.663_286_859_323, "(2.008619860875, 0)"), &[2.008_619_860_875], 1e-8);
    // The exact period of the pendulum by the arithmetic-geometric mean (Gauss).
    let (mut a, mut b) = (1.0, 0.5_f64.cos());
    for _ in 0..6 {
        (a, b) = (0.5 * (a + b), f64::sqrt(a * b));
    }
    close("Pendulum", &at("Pendulum", 2.0 * PI * (1.0 / 9.80665_f64).sqrt() / a, ""), &[1.0], 1e-8);
    close("Kepler", &at("Kepler", 2.0 * PI, ""), &[0.5, 0.0], 1e-6);
    close("TwoBody", &at("TwoBody", 2.0 * PI / 1.5_f64.sqrt(), ""), &[-1.0 / 3.0, 0.0, 2.0 / 3.0, 0.0], 1e-6);
    // The figure of eight is printed to eight digits.
    let eight = [0.970_004_36, -0.243_087_53, -0.970_004_36, 0.243_087_53, 0.0, 0.0];
    close("ThreeBody", &at("ThreeBody", 6.325_913_98, ""), &eight, 1e-5);
    // Robertson's reaction at t = 40, computed with an implicit Runge-Kutta method (Radau IIA, order 5, tolerance 1e-12).
    let r = simulate("Robertson", "steps 41; dt 1").pop().expect("samples");
    close("Robertson", &[r[0], 1e5 * r[1], r[2]], &[0.715827069, 0.918553476, 0.284163746], 1e-6);
}

#[test]
fn the_axon_rests_without_current_and_fires_with_it() {
    let rest = simulate("HodgkinHuxley(current = 0)", "steps 500; dt 0.1");
    assert!(rest.iter().all(|u| u[0].abs() < 0.05), "potential at rest");
    let firing = simulate("HodgkinHuxley", "steps 1000; dt 0.1");
    let peaks = firing.windows(3).filter(|w| w[1][0] > w[0][0] && w[1][0] >= w[2][0] && w[1][0] > 60.0).count();
    // At 10 uA/cm2 the axon fires about 68 times a second: six or seven spikes in 100 ms.
    assert!((6..=8).contains(&peaks), "{peaks} spikes");
}
