//! What cannot be exported.

use mechc::driver::Failure;
use mechc::export::Format;

use super::export;

fn refusal(text: &str, format: Format, digits: Option<u8>) -> String {
    match export(text, format, digits) {
        Err(Failure::Usage(problem)) => {
            assert!(!problem.help.is_empty(), "{problem:?}");
            format!("{}: {}\n  {}", problem.code, problem.message, problem.help)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals() {
    let model = |body: &str| format!("model M {{ state x; {body}; initial x = 1 }}");
    let cases = [
        (model("x' = ?poly(x; degree = 1)"), Format::Latex, None),
        (model("param k; x' = -k*x"), Format::Text, None),
        (model("input u; x' = u"), Format::Diffsl, None),
        (model("x' = atan(x)"), Format::Diffsl, None),
        (model("x' = if x > 0 then sqrt(x) else 0"), Format::Diffsl, None),
        (model("x' = if x > 0 then 1/x else 0"), Format::Diffsl, None),
        ("model M { state x order 2; x'' = -x; initial x = 1 }".to_string(), Format::Diffsl, None),
        (model("x' = -x"), Format::Json, Some(3)),
        (model("x' = -x") + "\nmodel N { state y; y' = y }", Format::Text, None),
        ("data d = csv(\"d.csv\") { time t }".to_string(), Format::Text, None),
    ];
    let shown: Vec<String> = cases.iter().map(|(text, format, digits)| refusal(text, *format, *digits)).collect();
    insta::assert_snapshot!(shown.join("\n"));
}
