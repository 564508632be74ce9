#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gandle::fuzzing::traced(bytes));
