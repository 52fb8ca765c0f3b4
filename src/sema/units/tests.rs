//! Units of models, found and refused.
