//! Text to syntax tree: the pest grammar of `grammar/mech.pest`, the tree with a span on every node, and the parser.

pub mod ast;
