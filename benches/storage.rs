//! Durable commits beside redb alone.

fn main() {}
