//! Any bytes as a file.
#![no_main]

use krt::{CheckError, Limits, check};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { max_unpacked_bytes: 1 << 20, ratio_free_bytes: 64 << 10, ..Limits::DEFAULT };

fuzz_target!(|bytes: &[u8]| match check(bytes, &LIMITS) {
    Ok(checked) => assert!(checked.complete),
    Err(CheckError::Refused { problems, .. }) => assert!(!problems.is_empty()),
    Err(CheckError::TooLarge { message, .. }) => assert!(!message.is_empty()),
    Err(CheckError::Read(error)) => panic!("memory does not fail: {error}"),
});
