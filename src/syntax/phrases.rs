//! What stood to be expected at a place, in the user's terms.

use super::grammar::Rule;

/// `a, b or c`, each once.
pub(super) fn list(expected: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    // After a value a suffix could always follow; naming it hides what matters.
    let after_value = expected.contains(&Rule::add);
    let is_suffix = |rule: &Rule| {
        matches!(
            rule,
            Rule::dot | Rule::open_bracket | Rule::open_paren | Rule::arguments | Rule::at_least | Rule::at_most
        )
    };
    // The brackets of index sets follow a declared name without a blank, where most names have none.
    let declared = expected.len() > 1 && [Rule::kw_order, Rule::comma, Rule::is].iter().any(|r| expected.contains(r));
    let shown = |rule: &&Rule| !(declared && **rule == Rule::open_bracket);
    for word in
        expected.iter().filter(shown).filter(|r| !(after_value && is_suffix(r))).filter_map(|&rule| phrase(rule))
    {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        None => "something else".to_string(),
        Some((last, [])) => last.to_string(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// How a rule is called in a message; nothing for what would only lengthen it.
fn phrase(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => "the end of the statement",
        Rule::word | Rule::name | Rule::fit_data | Rule::state_decl | Rule::param_decl | Rule::binding => "a name",
        Rule::declared | Rule::quantity | Rule::index_decl => "a name",
        Rule::initial_decl | Rule::final_decl | Rule::initial_target => "a state",
        Rule::number | Rule::decimal => "a number",
        Rule::text => "a string",
        Rule::equation => "a declaration or an equation",
        Rule::setting => "the name of a setting",
        Rule::setting_value => "a value",
        Rule::expr | Rule::operand | Rule::named | Rule::reference | Rule::hole | Rule::group => "an expression",
        Rule::range => "a range such as `1..10`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::dots => "`..`",
        Rule::list => "a list",
        Rule::add | Rule::subtract | Rule::multiply | Rule::divide | Rule::power => "an operator",
        Rule::arguments | Rule::open_paren => "`(`",
        Rule::close_paren => "`)`",
        Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::bounds | Rule::kw_in => "`in`",
        Rule::is | Rule::is_between => "`=`",
        Rule::at_least => "`>=`",
        Rule::at_most => "`<=`",
        Rule::dot => "`.`",
        Rule::comma => "`,`",
        Rule::semicolon => "`;`",
        Rule::unit_product | Rule::unit_factor | Rule::unit_one => "a unit",
        Rule::unit_power | Rule::unit_digits => "a whole number of at most two digits",
        Rule::measured => "a number",
        Rule::kw_order => "`order`",
        Rule::kw_over => "`over`",
        Rule::kw_time => "`time`",
        Rule::kw_init => "`init`",
        Rule::per_sample | Rule::kw_per => "`per sample`",
        Rule::kw_sample => "`sample`",
        Rule::kw_fixed => "`fixed`",
        Rule::kw_held => "`held`",
        Rule::kw_impulse => "`impulse`",
        Rule::kw_to => "`to`",
        Rule::kw_fit => "a fit",
        Rule::kw_as => "`as`",
        Rule::kw_expect => "`expect`",
        Rule::kw_of => "`of`",
        Rule::kw_within => "`within`",
        Rule::kw_snapshot => return None,
        Rule::set | Rule::open_brace => "a set",
        Rule::close_brace => "`}`",
        Rule::equals | Rule::differs | Rule::nearly | Rule::less | Rule::greater => "a comparison",
        Rule::claim | Rule::side => "an expression",
        Rule::kw_simulate | Rule::simulation => "`simulate`",
        Rule::kw_formula => "`formula`",
        Rule::solution => "a model",
        Rule::kw_steps => "`steps`",
        Rule::kw_last => "`last`",
        Rule::for_steps | Rule::at_last => return None,
        Rule::data_file => "a file such as `csv(\"data.csv\")`",
        // Suffixes and signs could stand in many places; naming them hides what matters.
        _ => return None,
    })
}

/// How a statement or a header is written, where that is short.
pub(super) fn form(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::use_item => "an import names a file and an item in it: `use std.systems.Lorenz63`",
        Rule::model_header => "a model has a name: `model Name { ... }`",
        Rule::network_header => "a network has a name: `network Name { ... }`",
        Rule::data_header => "a data set has a name and a source: `data run = csv(\"run.csv\") { time t }`",
        Rule::fit_header => "a fit names a model and data: `fit Model to data`, `fit Model to (a, b)`",
        Rule::test_header => "a test has a name in quotes: `test \"name\" { ... }`",
        Rule::unit_item => "a unit is declared as `unit hare` or `unit furlong = 201.168 [m]`",
        Rule::index_statement => "an index set has a name and a size or a range: `index cell = 100`, `index k = 0..4`",
        Rule::for_header => "a loop runs over an index set or a range: `for i in 1..5 { ... }`",
        Rule::fn_statement => "a function has arguments and a value: `fn f(x, k) = k*x`",
        Rule::state_statement => "states are declared as `state x, y order 2`",
        Rule::param_statement => "parameters are declared as `param a = 1 in [0, 2]`, `param a, b per sample`",
        Rule::step_statement => "steps are learned as `step per sample` or `step over time init 0.1`",
        Rule::hole_statement => "a hole with a name is written `hole g = ?poly(x; degree = 3)`",
        Rule::const_statement => "constants are declared as `const c = 8/3`",
        Rule::input_statement => {
            "inputs are declared as `input u, v`, those that are held or come as impulses in statements of their own: `input u held`, `input dose [mg/h] impulse`"
        }
        Rule::field_statement => "fields are declared as `field c over time init 0.5`",
        Rule::let_statement => "an expression is named as `let q = a*x`",
        Rule::initial_statement => {
            "values at the first time are written `initial x = 1`, `initial x = data.x for 50 steps` or `initial x = data.x at last`"
        }
        Rule::final_statement => "values at the last time are written `final x = 1`",
        Rule::boundary_statement => "write `boundary periodic`",
        Rule::time_statement => "the unit of the time stands in brackets: `time [s]`",
        Rule::expectation => "an expectation compares two sides: `expect x ~= 3 within 2%`",
        _ => return None,
    })
}
