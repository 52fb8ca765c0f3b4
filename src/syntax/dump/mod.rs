//! The tree as text: one statement per line, expressions as S-expressions. Byte-stable; spans are left out.

use std::fmt::Write as _;

mod expr;
mod model;

pub use expr::dump_expr;

use self::expr::{write_expr, write_node};
use self::model::{dump_model_item, write_binding, write_function, write_unit};
use super::ast::*;

/// The whole tree.
pub fn dump(file: &File) -> String {
    let mut out = String::new();
    for line in &file.doc {
        let _ = writeln!(out, "doc {line:?}");
    }
    for item in &file.items {
        dump_item(&mut out, item);
    }
    out
}

fn dump_item(out: &mut String, item: &Item) {
    match item {
        Item::Use(item) => {
            let path: Vec<&str> = item.path.iter().map(|i| i.name.as_str()).collect();
            let _ = writeln!(out, "use {}", path.join("."));
        }
        Item::Model(model) => {
            dump_doc(out, &model.doc);
            let _ = writeln!(out, "model {}", model.name.name);
            model.body.iter().for_each(|item| dump_model_item(out, item, 1));
        }
        Item::Network(block) => {
            dump_doc(out, &block.doc);
            let _ = writeln!(out, "network {}", block.name.name);
            dump_settings(out, &block.settings);
        }
        Item::Data(data) => {
            dump_doc(out, &data.doc);
            let keyword = match data.source {
                DataSource::Solve { .. } => "solve",
                DataSource::Predict(_) => "predict",
                _ => "data",
            };
            let _ = write!(out, "{keyword} {} = ", data.name.name);
            match &data.source {
                DataSource::File { format, path } => {
                    let _ = writeln!(out, "{} {}", format.name, dump_expr(path));
                }
                DataSource::Simulate { model, arguments } => {
                    let _ = write!(out, "simulate {}", model.name);
                    arguments.iter().for_each(|b| write_binding(out, b));
                    out.push('\n');
                }
                DataSource::Formula(_) => out.push_str("formula\n"),
                DataSource::Predict(of) => {
                    let _ = writeln!(out, "{}", of.name);
                }
                DataSource::Solve { model, arguments } => {
                    out.push_str(&model.name);
                    arguments.iter().for_each(|b| write_binding(out, b));
                    out.push('\n');
                }
            }
            dump_settings(out, &data.settings);
        }
        Item::Test(test) => {
            dump_doc(out, &test.doc);
            let _ = writeln!(out, "test {:?}", test.name.name);
            test.expectations.iter().for_each(|e| dump_claim(out, &e.claim));
        }
        Item::Fit(fit) => {
            dump_doc(out, &fit.doc);
            let data: Vec<&str> = fit.data.iter().map(|d| d.name.as_str()).collect();
            let data = if let [one] = data.as_slice() { (*one).to_string() } else { format!("({})", data.join(", ")) };
            let _ = write!(out, "fit {}", fit.model.name);
            fit.arguments.iter().for_each(|b| write_binding(out, b));
            let _ = write!(out, " to {data}");
            if let Some(name) = &fit.name {
                let _ = write!(out, " as {}", name.name);
            }
            out.push('\n');
            dump_settings(out, &fit.settings);
        }
        Item::Unit(unit) => {
            let _ = write!(out, "unit {}", unit.name.name);
            if let Some((value, of)) = &unit.value {
                let _ = write!(out, " = {value:?}");
                write_unit(out, Some(of));
            }
            out.push('\n');
        }
        Item::Function(function) => {
            write_function(out, function);
            out.push('\n');
        }
    }
}

fn dump_doc(out: &mut String, doc: &[String]) {
    for line in doc {
        let _ = writeln!(out, "doc {line:?}");
    }
}

fn dump_claim(out: &mut String, claim: &Claim) {
    match claim {
        Claim::Compare { left, comparison, right, within } => {
            out.push_str("  expect ");
            write_side(out, left);
            let _ = write!(out, " {} ", comparison.symbol());
            write_side(out, right);
            if let Some(within) = within {
                let _ = write!(out, " within {}", dump_expr(within));
            }
        }
        Claim::Snapshot { what, of } => {
            let _ = write!(out, "  expect snapshot {}", what.name);
            if let Some(of) = of {
                let _ = write!(out, " of {}", of.name);
            }
        }
    }
    out.push('\n');
}

fn write_side(out: &mut String, side: &Side) {
    match side {
        Side::Expr(expr) => write_expr(out, expr),
        Side::Set(elements, _) => write_node(out, "set", elements),
    }
}

fn dump_settings(out: &mut String, settings: &[Setting]) {
    for setting in settings {
        let _ = write!(out, "  {}:", setting.key.name);
        for value in &setting.values {
            out.push(' ');
            match value {
                SettingValue::Expr(expr) => write_expr(out, expr),
                SettingValue::List(elements, _) => write_node(out, "list", elements),
                SettingValue::Tuple(elements, _) => write_node(out, "tuple", elements),
                SettingValue::Equals(_) => out.push('='),
            }
        }
        out.push('\n');
    }
}
