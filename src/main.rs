//! The command line of Collavoce.
fn main() {}
