//! Devices that a run can compute on, as `train.device` names them.

/// Those that this build can use: what the window offers, and what is told where another is asked for. `cuda` is the first card;
/// more than four of them can be named, too.
pub fn devices() -> Vec<&'static str> {
    let mut names = vec!["auto", "cpu"];
    if cfg!(feature = "cuda") {
        names.extend(["cuda", "cuda:0", "cuda:1", "cuda:2", "cuda:3"]);
    }
    if cfg!(feature = "metal") {
        names.push("metal");
    }
    names
}
