//! The gradient engine on a compiled model.
