//! Terms in expectations: numbers with units, functions of the file, holes with a name, and numbers that stand in an equation as written.

use super::{folder, mechc};

/// A saturating law, in whose terms numbers have units.
const MEASURED: &str = r"model Truth {
  time [s]
  state s [mM]
  const K = 3 [mM]
  s' = -2 [mM/s]*s/(K + s)
  initial s = 5
}

model Uptake {
  time [s]
  state s [mM]
  const K = 3 [mM]
  let below = K + s
  s' = ?terms(s/below, s^2/(1 [mM^2] + s^2), exp(-1 [1/mM]*s))
}

data run = simulate Truth { steps 200; dt 0.05 }

fit Uptake to run
";

/// A function of the file in the terms of holes, and a hole with a name that is multiplied.
const NAMED: &str = r"fn sat(s, k) = s/(k + s)
fn twice(s, k) = 2*sat(s, k)

model Truth {
  state n, s
  n' = 0.8*n*sat(s, 2) - 0.1*n
  s' = -0.4*n*sat(s, 2) - 0.05*sat(s, 3) - 0.05*sat(s, 3)
  initial n = 1, s = 8
}

model Growth {
  state n, s
  hole up = ?terms(sat(s, 2), s)
  n' = n*up - ?terms(n)
  s' = -0.5*n*up - 0.05*sat(s, 3) - 0.05*sat(s, 3)
}

data run = simulate Truth { steps 200; dt 0.05 }

fit Growth to run
";

fn judged(head: &str, claim: &str) -> (String, String) {
    let folder = folder(&[("m.mech", &format!("{head}test \"t\" {{\n  expect {claim}\n}}\n"))]);
    let output = mechc(folder.path(), &["test", "m.mech", "--message-format", "short"]);
    (output.stdout, output.stderr)
}

#[test]
fn a_term_is_found_however_it_is_written() {
    let cases = [
        (MEASURED, "coef(s', s/(3 [mM] + s)) ~= -2 within 1%"),
        (MEASURED, "coef(s', s/(3 [mM] + s)) ~= -2 [mM/s] within 1%"),
        (MEASURED, "coef(s', s/(K + s)) ~= -2 [mM/s] within 1%"),
        (MEASURED, "coef(s', s/below) ~= -2 [mM/s] within 1%"),
        (MEASURED, "coef(s', s/below) ~= -2000 [uM/s] within 1%"),
        (MEASURED, "coef(Truth.s', s/(K + s)) == -2 [mM/s]"),
        (MEASURED, "coef(s', exp(-1 [1/mM]*s)) == 0 [mM/s]"),
        (MEASURED, "terms(s') == {s/(3 [mM] + s)}"),
        (MEASURED, "terms(s') == {s/(3 + s)}"),
        (MEASURED, "std_error(s', s/(K + s)) < 0.1 [mM/s]"),
        (NAMED, "coef(up, sat(s, 2)) ~= 0.8 within 1%"),
        (NAMED, "coef(up, s/(2 + s)) ~= 0.8 within 1%"),
        // As for names of `let`s, numbers belong to the coefficient.
        (NAMED, "coef(up, twice(s, 2)) ~= 0.8 within 1%"),
        (NAMED, "std_error(up, sat(s, 2)) < 0.1"),
        (NAMED, "terms(up) == {sat(s, 2)}"),
        (NAMED, "terms(n') == {n*up, n}"),
        (NAMED, "coef(n', n*up) == 1"),
        (NAMED, "coef(s', up*n) == -0.5"),
        (NAMED, "coef(s', sat(s, 3)) ~= -0.1 within 1e-12"),
        (NAMED, "coef(Truth.n', n*sat(s, 2)) == 0.8"),
    ];
    let mut wrong = Vec::new();
    for (head, claim) in cases {
        let (out, err) = judged(head, claim);
        if out != "passed  m.mech: t\n1 passed, 0 failed\n" {
            wrong.push(format!("{claim}\n{out}{err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_terms_are_not_taken_for_it() {
    let cases = [
        (MEASURED, "coef(s', s/(3 [s] + s)) == 0", "m.mech:21:22: error[E0802]: units do not fit: [mM] and [s]"),
        (MEASURED, "coef(s', s/(3 [uM] + s)) == 0", "m.mech:21:22: error[E0803]"),
        (MEASURED, "coef(s', s/(3 [mN] + s)) == 0", "m.mech:21:22: error[E0802]"),
        (MEASURED, "coef(s', s/(3 [mMM] + s)) == 0", "m.mech:21:25: error[E0801]: there is no unit `mMM`"),
        (MEASURED, "coef(s', exp(-1 [1/uM]*s)) == 0", "E0803"),
        (MEASURED, "coef(s', exp(-1 [kg]*s)) == 0", "E0802"),
        (MEASURED, "coef(s', s/(s - -3 [uM])) == 0", "E080"),
        (
            MEASURED,
            "coef(s', 1 [kg]*s/(3 [mM] + s)) == 0",
            "m.mech:21:19: error[E1103]: a number with a unit is no part of a term",
        ),
        (MEASURED, "coef(s', s/(4 [mM] + s)) == 0", "error[E1105]: `(4 + s)^-1*s` is neither a term nor a candidate"),
        (
            NAMED,
            "coef(up, sat(s, 3)) == 0",
            "error[E1105]: `sat(s, 3)` is neither a term nor a candidate in the hole `up`",
        ),
        (NAMED, "terms(n') == {up, n}", "error[E1101]: the equation of `n` has the terms {n*up, n}"),
        (NAMED, "coef(s', n*up) ~= -0.4 within 1%", "error[E1101]: expected -0.4 within 1 %, found -0.5"),
        (NAMED, "terms(n*up) == {s}", "error[E1103]: this is no equation, but what holds a hole"),
        (NAMED, "coef(2*up, s) == 0", "error[E1103]: this is no equation, but what holds a hole"),
        (NAMED, "coef(n', n*uq) == 0", "error[E1102]: model `Growth` has no `uq`"),
        (NAMED, "coef(uq, s) == 0", "error[E1102]: model `Growth` has neither an equation nor a hole `uq`"),
        (NAMED, "coef(s, n) == 0", "error[E1103]: an equation is expected here, and `s` is a state"),
    ];
    let mut wrong = Vec::new();
    for (head, claim, says) in cases {
        let (_, err) = judged(head, claim);
        let expected = head.lines().count() + 2;
        let says = says.replace("m.mech:21", &format!("m.mech:{expected}"));
        if !err.contains(&says) || err.matches("error[").count() != 1 {
            wrong.push(format!("{claim}: `{says}` is not said, alone, in\n{err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
