//! The nouns of the product and their invariants. Imports nothing but std and serde.
