//! Greek letters: their names in ASCII, and which of those are commands of LaTeX.

/// Letter and name.
const LETTERS: [(char, &str); 52] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('ο', "omicron"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('Α', "Alpha"),
    ('Β', "Beta"),
    ('Γ', "Gamma"),
    ('Δ', "Delta"),
    ('Ε', "Epsilon"),
    ('Ζ', "Zeta"),
    ('Η', "Eta"),
    ('Θ', "Theta"),
    ('Ι', "Iota"),
    ('Κ', "Kappa"),
    ('Λ', "Lambda"),
    ('Μ', "Mu"),
    ('Ν', "Nu"),
    ('Ξ', "Xi"),
    ('Ο', "Omicron"),
    ('Π', "Pi"),
    ('Ρ', "Rho"),
    ('Σ', "Sigma"),
    ('Τ', "Tau"),
    ('Υ', "Upsilon"),
    ('Φ', "Phi"),
    ('Χ', "Chi"),
    ('Ψ', "Psi"),
    ('Ω', "Omega"),
    ('ς', "varsigma"),
    ('ϕ', "varphi"),
    ('ϑ', "vartheta"),
    ('µ', "mu"),
];

/// Capitals that look like Latin letters, and small omicron: LaTeX has no commands for them.
const WITHOUT_COMMAND: [&str; 14] =
    ["omicron", "Alpha", "Beta", "Epsilon", "Zeta", "Eta", "Iota", "Kappa", "Mu", "Nu", "Omicron", "Rho", "Tau", "Chi"];

/// The name of a Greek letter.
pub(super) fn name(letter: char) -> Option<&'static str> {
    LETTERS.iter().find(|(c, _)| *c == letter).map(|(_, name)| *name)
}

/// Whether `name` is the name of a Greek letter that LaTeX has a command for.
pub(super) fn is_command(name: &str) -> bool {
    LETTERS.iter().any(|(_, n)| *n == name) && !WITHOUT_COMMAND.contains(&name)
}
