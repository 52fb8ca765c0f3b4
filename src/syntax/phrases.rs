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
