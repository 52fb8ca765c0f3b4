//! The table of every stable code: one line each, so that adding a code is one line.

/// A stable code with what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, such as `E0101`.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What causes it and what to do.
    pub explanation: &'static str,
}

/// The entry of `code`, in any letter case.
pub fn lookup(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|c| c.code.eq_ignore_ascii_case(code))
}

/// `NAME "title" "explanation";` makes a constant `NAME` holding its own name and an entry of [`ALL`].
macro_rules! codes {
    ($($name:ident $title:literal $explanation:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = stringify!($name);)*

        /// Every code, in order.
        pub static ALL: &[Code] =
            &[$(Code { code: stringify!($name), title: $title, explanation: $explanation }),*];
    };
}

codes! {
    // Syntax.
    E0101 "unexpected text" "The text at this place does not continue what was begun. The message says what could stand there. A newline ends a statement except inside parentheses and brackets.";
    E0102 "unterminated string" "A string starts and ends with a double quote on the same line.";
    E0103 "unclosed bracket or block" "An opening bracket or brace has no closing one. The place shown is the opening one.";
    E0104 "closing bracket without its opening one" "A closing bracket or brace has no opening one, or closes one of another shape.";
    E0105 "nested too deeply" "Brackets, prefix operators and powers nest at most 256 deep, and an expression is at most 1000 operations deep. Name parts of it with `let`.";
    E0106 "number out of range" "A number must be representable as a 64-bit float: its magnitude lies between about 5e-324 and 1.8e308, or it is zero.";
    E0107 "missing operator" "Two values stand side by side. Multiplication is always written: `2*x`, `a*(b + c)`.";
    E0108 "character without meaning" "The character is not part of the language. Characters that only look like one (a typographic minus, a no-break space) are named with the one to write.";
    E0109 "invisible direction control" "Bidirectional control characters make text appear in an order other than the one that is compiled, so they are refused everywhere, also in strings and comments.";
    E0110 "not a text file" "The file holds a NUL character: it is binary, or text in an encoding other than UTF-8.";
    E0111 "not an item" "At the top level of a file stand only `use`, `model`, `network`, `data` and `fit`.";
    E0112 "not a statement of a model" "Inside a model stand `state`, `param`, `const`, `input`, `let`, `initial` and equations.";
    E0113 "item without its block" "A model and a network have a block: `model Name { ... }`.";
    E0114 "unknown escape in a string" "Inside a string `\\\\`, `\\\"`, `\\n` and `\\t` are known. Paths are written with `/` on every system.";
    E0115 "keyword used as a name" "The word starts a declaration or an item, so nothing can be named by it.";
    E0116 "too large" "A file has at most 16 MB and 500,000 words, numbers and symbols; a statement at most 50,000; a name at most 255 bytes; a number at most 400 digits.";
    E0117 "positional argument after a named one" "Positional arguments come first: `poly(x, y; degree = 2)`.";
    E0118 "nothing in the file" "The file declares no model, network, data or fit.";
    E0119 "malformed number" "Numbers are written `12`, `1.5`, `2e-3`, `5%`: digits on both sides of a decimal point, no separators.";
    E0120 "too many syntax errors" "Reading stopped after 50 errors; the file may not be a model at all.";
    E0121 "equation without an equals sign" "An equation has two sides with `=` between them: `x' = -k*x`.";
}
