//! Numbers that only a combination of them is known of: what runs say of them in place of what would not help.

mod common;

use common::{folder, run_in};

/// What a run says on standard error, in one line.
fn said(model: &str) -> String {
    run_in(folder(&[]), model, &[]).ok().said()
}

/// A motor of which the speed alone is seen: three combinations of four numbers, one of which goes to an end of its range whatever that is.
#[test]
fn an_end_that_others_make_up_for_is_no_reason_to_widen_the_range() {
    let said = said(
        "model Truth {
  state j, w
  j' = (5 - 2*j - 0.7*w)/0.45
  w' = (0.7*j - 0.02*w)/0.15
  initial j = 0, w = 0
}
model Motor {
  state i, w
  param L, K, b, J in [0.001, 100]
  i' = (5 - 2*i - K*w)/L
  w' = (K*i - b*w)/J
  initial i = 0
}
data d = simulate Truth { steps 200; dt 0.02; noise 2%; seed 1 }
fit Motor to d
",
    );
    for part in ["W1102", "the estimate of `b` lies at an end of its range", "a wider range does not help"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("W1104"), "{said}");
}

/// A rate that hardly changes over the temperatures that there are.
#[test]
fn what_is_known_of_a_combination_alone_is_told_where_all_states_are_seen() {
    let said = said(
        "model Truth {
  state A, T
  A' = -2e9*exp(-8000/T)*A
  T' = 0.05*(300.5 - T)
  initial A = 2, T = 300
}
model Reaction {
  state A, T
  param k0, E in [0, 30000], h, Ta
  A' = -k0*exp(-E/T)*A
  T' = h*(Ta - T)
}
data d = simulate Truth { steps 100; dt 0.2; noise 2%; seed 2 }
fit Reaction to d
",
    );
    assert!(said.contains("W1102") && said.contains("do not determine `k0`, `E`"), "{said}");
}

/// A candidate that is the sum of two others: other laws of the hole are other spellings of one.
#[test]
fn spellings_of_one_law_are_no_other_laws() {
    let said = said(
        "model Truth {
  state u, w
  u' = 2*u - 0.2*u^2 - u*w/(1 + 0.4*u)
  w' = u*w/(1 + 0.4*u) - w
  initial u = 1.5, w = 1
}
model M {
  state u, w
  let N = u + w
  u' = ?terms(N, u, w, u*N)
  w' = ?poly(u, w)
}
data d = simulate Truth { steps 300; dt 0.05; noise 1%; seed 1 }
fit M to d
",
    );
    let at = said.find("nothing of it is left").unwrap_or_else(|| panic!("{said}"));
    assert!(said.find("W1101").is_some_and(|first| first < at) && said.matches("W1101").count() == 1, "{said}");
}
