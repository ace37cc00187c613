//! The build script of every function: its release binary is linked at a fixed address.
//!
//! A binary that may be loaded anywhere holds some 12,000 pointers which the loader has to correct before `main`, copying
//! each page that has one: a twentieth of a start (`cargo bench -p tests --bench start`). What that would buy is little
//! here: libraries, heap and stack lie at random addresses all the same, and the code has no `unsafe` of ours.

fn main() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    println!("cargo:rerun-if-changed=../link.rs");
}
