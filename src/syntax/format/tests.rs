//! The layout of small programs.

use super::{format, same_program};
use crate::diagnostics::Sink;
use crate::source::Sources;

/// The layout of `text`, which must be stable and the same program.
fn formatted(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add("a.mech", text);
    let once = format(id, text, &mut Sink::new()).expect("no syntax errors");
    let twice = format(id, &once, &mut Sink::new()).expect("no syntax errors");
    assert_eq!(once, twice, "a second pass changes nothing");
    assert!(same_program(text, &once), "{once}");
    once
}

#[test]
fn blanks_and_indentation() {
    let text = "\n\n//! File.\n\n\n\n///  A model.  \nmodel   A\n{\n\nstate x,y   order 2;param k=1   in[ 0,2 ] fixed;\n\n\n\
                x''+k * x' =-?poly( x , y;degree=2,coefficients>=0 )^ 2 - -x/(1+ y)\n   y' = sin(x)+a.b - 5%*x; \n\n}\n\
                data run=csv ( \"a b.csv\" ){time t;u=hare;threshold -1}\nfit A to run{}";
    insta::assert_snapshot!(formatted(text), @r#"
    //! File.

    ///  A model.
    model A {
      state x, y order 2; param k = 1 in [0, 2] fixed

      x'' + k*x' = -?poly(x, y; degree = 2, coefficients >= 0)^2 - -x/(1 + y)
      y' = sin(x) + a.b - 5%*x
    }
    data run = csv("a b.csv") { time t; u = hare; threshold -1 }
    fit A to run { }
    "#);
}

#[test]
fn comments_stay_with_their_lines() {
    let text = "// first\nmodel A{// of the block\nstate x // of the state\n      // alone\nparam kappa = 1//glued\nx' = -kappa*(\n\
                x// inside\n// alone inside\n)// behind\n// last\n}// after\n\n// end";
    insta::assert_snapshot!(formatted(text), @r#"
    // first
    model A {  // of the block
      state x  // of the state
      // alone
      param kappa = 1  //glued
      x' = -kappa*(
        x  // inside
        // alone inside
      )  // behind
      // last
    }  // after

    // end
    "#);
}

#[test]
fn neighbouring_comments_share_a_column() {
    let text = "model A {\nstate x // a\nparam kappa = 1 // b\n\nx' = -kappa*x // c\n}";
    insta::assert_snapshot!(formatted(text), @r#"
    model A {
      state x          // a
      param kappa = 1  // b

      x' = -kappa*x  // c
    }
    "#);
}

#[test]
fn values_side_by_side_keep_their_meaning() {
    let text = "network n { input x,y over window; mlp [1024,1024] relu; output v[3] over window }";
    insta::assert_snapshot!(formatted(text), @"network n { input x, y over window; mlp [1024, 1024] relu; output v[3] over window }");
}

#[test]
fn blocks_that_do_not_fit_are_opened() {
    let text = format!("model A {{ state x; x' = {} }} model B {{ state y; y' = -y }}", vec!["x"; 60].join(" + "));
    let lines: Vec<String> = formatted(&text).lines().map(String::from).collect();
    assert_eq!(lines.len(), 9, "{lines:?}");
    assert_eq!(lines[..3], ["model A {", "  state x", "  x' = ("]);
    assert_eq!(lines[6..], ["  )", "}", "model B { state y; y' = -y }"]);
}

#[test]
fn line_ends_become_newlines() {
    assert_eq!(formatted("model A { state x\r\nx' = -x }\r\n"), "model A {\n  state x\n  x' = -x\n}\n");
}

#[test]
fn files_with_syntax_errors_have_no_layout() {
    let mut sources = Sources::default();
    let text = "model A { state x; x' = }";
    let id = sources.add("a.mech", text);
    let mut sink = Sink::new();
    assert_eq!(format(id, text, &mut sink), None);
    assert!(sink.has_errors());
}

#[test]
fn long_lines_are_wrapped_in_brackets() {
    let names = |n: usize| (0..n).map(|i| format!("quantity{i}")).collect::<Vec<_>>();
    let text = format!(
        "model A {{\nx' = {}\ny' = ?terms({}; coefficients >= 0) - w*y // a hole\nz' = {}*({})\n\
         let rate = if x > 1 then {} else 0\nfor i in 2..9 {{ u[i]' = k*(u[i - 1] - 2*u[ i+1 ]) }}\n}}\n\
         fn f(x) = ({})\nfit A to run {{\nloss mse({}; weights = (1, 2))\n}}\n",
        names(16).join(" - "),
        names(9).join(","),
        "a".repeat(40),
        names(8).join(" + "),
        names(12).join(" + "),
        names(11).join(", "),
        names(10).join(", "),
    );
    insta::assert_snapshot!(formatted(&text), @r"
    model A {
      x' = (
        quantity0 - quantity1 - quantity2 - quantity3 - quantity4 - quantity5 - quantity6 - quantity7
        - quantity8 - quantity9 - quantity10 - quantity11 - quantity12 - quantity13 - quantity14
        - quantity15
      )
      y' = (
        ?terms(
          quantity0, quantity1, quantity2, quantity3, quantity4, quantity5, quantity6, quantity7,
          quantity8; coefficients >= 0
        )
        - w*y
      )  // a hole
      z' = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*(
        quantity0 + quantity1 + quantity2 + quantity3 + quantity4 + quantity5 + quantity6 + quantity7
      )
      let rate = (
        if x > 1
        then quantity0 + quantity1 + quantity2 + quantity3 + quantity4 + quantity5 + quantity6
        + quantity7 + quantity8 + quantity9 + quantity10 + quantity11
        else 0
      )
      for i in 2..9 { u[i]' = k*(u[i-1] - 2*u[i+1]) }
    }
    fn f(x) = (
      quantity0, quantity1, quantity2, quantity3, quantity4, quantity5, quantity6, quantity7, quantity8,
      quantity9, quantity10
    )
    fit A to run {
      loss mse(
        quantity0, quantity1, quantity2, quantity3, quantity4, quantity5, quantity6, quantity7,
        quantity8, quantity9; weights = (1, 2)
      )
    }
    ");
}

#[test]
fn lines_without_a_place_to_end_stay_long() {
    let name = "x".repeat(120);
    let text = format!("model A {{\n  state {name}\n  {name}' = -{name}\n}}\n");
    assert_eq!(formatted(&text), text);
    let of_all = format!("model A {{\n  param {} per sample\n}}\n", ["abcdefghij"; 12].join(", "));
    assert_eq!(formatted(&of_all), of_all);
}

#[test]
fn long_lists_of_declarations_are_cut() {
    let names = |n: usize| (0..n).map(|i| format!("quantity{i}")).collect::<Vec<_>>();
    let values = |n: usize| names(n).iter().map(|name| format!("{name}' = (1 + {name})/2")).collect::<Vec<_>>();
    let text = format!(
        "model A {{\nstate {}, last order 2 // of states\nconst a = ({}), b = 2\nfor i in 1..2 {{\ninitial {}\n}}\n}}\n",
        names(17).join(","),
        names(9).join(","),
        values(4).join(","),
    );
    insta::assert_snapshot!(formatted(&text), @r"
    model A {
      state quantity0, quantity1, quantity2, quantity3, quantity4, quantity5, quantity6, quantity7
      state quantity8, quantity9, quantity10, quantity11, quantity12, quantity13, quantity14, quantity15
      state quantity16, last order 2  // of states
      const a = (
        quantity0, quantity1, quantity2, quantity3, quantity4, quantity5, quantity6, quantity7,
        quantity8
      )
      const b = 2
      for i in 1..2 {
        initial quantity0' = (1 + quantity0)/2, quantity1' = (1 + quantity1)/2
        initial quantity2' = (1 + quantity2)/2, quantity3' = (1 + quantity3)/2
      }
    }
    ");
}

#[test]
fn brackets_stand_together_with_names_alone() {
    let text = "network net {\n  input(x, y) over window\n  conv1d[8,8] kernel 3 relu\n  mlp[ 8 ]relu\n  output v[2] over window\n}\n\
                data d = csv(\"d.csv\") { time t; missing(\"NA\",\"-\"); x = x }\n\
                data g = simulate M { from(1,1); steps 10; dt 0.1 }\n\
                model M {\n  index cell = 1 .. 10\n  state x, u[ cell ] [ m / s ]\n  param k = 1 in[0,2]\n  x' = if(x>1)then(k)else(x)\n  \
                for i in 1 ..10 { u[ i ]' = sum(j in 1.. 3)(x + u[ j - 0 ]) }\n}\nuse std . systems . Lorenz63\n";
    insta::assert_snapshot!(formatted(text), @r#"
    network net {
      input (x, y) over window
      conv1d [8, 8] kernel 3 relu
      mlp [8] relu
      output v[2] over window
    }
    data d = csv("d.csv") { time t; missing ("NA", "-"); x = x }
    data g = simulate M { from (1, 1); steps 10; dt 0.1 }
    model M {
      index cell = 1..10
      state x, u[cell] [m/s]
      param k = 1 in [0, 2]
      x' = if (x > 1) then (k) else (x)
      for i in 1..10 { u[i]' = sum(j in 1..3) (x + u[j-0]) }
    }
    use std.systems.Lorenz63
    "#);
}
