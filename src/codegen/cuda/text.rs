//! Numbers, sizes and names as C++ text.

use crate::artifact::{Entry, Size};
use crate::base::Elem;

/// The type of a number.
pub(super) fn elem(elem: Elem) -> &'static str {
    match elem {
        Elem::F32 => "float",
        Elem::F64 => "double",
    }
}

/// A literal with exactly this value.
pub(super) fn number(value: f64, elem: Elem) -> String {
    let suffix = if elem == Elem::F32 { "f" } else { "" };
    if value.is_nan() {
        return format!("(0.0{suffix} / 0.0{suffix})");
    }
    if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("({sign}1.0{suffix} / 0.0{suffix})");
    }
    let digits = match elem {
        Elem::F32 => format!("{:?}f", value as f32),
        Elem::F64 => format!("{value:?}"),
    };
    if value.is_sign_negative() { format!("({digits})") } else { digits }
}

/// A size in terms of the parameters `s0`, `s1`, ...: the sizes of axes that each call binds.
pub(super) fn size(entry: &Entry, size: &Size) -> String {
    let mut factor = size.factor;
    let mut names = Vec::new();
    for &axis in &size.axes {
        match entry.axes.get(axis as usize).and_then(|a| a.size) {
            Some(known) => factor = factor.saturating_mul(known as u64),
            None => names.push(format!("s{axis}")),
        }
    }
    if factor != 1 || names.is_empty() {
        names.insert(0, if factor > i32::MAX as u64 { format!("{factor}ull") } else { factor.to_string() });
    }
    names.join(" * ")
}

/// The number of a size all of whose axes are known.
pub(super) fn known(entry: &Entry, size: &Size) -> Option<u64> {
    size.axes.iter().try_fold(size.factor, |product, &axis| {
        let known = entry.axes.get(axis as usize)?.size?;
        product.checked_mul(known as u64)
    })
}

/// A part of a kernel's name, from any name.
pub(super) fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Text that cannot end a comment.
pub(super) fn comment(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().replace('\\', "/").replace("*/", "* /")
}

/// Lines two columns further to the right.
pub(super) fn further_in(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}
