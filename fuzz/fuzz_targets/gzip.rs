//! Any bytes as a file, and as the tar in one.
#![no_main]

use krt::{CheckError, Limits, Packing, Reading, check_as};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { max_unpacked_bytes: 1 << 20, ratio_free_bytes: 64 << 10, ..Limits::DEFAULT };

fuzz_target!(|bytes: &[u8]| {
    for packing in [Packing::Gzip, Packing::Tar] {
        match check_as(bytes, &LIMITS, &Reading { packing, ..Reading::WHOLE }) {
            Ok(checked) => assert!(checked.complete),
            Err(CheckError::Refused { problems, .. }) => assert!(!problems.is_empty()),
            Err(CheckError::TooLarge { message, .. }) => assert!(!message.is_empty()),
            Err(CheckError::Read(error)) => panic!("memory does not fail: {error}"),
        }
    }
});
