//! Tests of the server against real parts that the tests start themselves.

mod store;
