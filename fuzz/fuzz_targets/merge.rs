#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reloadable_fuzz::merge(bytes));
