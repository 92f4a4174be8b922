//! Placeholder until the laws below are written.
