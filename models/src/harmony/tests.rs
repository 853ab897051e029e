//! Tests of the harmony network.
